#include "vcenter/service/kmip_sessions.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "kms/crypto/key_push.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"

namespace keytrail::vcenter {
namespace {

constexpr std::int32_t kKekBits = 256;
constexpr std::int64_t kCertificateSeconds = std::int64_t{10} * 365 * 86'400;
constexpr std::int64_t kClockSkewSeconds = 3'600;
constexpr int kRetryMs = 200;

using kmip::Attribute;
using kmip::Client;
using Connection = std::unique_ptr<Client>;

kmip::Endpoint endpoint_of(const KmipServer& server) { return {server.address, server.port}; }

Attribute enumeration(std::string_view name, std::uint32_t value) {
  return {std::string(name), 0, kmip::ttlv::Enumeration{value}};
}
Attribute name_attribute(const std::string& name) {
  return {std::string(kmip::attribute::kName), 0, kmip::to_value(kmip::Name{name})};
}

kmip::CreateRequest kek_request(const std::string& name) {
  using namespace kmip::attribute;  // NOLINT: their names
  return {kmip::ObjectType::kSymmetricKey,
          {enumeration(kCryptographicAlgorithm,
                       static_cast<std::uint32_t>(kmip::CryptographicAlgorithm::kAes)),
           {std::string(kCryptographicLength), 0, kKekBits},
           {std::string(kCryptographicUsageMask), 0,
            kmip::bit(kmip::UsageMask::kEncrypt) | kmip::bit(kmip::UsageMask::kDecrypt)},
           name_attribute(name)}};
}

// The key of this name on that server: made now, or by us before a crash.
Result<std::string> find_or_create(Client& client, const std::string& name) {
  kmip::LocateRequest by_name;
  by_name.attributes = {name_attribute(name)};
  const kmip::LocateResponse located = TRY(client.locate(std::move(by_name)));
  if (!located.ids.empty()) return located.ids.front();
  return TRY(client.create(kek_request(name))).id;
}

bool is_active(const std::vector<Attribute>& attributes) {
  return std::any_of(attributes.begin(), attributes.end(), [](const Attribute& one) {
    const auto* state = std::get_if<kmip::ttlv::Enumeration>(&one.value);
    return one.name == kmip::attribute::kState && state != nullptr &&
           state->number == static_cast<std::uint32_t>(kmip::State::kActive);
  });
}

Result<void> activate(Client& client, const std::string& id) {
  const auto state = TRY(client.get_attributes(id, {std::string(kmip::attribute::kState)}));
  if (is_active(state)) return {};
  return client.activate(id);
}

Result<std::string> vendor_of(Client& client) {
  const auto answer = TRY(client.query({kmip::QueryFunction::kServerInformation}));
  return answer.vendor.value_or("unknown");
}

// Opens connections for one call, and remembers who answered.
class Session {
 public:
  Session(const ProviderAccess& access, kmip::TlsIdentity identity, kmip::ClientTimeouts timeouts)
      : access_(access), identity_(std::move(identity)), timeouts_(timeouts) {}

  Result<Connection> connect(const KmipServer& server) {
    auto connection = open(server);
    // A server that refuses what is asked is there; only one that does not answer is away.
    tried_[server.name] = connection.ok() ? "" : connection.error().detail;
    return connection;
  }

  // The first server, in order, at which `use` succeeds. Names it in `server`.
  template <class T>
  Result<T> first(std::string& server_name, const std::function<Result<T>(Client&)>& use) {
    std::string reasons;
    ErrorCode code = ErrorCode::kUnavailable;
    for (const KmipServer& server : access_.servers) {
      auto connection = connect(server);
      if (connection.ok()) {
        auto value = use(**connection);
        if (value.ok()) {
          server_name = server.name;
          return value;
        }
        if (value.error().code == ErrorCode::kUnavailable) {
          tried_[server.name] = value.error().detail;
        } else {
          code = value.error().code;
        }
        add_reason(reasons, server, value.error().detail);
      } else {
        add_reason(reasons, server, connection.error().detail);
      }
    }
    return Error{code, "no server of " + access_.provider + " serves it: " + reasons};
  }

  [[nodiscard]] const std::map<std::string, std::string>& tried() const { return tried_; }

 private:
  Result<Connection> open(const KmipServer& server) {
    const auto pinned = access_.trusted.find(server.name);
    if (pinned == access_.trusted.end()) {
      return Error{ErrorCode::kRefused, "its certificate was not accepted yet"};
    }
    const kmip::TlsContext tls =
        TRY(kmip::make_client_context(&identity_, kmip::PinnedCertificate{pinned->second}));
    kmip::ClientOptions options;
    options.timeouts = timeouts_;
    Connection connection = TRY(Client::connect(endpoint_of(server), tls, std::move(options)));
    TRY(connection->negotiate());
    return connection;
  }
  static void add_reason(std::string& reasons, const KmipServer& server,
                         const std::string& detail) {
    reasons += (reasons.empty() ? "" : "; ") + server.name + ": " + detail;
  }

  const ProviderAccess& access_;
  kmip::TlsIdentity identity_;
  kmip::ClientTimeouts timeouts_;
  std::map<std::string, std::string> tried_;
};

Result<Session> session_for(const ProviderAccess& access, const Credentials& credentials,
                            const KmipSessions::Options& options) {
  const SecretBytes entry = TRY(credentials.get(access.credential));
  ClientIdentity identity = TRY(decode_identity(entry));
  return Session(
      access, kmip::TlsIdentity{std::move(identity.certificate_pem), std::move(identity.key_pem)},
      {options.connect_ms, options.request_ms});
}

WorkDone failed(WorkId id, const Error& error, std::map<std::string, std::string> tried = {},
                std::string server = {}) {
  return {id, WorkFailed{error.detail, std::move(server)}, std::move(tried)};
}

// Reads `key` on `server`, for as long as the others may need to replicate it.
Result<void> read_on(Session& session, const KmipServer& server, const std::string& key,
                     const std::string& vendor, int patience_ms) {
  for (int waited_ms = 0;; waited_ms += kRetryMs) {
    Connection connection = TRY(session.connect(server));
    const std::string other = TRY(vendor_of(*connection));
    if (other != vendor) {
      return Error{ErrorCode::kRefused,
                   "its vendor is " + other + ", that of the others is " + vendor};
    }
    const auto got = connection->get(key);
    if (got.ok()) return {};
    if (got.error().code == ErrorCode::kUnavailable) return got.error();
    if (waited_ms >= patience_ms) {
      return Error{ErrorCode::kRefused,
                   "a key that was made on another server is not on it: " + got.error().detail};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kRetryMs));
  }
}

}  // namespace

KmipSessions::KmipSessions(Options options, Credentials& credentials, const Clock& clock,
                           Random& random)
    : options_(std::move(options)), credentials_(credentials), clock_(clock), random_(random) {}

WorkDone KmipSessions::create_key(WorkId id, const CreateKey& work) {
  auto session = session_for(work.access, credentials_, options_);
  if (!session.ok()) return failed(id, session.error());
  std::string server;
  auto key = session->first<std::string>(server, [&](Client& client) -> Result<std::string> {
    std::string found = TRY(find_or_create(client, work.name));
    TRY(activate(client, found));
    return found;
  });
  if (!key.ok()) return failed(id, key.error(), session->tried());
  return {id, KeyCreated{std::move(*key), server}, session->tried()};
}

WorkDone KmipSessions::fetch_key(WorkId id, const FetchKey& work) {
  auto session = session_for(work.access, credentials_, options_);
  if (!session.ok()) return failed(id, session.error());
  const crypto::KeyPushPurpose purpose{.host = work.host,
                                       .boot = to_bytes(as_bytes(work.boot)),
                                       .nonce = work.nonce,
                                       .provider = work.key.provider,
                                       .key_id = work.key.id};
  std::string server;
  auto sealed = session->first<KeySealed>(server, [&](Client& client) -> Result<KeySealed> {
    const kmip::GetResponse got = TRY(client.get(work.key.id));
    const SecretBytes& kek = kmip::material_of(got.object);
    if (kek.size() != kKekBits / 8) {
      return Error{ErrorCode::kRefused, "the key is not one of 256 bits"};
    }
    const crypto::HpkeSealed box =
        TRY(crypto::seal_key_push(work.boot_key, purpose, kek, random_.secret(32)));
    return KeySealed{{box.encapsulated.begin(), box.encapsulated.end()}, box.ciphertext, {}};
  });
  if (!sealed.ok()) return failed(id, sealed.error(), session->tried());
  sealed->server = server;
  return {id, std::move(*sealed), session->tried()};
}

WorkDone KmipSessions::probe(WorkId id, const ProbeServers& work) {
  auto session = session_for(work.access, credentials_, options_);
  if (!session.ok()) return failed(id, session.error());
  const KmipServer& maker = work.access.servers.front();
  auto connection = session->connect(maker);
  if (!connection.ok()) return failed(id, connection.error(), session->tried(), maker.name);
  const auto vendor = vendor_of(**connection);
  if (!vendor.ok()) return failed(id, vendor.error(), session->tried(), maker.name);
  const auto key = find_or_create(**connection, work.name);
  if (!key.ok()) return failed(id, key.error(), session->tried(), maker.name);

  std::optional<WorkDone> failure;
  for (const KmipServer& server : work.access.servers) {
    const auto read = read_on(*session, server, *key, *vendor, options_.replication_ms);
    if (!read.ok()) {
      failure = failed(id, read.error(), session->tried(), server.name);
      break;
    }
  }
  // Destroyed whatever came of it; where a server would not, the failure says more than that.
  auto last = session->connect(maker);
  const auto destroyed = last.ok() ? (*last)->destroy(*key) : Result<void>(last.error());
  if (failure.has_value()) return *failure;
  if (!destroyed.ok()) return failed(id, destroyed.error(), session->tried(), maker.name);
  return {id, ServersProbed{*vendor, *key}, session->tried()};
}

WorkDone KmipSessions::look(WorkId id, const LookAtServers& work) {
  auto entry = credentials_.get(work.access.credential);
  if (!entry.ok()) return failed(id, entry.error());
  auto identity = decode_identity(*entry);
  if (!identity.ok()) return failed(id, identity.error());
  ServersSeen seen{.client_pem = std::move(identity->certificate_pem)};
  for (const KmipServer& server : work.access.servers) {
    auto looked = kmip::look_at_server(endpoint_of(server), options_.connect_ms);
    if (looked.ok()) {
      seen.servers.push_back({server.name, std::move(looked->pem), looked->fingerprint, ""});
    } else {
      seen.servers.push_back({server.name, "", Hash{}, looked.error().detail});
    }
  }
  return {id, std::move(seen), {}};
}

WorkDone KmipSessions::check(WorkId id, const CheckServers& work) {
  ServersChecked checked;
  for (const ProviderAccess& access : work.providers) {
    auto session = session_for(access, credentials_, options_);
    for (const KmipServer& server : access.servers) {
      auto connection =
          session.ok() ? session->connect(server) : Result<Connection>(session.error());
      const auto vendor =
          connection.ok() ? vendor_of(**connection) : Result<std::string>(connection.error());
      checked.servers.push_back({access.provider, server.name, vendor.ok(),
                                 vendor.ok() ? *vendor : vendor.error().detail});
    }
  }
  return {id, std::move(checked), {}};
}

WorkDone KmipSessions::make_certificate(WorkId id, const MakeCertificate& work) {
  const auto now = static_cast<std::int64_t>(clock_.now() / 1'000'000'000);
  const auto made = [&]() -> Result<CertificateMade> {
    ClientIdentity identity;
    identity.key_pem = TRY(kmip::make_private_key());
    identity.certificate_pem = TRY(kmip::make_self_signed(
        identity.key_pem,
        kmip::CertificateTerms{.common_name = options_.vcenter + " " + work.provider,
                               .use = kmip::CertificateUse::kClient,
                               .not_before_seconds = now - kClockSkewSeconds,
                               .not_after_seconds = now + kCertificateSeconds}));
    const Hash fingerprint = TRY(kmip::certificate_fingerprint(identity.certificate_pem));
    return CertificateMade{TRY(credentials_.put(encode_identity(identity))),
                           identity.certificate_pem, fingerprint};
  }();
  if (!made.ok()) return failed(id, made.error());
  return {id, *made, {}};
}

}  // namespace keytrail::vcenter
