#include "eventstore/service/service.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "bus/secret/ed25519.h"
#include "eventstore/log/chain.h"
#include "eventstore/log/checkpoint_file.h"
#include "eventstore/service/checkpoint_loop.h"
#include "eventstore/service/order_loop.h"
#include "eventstore/service/read_loop.h"

namespace keytrail::eventstore {

namespace {

constexpr wire::SocketOptions kAppendOptions{.messages_max = protocol::kWindowMax,
                                             .linger_ms = 500};
constexpr wire::SocketOptions kLiveOptions{.messages_max = 4096};
constexpr wire::SocketOptions kReadOptions{.messages_max = 4096,
                                           .linger_ms = 500,  // Who was contradicted hears why.
                                           .report_unreachable = true};

// The store's own identity: it appends its own streams.
Identity own_identity(const std::string& name, const std::string& public_key) {
  return {.name = "eventstore/" + name,
          .curve_key = public_key,
          .prefixes = {"eventstore/" + name},
          .topics = {},
          .sockets = {"append"}};
}

// What the start learns from the log besides the orderer's own state.
struct Replayed {
  CheckedLog checked;
  std::uint64_t last_epoch = 0;  // of this store's identity
  TimeNs last_time = 0;
};

Result<Replayed> replay(const EventLog& log, const std::optional<proof::Checkpoint>& checkpoint,
                        Orderer& orderer, const std::string& identity) {
  Replayed replayed;
  const auto restore = [&](ByteView stamp, ByteView body, const Hash& leaf) -> Result<void> {
    TRY(orderer.restore(stamp, body, leaf));
    const Stamp decoded = TRY(decode_stamp(stamp));
    replayed.last_time = decoded.time;
    if (decoded.author == identity)
      replayed.last_epoch = std::max(replayed.last_epoch, decoded.author_epoch);
    return {};
  };
  replayed.checked = TRY(check_log(log, checkpoint, restore));
  return replayed;
}

}  // namespace

struct Service::Impl {
  Impl(EventLog& used_log, ServiceOptions given, const Clock& used_clock, Random& used_random)
      : log(used_log),
        options(std::move(given)),
        clock(used_clock),
        context([this](const wire::RefusedPeer& peer) {
          refuse({peer.socket, "key not on the list", peer.address});
        }),
        commands(context, options.endpoints.command, options.keys,
                 [this](wire::CommandMessage message) {
                   const wire::CommandToken token = message.token;
                   if (mail.commands.put(std::move(message))) return;
                   commands.error(token, "busy", "too many commands are waiting",
                                  "try again in a moment");
                 }),
        own(options.name, used_clock, used_random) {}

  Result<void> start(Random& random);
  Result<void> bind_sockets();
  // From any thread, to the ordering one. Full: enough is counted, or said, already.
  void refuse(RefusedKnock knock) { std::ignore = mail.refused.put(std::move(knock)); }
  void fail(std::string sentence) { std::ignore = mail.failures.put(std::move(sentence)); }

  EventLog& log;
  ServiceOptions options;
  const Clock& clock;
  OrderMail mail;
  wire::Context context;
  wire::CommandServer commands;
  OwnAuthor own;
  std::optional<Orderer> orderer;
  std::optional<SharedState> shared;
  std::optional<wire::Socket> append;
  // Threads. They end from the last to the first: a checkpoint of all that was written comes last.
  std::optional<CheckpointLoop> checkpoints;
  std::optional<WriteLoop> writer;
  std::optional<PublishLoop> publisher;
  std::optional<ReadLoop> reader;
};

Result<void> Service::Impl::start(Random& random) {
  if (options.checkpoint_key.size() != kEd25519SeedBytes) {
    return Error{ErrorCode::kInvalid, "the checkpoint key is not an Ed25519 seed of 32 bytes"};
  }
  options.identities.push_back(own_identity(options.name, options.keys.public_key));
  Orderer::Options order{.genesis = genesis_of(log.id()), .generation = log.generation()};
  random.fill(order.table_key);
  order.identities = TRY(bootstrap(options.identities));
  orderer.emplace(std::move(order));

  const auto checkpoint = TRY(
      read_checkpoint_file(options.checkpoint_file, ed25519_public_key(options.checkpoint_key)));
  Replayed replayed = TRY(replay(log, checkpoint, *orderer, own.identity()));
  const Result<void> clock_fit = clock_fits(replayed.last_time, clock.now());
  if (options.clock_doubt == ClockDoubt::kRefuse) TRY(Result<void>(clock_fit));

  shared.emplace(orderer->head(), orderer->durable_identities());
  context.allow(allow_list(orderer->durable_identities()));
  TRY(bind_sockets());
  writer.emplace(log);
  checkpoints.emplace(log, std::move(replayed.checked), options.checkpoint_file,
                      options.checkpoint_key,
                      [this](std::string failure) { fail(std::move(failure)); });
  own.begin(replayed.last_epoch, options.program_version);
  if (!clock_fit.ok()) {  // The operator's word is a fact.
    own.record(Event(ClockStepped{.expected = replayed.last_time, .found = clock.now()}), "clock");
  }
  return {};
}

Result<void> Service::Impl::bind_sockets() {
  using wire::Socket;
  using wire::SocketKind;
  StoreEndpoints& at = options.endpoints;
  append = TRY(Socket::bind(context, SocketKind::kRouter, at.append, "append", options.keys,
                            kAppendOptions));
  Socket live =
      TRY(Socket::bind(context, SocketKind::kXpub, at.live, "live", options.keys, kLiveOptions));
  Socket read =
      TRY(Socket::bind(context, SocketKind::kRouter, at.read, "read", options.keys, kReadOptions));
  TRY(commands.start());
  at = {.append = append->endpoint(),
        .live = live.endpoint(),
        .read = read.endpoint(),
        .command = commands.endpoint()};
  const auto on_failure = [this](std::string sentence) { fail(std::move(sentence)); };
  publisher.emplace(std::move(live), *shared, options.heartbeat_ms, on_failure);
  reader.emplace(std::move(read), log, *shared, options.installation, options.heartbeat_ms,
                 ReadLoop::Reports{.on_failure = on_failure,
                                   .on_refused = [this](std::string reason, std::string address) {
                                     refuse({"read", std::move(reason), std::move(address)});
                                   }});
  return {};
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::start(EventLog& log, ServiceOptions options,
                                                const Clock& clock, Random& random) {
  auto impl = std::make_unique<Impl>(log, std::move(options), clock, random);
  TRY(impl->start(random));
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

const StoreEndpoints& Service::endpoints() const { return impl_->options.endpoints; }

Result<void> Service::run(int stop_fd) {
  Impl& impl = *impl_;
  OrderLoop loop({.context = impl.context,
                  .orderer = *impl.orderer,
                  .own = impl.own,
                  .writer = *impl.writer,
                  .publisher = *impl.publisher,
                  .shared = *impl.shared,
                  .mail = impl.mail,
                  .commands = impl.commands,
                  .clock = impl.clock,
                  .log_id = to_hex(impl.log.id()),
                  .checkpoint_key = to_hex(ed25519_public_key(impl.options.checkpoint_key))},
                 std::move(*impl.append));
  impl.append.reset();
  return loop.run(stop_fd);
}

}  // namespace keytrail::eventstore
