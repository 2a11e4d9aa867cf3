#include "replay/tool/reports.h"

#include <gmock/gmock.h>

#include "tests/replay/tool/memory_source.h"

namespace keytrail::replay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Lines {
  std::vector<std::string> lines;
  Print print() {
    return [this](const std::string& line) { lines.push_back(line); };
  }
};

MemorySource three_facts() {
  MemorySource source;
  source.add(part::Event(part::PartStarted{.epoch = 1}));
  source.add(vcenter::Event(vcenter::UserCreated{.user = "bob"}), "root", "vcenter/vc-1/any");
  source.add(vcenter::Event(vcenter::LoggedIn{.user = "bob"}), "bob", "vcenter/vc-1/any");
  return source;
}

Selection all() { return selection_of({}, 0).value(); }

TEST(ReportTest, PrintsEachSelectedFactOnce) {
  MemorySource source = three_facts();
  Lines out;
  Selection selection = all();
  selection.filter.types = {"vcenter.*"};
  const auto reported = report_events(source, selection, EventFormat::kText, "log", out.print());
  EXPECT_EQ(reported.value(), (Reported{.lines = 2, .unknown = 0}));
  EXPECT_THAT(out.lines, ElementsAre(HasSubstr("UserCreated"), HasSubstr("LoggedIn")));
}

TEST(ReportTest, HasAShortAndALongJsonForm) {
  MemorySource source = three_facts();
  Lines out;
  Selection selection = all();
  selection.from = {.kind = FromKind::kPosition, .position = 3};
  ASSERT_TRUE(report_events(source, selection, EventFormat::kJsonl, "log", out.print()).ok());
  ASSERT_TRUE(report_events(source, selection, EventFormat::kCloudevents, "log", out.print()).ok());
  EXPECT_THAT(out.lines, ElementsAre(testing::AllOf(StartsWith(R"({"position":"3",)"),
                                                    testing::EndsWith(R"("data":{"user":"bob"}})")),
                                     HasSubstr(R"("type":"keytrail.vcenter.LoggedIn")")));
}

TEST(ReportTest, AnAuditBeginsWithItsHeader) {
  MemorySource source = three_facts();
  Lines out;
  ASSERT_TRUE(report_audit(source, all(), AuditFormat::kCsv, out.print()).ok());
  ASSERT_EQ(out.lines.size(), 4u);
  EXPECT_THAT(out.lines[0], StartsWith("time,position,user"));
}

TEST(ReportTest, AuditHasItsHeaderWhereNothingIsSelectedAndNoneWhereNothingCanBeRead) {
  MemorySource empty, malformed = three_facts();
  Lines out;
  ASSERT_TRUE(report_audit(empty, all(), AuditFormat::kCsv, out.print()).ok());
  EXPECT_EQ(out.lines.size(), 1u);
  malformed.facts()[0].body.resize(24);
  Lines nothing;
  EXPECT_FALSE(report_audit(malformed, all(), AuditFormat::kCsv, nothing.print()).ok());
  EXPECT_TRUE(nothing.lines.empty());
}

TEST(ReportTest, NamesTheFactThatIsMalformed) {
  MemorySource source = three_facts();
  source.facts()[1].body.resize(24);
  Lines out;
  const auto reported = report_events(source, all(), EventFormat::kText, "log", out.print());
  ASSERT_FALSE(reported.ok());
  EXPECT_EQ(reported.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(reported.error().detail, StartsWith("fact 2: "));
  EXPECT_EQ(out.lines.size(), 1u);
}

TEST(ReportTest, BeginsToReadWhereTheTimeAskedForBegins) {
  MemorySource source = three_facts();
  Lines out;
  Selection selection = all();
  selection.from = {.kind = FromKind::kTime, .time = 3'000'000'000};
  ASSERT_TRUE(report_events(source, selection, EventFormat::kText, "log", out.print()).ok());
  EXPECT_THAT(out.lines, ElementsAre(HasSubstr("LoggedIn")));
  EXPECT_EQ(source.facts_read(), 1u);
}

// Bodies of an event and of its twin, which differ in the event's number alone: there a number that
// only a newer program knows is put.
Bytes of_newer_program(const Bytes& body, const Bytes& twin) {
  Bytes bytes = body;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != twin[i]) bytes[i] = 200;
  }
  return bytes;
}

TEST(StateAtTest, CountsTheFactsThatOnlyANewerProgramKnows) {
  MemorySource source;
  source.add(esxi::Event(esxi::EncryptionStarted{.vm = "v"}));
  source.add(esxi::Event(esxi::DecryptionStarted{.vm = "v"}));
  source.facts()[0].body = of_newer_program(source.facts()[0].body, source.facts()[1].body);
  ASSERT_EQ(decode_fact(source.facts()[0]).error().code, ErrorCode::kNotFound);
  const StateAt at = state_at(source, moment_text("end", 0).value()).value();
  EXPECT_EQ(at.unknown, 1u);
  EXPECT_EQ(at.state.position, 2u);
}

TEST(StateAtTest, StopsAtThePositionOrTheTimeAsked) {
  MemorySource source = three_facts();
  const auto at = [&](std::string_view moment) {
    const Result<StateAt> then = state_at(source, moment_text(moment, 0).value());
    return then.ok() ? Result<State>(then->state) : Result<State>(then.error());
  };
  EXPECT_EQ(at("end").value().position, 3u);
  EXPECT_EQ(at("1").value().position, 1u);
  EXPECT_FALSE(at("1").value().vcenters.contains("vc-1"));
  EXPECT_EQ(at("1970-01-01T00:00:02Z").value().position, 2u);
  EXPECT_THAT(at("1970-01-01T00:00:00Z").error().detail, HasSubstr("begins after that moment"));
  EXPECT_THAT(at("4").error().detail, HasSubstr("the log ends at 3"));
}

TEST(StateAtTest, TwoMomentsAreComparedInWords) {
  MemorySource source = three_facts();
  Lines out;
  report_diff(state_at(source, moment_text("1", 0).value()).value().state,
              state_at(source, moment_text("end", 0).value()).value().state, StateFormat::kText,
              out.print());
  EXPECT_THAT(out.lines, ElementsAre("+ user bob (vc-1)"));
}

}  // namespace
}  // namespace keytrail::replay
