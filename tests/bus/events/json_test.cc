#include "bus/events/json.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <limits>

namespace keytrail {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

TEST(EventJsonTest, WritesHashesAsHexAndWordsInCamelCase) {
  const Event event = kms::Event(kms::KeyRevoked{.object = "k-1",
                                                 .reason = 2,
                                                 .message = "stolen",
                                                 .state = kms::ObjectState::kDestroyedCompromised});
  EXPECT_EQ(event_to_json(event),
            R"({"object":"k-1","reason":2,"message":"stolen","state":"destroyedCompromised",)"
            R"("compromiseDate":"0"})");
}

TEST(EventJsonTest, WritesA64BitNumberAsText) {
  const Event event = kms::Event(
      kms::KeyDestroyed{.object = "k", .leaf = std::numeric_limits<std::uint64_t>::max()});
  EXPECT_THAT(event_to_json(event), HasSubstr(R"("leaf":"18446744073709551615")"));
}

TEST(EventJsonTest, ReplacesBytesThatAreNoUtf8AndEscapesControls) {
  const Event event = vcenter::Event(vcenter::LoginRefused{
      .user = std::string("\xC3\x28\xED\xA0\x80\n\0\x1b[31m", 11), .reason = "\xF0\x9F\x94\x91"});
  const std::string text = event_to_json(event);
  EXPECT_TRUE(json::parse(text).is_object());
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("\xEF\xBF\xBD("));
  EXPECT_THAT(text, HasSubstr("\xF0\x9F\x94\x91"));
}

TEST(CloudEventTest, LeavesOutWhatDoesNotApply) {
  const Body body{.stream = "kms/kms-1/epoch",
                  .user = {},
                  .origin = {},
                  .action = {},
                  .attachments = {},
                  .event = part::Event(part::PartStarted{.epoch = 1})};
  const auto event =
      json::parse(to_cloudevent({Stamp{.position = 1, .author = "kms/kms-1"}, body}, Hash{}, "log"))
          .as_object();
  EXPECT_EQ(event.at("type"), "keytrail.part.PartStarted");
  EXPECT_EQ(event.at("source"), "//keytrail/log/kms/kms-1");
  EXPECT_EQ(event.at("subject"), "kms/kms-1");
  EXPECT_EQ(event.at("sequence"), "00000000000000000001");
  EXPECT_EQ(event.at("authtype"), "unauthenticated");
  EXPECT_FALSE(event.contains("traceparent"));
  EXPECT_FALSE(event.contains("causationid"));
}

TEST(TimeTextTest, ReadsWhatItWritesAndShorterForms) {
  const TimeNs time = 1'795'507'200'123'456'789;
  EXPECT_EQ(to_rfc3339(time), "2026-11-24T08:00:00.123456789Z");
  EXPECT_EQ(time_from_rfc3339(to_rfc3339(time)).value(), time);
  EXPECT_EQ(time_from_rfc3339("2026-11-24T08:00:00Z").value(), 1'795'507'200'000'000'000u);
  EXPECT_EQ(time_from_rfc3339("2026-11-24T08:00:00.5Z").value(), 1'795'507'200'500'000'000u);
  EXPECT_EQ(time_from_rfc3339("2026-11-24").value(), 1'795'478'400'000'000'000u);
  EXPECT_EQ(time_from_rfc3339("1970-01-01T00:00:00Z").value(), 0u);
}

TEST(TimeTextTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "now", "2026-13-01", "2026-02-30", "2026-11-24T08:00:00", "2026-11-24T24:00:00Z",
        "2026-11-24T08:60:00Z", "2026-11-24T08:00:00.Z", "2026-11-24T08:00:00.1234567890Z",
        "1969-12-31T23:59:59Z", "9999-01-01", "2026-11-24T08:00:00Z ", "2026-11-24T08:00:00+01:00",
        "-026-11-24", "2026-+1-24"}) {
    EXPECT_FALSE(time_from_rfc3339(text).ok()) << text;
  }
}

}  // namespace
}  // namespace keytrail
