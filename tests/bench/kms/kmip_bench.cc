// kmip_bench: KMIP Get and Create per second at 1 and more connections, each request recorded
// durably before its answer leaves; and beside them how often this disk syncs, which is what bounds
// them: half of connections / (1.5 x sync) is the aim.
//
//   kmip_bench [SECONDS]   one event store and one replica in this process, clients over mutual TLS
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "kms/kmip/certificate.h"
#include "kms/kmip/client.h"
#include "kms/service/replica_service.h"
#include "tests/support/store_under_test.h"

namespace keytrail::kms {
namespace {

using Steady = std::chrono::steady_clock;
using keytrail::testing::StoreUnderTest;
using keytrail::testing::TempFolder;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double syncs_per_second(const std::string& file) {
  const int fd = ::open(file.c_str(), O_CREAT | O_RDWR, 0600);
  constexpr off_t kAllocatedBytes = 64 << 20;  // As RocksDB does, so that the size need not sync.
  KEYTRAIL_CHECK(fd >= 0 && ::posix_fallocate(fd, 0, kAllocatedBytes) == 0);
  const Bytes block(512);
  int done = 0;
  const auto start = Steady::now();
  for (; seconds_since(start) < 1; ++done) {
    KEYTRAIL_CHECK(::write(fd, block.data(), block.size()) == 512 && ::fdatasync(fd) == 0);
  }
  const double rate = done / seconds_since(start);
  ::close(fd);
  return rate;
}

std::string escaped(const std::string& pem) {
  std::string text;
  for (const char c : pem) text += c == '\n' ? "\\n" : std::string(1, c);
  return text;
}

// The store, one replica, one enrolled client.
class Installation {
 public:
  Installation() {
    ReplicaServiceOptions options;
    options.name = "kms-1";
    options.cluster = "cluster-1";
    options.program_version = "bench";
    options.folder = folder_.path();
    options.log = store_.log_endpoints();
    options.keys = store_.keys_of("kms/kms-1");
    options.kmip.port = 0;
    options.keyring_endpoint = "tcp://127.0.0.1:0";
    options.command_endpoint = "ipc://" + folder_.file("command");
    options.operators = {{.name = "operator/cli",
                          .public_key = store_.keys_of("operator/cli").public_key,
                          .sockets = {"command"}}};
    options.tell = [this](const std::string& line) {
      constexpr std::string_view kServing = "Serving KMIP on port ";
      if (line.starts_with(kServing)) port_ = std::stoi(line.substr(kServing.size()));
    };
    service_ = ReplicaService::start(std::move(options), {.secrets = *secrets_,
                                                          .unlock = unlock_,
                                                          .files = files_,
                                                          .clock = clock_,
                                                          .random = random_})
                   .value();
    thread_ = std::thread([this] { (void)service_->run(stop_.fd()); });
    while (port_ == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    client_key_ = kmip::make_private_key().value();
    const auto now = static_cast<std::int64_t>(::time(nullptr));
    client_pem_ = kmip::make_self_signed(client_key_, {.common_name = "bench",
                                                       .use = kmip::CertificateUse::kClient,
                                                       .not_before_seconds = now - 3600,
                                                       .not_after_seconds = now + 3600})
                      .value();
    (void)command(R"({"command":"client.add","arguments":{"client":"bench","certificate":")" +
                  escaped(client_pem_) + "\"}}");
  }
  ~Installation() {
    stop_.set();
    thread_.join();
  }

  std::string command(const std::string& json) {
    const wire::CurveKeys keys = store_.keys_of("operator/cli");
    wire::CommandClient client(context_, "ipc://" + folder_.file("command"),
                               store_.keys_of("kms/kms-1").public_key, keys);
    return client.call(json, 10'000, {}).value().json;
  }

  std::unique_ptr<kmip::Client> connect() {
    const kmip::TlsIdentity identity{.certificate_pem = client_pem_,
                                     .key_pem = client_key_.clone()};
    const auto tls = kmip::make_client_context(&identity, kmip::AnyServer{}).value();
    return kmip::Client::connect(
               {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(port_.load())}, tls)
        .value();
  }
  [[nodiscard]] const TempFolder& folder() const { return folder_; }

 private:
  StoreUnderTest store_{{{.name = "kms/kms-1",
                          .curve_key = {},
                          .prefixes = {"kms/kms-1", "kms/cluster-1"},
                          .topics = {"kms.change", "kms.sealed", "head"},
                          .sockets = {"append", "live", "read"}},
                         {.name = "operator/cli",
                          .curve_key = {},
                          .prefixes = {},
                          .topics = {},
                          .sockets = {"command"}}}};
  TempFolder folder_;
  OsRandom random_;
  OsFileSystem files_;
  SystemClock clock_;
  UnlockSecret unlock_{UnlockForm::kKey, random_.secret(32)};
  std::unique_ptr<SecretFile> secrets_ =
      SecretFile::open(files_, random_, folder_.file("secrets"), "kms/kms-1", unlock_).value();
  wire::Context context_;
  wire::WakeEvent stop_;
  std::atomic<int> port_ = 0;
  std::unique_ptr<ReplicaService> service_;
  std::thread thread_;
  SecretBytes client_key_;
  std::string client_pem_;
};

kmip::CreateRequest aes256() {
  const auto attribute = [](std::string_view name, kmip::ttlv::Value value) {
    return kmip::Attribute{.name = std::string(name), .index = 0, .value = std::move(value)};
  };
  return {.type = kmip::ObjectType::kSymmetricKey,
          .attributes = {
              attribute(kmip::attribute::kCryptographicAlgorithm, kmip::ttlv::Enumeration{3}),
              attribute(kmip::attribute::kCryptographicLength, 256),
              attribute(kmip::attribute::kCryptographicUsageMask, 12)}};
}

template <class Call>
double per_second(Installation& installation, int connections, double seconds, Call call) {
  std::atomic<std::uint64_t> done = 0;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      const auto client = installation.connect();
      while (!stop) {
        call(*client);
        ++done;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const std::uint64_t before = done;
  const auto start = Steady::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const double rate = static_cast<double>(done - before) / seconds_since(start);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return rate;
}

void measure(double seconds) {
  Installation installation;
  const double syncs = syncs_per_second(installation.folder().file("sync"));
  std::printf("%-36s %10.0f /s\n", "fdatasync of 512 bytes", syncs);
  const std::string id = installation.connect()->create(aes256()).value().id;
  for (const int connections : {1, 8, 32}) {
    const double gets = per_second(installation, connections, seconds, [&](kmip::Client& client) {
      KEYTRAIL_CHECK(client.get(id).ok());
    });
    const double aim = connections / (1.5 / syncs) / 2;
    std::printf("KMIP Get, recorded, %3d connections  %10.0f /s   (aim %.0f)\n", connections, gets,
                aim);
  }
  for (const int connections : {1, 8}) {
    const double creates =
        per_second(installation, connections, seconds,
                   [&](kmip::Client& client) { KEYTRAIL_CHECK(client.create(aes256()).ok()); });
    std::printf("KMIP Create, %3d connections         %10.0f /s\n", connections, creates);
  }
}

}  // namespace
}  // namespace keytrail::kms

int main(int count, char** arguments) {
  keytrail::kms::measure(count > 1 ? std::stod(arguments[1]) : 3);
  return 0;
}
