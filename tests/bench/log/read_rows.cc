// Reading a log that is there: whole facts over CURVE, as a part that catches up does; every byte
// of it verified; followed as JSON through a filter.
#include <algorithm>
#include <cstdio>

#include "bus/client/log_reader.h"
#include "bus/events/codec.h"
#include "eventstore/log/verify.h"
#include "tests/bench/log/author.h"
#include "tests/bench/log/bench_rows.h"
#include "tests/bench/log/filled_log.h"

namespace keytrail::bench {

namespace {

constexpr int kPatienceMs = 1000;
constexpr std::uint32_t kCredit = 60'000;

// Whole facts a second, all of the log.
double catch_up(wire::Context& context, const BenchStore& store, Position facts) {
  const wire::LogEndpoints at = store.log_endpoints();
  const wire::CurveKeys keys = store.keys_of(0);
  client::LogReader reader(context, {.endpoint = at.read, .server_key = at.server_key}, keys);
  KEYTRAIL_CHECK(reader.welcome().ok());
  Position seen = 0;
  const auto start = Steady::now();
  const auto until = reader.read(0, facts, {}, [&](const client::ReadFact&) { return ++seen > 0; });
  const double per_second = static_cast<double>(seen) / seconds_since(start);
  KEYTRAIL_CHECK(until.ok() && seen == facts);
  return per_second;
}

double verified(BenchStore& store) {
  const auto start = Steady::now();
  const eventstore::Verdict verdict = eventstore::verify(store.log(), {});
  const double per_second = static_cast<double>(verdict.end.position) / seconds_since(start);
  if (!verdict.whole()) std::fprintf(stderr, "%s\n", verdict.wrong.c_str());
  KEYTRAIL_CHECK(verdict.whole());
  return per_second;
}

// A subscriber that follows CloudEvents as lines of JSON, of one user's facts: one in kRareEvery.
class JsonSubscriber {
 public:
  JsonSubscriber(wire::Context& context, const BenchStore& store)
      : socket_(wire::Socket::connect(context, wire::SocketKind::kDealer,
                                      store.log_endpoints().read, store.log_endpoints().server_key,
                                      store.keys_of(0))
                    .value()) {
    ask("HELLO", to_json(wire::Hello{.form = wire::PayloadForm::kCloudEvents}));
    while (next() != "WELCOME") continue;
  }

  // Facts scanned a second, from the first to `until`.
  double follow(Position until, const std::string& user) {
    wire::FollowQuery query{.after = 0, .credit = kCredit};
    query.selection.filter.users = {user};
    std::uint64_t lines = 0;
    const auto start = Steady::now();
    ask("FOLLOW", to_json(query));
    for (Position at = 0; at < until;) {
      const std::string verb = next();
      KEYTRAIL_CHECK(verb != "ERROR");
      if (verb == "FACTS") {
        const Bytes& payload = message_.frames.at(4);
        lines += static_cast<std::uint64_t>(std::count(payload.begin(), payload.end(), '\n'));
      }
      at = wire::progress_from(message_.frames.at(3)).value().position;
    }
    KEYTRAIL_CHECK(lines == until / kRareEvery);  // So it was the filter that was measured.
    return static_cast<double>(until) / seconds_since(start);
  }

 private:
  void ask(std::string_view verb, const std::string& body) {
    KEYTRAIL_CHECK(socket_.send(
        {as_bytes(wire::kProtocolName), as_bytes(verb), as_bytes("bench"), as_bytes(body)}));
  }
  std::string next() {
    while (!socket_.receive(message_)) {
      wire::wait_readable({&socket_}, {}, kPatienceMs);
      (void)socket_.take_connection_changes();
    }
    return std::string(as_text(message_.frames.at(1)));
  }

  wire::Socket socket_;
  wire::Message message_;
};

// The user's whole name, which the filter asks for: bodies are filled up to their size in it.
std::string rare_user() {
  const Bytes body =
      body_of("kms/cluster-1/object/0", kRareUser, kms::Event(kms::KeyActivated{.object = "0"}));
  return decode_body(body).value().user;
}

}  // namespace

void read_rows(const BenchOptions& options) {
  const std::string log = options.folder + "/read";
  const Position facts = options.facts;
  // One stream: all bodies then name the same object, and the rare user the same length of dots.
  fill_log(log, facts, 1);
  BenchStore store({Transport::kCurveTcp, log});
  wire::Context context;
  const std::string user = rare_user();

  Rounds rounds(options.folder, options.rounds);
  rounds.add("catch-up", [&] { return catch_up(context, store, facts); });
  rounds.add("verify", [&] { return verified(store); });
  rounds.add("json", [&] { return JsonSubscriber(context, store).follow(facts, user); });
  rounds.run();

  const auto row = [&](const std::string& work, const std::string& name, double goal) {
    Series thousands = rounds.of(name);
    for (double& figure : thousands) figure /= 1000;
    print_row({.work = work,
               .unit = "facts/s",
               .figures = rounds.of(name),
               .syncs_per_second = rounds.syncs_per_second(),
               .goals = {{.of = "k/s", .measured = std::move(thousands), .goal = goal}}});
  };
  row("catch-up read, whole facts, CURVE", "catch-up", 500);
  row("`log verify`: every byte, chain, tree", "verify", 1300);
  row("JSON subscriber: FOLLOW as CloudEvents, one filter, facts scanned", "json", 100);
}

}  // namespace keytrail::bench
