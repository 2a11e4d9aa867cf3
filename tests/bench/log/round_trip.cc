#include "tests/bench/log/round_trip.h"

#include <array>

#include "tests/bench/log/author.h"
#include "tests/bench/log/without_curve.h"

namespace keytrail::bench {

namespace {

constexpr int kPatienceMs = 1000;

}  // namespace

RoundTrip::RoundTrip(Transport transport) {
  std::optional<WithoutCurve> plain;
  if (transport == Transport::kPlainIpc) plain.emplace();
  OsRandom random;
  const wire::CurveKeys server_keys = wire::make_curve_keys(random);
  wire::CurveKeys client_keys = wire::make_curve_keys(random);
  context_.allow({{.name = "client", .public_key = client_keys.public_key, .sockets = {"echo"}}});
  server_ = wire::Socket::bind(context_, wire::SocketKind::kRouter,
                               plain ? "ipc://" + folder_.file("echo") : "tcp://127.0.0.1:*",
                               "echo", server_keys)
                .value();
  client_ = wire::Socket::connect(context_, wire::SocketKind::kDealer, server_->endpoint(),
                                  server_keys.public_key, client_keys)
                .value();
  thread_ = std::thread([this] { echo(); });
}

RoundTrip::~RoundTrip() {
  stop_.set();
  thread_.join();
}

void RoundTrip::echo() {
  const std::array<int, 1> fds{stop_.fd()};
  wire::Message message;
  while (!stop_.is_set()) {
    wire::wait_readable({&*server_}, fds, kPatienceMs);
    while (server_->receive(message)) server_->send({message.frames.at(0), message.frames.at(1)});
  }
}

double RoundTrip::p50_us(double seconds) {
  const Bytes fact(kBodyBytes);
  wire::Message message;
  Series delays;
  for (const auto start = Steady::now(); seconds_since(start) < seconds;) {
    const auto sent = Steady::now();
    KEYTRAIL_CHECK(client_->send({fact}));
    while (!client_->receive(message)) {
      wire::wait_readable({&*client_}, {}, kPatienceMs);
      (void)client_->take_connection_changes();  // Else the wait would return for them for ever.
    }
    delays.push_back(seconds_since(sent) * 1e6);
  }
  return median(delays);
}

}  // namespace keytrail::bench
