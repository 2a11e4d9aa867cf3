// The JSON bodies of the read socket and the file `last`, byte for byte: what clients of other
// languages read and write, and what a part of an earlier version left behind.
#include "bus/wire/last_file.h"
#include "bus/wire/read_protocol.h"
#include "tests/support/golden.h"
#include "tests/support/memory_file_system.h"

namespace keytrail::wire {
namespace {

using test::golden;

Hash hash_of_number(std::uint8_t number) {
  Hash hash{};
  hash.fill(number);
  return hash;
}

template <class T>
void expect_kept(const std::string& verb, const T& value, Result<T> (*from)(ByteView)) {
  const std::string written = to_json(value);
  const Bytes kept = golden("read/" + verb + "_v1.json", as_bytes(written));
  EXPECT_EQ(as_text(kept), written) << verb;
  const Result<T> read = from(kept);
  ASSERT_TRUE(read.ok()) << verb << ": " << read.error().detail;
  EXPECT_EQ(*read, value) << verb;
}

const Selection kSelection{.topics = {"kms.change", "kms.note"},
                           .filter = {.types = {"KeyReleased"},
                                      .users = {"alice"},
                                      .keys = {"prod/k-1"},
                                      .vms = {"vm-1"},
                                      .hosts = {"host-1"},
                                      .actions = {"7f00"},
                                      .outcomes = {"refused", "failed"}},
                           .attachments = AttachmentsWanted::kSealed};

TEST(ReadGoldenTest, EveryVerbsBody) {
  expect_kept("hello",
              Hello{.form = PayloadForm::kCloudEvents,
                    .log = "000102030405060708090a0b0c0d0e0f",
                    .known = {2, ~Position{0}, hash_of_number(0xab)}},
              hello_from);
  expect_kept("welcome",
              Welcome{.log = "000102030405060708090a0b0c0d0e0f",
                      .generation = 3,
                      .first = 1,
                      .head = 7,
                      .topics = {"kms.change"},
                      .schema = 1,
                      .heartbeat_ms = 500},
              welcome_from);
  expect_kept("head",
              protocol::Head{.generation = 1,
                             .durable_head = 9,
                             .log_time = 1'795'507'200'000'000'001,
                             .last = {1, 2, 3, 4, 5, 6, 7, 9},
                             .leaf = hash_of_number(7)},
              head_from);
  expect_kept("read", ReadQuery{.after = 5, .until = 9, .limit = 100, .selection = kSelection},
              read_query_from);
  expect_kept("end", ReadEnd{.position = 4, .head = 5}, read_end_from);
  expect_kept("follow", FollowQuery{.after = 41, .credit = 10, .selection = kSelection},
              follow_query_from);
  expect_kept("follow_end", FollowQuery{.after = std::nullopt, .credit = 1, .selection = {}},
              follow_query_from);
  // FACTS, CAUGHT_UP, FELL_BEHIND, BOOKMARK and HEARTBEAT are alike.
  expect_kept("bookmark",
              Progress{.position = 1, .head = 2, .log_time = 1'795'507'200'000'000'001},
              progress_from);
  expect_kept("error",
              ReadError{.code = "head-went-back", .message = "say \"please\"\n", .hint = "restore"},
              read_error_from);
}

TEST(ReadGoldenTest, Credit) {
  const std::string written = credit_json(77);
  const Bytes kept = golden("read/credit_v1.json", as_bytes(written));
  EXPECT_EQ(as_text(kept), written);
  EXPECT_EQ(credit_from(kept).value(), 77U);
}

TEST(LastFileGoldenTest, AWitnessOfAnEarlierVersionIsRead) {
  const protocol::Known known{.generation = 2, .position = 413, .leaf = hash_of_number(0xcd)};
  test::MemoryFileSystem files;
  ASSERT_TRUE(files.make_folder("kms-1").ok());
  ASSERT_TRUE(write_last_file(files, "kms-1/last", known).ok());
  const Bytes written = files.contents().at("kms-1/last");
  const Bytes kept = golden("files/last_v1", written);
  EXPECT_EQ(kept, written);
  files.plant("kms-1/last", kept);
  EXPECT_EQ(read_last_file(files, "kms-1/last").value(), known);
}

}  // namespace
}  // namespace keytrail::wire
