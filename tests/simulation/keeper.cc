#include "tests/simulation/keeper.h"

#include "bus/events/match.h"

namespace keytrail::simulation {

using protocol::Decision;
using protocol::Guard;

namespace {

std::string object_stream(const std::string& object) { return "kms/c/object/" + object; }
std::string client_stream(const std::string& client) { return "kms/c/client/" + client; }
constexpr auto kLeases = "kms/c/leases";

}  // namespace

protocol::TopicSet Keeper::topics() {
  return protocol::topic_bit(protocol::Topic::kKmsChange) |
         protocol::topic_bit(protocol::Topic::kKmsSealed);
}

Keeper::Keeper(World& world, StoreTwin& store, const WireFaults& faults, std::string author,
               AuthorBugs bugs)
    : world_(world),
      store_(store),
      author_(std::move(author)),
      bugs_(bugs),
      sockets_(world, faults) {}

void Keeper::start() {
  KEYTRAIL_CHECK(!is_up());
  world_.note(author_ + ": started, knows " + std::to_string(last_.position));
  process_ = std::make_unique<Process>();
  process_->link = std::make_unique<LinkTwin>(
      world_, store_, sockets_,
      LinkTwin::Options{.author = author_, .topics = topics(), .known = last_}, [this] { step(); });
}

void Keeper::crash() {
  if (!is_up()) return;
  world_.note(author_ + ": crashed");
  last_ = process_->link->known();
  process_.reset();
}

bool Keeper::is_idle() const {
  return is_up() && process_->begun && process_->open.empty() && process_->link->is_idle() &&
         process_->link->state() == protocol::FollowState::kLive;
}

void Keeper::ask(const Ask& ask, std::function<void(Reply)> reply) {
  if (!is_up() || !process_->begun) return reply({});
  const std::uint64_t id = process_->next_id++;
  process_->open.emplace(id, Open{ask, std::move(reply)});
  if (ask.kind == Ask::Kind::kCount) {
    process_->link->ask_head(id);
  } else {
    decide(id);
  }
}

// --- the loop ---------------------------------------------------------------------------------

void Keeper::step() {
  for (const wire::LinkEvent& event : process_->link->take_events()) {
    match(
        event, [&](const wire::Followed& e) { evolve(e.fact); },
        [&](const wire::FollowedThrough&) { begin_if_live(); },
        [&](const wire::FollowStateChanged&) { begin_if_live(); },
        [&](const wire::TransactionAccepted& e) {
          const bool refuses = process_->open.at(e.id).refuses;
          finish(e.id, {.kind = refuses ? Reply::Kind::kRefused : Reply::Kind::kDone,
                        .position = e.first + e.count - 1});
        },
        [&](const wire::TransactionDecideAgain& e) { decide(e.id); },
        [&](const wire::TransactionFailed& e) {
          world_.note(author_ + ": failed: " + e.error.detail);
          finish(e.id, {});
        },
        [&](const wire::HeadAnswered& e) {
          finish(e.question, {.kind = Reply::Kind::kCounted,
                              .position = e.head,
                              .count = process_->objects.size()});
        },
        [](const wire::LogUnserved&) {},
        [&](const wire::LinkEnded& e) { world_.fail(author_ + " ended: " + e.reason); });
  }
}

void Keeper::evolve(const Fact& fact) {
  Process& p = *process_;
  if (fact.body.stream == author_ + "/epoch") p.epoch = fact.stamp.version;
  const auto* event = std::get_if<kms::Event>(&fact.body.event);
  if (event == nullptr) return;
  if (fact.body.stream == kLeases) p.leases = fact.stamp.version;
  if (const auto* created = std::get_if<kms::ObjectCreated>(event)) {
    p.objects[created->object].version = fact.stamp.version;
  } else if (const auto* destroyed = std::get_if<kms::KeyDestroyed>(event)) {
    p.objects[destroyed->object] = {fact.stamp.version, true};
  } else if (const auto* enrolled = std::get_if<kms::ClientEnrolled>(event)) {
    p.clients[enrolled->client] = {fact.stamp.version, true};
  } else if (const auto* removed = std::get_if<kms::ClientRemoved>(event)) {
    p.clients[removed->client] = {fact.stamp.version, false};
  }
}

void Keeper::begin_if_live() {
  if (process_->begun || process_->link->state() != protocol::FollowState::kLive) return;
  process_->begun = true;
  process_->link->begin_epoch(process_->epoch, "simulated");
}

void Keeper::decide(std::uint64_t id) {
  Open& open = process_->open.at(id);
  open.refuses = false;
  const Decision decision = decision_of(open);
  if (bugs_.answers_before_ack) {
    const auto reply = std::exchange(open.reply, [](const Reply&) {});
    reply({.kind = open.refuses ? Reply::Kind::kRefused : Reply::Kind::kDone});
  }
  process_->link->submit(id, decision);
}

void Keeper::finish(std::uint64_t id, Reply reply) {
  const auto answer = std::move(process_->open.at(id).reply);
  process_->open.erase(id);
  answer(reply);
}

// --- deciding ---------------------------------------------------------------------------------

Decision Keeper::decision_of(Open& open) {
  switch (open.ask.kind) {
    case Ask::Kind::kCreate: {
      Decision decision = create(open);
      if (!open.refuses) ++process_->own_leaf;
      return decision;
    }
    case Ask::Kind::kRelease:
      return release(open);
    case Ask::Kind::kDestroy:
      return destroy(open);
    case Ask::Kind::kEnrol:
    case Ask::Kind::kRemove:
      return change_client(open);
    case Ask::Kind::kCount:
      break;
  }
  std::abort();
}

Decision Keeper::create(Open& open) const {
  const Process& p = *process_;
  const auto object = p.objects.find(open.ask.object);
  if (object != p.objects.end()) {
    return refuse(open, {{object_stream(open.ask.object), object->second.version}});
  }
  // A leaf of its own: the lease stream is both counter and guard.
  const std::uint64_t leaf = bugs_.counter_from_memory ? p.own_leaf : p.leases;
  Decision decision;
  decision.guards = {{object_stream(open.ask.object), 0}};
  if (!bugs_.counter_from_memory) {
    decision.guards.push_back({kLeases, p.leases});
    decision.facts.push_back(
        body_of(kLeases, kms::LeafBlockLeased{.block = leaf, .replica = author_}));
  }
  decision.facts.push_back(body_of(object_stream(open.ask.object),
                                   kms::ObjectCreated{.object = open.ask.object, .leaf = leaf}));
  return decision;
}

Decision Keeper::release(Open& open) const {
  const Process& p = *process_;
  const auto object = p.objects.find(open.ask.object);
  const auto client = p.clients.find(open.ask.client);
  std::vector<Guard> guards = {
      {object_stream(open.ask.object), object == p.objects.end() ? 0 : object->second.version}};
  if (!bugs_.unguarded_clients) {
    guards.push_back(
        {client_stream(open.ask.client), client == p.clients.end() ? 0 : client->second.version});
  }
  const bool may = object != p.objects.end() && !object->second.destroyed &&
                   client != p.clients.end() && client->second.enrolled;
  if (!may) return refuse(open, std::move(guards));
  return {
      .facts = {body_of(object_stream(open.ask.object), kms::KeyReleased{.object = open.ask.object,
                                                                         .client = open.ask.client,
                                                                         .replica = author_})},
      .guards = std::move(guards)};
}

Decision Keeper::destroy(Open& open) const {
  const auto object = process_->objects.find(open.ask.object);
  const bool is_there = object != process_->objects.end();
  std::vector<Guard> guards = {
      {object_stream(open.ask.object), is_there ? object->second.version : 0}};
  if (!is_there || object->second.destroyed) return refuse(open, std::move(guards));
  return {.facts = {body_of(object_stream(open.ask.object),
                            kms::KeyDestroyed{.object = open.ask.object})},
          .guards = std::move(guards)};
}

Decision Keeper::change_client(Open& open) const {
  const auto client = process_->clients.find(open.ask.client);
  const bool is_there = client != process_->clients.end();
  const bool enrols = open.ask.kind == Ask::Kind::kEnrol;
  std::vector<Guard> guards = {
      {client_stream(open.ask.client), is_there ? client->second.version : 0}};
  if ((is_there && client->second.enrolled) == enrols) return refuse(open, std::move(guards));
  const kms::Event event = enrols ? kms::Event{kms::ClientEnrolled{.client = open.ask.client}}
                                  : kms::Event{kms::ClientRemoved{.client = open.ask.client}};
  return {.facts = {body_of(client_stream(open.ask.client), event)}, .guards = std::move(guards)};
}

Decision Keeper::refuse(Open& open, std::vector<Guard> guards) const {
  open.refuses = true;
  if (bugs_.unguarded_refusals) guards.clear();
  return {.facts = {body_of(
              author_ + "/refusals",
              kms::OperationRefused{.operation = static_cast<std::uint32_t>(open.ask.kind),
                                    .object = open.ask.object,
                                    .client = open.ask.client})},
          .guards = std::move(guards)};
}

Body Keeper::body_of(std::string stream, kms::Event event) const {
  Body body;
  body.stream = std::move(stream);
  body.user = author_;
  body.action.bytes = {1};
  body.clock = world_.now();
  body.event = std::move(event);
  return body;
}

}  // namespace keytrail::simulation
