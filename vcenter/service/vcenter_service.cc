#include "vcenter/service/vcenter_service.h"

#include <map>
#include <memory>
#include <utility>
#include <variant>

#include "bus/events/match.h"
#include "bus/events/refusal_counter.h"
#include "bus/secret/sha256.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "bus/wire/host_channel.h"
#include "bus/wire/mailbox.h"
#include "bus/wire/wake_event.h"
#include "bus/wire/workers.h"
#include "vcenter/service/kmip_sessions.h"
#include "vcenter/service/parse_command.h"
#include "vcenter/service/passwords.h"
#include "vcenter/service/vcenter_core.h"

namespace keytrail::vcenter {
namespace {

constexpr int kTickMs = 100;
constexpr int kFarewellMs = 2'000;  // for PartStopped to become durable
constexpr std::size_t kMailMax = 1024;
constexpr std::size_t kOutcomesMax = 2 * VCenterCore::kDeedsMax;  // never full: each deed has one
constexpr std::size_t kKmipWaitingMax = VCenterCore::kDeedsMax;
constexpr std::size_t kPasswordsWaitingMax = 16;
constexpr std::size_t kSessionBytes = 32;
// The core counts its transactions from 1; the shell's own have the highest bit.
constexpr protocol::TransactionId kShellsOwn = protocol::TransactionId{1} << 63;
constexpr protocol::TransactionId kFarewell = kShellsOwn;

// What belongs to a request and is not the core's to see.
struct Confidence {
  SecretBytes password;
  SecretBytes session;  // hexadecimal, handed out if the login succeeds
};
struct CommandMail {
  Request request;
  Confidence confidence;
};
struct WantMail {
  std::string host;
  wire::Want want;
};
struct RefusedMail {
  wire::RefusedPeer peer;
};
using Mail = std::variant<CommandMail, WantMail, RefusedMail>;

wire::LogLinkOptions link_options(const VCenterService::Options& options) {
  const std::string author = "vcenter/" + options.instance;
  wire::LogLinkOptions link{
      .author = author, .endpoints = options.log, .last_file = options.last_file};
  link.follower.topics =
      static_cast<protocol::TopicSet>(protocol::topic_bit(protocol::Topic::kVcenterChange) |
                                      protocol::topic_bit(protocol::Topic::kEsxiChange));
  link.appender.epoch_stream = author + "/epoch";
  return link;
}

ActionId fresh_action(Random& random) {
  ActionId action;
  do {
    random.fill(action.bytes);
  } while (action.is_none());
  return action;
}

VCenterCore::Options core_options(const VCenterService::Options& options, Random& random) {
  VCenterCore::Options core{.vcenter = options.instance, .own_action = fresh_action(random)};
  for (const auto& host : options.hosts) {
    core.hosts.push_back({host.name, host.cluster, host.channel_key});
  }
  return core;
}

protocol::Decision for_the_log(Decision decision) {
  protocol::Decision unit{.facts = std::move(decision.facts),
                          .attachments = std::move(decision.attachments)};
  for (auto& [stream, version] : decision.guards) {
    unit.guards.push_back({std::move(stream), version});
  }
  return unit;
}

LogHealth health_of(protocol::FollowState state) {
  switch (state) {
    case protocol::FollowState::kLive:
      return LogHealth::kLive;
    case protocol::FollowState::kLost:
      return LogHealth::kLost;
    case protocol::FollowState::kConnecting:
    case protocol::FollowState::kCatchingUp:
      return LogHealth::kCatchingUp;
  }
  return LogHealth::kCatchingUp;
}

}  // namespace

struct VCenterService::Impl {
  Impl(Options given, SecretFile& secrets, FileSystem& files, const Clock& time, Random& bytes)
      : options(std::move(given)),
        clock(time),
        random(bytes),
        credentials(secrets, random),
        passwords(credentials, files, random),
        sessions({.vcenter = options.instance}, credentials, clock, random),
        context([this](const wire::RefusedPeer& peer) {
          static_cast<void>(mail.put(RefusedMail{peer}));  // A full box loses a count.
        }),
        core(core_options(options, random)),
        link(context, link_options(options), options.keys, clock),
        commands(context, options.command_endpoint, options.keys,
                 [this](wire::CommandMessage message) { on_command(std::move(message)); }),
        hosts(context, options.host_endpoint, options.keys,
              [this](std::string host, wire::Want want) {
                // A full box drops it: the host asks again.
                static_cast<void>(mail.put(WantMail{std::move(host), std::move(want)}));
              }),
        kmip_workers(options.kmip_workers, kKmipWaitingMax),
        password_workers(1, kPasswordsWaitingMax) {}

  // --- other threads -----------------------------------------------------------------------------
  void on_command(wire::CommandMessage message);

  // --- the core's thread -------------------------------------------------------------------------
  Result<void> run(int stop_fd);
  void take_mail(Mail item);
  // False: the link has ended, `ended` says why.
  bool take_events();
  void carry(VCenterCore::Outputs outputs);
  void answer_hosts(std::vector<VCenterCore::HostAnswer> answers);
  void start_work(WorkId id, Work work);
  void tell(const VCenterCore::Answer& answer);
  void open_session(const VCenterCore::SessionOpened& opened);
  void record_refusals();
  void say_farewell();
  // A note of the process itself, on the epoch's stream.
  void state_own(protocol::TransactionId id, part::Event event);
  template <class Call>
  void put_job(wire::Workers& workers, WorkId id, Call call);

  Options options;
  const Clock& clock;
  Random& random;
  Credentials credentials;
  Passwords passwords;
  KmipSessions sessions;
  wire::Mailbox<Mail> mail{kMailMax};
  wire::Mailbox<WorkDone> outcomes{kOutcomesMax};
  bool stopping = false;  // an operator said so
  wire::Context context;
  VCenterCore core;
  wire::LogLink link;
  std::map<Token, Confidence> confidences;
  RefusalCounter refusals;
  protocol::TransactionId next_own = kShellsOwn + 1;
  std::optional<std::string> ended;
  bool farewell_recorded = false;
  bool has_begun = false;  // it has an epoch, so it may append
  // Last, so that their threads end first.
  wire::CommandServer commands;
  wire::HostChannelServer hosts;
  wire::Workers kmip_workers;
  wire::Workers password_workers;
};

void VCenterService::Impl::on_command(wire::CommandMessage message) {
  const Token token = message.token;
  auto parsed = parse_command(std::move(message.json));
  if (!parsed.ok()) {
    return commands.error(token, "invalid", parsed.error().detail,
                          "keytrail --help lists commands");
  }
  CommandMail item{.request = {.token = token,
                               .action = fresh_action(random),
                               .origin = {.address = message.address},
                               .session = parsed->session,
                               .ask = std::move(parsed->ask)},
                   .confidence = {.password = std::move(parsed->password)}};
  if (auto* login = std::get_if<Login>(&item.request.ask)) {
    const SecretBytes bytes = random.secret(kSessionBytes);
    std::string hex = to_hex(bytes.read(SecretAccess{}));
    item.confidence.session = SecretBytes::copy_of(as_bytes(hex));
    login->session = sha256(as_bytes(hex));
    wipe(hex);
  }
  if (!mail.put(std::move(item))) {
    commands.error(token, "busy", "too many commands are waiting", "try again");
  }
}

Result<void> VCenterService::Impl::run(int stop_fd) {
  while (!stopping && !ended.has_value() && !wire::is_readable(stop_fd)) {
    link.wait(kTickMs, {mail.fd(), outcomes.fd(), stop_fd});
    core.tick(clock.now(), link.log_time());
    if (!take_events()) break;
    for (Mail& item : mail.take_all()) take_mail(std::move(item));
    for (WorkDone& done : outcomes.take_all()) core.on_work(std::move(done));
    carry(core.take_outputs());
    record_refusals();
  }
  if (ended.has_value()) return Error{ErrorCode::kRefused, *ended};
  say_farewell();
  return {};
}

void VCenterService::Impl::take_mail(Mail item) {
  match(
      std::move(item),
      [&](CommandMail command) {
        if (!command.confidence.password.empty()) {
          confidences.insert_or_assign(command.request.token, std::move(command.confidence));
        }
        core.on_request(std::move(command.request));
      },
      [&](WantMail want) {
        constexpr std::string_view kPart = "esxi/";
        if (!want.host.starts_with(kPart)) return;
        core.on_want(want.host.substr(kPart.size()), want.want.boot, want.want.nonce,
                     want.want.keys);
      },
      [&](const RefusedMail& refused) {
        refusals.add(refused.peer.socket, "key not on the list", refused.peer.address);
      });
}

bool VCenterService::Impl::take_events() {
  std::optional<protocol::FollowState> state;
  for (wire::LinkEvent& event : link.take_events()) {
    match(
        event, [&](const wire::Followed& e) { core.on_fact(e.fact); },
        [&](const wire::FollowedThrough& e) { core.on_followed(e.position); },
        [&](const wire::FollowStateChanged& e) { state = e.state; },
        [&](const wire::TransactionAccepted& e) {
          if (e.id == kFarewell) farewell_recorded = true;
          core.on_accepted(e.id, e.first, e.count);
        },
        [&](const wire::TransactionDecideAgain& e) { core.on_decide_again(e.id); },
        [&](const wire::TransactionFailed& e) { core.on_failed(e.id, e.error); },
        [&](const wire::HeadAnswered& e) { core.on_head(e.question); },
        [&](const wire::LogUnserved& e) {
          if (options.tell) options.tell(e.why);
        },
        [&](const wire::LinkEnded& e) { ended = e.reason; });
  }
  if (state.has_value()) core.on_health(health_of(*state));
  return !ended.has_value();
}

void VCenterService::Impl::carry(VCenterCore::Outputs outputs) {
  if (outputs.begin_epoch.has_value()) {
    link.begin_epoch(*outputs.begin_epoch, options.program_version);
    has_begun = true;
  }
  for (auto& [id, decision] : outputs.submit) link.submit(id, for_the_log(std::move(decision)));
  if (outputs.named_credentials.has_value()) {
    // A failure leaves entries that nothing leads to; the next start tries again.
    static_cast<void>(credentials.wipe_all_before_but(*outputs.named_credentials));
  }
  for (const auto question : outputs.ask_head) link.ask_head(question);
  for (auto& [id, work] : outputs.work) start_work(id, std::move(work));
  for (const auto& answer : outputs.answers) tell(answer);
  for (const auto& opened : outputs.sessions) open_session(opened);
  answer_hosts(std::move(outputs.host_answers));
  stopping = stopping || outputs.stop_asked;
  if (outputs.stop.has_value()) ended = std::move(outputs.stop);
}

// What is ready together for one question travels together: a socket's queue is short.
void VCenterService::Impl::answer_hosts(std::vector<VCenterCore::HostAnswer> answers) {
  std::map<std::pair<std::string, Bytes>, std::vector<wire::SealedKey>> ready;
  for (VCenterCore::HostAnswer& answer : answers) {
    ready[{"esxi/" + answer.host, std::move(answer.nonce)}].push_back(
        {std::move(answer.key), std::move(answer.encapsulation), std::move(answer.ciphertext),
         std::move(answer.detail)});
  }
  for (auto& [question, keys] : ready)
    hosts.answer(question.first, question.second, std::move(keys));
}

template <class Call>
void VCenterService::Impl::put_job(wire::Workers& workers, WorkId id, Call call) {
  const bool taken = workers.put([this, call = std::move(call)]() mutable {
    static_cast<void>(outcomes.put(call()));  // Never full: see kOutcomesMax.
  });
  if (!taken) core.on_work({id, WorkFailed{"too much work is waiting: try again", ""}, {}});
}

void VCenterService::Impl::start_work(WorkId id, Work work) {
  // A job is copyable as std::function wants it, a secret is not: it is shared by the copies.
  const auto password_of = [&](Token token) {
    auto found = confidences.find(token);
    return std::make_shared<SecretBytes>(
        found == confidences.end() ? SecretBytes{} : std::move(found->second.password));
  };
  match(
      std::move(work),
      [&](VerifyPassword w) {
        put_job(password_workers, id, [this, id, w, password = password_of(w.token)] {
          return passwords.verify(id, w, *password);
        });
      },
      [&](StorePassword w) {
        put_job(password_workers, id, [this, id, password = password_of(w.token)] {
          return passwords.store(id, *password);
        });
      },
      [&](StoreAdministrator) {
        put_job(password_workers, id, [this, id] {
          return passwords.store_administrator(id, options.administrator_password_file);
        });
      },
      [&](MakeCertificate w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.make_certificate(id, w); });
      },
      [&](LookAtServers w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.look(id, w); });
      },
      [&](CheckServers w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.check(id, w); });
      },
      [&](ProbeServers w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.probe(id, w); });
      },
      [&](CreateKey w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.create_key(id, w); });
      },
      [&](FetchKey w) {
        put_job(kmip_workers, id, [this, id, w] { return sessions.fetch_key(id, w); });
      });
}

void VCenterService::Impl::tell(const VCenterCore::Answer& answer) {
  switch (answer.kind) {
    case VCenterCore::Answer::Kind::kProgress:
      return commands.progress(answer.token, answer.json);
    case VCenterCore::Answer::Kind::kResult:
      commands.result(answer.token, answer.json);
      break;
    case VCenterCore::Answer::Kind::kError:
      commands.error(answer.token, answer.code, answer.message, answer.hint);
      break;
  }
  confidences.erase(answer.token);
}

void VCenterService::Impl::open_session(const VCenterCore::SessionOpened& opened) {
  auto found = confidences.extract(opened.token);
  if (found.empty()) return;
  // The user's name stands in the inventory's letters, so nothing in it needs an escape.
  const std::string rest = R"(","user":")" + opened.user + R"(","idle_seconds":)" +
                           std::to_string(Sessions::kIdle / 1'000'000'000) + "}";
  constexpr std::string_view kBegin = R"({"session":")";
  const SecretBytes& session = found.mapped().session;
  std::string json;
  json.reserve(kBegin.size() + session.size() + rest.size());  // Growing, it would leave copies.
  json.append(kBegin).append(as_text(session.read(SecretAccess{}))).append(rest);
  commands.result(opened.token, std::move(json));
}

void VCenterService::Impl::state_own(protocol::TransactionId id, part::Event event) {
  Body body;
  body.stream = "vcenter/" + options.instance + "/epoch";
  body.user = "vcenter/" + options.instance;
  body.clock = clock.now();
  body.event = std::move(event);
  link.submit(id, protocol::Decision{.facts = {std::move(body)}});
}

void VCenterService::Impl::record_refusals() {
  if (!has_begun || link.state() != protocol::FollowState::kLive) return;
  for (part::RefusalsRepeated& fact : refusals.take_due(clock.monotonic())) {
    state_own(next_own++, std::move(fact));
  }
}

void VCenterService::Impl::say_farewell() {
  if (!has_begun || link.state() != protocol::FollowState::kLive) return;
  state_own(kFarewell, part::PartStopped{core.state().epoch});
  const TimeNs until = clock.monotonic() + TimeNs{kFarewellMs} * 1'000'000;
  while (!farewell_recorded && clock.monotonic() < until) {
    link.wait(kTickMs, {});
    if (!take_events()) return;
  }
}

VCenterService::VCenterService(Options options, SecretFile& secrets, FileSystem& files,
                               const Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(std::move(options), secrets, files, clock, random)) {}

VCenterService::~VCenterService() = default;

Result<void> VCenterService::start() {
  std::vector<wire::AllowedKey> allowed = impl_->options.operators;
  for (const Host& host : impl_->options.hosts) {
    allowed.push_back({"esxi/" + host.name, host.channel_key, {"host"}});
  }
  impl_->context.allow(std::move(allowed));
  TRY(impl_->commands.start());
  return impl_->hosts.start();
}

Result<void> VCenterService::run(int stop_fd) { return impl_->run(stop_fd); }

const std::string& VCenterService::command_endpoint() const { return impl_->commands.endpoint(); }

const std::string& VCenterService::host_endpoint() const { return impl_->hosts.endpoint(); }

}  // namespace keytrail::vcenter
