#include "tests/bench/peers/peers.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace keytrail::bench {

namespace {

constexpr int kStartTriesMax = 1000;
constexpr useconds_t kStartPauseUs = 10'000;
constexpr double kSetUpSecondsMax = 10;

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "log_bench: %s\n", sentence.c_str());
  std::exit(1);
}

std::string version_of(const std::string& program) {
  const std::string version = output_of(program + " --version");
  if (version.empty()) fail(program + " is not installed; `./run bench --peers` installs it");
  return version;
}

bool listens(const std::string& port) {
  const Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in at{.sin_family = AF_INET,
                       .sin_port = ::htons(static_cast<std::uint16_t>(std::stoi(port))),
                       .sin_addr = {.s_addr = ::htonl(INADDR_LOOPBACK)}};
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}

void wait_until_it_listens(Peer& peer) {
  for (int i = 0; i < kStartTriesMax; ++i) {
    if (!peer.child->alive()) fail(peer.name + " ended at once:\n" + peer.child->output());
    if (listens(peer.tcp_address)) return;
    ::usleep(kStartPauseUs);
  }
  fail(peer.name + " does not listen on port " + peer.tcp_address);
}

// XADD answers "$15", "1700000000000-0": the second line is the entry's place.
Line redis_meaning(std::string_view line) {
  if (line.starts_with('-')) return Line::kError;
  return line.starts_with('$') ? Line::kNothing : Line::kAnswer;
}

// An acknowledgement is a message of one line of JSON: {"stream":"BENCH","seq":1}.
Line nats_meaning(std::string_view line) {
  if (line == "PING") return Line::kPing;
  if (line.starts_with("-ERR") || line.find("\"error\"") != std::string_view::npos)
    return Line::kError;
  return line.starts_with('{') ? Line::kAnswer : Line::kNothing;
}

// One request and its answer, before anything is measured.
void request_once(const std::string& address, const LineProtocol& protocol) {
  Fleet<LineClient> one = line_clients(address, protocol, 1);
  one.front()->fill(1);
  for (const auto start = Steady::now(); one.front()->in_flight() > 0;) {
    if (seconds_since(start) > kSetUpSecondsMax) fail("a peer did not answer: " + protocol.request);
    LineClient::wait(one);
    one.front()->step();
  }
}

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

// Whether this server takes `sync_interval: always`; the rest of its configuration stands.
bool nats_syncs(const std::string& folder) {
  const std::string file = folder + "/probe.conf";
  std::ofstream(file) << "jetstream { store_dir: \"" << folder << "\", sync_interval: always }\n";
  return !output_of("nats-server -t -c " + file).empty();
}

}  // namespace

std::unique_ptr<Peer> start_redis(std::size_t value_bytes) {
  auto peer = std::make_unique<Peer>();
  const std::string version = version_of("redis-server");  // "Redis server v=7.0.15 sha=…"
  const std::size_t at = version.find("v=");
  peer->name = "Redis " + version.substr(at + 2, version.find(' ', at) - at - 2);
  auto folder = std::make_unique<testing::TempFolder>();
  peer->unix_address = folder->file("redis");
  peer->tcp_address = std::to_string(free_port());
  peer->protocol = {.greeting = {},
                    .request = "*5\r\n" + bulk("XADD") + bulk("facts") + bulk("*") + bulk("f") +
                               bulk(std::string(value_bytes, 'x')),
                    .meaning = redis_meaning};
  const std::vector<std::string> command = {"redis-server",
                                            "--bind",
                                            "127.0.0.1",
                                            "--port",
                                            peer->tcp_address,
                                            "--unixsocket",
                                            peer->unix_address,
                                            "--dir",
                                            folder->path(),
                                            "--save",
                                            "",
                                            "--appendonly",
                                            "yes",
                                            "--appendfsync",
                                            "always",
                                            "--auto-aof-rewrite-percentage",
                                            "0"};
  peer->child = std::make_unique<Child>(std::move(folder), command);
  wait_until_it_listens(*peer);
  request_once(peer->unix_address, peer->protocol);
  return peer;
}

std::unique_ptr<Peer> start_nats(std::size_t value_bytes) {
  auto peer = std::make_unique<Peer>();
  const std::string version = version_of("nats-server");  // "nats-server: v2.9.10"
  peer->name = "NATS JetStream " + version.substr(version.find('v', sizeof "nats-server") + 1);
  auto folder = std::make_unique<testing::TempFolder>();
  peer->tcp_address = std::to_string(free_port());
  const bool syncs = nats_syncs(folder->path());
  if (!syncs) peer->name += ", which acknowledges before it syncs";
  const std::string configuration = folder->file("nats.conf");
  std::ofstream(configuration) << "listen: \"127.0.0.1:" << peer->tcp_address << "\"\n"
                               << "ping_interval: \"10m\"\n"
                               << "jetstream { store_dir: \"" << folder->path() << "\""
                               << (syncs ? ", sync_interval: always" : "") << " }\n";
  peer->child = std::make_unique<Child>(
      std::move(folder), std::vector<std::string>{"nats-server", "-c", configuration});
  wait_until_it_listens(*peer);

  const std::string hello =
      "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB acks." + peer->tcp_address;
  const std::string stream = R"({"name":"BENCH","subjects":["facts"],"storage":"file"})";
  const LineProtocol create{.greeting = hello + ".create 1\r\n",
                            .request = "PUB $JS.API.STREAM.CREATE.BENCH acks." + peer->tcp_address +
                                       ".create " + std::to_string(stream.size()) + "\r\n" +
                                       stream + "\r\n",
                            .meaning = nats_meaning};
  request_once(peer->tcp_address, create);
  // Each connection hears of its own requests alone: "#" is its number.
  peer->protocol = {.greeting = hello + ".# 1\r\n",
                    .request = "PUB facts acks." + peer->tcp_address + ".# " +
                               std::to_string(value_bytes) + "\r\n" +
                               std::string(value_bytes, 'x') + "\r\n",
                    .meaning = nats_meaning};
  return peer;
}

}  // namespace keytrail::bench
