// NbdConnection: one client of a disk, from greeting to goodbye, on the calling thread.
//
// One recv takes as many requests as are there, one send gives as many replies as are ready. What
// fits into the receive buffer is encrypted there, in place; larger requests go through in pieces
// that stay in the cache. Ends when the client leaves, breaks the protocol, or the socket is shut
// down from another thread.
#pragma once

#include <functional>

#include "esxi/disk/disk_engine.h"
#include "esxi/disk/nbd_protocol.h"

namespace keytrail::disk {

class NbdConnection {
 public:
  // REQUIRES: all outlive this.
  NbdConnection(int socket, const NbdExport& exported, DiskEngine& disk,
                const std::function<void(const Error&)>& report);
  ~NbdConnection();
  NbdConnection(const NbdConnection&) = delete;
  NbdConnection& operator=(const NbdConnection&) = delete;

  void run();

 private:
  // All of these: false if the connection is over.
  bool negotiate();
  bool serve(DiskSession& disk);
  bool carry_out(DiskSession& disk, const NbdRequest& request);
  bool read(DiskSession& disk, const NbdRequest& request);
  bool write(DiskSession& disk, const NbdRequest& request);
  bool skip_payload(std::uint32_t length);
  bool receive();                  // Waits for at least one byte more; sends what is ready first.
  bool buffer(std::size_t bytes);  // Waits until so many are there.
  bool send_ready();
  bool send(ByteView bytes);

  void add_reply(const NbdRequest& request, NbdError error);
  bool reply(const NbdRequest& request, NbdError error);
  NbdError outcome(const Result<void>& result);
  [[nodiscard]] std::span<std::uint8_t> waiting();
  void consume(std::size_t bytes);

  const int socket_;
  const NbdExport& export_;
  DiskEngine& disk_;
  const std::function<void(const Error&)>& report_;
  Bytes in_;
  std::size_t in_begin_ = 0, in_end_ = 0;
  Bytes out_;
  std::size_t out_end_ = 0;
};

}  // namespace keytrail::disk
