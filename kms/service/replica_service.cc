#include "kms/service/replica_service.h"

#include <poll.h>

#include <algorithm>
#include <thread>

#include "bus/events/match.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "bus/wire/mailbox.h"
#include "bus/wire/wake_event.h"
#include "kms/kmip/certificate.h"
#include "kms/service/command_json.h"
#include "kms/service/keyring_port.h"
#include "kms/service/replica_core.h"
#include "kms/service/replica_identity.h"

namespace keytrail::kms {
namespace {

constexpr std::size_t kMailMax = 16'384;
constexpr std::size_t kStrangersMax = 1'024;  // beyond, they are turned away uncounted
constexpr int kTickMs = 50;
constexpr TimeNs kNsPerSecond = 1'000'000'000;
constexpr TimeNs kPunctureRetryNs = kNsPerSecond;
constexpr TimeNs kFarewellNs = 2 * kNsPerSecond;
constexpr protocol::TransactionId kFarewell = ~protocol::TransactionId{1};  // no core's
constexpr int kFetchAgainMs = 500;

// What the other threads hand to the core's.
struct CommandMail {
  wire::CommandMessage message;
};
struct FetchedKeyring {
  Handover handover;
};
using Mail = std::variant<KmipRequest, ConnectionClosed, CommandMail, KeyringAsked, FetchedKeyring>;

ActionId fresh_action(Random& random) {
  ActionId action;
  random.fill(action.bytes);
  action.bytes[0] |= 1;  // Never all zero.
  return action;
}

}  // namespace

class ReplicaService::Impl final : public KmipRequestHandler {
 public:
  Impl(ReplicaServiceOptions options, Surroundings surroundings, ReplicaIdentity identity)
      : options_(std::move(options)),
        s_(surroundings),
        identity_(std::move(identity)),
        mail_(kMailMax),
        strangers_(kStrangersMax),
        context_([this](const wire::RefusedPeer& peer) {
          turn_away({peer.socket, "its key is not on the list", peer.address});
        }),
        core_(core_options()) {
    context_.allow(options_.operators);
  }

  ~Impl() override {
    stop_fetching_.set();
    if (fetching_.joinable()) fetching_.join();
    kmip_.reset();
    keyring_port_.reset();
    commands_.reset();
  }

  Result<void> start() {
    TRY(finish_laying_aside());
    auto keyring = keyring::Keyring::open(keyring_place(), options_.cluster);
    if (keyring) {
      keyring_ = std::move(*keyring);
    } else if (keyring.error().code != ErrorCode::kNotFound) {
      return keyring.error();
    }
    commands_ = std::make_unique<wire::CommandServer>(
        context_, options_.command_endpoint, options_.keys, [this](wire::CommandMessage message) {
          const CommandToken token = message.token;
          if (put(CommandMail{std::move(message)})) return;
          commands_->error(token, "unavailable", "Too much is under way: ask again.", {});
        });
    TRY(commands_->start());
    keyring_port_ = TRY(KeyringPort::start(
        options_.keyring_endpoint, identity_.identity(),
        [this](AskerToken token, std::string address, Hash certificate) {
          // Who is dropped asks again.
          (void)put(KeyringAsked{token, std::move(address), certificate, fresh_action(s_.random)});
        },
        [this](std::string address, std::string reason) {
          turn_away({"keyring", std::move(reason), std::move(address)});
        }));
    link_ = std::make_unique<wire::LogLink>(context_, link_options(), options_.keys, s_.clock);
    if (keyring_ != nullptr && identity_.has_authority()) core_.use(*keyring_);
    return {};
  }

  Result<void> run(int stop_fd) {
    while (!ended_) {
      link_->wait(kTickMs, {mail_.fd(), stop_fd});
      core_.advance(s_.clock.now(), link_->log_time());
      for (const wire::LinkEvent& event : link_->take_events()) {
        if (const auto* unserved = std::get_if<wire::LogUnserved>(&event)) tell(unserved->why);
        core_.on(event);
      }
      // Strangers first: among the mail may be the order to stop, and those count as well.
      for (const StrangerTurnedAway& stranger : strangers_.take_all()) core_.on(stranger);
      for (Mail& mail : mail_.take_all()) {
        std::visit([this](auto& one) { receive(one); }, mail);
      }
      if (wire::is_readable(stop_fd)) core_.stop();
      carry_out();
    }
    if (ended_->empty()) {
      say_farewell();
      return {};
    }
    return Error{ErrorCode::kRefused, *ended_};
  }

  [[nodiscard]] std::string keyring_endpoint() const { return keyring_port_->endpoint(); }

  // On the KMIP server's thread.
  void on_request(ConnectionId connection, const Peer& peer, SecretBytes request) override {
    // One a connection, of which there are fewer than the mailbox has room for. One that is dropped
    // all the same ends with its connection, when nobody has answered in time.
    (void)put(KmipRequest{.connection = connection,
                          .peer = {.address = peer.address,
                                   .certificate = peer.certificate_fingerprint,
                                   .session = "kmip-" + std::to_string(connection)},
                          .bytes = std::move(request),
                          .entropy = s_.random.secret(kEntropyBytes)});
  }
  // Dropped, the core answers into nothing.
  void on_closed(ConnectionId connection) override { (void)put(ConnectionClosed{connection}); }
  void on_refused(const Peer& peer, const std::string& reason) override {
    turn_away({"kmip", reason, peer.address});
  }

 private:
  [[nodiscard]] bool put(Mail mail) {
    const bool taken = mail_.put(std::move(mail));
    if (!taken) tell("Something was dropped: too much is under way.");
    return taken;
  }
  // Strangers have a box of their own: whatever they send, a client's request finds room.
  void turn_away(StrangerTurnedAway stranger) { (void)strangers_.put(std::move(stranger)); }
  void tell(const std::string& line) const {
    if (options_.tell) options_.tell(line);
  }
  [[nodiscard]] std::int64_t now_seconds() const {
    return static_cast<std::int64_t>(s_.clock.now() / kNsPerSecond);
  }

  // --- Into the core.

  void receive(KmipRequest& request) { core_.on(std::move(request)); }
  void receive(ConnectionClosed& closed) { core_.on(closed); }
  void receive(KeyringAsked& asked) { core_.on(asked); }

  void receive(CommandMail& mail) {
    auto parsed = parse_command(mail.message.json);
    if (!parsed) {
      return commands_->error(mail.message.token, "invalid", parsed.error().detail, {});
    }
    CommandGiven given{.token = mail.message.token,
                       .identity = mail.message.identity,
                       .address = mail.message.address,
                       .command = AskStatus{},
                       .action = fresh_action(s_.random)};
    if (const auto* request = std::get_if<SignRequest>(&*parsed)) {
      Result<Command> cert = signed_by_authority(*request);
      if (!cert) return commands_->error(given.token, "invalid", cert.error().detail, {});
      given.command = std::move(*cert);
    } else {
      given.command = std::get<Command>(std::move(*parsed));
    }
    core_.on(std::move(given));
  }

  Result<Command> signed_by_authority(const SignRequest& request) const {
    if (!identity_.has_authority()) {
      return Error{ErrorCode::kUnavailable, "This replica has no authority yet: ask another."};
    }
    std::string pem = TRY(identity_.sign(request.request_pem, now_seconds()));
    const kmip::CertificateFacts facts = TRY(kmip::read_certificate(pem));
    return Command(RecordSigned{.subject = facts.subject,
                                .fingerprint = facts.fingerprint,
                                .certificate_pem = std::move(pem)});
  }

  void receive(FetchedKeyring& fetched) {
    fetching_.join();  // It handed this over, and was done.
    if (keyring_ != nullptr) {
      keyring_.reset();
      if (Result<void> laid = lay_keyring_aside(); !laid) return end(laid.error().detail);
    }
    if (Result<void> taken = identity_.take_authority(fetched.handover); !taken) {
      return end(taken.error().detail);
    }
    auto joined =
        keyring::Keyring::join(keyring_place(), options_.cluster, fetched.handover.keyring);
    if (!joined) return end(joined.error().detail);
    keyring_ = std::move(*joined);
    tell("The keyring of " + options_.cluster + " is here.");
    core_.use(*keyring_);
  }

  // One that is not the cluster's, but perhaps another's: it is not for this process to destroy.
  Result<void> lay_keyring_aside() {
    const std::string from = keyring_place().path;
    const std::string to = from + ".aside-" + std::to_string(s_.clock.now());
    TRY(s_.files.rename(from + ".pages", to + ".pages"));
    TRY(s_.files.sync_folder(options_.folder));  // In this order on the disk too.
    TRY(s_.files.rename(from, to));
    TRY(s_.files.sync_folder(options_.folder));
    tell("The keyring that was here is not this cluster's. It lies in " + to + ".");
    return {};
  }

  // A crash between the two renames leaves the pages aside and the file here, which nothing opens:
  // the file follows its pages.
  Result<void> finish_laying_aside() {
    constexpr std::string_view kPages = ".pages";
    const std::vector<std::string> names = TRY(s_.files.list(options_.folder));
    const auto is_here = [&](const std::string& name) {
      return std::ranges::count(names, name) != 0;
    };
    if (!is_here("keyring") || is_here("keyring.pages")) return {};
    for (const std::string& pages : names) {
      if (!pages.starts_with("keyring.aside-") || !pages.ends_with(kPages)) continue;
      const std::string file = pages.substr(0, pages.size() - kPages.size());
      if (is_here(file)) continue;
      TRY(s_.files.rename(options_.folder + "/keyring", options_.folder + "/" + file));
      return s_.files.sync_folder(options_.folder);
    }
    return {};
  }

  // --- Out of the core, until it has nothing more to say.

  void carry_out() {
    for (;;) {
      Outputs outputs = core_.take_outputs();
      if (outputs.begin_epoch) {
        epoch_ = *outputs.begin_epoch + 1;
        link_->begin_epoch(*outputs.begin_epoch, options_.program_version);
      }
      for (const Submission& submission : outputs.submit) {
        link_->submit(submission.id, submission.decision);
      }
      for (const std::uint64_t question : outputs.ask_head) link_->ask_head(question);
      // "Serving" is not said before it is so: whoever hears it asks for the certificate at once.
      if (outputs.listener == ListenerOrder::kOpen) order(*outputs.listener);
      if (outputs.clients && kmip_ != nullptr) kmip_->recognise(*std::move(outputs.clients));
      for (Response& response : outputs.respond) {
        if (kmip_ != nullptr) kmip_->respond(response.connection, std::move(response.bytes));
      }
      for (CommandAnswer& answered : outputs.answer) answer(answered);
      for (const KeyringAnswer& answered : outputs.keyring_answers) answer(answered);
      if (outputs.listener == ListenerOrder::kClose) order(*outputs.listener);
      if (outputs.end && !ended_) ended_ = *outputs.end;
      if (outputs.fetch_keyring) fetch();
      if (outputs.make_keyring) found();
      if (outputs.puncture) owed_puncture_ = std::move(outputs.puncture);
      if (!puncture()) return;
    }
  }

  void answer(CommandAnswer& answered) {
    if (const auto* failed = std::get_if<FailedAnswer>(&answered.answer)) {
      commands_->error(answered.token, failed->code, failed->message, failed->hint);
    } else {
      commands_->result(answered.token,
                        to_json(answered.answer, {.identity_fingerprint = identity_.fingerprint(),
                                                  .kmip_pem = identity_.kmip_certificate(),
                                                  .ca_pem = identity_.authority_certificate()}));
    }
  }

  void answer(const KeyringAnswer& answered) {
    if (!answered.granted) return keyring_port_->refuse(answered.token, answered.reason);
    Result<SecretBytes> grant = keyring_->grant();
    if (!grant) return keyring_port_->refuse(answered.token, grant.error().detail);
    keyring_port_->grant(answered.token, {.keyring = std::move(*grant),
                                          .ca_key_pem = identity_.authority_key(),
                                          .ca_certificate_pem = identity_.authority_certificate()});
  }

  void order(ListenerOrder listener) {
    if (listener == ListenerOrder::kClose) {
      if (kmip_ != nullptr) kmip_->close_listener();
      return tell("The KMIP listener is closed.");
    }
    if (Result<void> opened = open_listener(); !opened) return end(opened.error().detail);
    tell("Serving KMIP on port " + std::to_string(kmip_->port()) + ".");
  }

  Result<void> open_listener() {
    if (kmip_ == nullptr) {
      const kmip::TlsIdentity identity = TRY(identity_.kmip_identity(now_seconds()));
      kmip::TlsContext tls = TRY(kmip::make_server_context(identity));
      kmip_ = TRY(KmipServer::start(options_.kmip, std::move(tls), *this));
    }
    return kmip_->open_listener();
  }

  void found() {
    if (Result<void> made = make_cluster_secrets(); !made) return end(made.error().detail);
    core_.use(*keyring_);
  }

  Result<void> make_cluster_secrets() {
    if (!identity_.has_authority()) TRY(identity_.make_authority(now_seconds()));
    if (keyring_ == nullptr) {
      keyring_ = TRY(keyring::Keyring::create(keyring_place(), options_.cluster));
      tell("The keyring of " + options_.cluster +
           " is made. It is nowhere but in the folders of "
           "its replicas: with none of them left, and no backup, all keys are gone.");
    }
    return {};
  }

  // Asks one member after the other until one hands the keyring over.
  void fetch() {
    if (fetching_.joinable()) return;  // It goes on until it has one.
    std::vector<std::pair<KeyringPeer, Hash>> members;
    for (const KeyringPeer& peer : options_.peers) {
      const Member* member = core_.state().member(peer.name);
      if (member != nullptr && !member->retired) members.emplace_back(peer, member->certificate);
    }
    if (members.empty()) return end("No other replica is configured to get the keyring from.");
    tell("Fetching the keyring.");
    fetching_ = std::thread([this, members, identity = identity_.identity()] {
      const int stop_fd = stop_fetching_.fd();
      do {
        for (const auto& [peer, pinned] : members) {
          Result<Handover> handover = fetch_keyring(peer.endpoint, pinned, identity, stop_fd);
          if (stop_fetching_.is_set()) return;
          if (!handover) {
            tell(peer.name + " did not hand the keyring over: " + handover.error().detail);
          } else if (put(FetchedKeyring{std::move(*handover)})) {
            return;
          }
        }
      } while (!stops_within(kFetchAgainMs));
    });
  }

  bool stops_within(int ms) const {
    pollfd waiting{stop_fetching_.fd(), POLLIN, 0};
    return ::poll(&waiting, 1, ms) != 0;
  }

  // True: the core was told something new. A puncture that failed is owed still, and tried again.
  bool puncture() {
    if (!owed_puncture_ || s_.clock.monotonic() < puncture_again_at_) return false;
    const Result<void> done = keyring_->puncture(owed_puncture_->leaves, owed_puncture_->through);
    if (!done) {
      tell("Destroyed keys could not be forgotten yet: " + done.error().detail);
      puncture_again_at_ = s_.clock.monotonic() + kPunctureRetryNs;
      return false;
    }
    const Result<bool> provable = keyring_->medium_forgets();
    core_.on(Punctured{.through = owed_puncture_->through,
                       .leaves = owed_puncture_->leaves.size(),
                       .provable = provable.ok() && *provable});
    owed_puncture_.reset();
    return true;
  }

  // An orderly end stands on the log, if the log takes it in time.
  void say_farewell() {
    if (epoch_ == 0) return;
    Body body;
    body.stream = stream_name({"kms", options_.name, "epoch"});
    body.user = "kms/" + options_.name;
    body.action = fresh_action(s_.random);
    body.clock = s_.clock.now();
    body.event = part::Event(part::PartStopped{.epoch = epoch_});
    link_->submit(kFarewell, {.facts = {std::move(body)}, .guards = {}, .attachments = {}});
    const TimeNs until = s_.clock.monotonic() + kFarewellNs;
    for (bool done = false; !done && s_.clock.monotonic() < until;) {
      link_->wait(kTickMs, {});
      for (const wire::LinkEvent& event : link_->take_events()) {
        const auto* accepted = std::get_if<wire::TransactionAccepted>(&event);
        done |= accepted != nullptr && accepted->id == kFarewell;
        done |= std::holds_alternative<wire::LinkEnded>(event);  // Fenced: it is not to speak.
      }
    }
  }

  void end(std::string why) {
    if (!ended_) ended_ = std::move(why);
  }

  // --- Made once.

  ReplicaOptions core_options() {
    ReplicaOptions options{.cluster = options_.cluster,
                           .name = options_.name,
                           .certificate = identity_.fingerprint(),
                           .founds = options_.founds,
                           .record_reads = options_.record_reads,
                           .shred_interval_ms = options_.shred_interval_ms};
    s_.random.fill(options.action_seed);
    return options;
  }

  [[nodiscard]] wire::LogLinkOptions link_options() const {
    wire::LogLinkOptions options;
    options.author = "kms/" + options_.name;
    options.endpoints = options_.log;
    options.last_file = options_.folder + "/last";
    options.follower.topics =
        static_cast<protocol::TopicSet>(protocol::topic_bit(protocol::Topic::kKmsChange) |
                                        protocol::topic_bit(protocol::Topic::kKmsSealed));
    options.follower.log_lost_ms = options_.log_lost_ms;
    options.appender.epoch_stream = "kms/" + options_.name + "/epoch";
    return options;
  }

  [[nodiscard]] SealedFile::Place keyring_place() {
    return {.files = s_.files,
            .random = s_.random,
            .path = options_.folder + "/keyring",
            .purpose = "keytrail/keyring/1",
            .unlock = s_.unlock};
  }

  const ReplicaServiceOptions options_;
  const Surroundings s_;
  ReplicaIdentity identity_;
  wire::Mailbox<Mail> mail_;
  wire::Mailbox<StrangerTurnedAway> strangers_;  // looked into at every turn
  wire::Context context_;
  std::unique_ptr<keyring::Keyring> keyring_;
  ReplicaCore core_;
  std::unique_ptr<wire::LogLink> link_;
  std::unique_ptr<wire::CommandServer> commands_;
  std::unique_ptr<KeyringPort> keyring_port_;
  std::unique_ptr<KmipServer> kmip_;
  wire::WakeEvent stop_fetching_;
  std::thread fetching_;     // joinable: it has not handed a keyring over yet
  std::uint64_t epoch_ = 0;  // 0: not begun yet
  std::optional<PunctureOrder> owed_puncture_;
  TimeNs puncture_again_at_ = 0;
  std::optional<std::string> ended_;
};

ReplicaService::ReplicaService(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReplicaService::~ReplicaService() = default;

Result<std::unique_ptr<ReplicaService>> ReplicaService::start(ReplicaServiceOptions options,
                                                              Surroundings surroundings) {
  if (!is_replica_name(options.name) || !is_replica_name(options.cluster) ||
      options.name == options.cluster) {
    return Error{ErrorCode::kInvalid,
                 "A replica and its cluster have different names of 1 to 21 of a-z, 0-9 and '-'."};
  }
  if (options.when_log_is_away != "refuse") {
    return Error{ErrorCode::kInvalid, "when_log_is_away can only be 'refuse' yet, not '" +
                                          options.when_log_is_away + "'."};
  }
  const auto now_seconds = static_cast<std::int64_t>(surroundings.clock.now() / kNsPerSecond);
  ReplicaIdentity identity = TRY(ReplicaIdentity::open(surroundings.secrets,
                                                       {.replica = options.name,
                                                        .cluster = options.cluster,
                                                        .dns_names = options.host_names,
                                                        .ip_addresses = {}},
                                                       now_seconds));
  auto impl = std::make_unique<Impl>(std::move(options), surroundings, std::move(identity));
  TRY(impl->start());
  return std::unique_ptr<ReplicaService>(new ReplicaService(std::move(impl)));
}

Result<void> ReplicaService::run(int stop_fd) { return impl_->run(stop_fd); }

std::string ReplicaService::keyring_endpoint() const { return impl_->keyring_endpoint(); }

}  // namespace keytrail::kms
