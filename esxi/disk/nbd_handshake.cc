#include "esxi/disk/nbd_handshake.h"

#include <algorithm>

namespace keytrail::disk {
namespace {

constexpr std::size_t kClientFlagsBytes = 4;
constexpr std::size_t kOptionHeaderBytes = 16;
constexpr std::size_t kExportNamePadding = 124;

void append(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }

void append_option_reply(Bytes& out, std::uint32_t option, NbdOptionReply type, ByteView data) {
  append_u64(out, kNbdOptionReplyMagic);
  append_u32(out, option);
  append_u32(out, static_cast<std::uint32_t>(type));
  append_u32(out, static_cast<std::uint32_t>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

void append_option_reply(Bytes& out, std::uint32_t option, NbdOptionReply type,
                         std::string_view text = {}) {
  append_option_reply(out, option, type, as_bytes(text));
}

// What INFO and GO carry: a name and the kinds of information wanted.
struct InfoRequest {
  std::string_view name;
  ByteView kinds;

  [[nodiscard]] bool wants(NbdInfo kind) const {
    for (std::size_t i = 0; i < kinds.size(); i += 2) {
      if (read_u16(kinds.subspan(i)) == static_cast<std::uint16_t>(kind)) return true;
    }
    return false;
  }
};

std::optional<InfoRequest> parse_info_request(ByteView data) {
  if (data.size() < 6) return std::nullopt;
  const std::size_t name_bytes = read_u32(data);
  data = data.subspan(4);
  if (name_bytes > data.size() - 2) return std::nullopt;
  InfoRequest request{.name = as_text(data.first(name_bytes)), .kinds = {}};
  data = data.subspan(name_bytes);
  const std::size_t count = read_u16(data);
  request.kinds = data.subspan(2);
  if (request.kinds.size() != 2 * count) return std::nullopt;
  return request;
}

Bytes info(NbdInfo kind) {
  Bytes data;
  append_u16(data, static_cast<std::uint16_t>(kind));
  return data;
}

}  // namespace

Bytes NbdHandshake::greeting() {
  Bytes out;
  append_u64(out, kNbdMagic);
  append_u64(out, kNbdOptionMagic);
  append_u16(out, kNbdFlagFixedNewstyle | kNbdFlagNoZeroes);
  return out;
}

std::size_t NbdHandshake::consume(ByteView in, Bytes& out) {
  const std::size_t had = in.size();
  if (!flags_seen_ && in.size() >= kClientFlagsBytes) {
    on_client_flags(read_u32(in));
    in = in.subspan(kClientFlagsBytes);
  }
  while (flags_seen_ && phase_ == Phase::kNegotiating && in.size() >= kOptionHeaderBytes) {
    const std::uint32_t option = read_u32(in.subspan(8));
    const std::uint32_t length = read_u32(in.subspan(12));
    if (read_u64(in) != kNbdOptionMagic || length > kOptionBytesMax ||
        ++options_seen_ > kOptionsMax) {
      phase_ = Phase::kClosed;
      break;
    }
    if (in.size() - kOptionHeaderBytes < length) {
      --options_seen_;
      break;
    }
    on_option(option, in.subspan(kOptionHeaderBytes, length), out);
    in = in.subspan(kOptionHeaderBytes + length);
  }
  return had - in.size();
}

void NbdHandshake::on_client_flags(std::uint32_t flags) {
  flags_seen_ = true;
  no_zeroes_ = (flags & kNbdFlagNoZeroes) != 0;
  constexpr std::uint32_t kKnown = kNbdFlagFixedNewstyle | kNbdFlagNoZeroes;
  if ((flags & ~kKnown) != 0) phase_ = Phase::kClosed;
}

void NbdHandshake::on_option(std::uint32_t option, ByteView data, Bytes& out) {
  switch (static_cast<NbdOption>(option)) {
    case NbdOption::kExportName:
      return on_export_name(data, out);
    case NbdOption::kAbort:
      append_option_reply(out, option, NbdOptionReply::kAck);
      phase_ = Phase::kClosed;
      return;
    case NbdOption::kList:
      return on_list(data, out);
    case NbdOption::kInfo:
    case NbdOption::kGo:
      return on_info_or_go(static_cast<NbdOption>(option), data, out);
  }
  append_option_reply(out, option, NbdOptionReply::kUnsupported, "This option is not offered.");
}

void NbdHandshake::on_export_name(ByteView data, Bytes& out) {
  if (!is_ours(as_text(data))) {
    phase_ = Phase::kClosed;  // The old option has no way to say no.
    return;
  }
  append_u64(out, export_.size_bytes);
  append_u16(out, kNbdTransmissionFlags);
  if (!no_zeroes_) out.insert(out.end(), kExportNamePadding, 0);
  phase_ = Phase::kTransmission;
}

void NbdHandshake::on_list(ByteView data, Bytes& out) {
  constexpr auto kOption = static_cast<std::uint32_t>(NbdOption::kList);
  if (!data.empty()) {
    append_option_reply(out, kOption, NbdOptionReply::kInvalid, "LIST takes no data.");
    return;
  }
  Bytes server;
  append_u32(server, static_cast<std::uint32_t>(export_.name.size()));
  append(server, export_.name);
  append_option_reply(out, kOption, NbdOptionReply::kServer, server);
  append_option_reply(out, kOption, NbdOptionReply::kAck);
}

void NbdHandshake::on_info_or_go(NbdOption kind, ByteView data, Bytes& out) {
  const auto option = static_cast<std::uint32_t>(kind);
  const auto request = parse_info_request(data);
  if (!request) {
    append_option_reply(out, option, NbdOptionReply::kInvalid, "The option's data is malformed.");
    return;
  }
  if (!is_ours(request->name)) {
    append_option_reply(out, option, NbdOptionReply::kUnknown, "There is no such export.");
    return;
  }
  Bytes exported = info(NbdInfo::kExport);
  append_u64(exported, export_.size_bytes);
  append_u16(exported, kNbdTransmissionFlags);
  append_option_reply(out, option, NbdOptionReply::kInfo, exported);

  Bytes block_size = info(NbdInfo::kBlockSize);  // Even unasked: smaller requests are refused.
  append_u32(block_size, export_.block_bytes);
  append_u32(block_size, std::max<std::uint32_t>(export_.block_bytes, 4096));
  append_u32(block_size, kNbdPayloadBytesMax);
  append_option_reply(out, option, NbdOptionReply::kInfo, block_size);

  if (request->wants(NbdInfo::kName)) {
    Bytes name = info(NbdInfo::kName);
    append(name, export_.name);
    append_option_reply(out, option, NbdOptionReply::kInfo, name);
  }
  append_option_reply(out, option, NbdOptionReply::kAck);
  if (kind == NbdOption::kGo) phase_ = Phase::kTransmission;
}

bool NbdHandshake::is_ours(std::string_view name) const {
  return name.empty() || name == export_.name;
}

}  // namespace keytrail::disk
