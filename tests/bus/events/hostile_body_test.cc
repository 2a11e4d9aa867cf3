// Bytes that no author of ours sends: each is refused in words, none crashes, hangs or allocates
// much.
#include <gmock/gmock.h>

#include <cstring>

#include "bus/events/body_shape.h"
#include "bus/events/codec.h"
#include "tests/bus/events/sample_bodies.h"

namespace keytrail {
namespace {

using testing::HasSubstr;

// A message of one segment with these words.
Bytes message(const std::vector<std::uint64_t>& words) {
  Bytes bytes(8 + words.size() * 8);
  const auto size = static_cast<std::uint32_t>(words.size());
  std::memcpy(bytes.data() + 4, &size, 4);
  std::memcpy(bytes.data() + 8, words.data(), words.size() * 8);
  return bytes;
}

// Words of Cap'n Proto's encoding.
constexpr std::uint64_t struct_at(std::int32_t offset, std::uint64_t data, std::uint64_t pointers) {
  return static_cast<std::uint32_t>(offset) << 2 | data << 32 | pointers << 48;
}
constexpr std::uint64_t list_at(std::int32_t offset, std::uint64_t size, std::uint64_t count) {
  return 1U | static_cast<std::uint32_t>(offset) << 2 | size << 32 | count << 35;
}
constexpr std::uint64_t kBytes = 2;
constexpr std::uint64_t kPointers = 6;
constexpr std::uint64_t kComposite = 7;

std::string reason(const Bytes& bytes) {
  const auto checked = check_body_shape(bytes);
  EXPECT_FALSE(peek_body(bytes).ok());
  EXPECT_FALSE(decode_body(bytes).ok());
  return checked.ok() ? "" : checked.error().detail;
}

Bytes valid_body() {
  return encode_body({.stream = "kms/c/object/k",
                      .user = "alice",
                      .origin = {},
                      .action = {},
                      .attachments = {},
                      .event = kms::Event(kms::KeyReleased{.object = "k"})})
      .value();
}

TEST(HostileBodyTest, EveryPrefixOfAValidBodyIsRefused) {
  const Bytes body = valid_body();
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode_body(ByteView(body).first(size)).ok()) << size;
    EXPECT_FALSE(peek_body(ByteView(body).first(size)).ok()) << size;
  }
}

TEST(HostileBodyTest, EveryFlippedBitIsReadOrRefusedWithoutACrash) {
  for (const auto& sample : test::sample_bodies()) {
    for (std::size_t bit = 0; bit < sample.bytes.size() * 8; bit += 7) {
      Bytes body = sample.bytes;
      body[bit / 8] = static_cast<std::uint8_t>(body[bit / 8] ^ (1U << (bit % 8)));
      static_cast<void>(peek_body(body));
      static_cast<void>(decode_body(body));
    }
  }
}

TEST(HostileBodyTest, ABodyIsReadWhereverItLiesInMemory) {
  const Bytes body = valid_body();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes memory(shift, 0xff);
    memory.insert(memory.end(), body.begin(), body.end());
    const ByteView view = ByteView(memory).subspan(shift);
    ASSERT_TRUE(decode_body(view).ok());
    const auto header = peek_body(view);
    EXPECT_EQ(header.value().stream, "kms/c/object/k");
    EXPECT_GE(header.value().stream.data(), as_text(memory).data());  // Into the caller's bytes.
    EXPECT_LT(header.value().stream.data(), as_text(memory).data() + memory.size());
  }
}

TEST(HostileBodyTest, MoreSegmentsAndLooseWordsAreRefused) {
  Bytes two = valid_body();
  two[0] = 1;
  EXPECT_THAT(reason(two), HasSubstr("more than one segment"));
  Bytes loose = valid_body();
  loose.insert(loose.end(), 8, 0);
  EXPECT_THAT(reason(loose), HasSubstr("does not fill"));
  EXPECT_THAT(reason(Bytes(kBodyBytesMax + 8)), HasSubstr("larger than a fact"));
}

TEST(HostileBodyTest, FarPointersAndCapabilitiesAreRefused) {
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), 2})), HasSubstr("far pointer"));
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), 3})), HasSubstr("capability"));
  EXPECT_THAT(reason(message({2, 0})), HasSubstr("no struct at its root"));
}

TEST(HostileBodyTest, PointersOutOfBoundsAreRefused) {
  EXPECT_THAT(reason(message({struct_at(1, 1, 0)})), HasSubstr("out of bounds"));
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), struct_at(-9, 1, 0)})),
              HasSubstr("out of bounds"));
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), list_at(0, kBytes, 1)})),
              HasSubstr("out of bounds"));
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), struct_at(0x1fffffff, 0xffff, 0xffff)})),
              HasSubstr("out of bounds"));
}

TEST(HostileBodyTest, WhatIsLongerThanItsCapIsRefused) {
  std::vector<std::uint64_t> text(2 + kTextBytesMax / 8 + 1);
  text[0] = struct_at(0, 0, 1);
  text[1] = list_at(0, kBytes, kTextBytesMax + 1);
  EXPECT_THAT(reason(message(text)), HasSubstr("text too long"));
  std::vector<std::uint64_t> list(2 + kListSizeMax + 1);
  list[0] = struct_at(0, 0, 1);
  list[1] = list_at(0, kPointers, kListSizeMax + 1);
  EXPECT_THAT(reason(message(list)), HasSubstr("list too long"));
}

TEST(HostileBodyTest, ListsOfNothingAreNotFree) {
  // A tag that says 2^29 elements of no size.
  EXPECT_THAT(
      reason(message({struct_at(0, 0, 1), list_at(0, kComposite, 0), struct_at(0x1fffffff, 0, 0)})),
      HasSubstr("list too long"));
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), list_at(0, 0, 1 << 28)})), HasSubstr("kind"));
  EXPECT_THAT(
      reason(message({struct_at(0, 0, 1), list_at(0, kComposite, 1), struct_at(2, 1, 0), 0})),
      HasSubstr("larger than it says"));
}

TEST(HostileBodyTest, ASmallMessageThatIsALargeTreeIsRefused) {
  // Each list's pointers all lead to the next list: 16 ^ depth ways through 16 * depth words.
  constexpr int kWidth = 16;
  constexpr int kDepth = 8;
  std::vector<std::uint64_t> words = {struct_at(0, 0, 1), list_at(0, kPointers, kWidth)};
  for (int level = 0; level < kDepth; ++level) {
    for (int i = 0; i < kWidth; ++i) {
      const bool last = level + 1 == kDepth;
      words.push_back(last ? 0 : list_at(kWidth - 1 - i, kPointers, kWidth));
    }
  }
  EXPECT_THAT(reason(message(words)), HasSubstr("too much to read"));
}

TEST(HostileBodyTest, APointerToItselfEnds) {
  // -1: the pointer's own word, as the struct that it points to.
  EXPECT_THAT(reason(message({struct_at(0, 0, 1), struct_at(-1, 0, 1)})), HasSubstr("nested"));
}

TEST(HostileBodyTest, AStreamHasItsLettersAndItsLength) {
  Body body = decode_body(valid_body()).value();
  for (const std::string& stream : {std::string(), std::string("KMS/c"), std::string("kms/\0", 5),
                                    std::string("kms c"), std::string(kStreamBytesMax + 1, 'k')}) {
    body.stream = stream;
    EXPECT_FALSE(encode_body(body).ok()) << stream;
  }
  body.stream = std::string(kStreamBytesMax, 'k');
  EXPECT_TRUE(decode_body(encode_body(body).value()).ok());
}

TEST(HostileBodyTest, AnAuthorCannotWriteWhatNobodyWouldRead) {
  Body body = decode_body(valid_body()).value();
  body.user.assign(kTextBytesMax, 'u');  // With its NUL one too many.
  EXPECT_FALSE(encode_body(body).ok());
  body.user.assign(kTextBytesMax - 1, 'u');
  EXPECT_TRUE(encode_body(body).ok());

  vcenter::RoleCreated role{.role = "r", .privileges = std::vector<std::string>(20)};
  for (std::string& privilege : role.privileges) privilege.assign(kTextBytesMax - 1, 'p');
  body.event = vcenter::Event(role);
  const auto too_large = encode_body(body);
  ASSERT_FALSE(too_large.ok());
  EXPECT_THAT(too_large.error().detail, HasSubstr("65,416"));
  EXPECT_TRUE(encode_body(decode_body(valid_body()).value()).ok());  // The scratch is clean again.
}

TEST(HostileBodyTest, ATextKeepsItsZeroBytesAndWhatIsNoUtf8) {
  Body body = decode_body(valid_body()).value();
  body.user = std::string("a\0b\xff", 4);
  EXPECT_EQ(decode_body(encode_body(body).value()).value(), body);
}

// Finds the one place where two bodies differ, and says something there that is not known yet.
Bytes with_changed_word(const Body& one, const Body& other, std::uint8_t value) {
  Bytes bytes = encode_body(one).value();
  const Bytes twin = encode_body(other).value();
  EXPECT_EQ(bytes.size(), twin.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != twin[i]) bytes[i] = value;
  }
  return bytes;
}

TEST(UnknownTest, AnEnumeratorOrAnEventOfANewerProgramIsNotFoundRatherThanInvalid) {
  Body body = decode_body(valid_body()).value();
  Body other = body;
  body.event = kms::Event(kms::KeyRevoked{.object = "k", .state = kms::ObjectState::kActive});
  other.event = kms::Event(kms::KeyRevoked{.object = "k", .state = kms::ObjectState::kCompromised});
  const Bytes enumerator = with_changed_word(body, other, 99);
  EXPECT_EQ(decode_body(enumerator).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(peek_body(enumerator).ok());

  body.event = esxi::Event(esxi::EncryptionStarted{.vm = "v"});
  other.event = esxi::Event(esxi::DecryptionStarted{.vm = "v"});
  const Bytes event = with_changed_word(body, other, 200);
  EXPECT_EQ(decode_body(event).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(peek_body(event).ok());  // The orderer need not know every event.
}

TEST(UnknownTest, APartOfANewerProgramIsNotFound) {
  Bytes bytes = valid_body();
  bool found = false;
  // The union's number is the one byte that, changed, makes the part unknown.
  for (std::size_t i = 16; i < 64 && !found; ++i) {
    Bytes changed = bytes;
    changed[i] = 77;
    const auto header = peek_body(changed);
    found = !header.ok() && header.error().code == ErrorCode::kNotFound;
    if (found) {
      EXPECT_FALSE(decode_body(changed).ok());
    }
  }
  EXPECT_TRUE(found);
}

TEST(UnknownTest, ANoteThatCallsItselfAChangeIsRefused) {
  const Bytes bytes = valid_body();
  bool found = false;
  for (std::size_t i = 16; i < 64; ++i) {
    if (bytes[i] != static_cast<std::uint8_t>(Effect::kNote)) continue;
    Bytes changed = bytes;
    changed[i] = static_cast<std::uint8_t>(Effect::kChange);
    const auto header = peek_body(changed);
    if (!header.ok() || header.value().effect != Effect::kChange) continue;
    found = true;
    EXPECT_EQ(decode_body(changed).error().code, ErrorCode::kInvalid);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace keytrail
