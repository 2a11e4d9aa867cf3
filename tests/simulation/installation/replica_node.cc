#include "tests/simulation/installation/replica_node.h"

#include "kms/model/evolve.h"
#include "tests/simulation/audit.h"
#include "tests/simulation/fold.h"
#include "tests/simulation/supervisor.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kTickEvery = 50 * kMs;
constexpr TimeNs kFetchAgainAfter = 300 * kMs;
constexpr std::size_t kPunctureWrites = 24;  // about as many as a puncture makes
constexpr protocol::TopicSet kTopics = protocol::topic_bit(protocol::Topic::kKmsChange) |
                                       protocol::topic_bit(protocol::Topic::kKmsSealed);

}  // namespace

ReplicaNode::ReplicaNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
                         bool founds, ReplicaBugs bugs, FetchKeyring fetch)
    : world_(world),
      store_(store),
      name_(std::move(name)),
      founds_(founds),
      bugs_(bugs),
      fetch_(std::move(fetch)),
      sockets_(world, faults) {
  unlock_.bytes = world_.random().secret(32);
}

Hash ReplicaNode::certificate() const {
  Hash certificate{};
  certificate.fill(static_cast<std::uint8_t>(100 + name_.back()));
  return certificate;
}

void ReplicaNode::start() {
  KEYTRAIL_CHECK(!is_up());
  world_.note(name_ + ": started");
  ++life_;
  process_ = std::make_unique<Process>();
  kms::ReplicaOptions options{
      .cluster = kCluster, .name = name_, .certificate = certificate(), .founds = founds_};
  world_.random().fill(options.action_seed);
  process_->core = std::make_unique<kms::ReplicaCore>(std::move(options));
  process_->core->advance(world_.now(), 0);
  auto keyring = keyring::Keyring::open(place(), kCluster);
  if (keyring.ok()) {
    take_keyring(std::move(keyring));
    check_shredded();
  } else if (keyring.error().code != ErrorCode::kNotFound) {
    return world_.fail(name_ + ": its keyring does not open: " + keyring.error().detail);
  }
  process_->link = std::make_unique<LinkTwin>(
      world_, store_, sockets_,
      LinkTwin::Options{.author = "kms/" + name_, .topics = kTopics, .known = last_},
      [this] { step(); });
  tick();
}

void ReplicaNode::crash() {
  if (!is_up()) return;
  world_.note(name_ + ": crashed");
  ++life_;
  check_state();
  last_ = process_->link->known();
  process_.reset();
  files_.restart(world_.random().below(1'000'000));
}

bool ReplicaNode::is_idle() const {
  return is_up() && process_->core->phase() == kms::Phase::kServing && process_->link->is_idle() &&
         process_->link->followed() == store_.log().head() && process_->requests.empty() &&
         process_->commands.empty() &&
         owed_punctures(state(), state().member(name_)->shredded_through).empty();
}

std::optional<Bytes> ReplicaNode::derive(std::uint64_t leaf) const {
  auto key = process_->keyring->seal_key(leaf);
  if (!key.ok()) return std::nullopt;
  return to_bytes(key->read(SecretAccess()));
}

std::string ReplicaNode::describe() const {
  if (!is_up()) return name_ + " is down";
  return name_ + " (" + std::string(to_string(phase())) + ", followed " +
         std::to_string(process_->link->followed()) + ", " +
         (process_->link->is_idle() ? "link idle" : "link busy") + ", requests " +
         std::to_string(process_->requests.size()) + ", commands " +
         std::to_string(process_->commands.size()) + ")";
}

void ReplicaNode::check_state() const {
  kms::State known;
  const Position taken = process_->link->taken();
  fold(store_.log(), kTopics, taken, [&](const Fact& fact) {
    if (kms::concerns(kCluster, fact)) kms::evolve(known, fact);
  });
  if (known == state()) return;
  world_.fail(name_ + " does not know what the log says up to " + std::to_string(taken));
}

// What it said is gone cannot come back, wherever it crashed.
void ReplicaNode::check_shredded() {
  for (const std::uint64_t leaf : shredded_leaves(store_.log(), name_)) {
    if (derive(leaf)) {
      world_.fail(name_ + " still derives leaf " + std::to_string(leaf) + ", which it shredded");
    }
  }
}

void ReplicaNode::on_kmip(kms::ConnectionId connection, const Hash& certificate,
                          const Bytes& request, std::function<void(Bytes)> reply) {
  if (!listens()) return;
  process_->requests[connection] = std::move(reply);
  process_->core->on(kms::KmipRequest{
      .connection = connection,
      .peer = {.address = "127.0.0.1:1", .certificate = certificate, .session = "s"},
      .bytes = SecretBytes::copy_of(request),
      .entropy = world_.random().secret(kms::kEntropyBytes)});
  step();
}

void ReplicaNode::on_closed(kms::ConnectionId connection) {
  if (!is_up()) return;
  process_->requests.erase(connection);
  process_->core->on(kms::ConnectionClosed{connection});
  step();
}

void ReplicaNode::on_command(kms::Command command, std::function<void(kms::Answer)> reply) {
  if (!is_up()) return;
  const kms::CommandToken token = process_->next_token++;
  process_->commands[token] = std::move(reply);
  process_->core->on(kms::CommandGiven{.token = token,
                                       .identity = "operator/cli",
                                       .address = "127.0.0.1:2",
                                       .command = std::move(command),
                                       .action = fresh_action()});
  step();
}

void ReplicaNode::on_keyring_asked(const Hash& certificate,
                                   std::function<void(std::optional<Bytes>)> reply) {
  if (!is_up()) return;
  const kms::AskerToken token = process_->next_token++;
  process_->askers[token] = std::move(reply);
  process_->core->on(kms::KeyringAsked{token, "127.0.0.1:3", certificate, fresh_action()});
  step();
}

void ReplicaNode::step() {
  process_->core->advance(world_.now(), process_->link ? process_->link->log_time() : 0);
  if (process_->link) {
    for (const wire::LinkEvent& event : process_->link->take_events()) process_->core->on(event);
  }
  while (is_up() && carry_out()) {
  }
}

bool ReplicaNode::carry_out() {
  Process& p = *process_;
  kms::Outputs outputs = p.core->take_outputs();
  if (outputs.begin_epoch) p.link->begin_epoch(*outputs.begin_epoch, "simulated");
  for (const auto& submission : outputs.submit) submit(submission);
  for (const auto question : outputs.ask_head) ask_head(question);
  answer(outputs);
  if (outputs.listener) p.listens = *outputs.listener == kms::ListenerOrder::kOpen;
  if (outputs.make_keyring) take_keyring(keyring::Keyring::create(place(), kCluster));
  if (outputs.fetch_keyring) fetch();
  if (outputs.puncture) puncture(*outputs.puncture);
  if (outputs.end) restart_fenced(world_, *this, name_, *outputs.end);
  return !outputs.submit.empty() || !outputs.ask_head.empty() || outputs.make_keyring ||
         outputs.puncture;
}

void ReplicaNode::submit(const kms::Submission& submission) {
  Process& p = *process_;
  const protocol::Decision decision = with(bugs_, submission.decision);
  const auto count = static_cast<std::uint32_t>(decision.facts.size());
  const wire::TransactionAccepted at_once{submission.id, p.link->followed(), count};
  if (bugs_.counter_from_memory && leases_leaves(decision)) return p.core->on(at_once);
  p.link->submit(submission.id, decision);
  if (bugs_.answers_before_ack && is_of_customer(decision)) p.core->on(at_once);
}

void ReplicaNode::ask_head(std::uint64_t question) {
  if (bugs_.heartbeat_as_head) {
    return process_->core->on(wire::HeadAnswered{question, process_->link->followed()});
  }
  process_->link->ask_head(question);
}

void ReplicaNode::answer(kms::Outputs& outputs) {
  Process& p = *process_;
  for (auto& response : outputs.respond) {
    auto request = p.requests.extract(response.connection);
    if (!request.empty()) request.mapped()(to_bytes(response.bytes.read(SecretAccess())));
  }
  for (auto& answer : outputs.answer) {
    p.commands.extract(answer.token).mapped()(std::move(answer.answer));
  }
  for (const auto& answer : outputs.keyring_answers) {
    const auto asker = p.askers.extract(answer.token);
    std::optional<Bytes> grant;
    if (answer.granted) grant = to_bytes(p.keyring->grant().value().read(SecretAccess()));
    asker.mapped()(grant);
  }
}

void ReplicaNode::puncture(const kms::PunctureOrder& order) {
  if (world_.random().chance(power_cut_)) {
    files_.cut_power_at(world_.random().below(kPunctureWrites));
  }
  const bool done =
      bugs_.shreds_in_name_only || process_->keyring->puncture(order.leaves, order.through).ok();
  if (done) return process_->core->on(kms::Punctured{order.through, order.leaves.size(), true});
  world_.note(name_ + ": the power failed while it punctured");
  restart(world_, *this);
}

void ReplicaNode::fetch() {
  fetch_([this, life = life_](const std::optional<Bytes>& grant) {
    if (life != life_ || process_->keyring) return;
    if (grant) {
      take_keyring(keyring::Keyring::join(place(), kCluster, SecretBytes::copy_of(*grant)));
      return step();
    }
    world_.after(kFetchAgainAfter, [this, life] {
      if (life == life_) fetch();
    });
  });
}

void ReplicaNode::take_keyring(Result<std::unique_ptr<keyring::Keyring>> keyring) {
  if (!keyring.ok()) return world_.fail(name_ + ": no keyring: " + keyring.error().detail);
  process_->keyring = std::move(*keyring);
  process_->core->use(*process_->keyring);
}

void ReplicaNode::tick() {
  step();
  world_.after(kTickEvery, [this, life = life_] {
    if (life == life_) tick();
  });
}

ActionId ReplicaNode::fresh_action() {
  ActionId action;
  world_.random().fill(action.bytes);
  action.bytes[0] |= 1;
  return action;
}

SealedFile::Place ReplicaNode::place() {
  return {files_, world_.random(), "/d/keyring", "keytrail/keyring/1", unlock_};
}

}  // namespace keytrail::simulation
