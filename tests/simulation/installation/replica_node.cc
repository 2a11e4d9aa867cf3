#include "tests/simulation/installation/replica_node.h"

namespace keytrail::simulation {
namespace {

constexpr TimeNs kTickEvery = 50 * kMs;
constexpr TimeNs kFetchAgainAfter = 300 * kMs;

}  // namespace

ReplicaNode::ReplicaNode(World& world, StoreTwin& store, const WireFaults& faults, std::string name,
                         bool founds, FetchKeyring fetch)
    : world_(world),
      store_(store),
      name_(std::move(name)),
      founds_(founds),
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
  } else if (keyring.error().code != ErrorCode::kNotFound) {
    return world_.fail(name_ + ": its keyring does not open: " + keyring.error().detail);
  }
  process_->link = std::make_unique<LinkTwin>(
      world_, store_, sockets_,
      LinkTwin::Options{.author = "kms/" + name_,
                        .topics = static_cast<protocol::TopicSet>(
                            protocol::topic_bit(protocol::Topic::kKmsChange) |
                            protocol::topic_bit(protocol::Topic::kKmsSealed)),
                        .known = last_},
      [this] { step(); });
  tick();
}

void ReplicaNode::crash() {
  if (!is_up()) return;
  world_.note(name_ + ": crashed");
  ++life_;
  last_ = process_->link->known();
  process_.reset();
  files_.restart(world_.random().below(1'000'000));
}

bool ReplicaNode::is_idle() const {
  return is_up() && process_->core->phase() == kms::Phase::kServing && process_->link->is_idle() &&
         process_->requests.empty() && process_->commands.empty();
}

void ReplicaNode::on_kmip(kms::ConnectionId connection, const Hash& certificate,
                          const Bytes& request, std::function<void(Bytes)> reply) {
  if (!is_up() || !process_->listens) return;
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
  bool any = false;
  if (outputs.begin_epoch) p.link->begin_epoch(*outputs.begin_epoch, "simulated");
  for (const auto& submission : outputs.submit) p.link->submit(submission.id, submission.decision);
  for (const auto question : outputs.ask_head) p.link->ask_head(question);
  for (auto& response : outputs.respond) {
    const auto request = p.requests.find(response.connection);
    if (request == p.requests.end()) continue;
    const auto reply = std::move(request->second);
    p.requests.erase(request);
    reply(to_bytes(response.bytes.read(SecretAccess())));
  }
  for (auto& answer : outputs.answer) {
    const auto reply = std::move(p.commands.at(answer.token));
    p.commands.erase(answer.token);
    reply(std::move(answer.answer));
  }
  for (const auto& answer : outputs.keyring_answers) {
    const auto reply = std::move(p.askers.at(answer.token));
    p.askers.erase(answer.token);
    if (answer.granted) {
      reply(to_bytes(p.keyring->grant().value().read(SecretAccess())));
    } else {
      reply(std::nullopt);
    }
  }
  if (outputs.listener) p.listens = *outputs.listener == kms::ListenerOrder::kOpen;
  if (outputs.make_keyring) {
    take_keyring(keyring::Keyring::create(place(), kCluster));
    any = true;
  }
  if (outputs.fetch_keyring) fetch();
  if (outputs.puncture) {
    const auto& order = *outputs.puncture;
    KEYTRAIL_CHECK(p.keyring->puncture(order.leaves, order.through).ok());
    p.core->on(kms::Punctured{order.through, order.leaves.size(), true});
    any = true;
  }
  if (outputs.end) world_.fail(name_ + " ended: " + *outputs.end);
  return any || !outputs.submit.empty();
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
