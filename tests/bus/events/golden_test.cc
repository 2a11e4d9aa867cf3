// Every event ever shipped stays readable, and says what it said.
//
// tests/golden/events has, for each event and each version of its fields, the bytes of one body
// with every field set (NAME_v1.bin) and its CloudEvents form (NAME_v1.json). A new event or field
// fails here until KEYTRAIL_UPDATE_GOLDEN=1 has written the files that are missing; nothing is ever
// overwritten.
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bus/events/codec.h"
#include "bus/events/json.h"
#include "tests/bus/events/sample_bodies.h"

namespace keytrail {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

const fs::path kFolder = fs::path(KEYTRAIL_SOURCE_DIR) / "tests/golden/events";

std::string snake(std::string_view camel) {
  std::string text;
  for (const char c : camel) {
    if (c >= 'A' && c <= 'Z' && !text.empty()) text += '_';
    text += static_cast<char>(std::tolower(c));
  }
  return text;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string cloudevent_of(ByteView body) {
  Stamp stamp{.position = 42,
              .time = 1'795'507'200'000'000'001,
              .author_epoch = 3,
              .request = 7,
              .version = 5,
              .previous_in_stream = 40,
              .author = "part/sample-1",
              .previous = {}};
  stamp.previous.fill(0xab);
  const auto encoded = encode_stamp(stamp);
  const auto decoded = decode_body(body);
  if (!decoded.ok()) return decoded.error().detail;
  return to_cloudevent({stamp, decoded.value()}, leaf_of(encoded, body), "golden");
}

// Whether `now` still says all that `then` said; members may have been added since.
bool says_what_it_said(const json::value& then, const json::value& now) {
  if (then.is_object() && now.is_object()) {
    for (const auto& member : then.get_object()) {
      const auto* value = now.get_object().if_contains(member.key());
      if (value == nullptr || !says_what_it_said(member.value(), *value)) return false;
    }
    return true;
  }
  if (then.is_array() && now.is_array()) {
    const auto& before = then.get_array();
    const auto& after = now.get_array();
    return before.size() == after.size() &&
           std::equal(before.begin(), before.end(), after.begin(), says_what_it_said);
  }
  return then == now;
}

class GoldenTest : public testing::TestWithParam<test::SampleBody> {};

TEST_P(GoldenTest, EveryVersionEverShippedIsReadAndTheNewestIsKept) {
  const test::SampleBody& sample = GetParam();
  bool newest_is_kept = false;
  int version = 1;
  fs::path path;
  for (;; ++version) {
    path = kFolder / (snake(sample.type) + "_v" + std::to_string(version) + ".bin");
    if (!fs::exists(path)) break;
    const std::string bytes = read_file(path);
    const auto body = decode_body(as_bytes(bytes));
    ASSERT_TRUE(body.ok()) << path << ": " << body.error().detail;
    EXPECT_EQ(type_of(body.value().event), sample.type) << path;
    const json::value then = json::parse(read_file(fs::path(path).replace_extension(".json")));
    const std::string now = cloudevent_of(as_bytes(bytes));
    EXPECT_TRUE(says_what_it_said(then, json::parse(now))) << path << "\nnow: " << now;
    newest_is_kept = to_bytes(as_bytes(bytes)) == sample.bytes;
  }
  if (!newest_is_kept && std::getenv("KEYTRAIL_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << as_text(sample.bytes);
    std::ofstream(path.replace_extension(".json")) << cloudevent_of(sample.bytes) << '\n';
    newest_is_kept = true;
  }
  EXPECT_TRUE(newest_is_kept) << "no golden file has all fields of " << sample.type
                              << ": run with KEYTRAIL_UPDATE_GOLDEN=1 and commit what it writes";
}

INSTANTIATE_TEST_SUITE_P(Events, GoldenTest, testing::ValuesIn(test::sample_bodies()),
                         [](const auto& sample) { return sample.param.type; });

TEST(GoldenFilesTest, EachBelongsToAnEventThatIsStillKnown) {
  std::vector<std::string> known;
  for (const auto& sample : test::sample_bodies()) known.push_back(snake(sample.type));
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    const std::string name = entry.path().stem().string();
    EXPECT_THAT(known, testing::Contains(name.substr(0, name.rfind("_v")))) << entry.path();
  }
}

}  // namespace
}  // namespace keytrail
