#include "esxi/disk/nbd_protocol.h"

namespace keytrail::disk {
namespace {

template <class Number>
void write_big_endian(std::span<std::uint8_t> out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    out[i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Number) - 1 - i)));
  }
}

template <class Number>
void append_big_endian(Bytes& out, Number value) {
  out.resize(out.size() + sizeof(Number));
  write_big_endian(std::span(out).last(sizeof(Number)), value);
}

template <class Number>
Number read_big_endian(ByteView bytes) {
  KEYTRAIL_CHECK(bytes.size() >= sizeof(Number));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | bytes[i];
  return static_cast<Number>(value);
}

std::uint16_t flags_allowed(NbdCommand command) {
  // FUA means nothing on a read, but clients may set it once it was offered.
  return command == NbdCommand::kWriteZeroes ? kNbdCommandFua | kNbdCommandNoHole : kNbdCommandFua;
}

}  // namespace

std::optional<NbdRequest> parse_nbd_request(std::span<const std::uint8_t, kNbdRequestBytes> bytes) {
  const ByteView view = bytes;
  if (read_u32(view) != kNbdRequestMagic) return std::nullopt;
  return NbdRequest{.flags = read_u16(view.subspan(4)),
                    .command = static_cast<NbdCommand>(read_u16(view.subspan(6))),
                    .cookie = read_u64(view.subspan(8)),
                    .offset = read_u64(view.subspan(16)),
                    .length = read_u32(view.subspan(24))};
}

NbdError check_nbd_request(const NbdRequest& request, const NbdExport& exported) {
  if ((request.flags & ~flags_allowed(request.command)) != 0) return NbdError::kInvalid;
  NbdError beyond = NbdError::kInvalid;
  switch (request.command) {
    case NbdCommand::kDisconnect:
      return NbdError::kNone;
    case NbdCommand::kFlush:
      return request.offset == 0 && request.length == 0 ? NbdError::kNone : NbdError::kInvalid;
    case NbdCommand::kWrite:
    case NbdCommand::kWriteZeroes:
      beyond = NbdError::kNoSpace;
      break;
    case NbdCommand::kRead:
    case NbdCommand::kTrim:
      break;
    default:
      return NbdError::kInvalid;
  }
  const bool payload =
      request.command == NbdCommand::kRead || request.command == NbdCommand::kWrite;
  if (request.length == 0 || (payload && request.length > kNbdPayloadBytesMax)) {
    return NbdError::kInvalid;
  }
  if (request.offset > exported.size_bytes ||
      request.length > exported.size_bytes - request.offset) {
    return beyond;
  }
  if (request.offset % exported.block_bytes != 0 || request.length % exported.block_bytes != 0) {
    return NbdError::kInvalid;
  }
  return NbdError::kNone;
}

std::array<std::uint8_t, kNbdReplyBytes> nbd_reply(NbdError error, std::uint64_t cookie) {
  std::array<std::uint8_t, kNbdReplyBytes> reply{};
  const std::span<std::uint8_t> out(reply);
  write_big_endian(out, kNbdReplyMagic);
  write_big_endian(out.subspan(4), static_cast<std::uint32_t>(error));
  write_big_endian(out.subspan(8), cookie);
  return reply;
}

void append_u16(Bytes& out, std::uint16_t value) { append_big_endian(out, value); }
void append_u32(Bytes& out, std::uint32_t value) { append_big_endian(out, value); }
void append_u64(Bytes& out, std::uint64_t value) { append_big_endian(out, value); }
std::uint16_t read_u16(ByteView bytes) { return read_big_endian<std::uint16_t>(bytes); }
std::uint32_t read_u32(ByteView bytes) { return read_big_endian<std::uint32_t>(bytes); }
std::uint64_t read_u64(ByteView bytes) { return read_big_endian<std::uint64_t>(bytes); }

}  // namespace keytrail::disk
