// The NBD wire format: numbers, requests, replies (NetworkBlockDevice/nbd doc/proto.md, fixed
// newstyle).
//
// Pure: bytes in, values out. Everything is big-endian. What is not here (structured replies, TLS,
// block status, extended headers) is not offered, so no client may use it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "bus/secret/bytes.h"

namespace keytrail::disk {

inline constexpr std::uint64_t kNbdMagic = 0x4e42444d41474943;        // "NBDMAGIC"
inline constexpr std::uint64_t kNbdOptionMagic = 0x49484156454f5054;  // "IHAVEOPT"
inline constexpr std::uint64_t kNbdOptionReplyMagic = 0x0003e889045565a9;
inline constexpr std::uint32_t kNbdRequestMagic = 0x25609513;
inline constexpr std::uint32_t kNbdReplyMagic = 0x67446698;

inline constexpr std::size_t kNbdRequestBytes = 28;
inline constexpr std::size_t kNbdReplyBytes = 16;
inline constexpr std::uint32_t kNbdPayloadBytesMax = 32 << 20;  // of one READ or WRITE; advertised

inline constexpr std::uint16_t kNbdFlagFixedNewstyle = 1, kNbdFlagNoZeroes = 2;

// HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, CAN_MULTI_CONN. The last is
// honest: all connections share one file, so a flush on any covers what was answered on all.
inline constexpr std::uint16_t kNbdTransmissionFlags =
    1 << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 8;

enum class NbdOption : std::uint32_t { kExportName = 1, kAbort = 2, kList = 3, kInfo = 6, kGo = 7 };

enum class NbdInfo : std::uint16_t { kExport = 0, kName = 1, kDescription = 2, kBlockSize = 3 };

enum class NbdOptionReply : std::uint32_t {
  kAck = 1,
  kServer = 2,
  kInfo = 3,
  kUnsupported = 0x80000001,
  kInvalid = 0x80000003,
  kUnknown = 0x80000006,
};

enum class NbdCommand : std::uint16_t {
  kRead = 0,
  kWrite = 1,
  kDisconnect = 2,
  kFlush = 3,
  kTrim = 4,
  kWriteZeroes = 6,
};

inline constexpr std::uint16_t kNbdCommandFua = 1, kNbdCommandNoHole = 2;

enum class NbdError : std::uint32_t { kNone = 0, kIo = 5, kInvalid = 22, kNoSpace = 28 };

// What a server serves.
struct NbdExport {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint32_t block_bytes = 4096;  // the disk's sector: the smallest request
};

struct NbdRequest {
  std::uint16_t flags = 0;
  NbdCommand command = NbdCommand::kRead;  // as received, not necessarily one of ours
  std::uint64_t cookie = 0;                // the client's; comes back in the reply
  std::uint64_t offset = 0;
  std::uint32_t length = 0;

  bool operator==(const NbdRequest&) const = default;
};

// Nothing if the magic is wrong: the stream can't be followed any more.
[[nodiscard]] std::optional<NbdRequest> parse_nbd_request(
    std::span<const std::uint8_t, kNbdRequestBytes> bytes);

// kNone if the request may be carried out as it stands.
[[nodiscard]] NbdError check_nbd_request(const NbdRequest& request, const NbdExport& exported);

[[nodiscard]] std::array<std::uint8_t, kNbdReplyBytes> nbd_reply(NbdError error,
                                                                 std::uint64_t cookie);

void append_u16(Bytes& out, std::uint16_t value);
void append_u32(Bytes& out, std::uint32_t value);
void append_u64(Bytes& out, std::uint64_t value);
// REQUIRES: `bytes` has as many.
[[nodiscard]] std::uint16_t read_u16(ByteView bytes);
[[nodiscard]] std::uint32_t read_u32(ByteView bytes);
[[nodiscard]] std::uint64_t read_u64(ByteView bytes);

}  // namespace keytrail::disk
