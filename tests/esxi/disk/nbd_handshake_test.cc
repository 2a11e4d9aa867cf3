#include "esxi/disk/nbd_handshake.h"

#include <gmock/gmock.h>

namespace keytrail::disk {
namespace {

using Phase = NbdHandshake::Phase;

NbdExport exported() { return {.name = "vm-1", .size_bytes = 1 << 20, .block_bytes = 4096}; }

Bytes client_flags(std::uint32_t flags = 3) {
  Bytes out;
  append_u32(out, flags);
  return out;
}

void append_option(Bytes& out, std::uint32_t option, ByteView data) {
  append_u64(out, kNbdOptionMagic);
  append_u32(out, option);
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

Bytes go_data(std::string_view name, std::vector<std::uint16_t> kinds = {}) {
  Bytes data;
  append_u32(data, static_cast<std::uint32_t>(name.size()));
  data.insert(data.end(), name.begin(), name.end());
  append_u16(data, static_cast<std::uint16_t>(kinds.size()));
  for (const auto kind : kinds) append_u16(data, kind);
  return data;
}

// The client's side of one negotiation.
class Client {
 public:
  explicit Client(NbdExport exported) : export_(std::move(exported)), handshake_(export_) {}

  std::size_t send(ByteView bytes) { return handshake_.consume(bytes, answers_); }

  // The types of the option replies so far, and the text of the last one.
  std::vector<std::uint32_t> replies() {
    std::vector<std::uint32_t> types;
    ByteView rest = answers_;
    while (!rest.empty()) {
      EXPECT_EQ(read_u64(rest), kNbdOptionReplyMagic);
      types.push_back(read_u32(rest.subspan(12)));
      const std::size_t length = read_u32(rest.subspan(16));
      text_ = as_text(rest.subspan(20, length));
      rest = rest.subspan(20 + length);
    }
    return types;
  }

  NbdExport export_;
  NbdHandshake handshake_;
  Bytes answers_;
  std::string text_;
};

TEST(NbdHandshakeTest, GoTellsSizeAndBlockSizeAndBeginsTransmission) {
  Client client(exported());
  Bytes sent = client_flags();
  append_option(sent, 7, go_data("vm-1"));
  EXPECT_EQ(client.send(sent), sent.size());
  EXPECT_EQ(client.handshake_.phase(), Phase::kTransmission);
  EXPECT_THAT(client.replies(), ::testing::ElementsAre(3, 3, 1));
  EXPECT_EQ(read_u64(ByteView(client.answers_).subspan(22)), 1u << 20);
  EXPECT_EQ(read_u32(ByteView(client.answers_).subspan(32 + 22)), 4096u);
}

TEST(NbdHandshakeTest, BytesMayComeOneAtATime) {
  Client client(exported());
  Bytes sent = client_flags();
  append_option(sent, 3, {});
  append_option(sent, 6, go_data("", {1, 3}));
  append_option(sent, 7, go_data("vm-1", {3}));
  Bytes pending;
  for (const std::uint8_t byte : sent) {
    pending.push_back(byte);
    const std::size_t taken = client.send(pending);
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  EXPECT_EQ(client.handshake_.phase(), Phase::kTransmission);
  EXPECT_THAT(client.replies(), ::testing::ElementsAre(2, 1, 3, 3, 3, 1, 3, 3, 1));
}

TEST(NbdHandshakeTest, WhatFollowsGoIsLeftForTheTransmission) {
  Client client(exported());
  Bytes sent = client_flags();
  append_option(sent, 7, go_data(""));
  const std::size_t negotiation = sent.size();
  append_u32(sent, kNbdRequestMagic);
  EXPECT_EQ(client.send(sent), negotiation);
}

TEST(NbdHandshakeTest, ExportNamePadsUnlessTheClientAskedNotTo) {
  for (const auto& [flags, size] : {std::pair{1u, 134u}, std::pair{3u, 10u}}) {
    Client client(exported());
    Bytes sent = client_flags(flags);
    append_option(sent, 1, as_bytes("vm-1"));
    client.send(sent);
    EXPECT_EQ(client.handshake_.phase(), Phase::kTransmission);
    EXPECT_EQ(client.answers_.size(), size);
  }
}

TEST(NbdHandshakeTest, UnknownOptionsAreRefusedAndTheNegotiationGoesOn) {
  Client client(exported());
  Bytes sent = client_flags();
  for (const std::uint32_t option : {0u, 4u, 5u, 8u, 9u, 10u, 11u, 0xffffffffu}) {
    append_option(sent, option, as_bytes("whatever"));
  }
  append_option(sent, 7, go_data("vm-1"));
  client.send(sent);
  EXPECT_EQ(client.handshake_.phase(), Phase::kTransmission);
  auto types = client.replies();
  types.resize(8);
  EXPECT_THAT(types, ::testing::Each(0x80000001));
}

TEST(NbdHandshakeTest, AnotherNameIsUnknown) {
  Client client(exported());
  Bytes sent = client_flags();
  append_option(sent, 7, go_data("vm-2"));
  client.send(sent);
  EXPECT_THAT(client.replies(), ::testing::ElementsAre(0x80000006));
}

TEST(NbdHandshakeTest, MalformedOptionDataIsSaidToBeSo) {
  const Bytes good = go_data("vm-1", {3});
  std::vector<Bytes> bad = {{}, {0, 0}, {0xff, 0xff, 0xff, 0xff, 0, 0}};
  bad.push_back(Bytes(good.begin(), good.end() - 1));
  bad.push_back(good);
  bad.back().push_back(0);
  bad.push_back(good);
  bad.back()[3] = 5;  // The name's length reaches into the count.
  for (const Bytes& data : bad) {
    Client client(exported());
    Bytes sent = client_flags();
    append_option(sent, 7, data);
    client.send(sent);
    EXPECT_EQ(client.handshake_.phase(), Phase::kNegotiating);
    EXPECT_THAT(client.replies(), ::testing::ElementsAre(0x80000003)) << to_hex(data);
  }
}

TEST(NbdHandshakeTest, AbortIsAcknowledged) {
  Client client(exported());
  Bytes sent = client_flags();
  append_option(sent, 2, {});
  client.send(sent);
  EXPECT_EQ(client.handshake_.phase(), Phase::kClosed);
  EXPECT_THAT(client.replies(), ::testing::ElementsAre(1));
}

TEST(NbdHandshakeTest, ClientsThatBreakTheProtocolAreClosed) {
  Bytes unknown_flags = client_flags(4);
  Bytes wrong_magic = client_flags();
  append_option(wrong_magic, 7, go_data("vm-1"));
  wrong_magic[4] ^= 1;
  Bytes too_long = client_flags();
  append_u64(too_long, kNbdOptionMagic);
  append_u32(too_long, 7);
  append_u32(too_long, NbdHandshake::kOptionBytesMax + 1);
  Bytes too_many = client_flags();
  for (int i = 0; i <= NbdHandshake::kOptionsMax; ++i) append_option(too_many, 3, {});
  for (const Bytes& sent : {unknown_flags, wrong_magic, too_long, too_many}) {
    Client client(exported());
    client.send(sent);
    EXPECT_EQ(client.handshake_.phase(), Phase::kClosed);
  }
}

TEST(NbdRequestTest, IsTakenApartFieldByField) {
  Bytes bytes;
  append_u32(bytes, kNbdRequestMagic);
  append_u16(bytes, 1);
  append_u16(bytes, 6);
  append_u64(bytes, 0x0102030405060708);
  append_u64(bytes, 0x1112131415161718);
  append_u32(bytes, 0x21222324);
  const auto fixed = std::span(bytes).first<kNbdRequestBytes>();
  EXPECT_EQ(parse_nbd_request(fixed), (NbdRequest{1, NbdCommand::kWriteZeroes, 0x0102030405060708,
                                                  0x1112131415161718, 0x21222324}));
  bytes[0] ^= 1;
  EXPECT_EQ(parse_nbd_request(fixed), std::nullopt);
}

TEST(NbdRequestTest, IsCheckedBeforeItIsCarriedOut) {
  const auto check = [](NbdCommand command, std::uint64_t offset, std::uint32_t length,
                        std::uint16_t flags = 0) {
    return check_nbd_request({flags, command, 1, offset, length}, exported());
  };
  using enum NbdCommand;
  EXPECT_EQ(check(kRead, 0, 4096), NbdError::kNone);
  EXPECT_EQ(check(kRead, 4096, (1 << 20) - 4096, kNbdCommandFua), NbdError::kNone);
  EXPECT_EQ(check(kRead, 1 << 20, 4096), NbdError::kInvalid);
  EXPECT_EQ(check(kTrim, 1 << 20, 4096), NbdError::kInvalid);
  EXPECT_EQ(check(kWrite, 1 << 20, 4096), NbdError::kNoSpace);
  EXPECT_EQ(check(kWriteZeroes, 4096, 1 << 20), NbdError::kNoSpace);
  EXPECT_EQ(check(kWrite, ~0ull - 4095, 4096), NbdError::kNoSpace);
  EXPECT_EQ(check(kRead, 512, 4096), NbdError::kInvalid);
  EXPECT_EQ(check(kRead, 0, 512), NbdError::kInvalid);
  EXPECT_EQ(check(kRead, 0, 0), NbdError::kInvalid);
  EXPECT_EQ(check(kRead, 0, kNbdPayloadBytesMax + 4096), NbdError::kInvalid);
  EXPECT_EQ(check(kRead, 0, 4096, kNbdCommandNoHole), NbdError::kInvalid);
  EXPECT_EQ(check(kWriteZeroes, 0, 4096, kNbdCommandNoHole), NbdError::kNone);
  EXPECT_EQ(check(kWriteZeroes, 0, 4096, 16), NbdError::kInvalid);
  EXPECT_EQ(check(kFlush, 0, 0), NbdError::kNone);
  EXPECT_EQ(check(kFlush, 0, 1), NbdError::kInvalid);
  EXPECT_EQ(check(static_cast<NbdCommand>(5), 0, 4096), NbdError::kInvalid);
  EXPECT_EQ(check(static_cast<NbdCommand>(999), 0, 4096), NbdError::kInvalid);
}

}  // namespace
}  // namespace keytrail::disk
