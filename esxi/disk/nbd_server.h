// NbdServer: one disk, served to a guest over NBD on a unix socket of this host.
//
// Guest data is in the clear here, so the socket is 0600, a peer must be this process's user or
// root, and nothing is ever served over a network.
//
// Threads: one accepts, one per connection does the disk's I/O (many requests per recv, many
// replies per send; data is encrypted and decrypted in the connection's own buffers). start, stop
// and the destructor belong to the owner's thread; stop() ends all connections, a guest's in use
// included, and returns when they are gone. Errors: start says what is wrong with the path;
// afterwards a failing disk answers EIO, a client that there is no thread for is closed, and either
// is told to `report`.
#pragma once

#include <functional>
#include <memory>

#include "esxi/disk/disk_engine.h"
#include "esxi/disk/nbd_protocol.h"

namespace keytrail::disk {

class NbdServer {
 public:
  static constexpr std::size_t kConnectionsMax = 16;

  // Called from the server's threads, with what the disk said or why a client was closed.
  using Report = std::function<void(const Error&)>;

  // Serves `disk` under `name`. REQUIRES: it outlives the server.
  static Result<std::unique_ptr<NbdServer>> start(const std::string& socket_path, std::string name,
                                                  DiskEngine& disk, Report report = {});

  ~NbdServer();
  NbdServer(const NbdServer&) = delete;
  NbdServer& operator=(const NbdServer&) = delete;

  void stop();  // May be repeated. The socket's name is gone afterwards.
  [[nodiscard]] std::size_t connections() const;

 private:
  struct Shared;
  explicit NbdServer(std::unique_ptr<Shared> shared);

  std::unique_ptr<Shared> shared_;
};

}  // namespace keytrail::disk
