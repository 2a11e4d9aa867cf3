#include "replay/audit/audit.h"

#include <gmock/gmock.h>

#include "replay/audit/texts.h"

namespace keytrail::replay {
namespace {

using testing::HasSubstr;
using testing::Not;

Fact fact_of(Event event, std::string user = "bob") {
  ActionId action;
  action.bytes.fill(0x7f);
  return {
      Stamp{.position = 42,
            .time = 1'795'507'200'123'456'789,
            .author = "vcenter/vc-1",
            .previous = {}},
      Body{.stream = "vcenter/vc-1/vm/vm-1",
           .user = std::move(user),
           .origin = {.address = "127.0.0.1:4711", .certificate_fingerprint = {}, .session = {}},
           .action = action,
           .attachments = {},
           .event = std::move(event)}};
}

Fact denial() {
  return fact_of(vcenter::Event(vcenter::PrivilegeChecked{.privilege = "Cryptographer.Decrypt",
                                                          .entity = "vm-1",
                                                          .granted = false,
                                                          .role = "No cryptography administrator",
                                                          .principal = "operators",
                                                          .is_group = true,
                                                          .inherited_from = "dc-1",
                                                          .rights_position = 17}));
}

TEST(AuditTest, ADenialSaysWhatDecidedAndWhereItWasInheritedFrom) {
  const AuditRow row = audit_row_of(denial());
  EXPECT_EQ(row.user, "bob");
  EXPECT_EQ(row.origin, "127.0.0.1:4711");
  EXPECT_EQ(row.operation, "Check privilege");
  EXPECT_EQ(row.object, "entity/vm-1");
  EXPECT_EQ(row.outcome, Outcome::kRefused);
  EXPECT_EQ(
      row.detail,
      "Cryptographer.Decrypt denied by role No cryptography administrator of group operators, "
      "inherited from dc-1, rights as of 17");
}

TEST(AuditTest, ADenialWithoutAnyPermissionSaysSo) {
  const AuditRow row = audit_row_of(fact_of(vcenter::Event(
      vcenter::PrivilegeChecked{.privilege = "Cryptographer.Encrypt", .rights_position = 3})));
  EXPECT_EQ(row.detail, "Cryptographer.Encrypt denied: no permission applies, rights as of 3");
  EXPECT_EQ(row.object, "entity/(root)");
}

TEST(AuditTest, AKmipRefusalUsesTheWordsOfTheStandard) {
  const AuditRow row = audit_row_of(fact_of(kms::Event(kms::OperationRefused{
      .operation = 0x0A, .object = "k-1", .client = "db", .reason = 0x0C, .detail = "not yours"})));
  EXPECT_EQ(row.operation, "Get: refused");
  EXPECT_EQ(row.detail, "Permission Denied: not yours");
  EXPECT_EQ(row.key, "k-1");
}

TEST(AuditTest, RowsLineUpUnderTheirHeader) {
  const std::string header = audit_header(AuditFormat::kTable);
  const std::string line = audit_line(audit_row_of(denial()), AuditFormat::kTable);
  EXPECT_EQ(header.find("OPERATION"), line.find("Check privilege"));
  EXPECT_EQ(header.find("OUTCOME"), line.find("refused"));
  EXPECT_EQ(header.find("DETAIL"), line.find("Cryptographer.Decrypt denied"));
  EXPECT_THAT(line, testing::StartsWith("2026-11-24 08:00:00.123"));
}

TEST(AuditTest, CsvHasAsManyCellsAsItsHeaderAndQuotesWhatItMust) {
  AuditRow row = audit_row_of(
      fact_of(vcenter::Event(vcenter::LoginRefused{.user = "x", .reason = "a \"quoted\", word"})));
  row.user = "=cmd|' /C calc'!A0";
  const std::string line = audit_line(row, AuditFormat::kCsv);
  EXPECT_THAT(line, HasSubstr("\"a \"\"quoted\"\", word\""));
  EXPECT_THAT(line, HasSubstr("'=cmd"));
  const auto commas = [](const std::string& text) {
    return std::count(text.begin(), text.end(), ',');
  };
  EXPECT_EQ(commas(line), commas(audit_header(AuditFormat::kCsv)) + 1);  // One is quoted.
}

TEST(AuditTest, JsonLinesAreObjectsOfTexts) {
  EXPECT_EQ(audit_header(AuditFormat::kJsonl), "");
  EXPECT_THAT(audit_line(audit_row_of(denial()), AuditFormat::kJsonl),
              HasSubstr(R"("position":"42","user":"bob","origin":"127.0.0.1:4711")"));
}

TEST(AuditTest, ControlCharactersOfAClientDoNotReachTheTerminal) {
  const Fact fact = fact_of(
      vcenter::Event(vcenter::LoginRefused{.user = "x\n43 root\x1b[2J", .reason = "\r\nforged"}),
      "x\n43 root\x1b[2J");
  for (const std::string& line :
       {audit_line(audit_row_of(fact), AuditFormat::kTable),
        audit_line(audit_row_of(fact), AuditFormat::kCsv), event_line(fact)}) {
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, Not(HasSubstr("\r")));
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
  }
}

TEST(AuditTest, AFormatThatIsNotKnownIsRefusedWithTheChoice) {
  EXPECT_EQ(audit_format_from("csv").value(), AuditFormat::kCsv);
  EXPECT_FALSE(audit_format_from("text").ok());  // A word of `events`.
  EXPECT_THAT(audit_format_from("xml").error().detail, HasSubstr("table, csv or jsonl"));
}

TEST(EventLineTest, NamesWhatTheFactIsAbout) {
  const std::string line = event_line(fact_of(vcenter::Event(
      vcenter::EncryptionOrdered{.vm = "vm-1", .host = "host-1", .key = {"prod", "k-1"}})));
  EXPECT_EQ(line,
            "42      08:00:00.123  vcenter/vc-1        EncryptionOrdered       "
            "user=bob  vm=vm-1  key=prod/k-1  host=host-1");
}

template <class OfPart, std::size_t... kIndex>
void expect_texts(std::index_sequence<kIndex...>) {
  for (const Event& event : {Event(OfPart(std::variant_alternative_t<kIndex, OfPart>{}))...}) {
    EXPECT_NE(text_of(event).operation, "") << type_of(event);
  }
}

TEST(TextsTest, EveryEventHasItsOperation) {
  expect_texts<part::Event>(std::make_index_sequence<std::variant_size_v<part::Event>>{});
  expect_texts<kms::Event>(std::make_index_sequence<std::variant_size_v<kms::Event>>{});
  expect_texts<esxi::Event>(std::make_index_sequence<std::variant_size_v<esxi::Event>>{});
  expect_texts<eventstore::Event>(
      std::make_index_sequence<std::variant_size_v<eventstore::Event>>{});
}

}  // namespace
}  // namespace keytrail::replay
