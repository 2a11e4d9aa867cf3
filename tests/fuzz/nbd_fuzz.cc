// Hostile NBD clients: whatever arrives, the handshake answers whole option replies or hangs up,
// and what may be carried out afterwards lies within the disk. Bytes that come one at a time are
// taken like bytes that come at once.
#include <cstdlib>

#include "esxi/disk/nbd_handshake.h"

namespace {

using namespace keytrail;        // NOLINT: a fuzz target of one page.
using namespace keytrail::disk;  // NOLINT

const NbdExport kExport = {.name = "vm-1", .size_bytes = 1 << 20, .block_bytes = 4096};

struct Negotiated {
  NbdHandshake::Phase phase;
  Bytes answers;
  std::size_t taken = 0;
};

Negotiated negotiate(const NbdExport& exported, ByteView bytes, std::size_t step) {
  NbdHandshake handshake(exported);
  Negotiated out;
  Bytes pending;
  for (std::size_t i = 0; i < bytes.size(); i += step) {
    const ByteView piece = bytes.subspan(i, std::min(step, bytes.size() - i));
    pending.insert(pending.end(), piece.begin(), piece.end());
    if (handshake.phase() != NbdHandshake::Phase::kNegotiating) continue;
    const std::size_t taken = handshake.consume(pending, out.answers);
    if (taken > pending.size()) std::abort();
    pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(taken));
    out.taken += taken;
  }
  out.phase = handshake.phase();
  return out;
}

void check_requests(ByteView bytes) {
  while (bytes.size() >= kNbdRequestBytes) {
    const auto request = parse_nbd_request(bytes.first<kNbdRequestBytes>());
    if (!request) return;
    if (check_nbd_request(*request, kExport) == NbdError::kNone &&
        request->command != NbdCommand::kDisconnect &&
        (request->offset > kExport.size_bytes ||
         request->length > kExport.size_bytes - request->offset)) {
      std::abort();
    }
    bytes = bytes.subspan(kNbdRequestBytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const Negotiated whole = negotiate(kExport, bytes, std::max<std::size_t>(size, 1));
  const Negotiated split = negotiate(kExport, bytes, 7);
  if (whole.phase != split.phase || whole.answers != split.answers || whole.taken != split.taken) {
    std::abort();
  }
  check_requests(bytes.subspan(whole.taken));
  return 0;
}
