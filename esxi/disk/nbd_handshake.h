// NbdHandshake: the server's half of NBD's negotiation, as a core: bytes in, bytes out.
//
//   greeting -> client flags -> options (LIST, INFO, GO, EXPORT_NAME, ABORT; others are refused) ->
//   transmission
//
// One disk per server, so the only export is that disk; the empty name means it too. Pure; one
// thread. Malformed input ends the connection or is answered as the protocol says; the length of an
// option and their number are bounded.
#pragma once

#include "esxi/disk/nbd_protocol.h"

namespace keytrail::disk {

class NbdHandshake {
 public:
  static constexpr std::size_t kOptionBytesMax = 8 * 1024;  // A name has at most 4 KiB.
  static constexpr int kOptionsMax = 256;

  enum class Phase { kNegotiating, kTransmission, kClosed };

  // REQUIRES: `exported` outlives this.
  explicit NbdHandshake(const NbdExport& exported) : export_(exported) {}

  // The server speaks first.
  [[nodiscard]] static Bytes greeting();

  // Takes whole messages from the front of `in`, appends the answers to `out`, and tells how many
  // bytes it took; the rest belongs to what follows (in transmission: to the first request).
  [[nodiscard]] std::size_t consume(ByteView in, Bytes& out);

  [[nodiscard]] Phase phase() const { return phase_; }

 private:
  void on_client_flags(std::uint32_t flags);
  void on_option(std::uint32_t option, ByteView data, Bytes& out);
  void on_export_name(ByteView data, Bytes& out);
  void on_list(ByteView data, Bytes& out);
  void on_info_or_go(NbdOption option, ByteView data, Bytes& out);
  [[nodiscard]] bool is_ours(std::string_view name) const;

  const NbdExport& export_;
  Phase phase_ = Phase::kNegotiating;
  bool flags_seen_ = false;
  bool no_zeroes_ = false;
  int options_seen_ = 0;
};

}  // namespace keytrail::disk
