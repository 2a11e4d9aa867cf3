#include "esxi/service/host_service.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <utility>

#include "bus/events/match.h"
#include "bus/wire/context.h"
#include "bus/wire/host_channel.h"
#include "bus/wire/mailbox.h"
#include "bus/wire/workers.h"
#include "esxi/disk/os_disk_folder.h"
#include "esxi/service/disk_work.h"
#include "esxi/service/guests.h"
#include "esxi/service/host_core.h"
#include "esxi/service/key_cache.h"
#include "kms/crypto/key_locator.h"
#include "kms/crypto/key_push.h"

namespace keytrail::esxi {
namespace {

constexpr std::size_t kArrivalsMax = 1024;
constexpr std::size_t kWorkersMax = 4;
constexpr std::size_t kWorkMax = 256;
constexpr std::size_t kQuestionsMax = 1024;  // asked and perhaps not answered yet
// One per order under way and per guest that runs: results never wait for room, or go missing.
constexpr std::size_t kResultsMax = kWorkersMax + 2 * kWorkMax + Guests::kGuestsMax;
constexpr TimeNs kUsageIntervalNs = 60'000'000'000;
constexpr int kTickMs = 200;
constexpr TimeNs kStopWithinNs = 5'000'000'000;
constexpr TimeNs kFarewellNs = 2'000'000'000;  // for PartStopped to become durable
constexpr protocol::TransactionId kFarewell = ~protocol::TransactionId{0};  // no core's

struct OrderDone {
  ActionId action;
  Result<OrderOutcome> outcome;
};
struct KeysArrived {
  Bytes nonce;
  std::vector<wire::SealedKey> keys;
};
using WorkResult = std::variant<OrderDone, GuestEnd>;

protocol::TopicSet followed_topics() {
  return static_cast<protocol::TopicSet>(protocol::topic_bit(protocol::Topic::kVcenterChange) |
                                         protocol::topic_bit(protocol::Topic::kEsxiChange));
}

wire::LogLinkOptions link_options(const HostOptions& options) {
  wire::LogLinkOptions link;
  link.author = "esxi/" + options.self.host;
  link.endpoints = options.log;
  link.last_file = options.last_file;
  link.follower.topics = followed_topics();
  link.appender.epoch_stream = epoch_stream(options.self);
  return link;
}

}  // namespace

struct HostService::Impl {
  Impl(HostOptions given, wire::CurveKeys keys, Random& random_source, const Clock& clock_source)
      : options(std::move(given)),
        random(random_source),
        clock(clock_source),
        boot_keys(crypto::derive_key_pair(random.secret(32))),
        results(kResultsMax),
        arrivals(kArrivalsMax),
        link(context, link_options(options), keys, clock),
        channel(context, options.channel_endpoint, options.channel_server_key, std::move(keys),
                [this](Bytes nonce, std::vector<wire::SealedKey> sealed) {
                  if (!arrivals.put({std::move(nonce), std::move(sealed)})) {
                    spdlog::warn("keys arrived faster than they are taken; they are asked again");
                  }
                }),
        core(HostCore::Options{.self = options.self}),
        datastore(options.datastore),
        disks(datastore, random),
        guests(disks, {.datastore = options.datastore, .run_folder = options.run_folder},
               [this](GuestEnd end) { tell(std::move(end)); }),
        workers(kWorkersMax, kWorkMax) {
    Bytes id(8);
    random.fill(id);
    boot = to_hex(id);
  }
  ~Impl() { disks.stop(); }  // Before the workers are waited for.

  // From any thread.
  void tell(WorkResult result) { KEYTRAIL_CHECK(results.put(std::move(result))); }

  void perform(Duty duty) {
    match(
        std::move(duty), [&](const AskForKeys& x) { ask(x); },
        [&](const AdoptKeys& x) {
          for (const KeyId& key : x.keys) cache.adopt(key);
        },
        [&](const DropKeys& x) {
          for (const KeyId& key : x.keys) cache.drop(key);
        },
        [&](PerformOrder x) { perform_order(std::move(x)); },
        [&](RetireFiles x) { retire(std::move(x)); });
  }

  void ask(const AskForKeys& duty) {
    wire::Want want{.boot = boot,
                    .nonce = Bytes(wire::kNonceBytes),
                    .keys = {duty.keys.begin(), duty.keys.end()}};
    random.fill(want.nonce);
    asked.push_back(want.nonce);
    if (asked.size() > kQuestionsMax) asked.pop_front();
    channel.want(std::move(want));
  }

  void perform_order(PerformOrder duty) {
    const ActionId action = duty.order.action;
    // std::function wants a copyable task, and keys are not.
    auto keys = std::make_shared<OrderKeys>(
        OrderKeys{cache.clone(duty.order.key), cache.clone(duty.order.old_key)});
    const bool taken = workers.put([this, keys, duty = std::move(duty)] {
      tell(OrderDone{duty.order.action, do_order(duty, std::move(*keys))});
    });
    if (!taken) {
      core.on_order_done(action, Error{ErrorCode::kUnavailable,
                                       "the host has too much work queued; it tries again"});
    }
  }

  // On a worker.
  Result<OrderOutcome> do_order(const PerformOrder& duty, OrderKeys keys) {
    const std::string& vm = duty.order.vm;
    spdlog::info("{}: performing order {} of vCenter", vm, duty.order.position);
    switch (duty.order.kind) {
      case OrderKind::kPowerOn:
        return power_on(duty, keys);
      case OrderKind::kPowerOff:
        return OrderOutcome{.usage = guests.power_off(vm)};
      case OrderKind::kCreate:
      case OrderKind::kEncrypt:
      case OrderKind::kDecrypt:
      case OrderKind::kRecrypt:
        return OrderOutcome{.disk = TRY(disks.perform(duty.order, duty.vm, std::move(keys)))};
      case OrderKind::kMode:
        break;  // Stated by the core, never performed.
    }
    return Error{ErrorCode::kInvalid, "this host does not know that order"};
  }

  // A guest that did not start leaves nothing to find out about: the order is refused at once.
  Result<OrderOutcome> power_on(const PerformOrder& duty, const OrderKeys& keys) {
    const Result<void> started = guests.power_on(duty.order.vm, duty.vm, keys.key);
    if (!started.ok()) return Error{ErrorCode::kRefused, started.error().detail};
    return OrderOutcome{};
  }

  void retire(RetireFiles duty) {
    if (!workers.put([this, duty] { disks.retire(duty.vm, duty.known); })) {
      spdlog::warn("{}: the old disk file stays until the VM's next order: too much work is queued",
                   duty.vm);
    }
  }

  void on_result(WorkResult result) {
    match(
        std::move(result),
        [&](OrderDone x) {
          if (!x.outcome.ok()) spdlog::warn("an order was not done: {}", x.outcome.error().detail);
          core.on_order_done(x.action, std::move(x.outcome));
        },
        [&](GuestEnd x) { core.on_guest_ended(std::move(x)); });
  }

  void open_keys(const KeysArrived& arrived) {
    if (std::find(asked.begin(), asked.end(), arrived.nonce) == asked.end()) {
      spdlog::warn("keys arrived that this host did not ask for; they were not opened");
      return;
    }
    std::vector<KeyArrival> opened;
    for (const wire::SealedKey& sealed : arrived.keys) {
      if (sealed.encapsulation.empty()) {
        opened.push_back({sealed.key, false, sealed.detail});
        continue;
      }
      Result<SecretBytes> kek = open_key(arrived.nonce, sealed);
      if (kek.ok()) {
        cache.arrive(sealed.key, std::move(kek).value());
        opened.push_back({sealed.key, true, ""});
      } else {
        spdlog::error("key {} of {} does not open: {}", sealed.key.id, sealed.key.provider,
                      kek.error().detail);
      }
    }
    core.on_keys(opened);
  }

  Result<SecretBytes> open_key(const Bytes& nonce, const wire::SealedKey& sealed) {
    crypto::HpkeSealed message;
    if (sealed.encapsulation.size() != message.encapsulated.size()) {
      return Error{ErrorCode::kInvalid, "an encapsulated key of the wrong size"};
    }
    std::copy(sealed.encapsulation.begin(), sealed.encapsulation.end(),
              message.encapsulated.begin());
    message.ciphertext = sealed.ciphertext;
    SecretBytes kek = TRY(crypto::open_key_push(boot_keys,
                                                {.host = options.self.host,
                                                 .boot = to_bytes(as_bytes(boot)),
                                                 .nonce = nonce,
                                                 .provider = sealed.key.provider,
                                                 .key_id = sealed.key.id},
                                                message));
    if (kek.size() != crypto::kKekBytes) {  // Whoever unwraps with it relies on that.
      return Error{ErrorCode::kInvalid, "it is not a key of 256 bits"};
    }
    return kek;
  }

  // False: the log turned this process away.
  bool on_link(const wire::LinkEvent& event) {
    bool goes_on = true;
    match(
        event, [&](const wire::Followed& x) { core.on_followed(x.fact); },
        [&](const wire::FollowedThrough& x) {
          core.on_followed_through(x.position);
          begin_if_live();
        },
        [&](const wire::FollowStateChanged& x) {
          is_live = x.state == protocol::FollowState::kLive;
          begin_if_live();
        },
        [&](const wire::TransactionAccepted& x) {
          if (x.id == kFarewell) said_farewell = true;
          core.on_accepted(x.id, x.first, x.count);
        },
        [&](const wire::TransactionDecideAgain& x) { core.on_decide_again(x.id); },
        [&](const wire::TransactionFailed& x) {
          spdlog::warn("a decision of this host was not recorded: {}", x.error.detail);
          core.on_failed(x.id, x.error);
        },
        [](const wire::HeadAnswered&) {
        },  // A host asks for no head: its guards tell it what is stale.
        [](const wire::LogUnserved& x) { spdlog::warn("{}", x.why); },
        [&](const wire::LinkEnded& x) {
          ended_because = x.reason;
          goes_on = false;
        });
    return goes_on;
  }

  void begin_if_live() {
    if (!is_live || began) return;
    began = true;
    link.begin_epoch(core.state().epoch, KEYTRAIL_VERSION);
    core.start(boot, boot_keys.public_key);
  }

  void flush() {
    HostCore::Outputs outputs = core.take_outputs();
    for (const auto& [id, decision] : outputs.submit) link.submit(id, decision);
    for (Duty& duty : outputs.perform) perform(std::move(duty));
  }

  // One turn: wait, hear, decide, act. False: the log turned this process away.
  bool turn(const std::vector<int>& fds) {
    link.wait(kTickMs, fds);
    for (const wire::LinkEvent& event : link.take_events()) {
      if (!on_link(event)) return false;
    }
    for (WorkResult& result : results.take_all()) on_result(std::move(result));
    for (const KeysArrived& keys : arrivals.take_all()) open_keys(keys);
    core.tick(clock.now());
    summarize();
    flush();
    return true;
  }

  // Guests first: what became of them stands before the end of their host.
  void stop() {
    guests.power_off_all();
    if (!turn_until([this] { return core.is_idle(); }, kStopWithinNs)) return;
    if (!began || !is_live) return;
    Body body;
    body.stream = epoch_stream(options.self);
    body.user = "esxi/" + options.self.host;
    body.clock = clock.now();
    body.event = part::Event(part::PartStopped{.epoch = core.state().epoch});
    link.submit(kFarewell, {.facts = {std::move(body)}});
    turn_until([this] { return said_farewell; }, kFarewellNs);
  }

  // At least one turn: what waits in the mailboxes is not done. False: the log turned this process
  // away.
  bool turn_until(const std::function<bool()>& done, TimeNs within) {
    const TimeNs deadline = clock.monotonic() + within;
    do {
      if (!turn(fds())) return false;
    } while (!done() && clock.monotonic() < deadline);
    return true;
  }

  void summarize() {
    const TimeNs now = clock.monotonic();
    if (now < summarize_at) return;
    summarize_at = now + kUsageIntervalNs;
    core.on_usage(guests.summarize());
  }

  [[nodiscard]] std::vector<int> fds() const { return {results.fd(), arrivals.fd()}; }

  HostOptions options;
  Random& random;
  const Clock& clock;
  crypto::X25519KeyPair boot_keys;
  std::string boot;
  wire::Mailbox<WorkResult> results;
  wire::Mailbox<KeysArrived> arrivals;
  wire::Context context;
  wire::LogLink link;
  wire::HostChannelClient channel;
  HostCore core;
  KeyCache cache;
  disk::OsDatastore datastore;
  DiskWork disks;
  Guests guests;
  wire::Workers workers;  // Last: its threads end before what they use.
  std::deque<Bytes> asked;
  TimeNs summarize_at = 0;
  bool is_live = false;
  bool began = false;
  bool said_farewell = false;
  std::string ended_because;
};

HostService::HostService(HostOptions options, wire::CurveKeys keys, Random& random,
                         const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(keys), random, clock)) {}

HostService::~HostService() = default;

Result<void> HostService::run(int stop_fd) {
  TRY(impl_->channel.start());
  std::vector<int> fds = impl_->fds();
  fds.push_back(stop_fd);
  while (!wire::is_readable(stop_fd)) {
    if (!impl_->turn(fds)) return Error{ErrorCode::kRefused, impl_->ended_because};
  }
  impl_->stop();
  return {};
}

}  // namespace keytrail::esxi
