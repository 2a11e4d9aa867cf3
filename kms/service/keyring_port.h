// Keyring port: how a replica that was admitted gets the cluster's keyring and authority from one
// that has them.
//
//   joiner ── TLS 1.3, ALPN keytrail-keyring/1, both certificates pinned by facts ──► granter
//   granter: the core records KeyringGranted, then
//            u32 length | keyring | u32 length | CA key | u32 length | CA certificate
//   or       u32 0 | u32 length | a sentence that says why not
// Never over the bus: there it would stand in every subscriber's copy for ever. Lengths are
// little-endian and capped, and so is the time of each step, however busy the peer seems. Threads:
// the port has one of its own, which serves one joiner at a time; fetch_keyring blocks, with
// bounds.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kms/kmip/tls.h"
#include "kms/service/replica_messages.h"

namespace keytrail::kms {

struct Handover {
  SecretBytes keyring;
  SecretBytes ca_key_pem;
  std::string ca_certificate_pem;
};

class KeyringPort {
 public:
  // The port serves one at a time: a mute stranger holds it for this long at most, well below the
  // time that a joiner behind it waits.
  static constexpr std::chrono::milliseconds kHandshakeWithin{2'000};

  // Called on the port's thread, for somebody who showed a certificate; to be answered once.
  using OnAsked = std::function<void(AskerToken token, std::string address, Hash certificate)>;
  // Somebody came to nothing before that.
  using OnRefused = std::function<void(std::string address, std::string reason)>;

  // `endpoint`: "tcp://127.0.0.1:5710"; port 0 takes a free one. kUnavailable: the port is in use.
  [[nodiscard]] static Result<std::unique_ptr<KeyringPort>> start(
      const std::string& endpoint, const kmip::TlsIdentity& identity, OnAsked on_asked,
      OnRefused on_refused, std::chrono::milliseconds handshake_within = kHandshakeWithin);
  ~KeyringPort();

  // Any thread. Dropped if the asker is gone.
  void grant(AskerToken token, Handover handover);
  void refuse(AskerToken token, std::string reason);

  [[nodiscard]] std::string endpoint() const;  // with the port that it really has

 private:
  class Io;
  explicit KeyringPort(std::unique_ptr<Io> io);
  std::unique_ptr<Io> io_;
};

// Asks the replica at `endpoint`, whose certificate must be `pinned`; gives up when `stop_fd`
// becomes readable. kUnavailable: it is not there, or there is no more time; kRefused: it said no,
// and why.
[[nodiscard]] Result<Handover> fetch_keyring(const std::string& endpoint, const Hash& pinned,
                                             const kmip::TlsIdentity& identity, int stop_fd);

}  // namespace keytrail::kms
