#include "bus/events/fact.h"

#include <gmock/gmock.h>

#include "bus/secret/sha256.h"

namespace keytrail {
namespace {

Stamp sample_stamp() {
  Stamp stamp{.position = 0x0102030405060708,
              .time = 2,
              .author_epoch = 3,
              .request = 4,
              .version = 5,
              .previous_in_stream = 6,
              .author = "kms/kms-1",
              .previous = {}};
  stamp.previous.fill(0xab);
  return stamp;
}

TEST(StampTest, HasItsFixedLayout) {
  const auto bytes = encode_stamp(sample_stamp());
  EXPECT_EQ(to_hex(bytes),
            "0807060504030201"
            "0200000000000000"
            "0300000000000000"
            "0400000000000000"
            "0500000000000000"
            "0600000000000000"
            "6b6d732f6b6d732d31"
            "0000000000000000000000000000000000000000000000"
            "abababababababababababababababababababababababababababababababab");
  EXPECT_EQ(decode_stamp(bytes).value(), sample_stamp());
  EXPECT_EQ(position_of(bytes), sample_stamp().position);
  EXPECT_EQ(author_of(bytes), sample_stamp().author);
  EXPECT_EQ(previous_of(bytes), sample_stamp().previous);
}

TEST(StampTest, RefusesAnAuthorThatIsNoPartAndInstance) {
  for (const std::string_view author : {"", "kms", "kms/", "/kms-1", "kms/KMS", "kms/a/b",
                                        "kms/a b", "KMS/a", "kms/abcdefghijklmnopqrstuv"}) {
    auto bytes = encode_stamp(sample_stamp());
    std::fill(bytes.begin() + 48, bytes.begin() + 80, std::uint8_t{0});
    std::copy(author.begin(), author.end(), bytes.begin() + 48);
    EXPECT_FALSE(decode_stamp(bytes).ok()) << author;
  }
  auto bytes = encode_stamp(sample_stamp());
  bytes[79] = 'x';  // Behind the padding.
  EXPECT_FALSE(decode_stamp(bytes).ok());
  EXPECT_FALSE(decode_stamp(ByteView(bytes).first(111)).ok());
}

TEST(LeafTest, IsTheLeafHashOfRfc6962) {
  const auto stamp = encode_stamp(sample_stamp());
  const Bytes body = {1, 2, 3};
  Bytes whole = {0};
  whole.insert(whole.end(), stamp.begin(), stamp.end());
  whole.insert(whole.end(), body.begin(), body.end());
  EXPECT_EQ(leaf_of(stamp, body), sha256(whole));
  EXPECT_EQ(to_hex(leaf_of({}, {})),  // SHA-256 of one zero byte.
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
}

TEST(GenesisTest, DependsOnTheLog) {
  const Bytes a(16, 1);
  const Bytes b(16, 2);
  EXPECT_NE(genesis_of(a), genesis_of(b));
  EXPECT_EQ(genesis_of(a), sha256({as_bytes("keytrail/log/1"), a}));
}

TEST(StreamNameTest, EscapesWhatIsNotALetterOfAPiece) {
  EXPECT_EQ(stream_name({"vcenter", "vc-1", "vm", "vm-1"}), "vcenter/vc-1/vm/vm-1");
  EXPECT_EQ(stream_name({"kms", "c", "name", "A b/%\xff"}), "kms/c/name/%41%20b%2f%25%ff");
}

TEST(StreamNameTest, IsDifferentForDifferentPieces) {
  EXPECT_NE(stream_name({"a", "b/c"}), stream_name({"a/b", "c"}));
  EXPECT_NE(stream_piece("%41"), stream_piece("A"));
}

TEST(EventTest, KnowsItsNameItsPartAndItsEffect) {
  const Event change = vcenter::Event(vcenter::EncryptionCompleted{});
  const Event note = kms::Event(kms::KeyReleased{});
  EXPECT_EQ(type_of(change), "EncryptionCompleted");
  EXPECT_EQ(part_of(change), "vcenter");
  EXPECT_EQ(effect_of(change), Effect::kChange);
  EXPECT_EQ(type_of(note), "KeyReleased");
  EXPECT_EQ(part_of(note), "kms");
  EXPECT_EQ(effect_of(note), Effect::kNote);
}

TEST(ActionIdTest, IsReadBackAndNothingElseIs) {
  ActionId action;
  action.bytes.fill(0x7f);
  EXPECT_EQ(action_from(to_string(action)).value(), action);
  EXPECT_FALSE(action_from("7f").ok());
  EXPECT_FALSE(action_from(std::string(32, 'g')).ok());
}

}  // namespace
}  // namespace keytrail
