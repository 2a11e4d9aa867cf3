#include "tests/installation/installation_under_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "bus/client/log_reader.h"
#include "bus/events/codec.h"
#include "bus/wire/context.h"
#include "bus/wire/curve.h"
#include "cli/vcenter_session.h"

namespace keytrail::testing {
namespace {

constexpr auto kUpWithin = std::chrono::seconds(60);
constexpr auto kDownWithin = std::chrono::seconds(40);
constexpr std::string_view kUpSays = "up; the data are in ";

// What an installation of our sizes takes, and below the ports that the kernel gives to clients.
constexpr int kPortsOfOne = 70;
constexpr int kFirstBase = 10'000;
constexpr int kBases = 300;

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

// Tests that run at the same time begin to look in different places.
std::uint16_t free_port_base() {
  for (int i = 0; i < kBases; ++i) {
    const int base = kFirstBase + (::getpid() * 7 + i) % kBases * kPortsOfOne;
    int port = base;
    while (port < base + kPortsOfOne && is_free(port)) ++port;
    if (port == base + kPortsOfOne) return static_cast<std::uint16_t>(base);
  }
  KEYTRAIL_CHECK(!"a free range of ports");
  return 0;
}

bool has_ended(const cli::Process& process) {
  pollfd item{process.fd(), POLLIN, 0};
  return ::poll(&item, 1, 0) > 0;
}

}  // namespace

bool until(const std::function<bool()>& holds, std::chrono::milliseconds within) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // Between two questions.
  }
  return true;
}

std::string keytrail_program() { return KEYTRAIL_PROGRAM; }

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

struct InstallationUnderTest::Session {
  std::unique_ptr<cli::VcenterSession> vcenter;
};

InstallationUnderTest::InstallationUnderTest(Shape shape)
    : shape_(shape),
      port_base_(free_port_base()),
      data_(folder_.file("data")),
      session_(std::make_unique<Session>()) {}

InstallationUnderTest::~InstallationUnderTest() { stop(); }

std::vector<std::string> InstallationUnderTest::up_command() const {
  return {keytrail_program(),
          "--data",
          data_,
          "up",
          "--port-base",
          std::to_string(port_base_),
          "--replicas",
          std::to_string(shape_.replicas),
          "--hosts",
          std::to_string(shape_.hosts)};
}

std::string InstallationUnderTest::start() {
  const std::string said = folder_.file("up.log");
  ::unlink(said.c_str());
  auto started = cli::Process::start(up_command(), said);
  if (!started.ok()) return started.error().detail;
  up_.emplace(std::move(started).value());
  const bool decided =
      until([&] { return has_ended(*up_) || contents(said).find(kUpSays) != std::string::npos; },
            kUpWithin);
  if (decided && !has_ended(*up_)) return "";
  up_.reset();
  return decided ? contents(said) : "it did not come up in time: " + contents(said);
}

std::string InstallationUnderTest::stop() {
  session_->vcenter.reset();
  if (!up_.has_value()) return "not running";
  up_->send(SIGTERM);
  until([&] { return has_ended(*up_); }, kDownWithin);
  const std::string ended = has_ended(*up_) ? up_->reap() : "still running";
  up_.reset();
  return ended;
}

ProgramEnd InstallationUnderTest::run(std::vector<std::string> arguments, int seconds_max) const {
  arguments.insert(arguments.begin(), {keytrail_program(), "--data", data_});
  return run_program(std::move(arguments), seconds_max);
}

Result<std::string> InstallationUnderTest::call(const std::string& command,
                                                const std::string& arguments) {
  if (session_->vcenter == nullptr) {
    session_->vcenter = TRY(cli::VcenterSession::open({.data = data_}));
  }
  return session_->vcenter->call(command, arguments);
}

ProgramEnd InstallationUnderTest::add_provider() const {
  std::vector<std::string> command{"provider", "add", "prod", "--enrol"};
  for (const cli::KmsEndpoint& replica : endpoints().kms) {
    command.insert(command.end(), {"--server", replica.name + "=" + replica.address + ":" +
                                                   std::to_string(replica.port)});
  }
  return run(std::move(command));
}

std::vector<Fact> InstallationUnderTest::facts(const Filter& filter) const {
  const cli::Endpoints at = endpoints();
  wire::Context context;
  const wire::CurveKeys keys = wire::read_curve_keys(at.operator_identity.key_file).value();
  client::LogReader reader(context, {.endpoint = at.log.read, .server_key = at.log.server_key},
                           keys);
  std::vector<Fact> found;
  const auto take = [&](const client::ReadFact& fact) {
    Result<Fact> decoded = decode_fact(fact.stored);
    KEYTRAIL_CHECK(decoded.ok());
    found.push_back(std::move(decoded).value());
    return true;
  };
  const auto read = reader.read(0, 0, {.filter = filter}, take);
  KEYTRAIL_CHECK(read.ok());
  return found;
}

std::string InstallationUnderTest::log_of(const std::string& part) const {
  return contents(file("log/" + part + ".log"));
}

cli::Endpoints InstallationUnderTest::endpoints() const {
  auto read = cli::read_endpoints(data_);
  KEYTRAIL_CHECK(read.ok());
  return std::move(read).value();
}

int InstallationUnderTest::pid_of(const std::string& part) const {
  const cli::Endpoints at = endpoints();
  if (part == "eventstore") return at.eventstore_pid;
  if (part == at.vcenter.name) return at.vcenter.pid;
  for (const cli::KmsEndpoint& replica : at.kms) {
    if (part == replica.name) return replica.pid;
  }
  for (const cli::HostEndpoint& host : at.hosts) {
    if (part == host.name) return host.pid;
  }
  return 0;
}

}  // namespace keytrail::testing
