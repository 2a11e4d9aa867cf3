#include "kms/model/draft.h"

#include <algorithm>

#include "bus/events/match.h"

namespace keytrail::kms {
namespace {

// The object that an event changes; nothing for events that change none, or make one.
const std::string* object_changed_by(const Event& event) {
  if (const auto* x = std::get_if<NameBound>(&event)) return &x->object;
  if (const auto* x = std::get_if<NameFreed>(&event)) return &x->object;
  if (const auto* x = std::get_if<AttributeAdded>(&event)) return &x->object;
  if (const auto* x = std::get_if<KeyActivated>(&event)) return &x->object;
  if (const auto* x = std::get_if<KeyRevoked>(&event)) return &x->object;
  if (const auto* x = std::get_if<KeyDestroyed>(&event)) return &x->object;
  return nullptr;
}

}  // namespace

Draft::Draft(const State& state, Scope scope, TimeNs now)
    : base_(&state), scope_(std::move(scope)), now_(std::max(now, state.time())) {}

const Object* Draft::object(const std::string& id) {
  const Object* before = base_->object(id);
  reading(object_stream(scope_, id), before == nullptr ? 0 : before->version);
  const Object* touched = changes_.object(id);
  return touched != nullptr ? touched : before;
}

std::string Draft::object_named(const std::string& owner, const std::string& name) {
  const NameBinding* before = base_->name(owner, name);
  reading(name_stream(scope_, owner, name), before == nullptr ? 0 : before->version);
  const NameBinding* touched = changes_.name(owner, name);
  const NameBinding* binding = touched != nullptr ? touched : before;
  return binding == nullptr ? std::string() : binding->object;
}

const Client* Draft::client(const std::string& name) {
  const Client* client = base_->client(name);
  reading(client_stream(scope_, name), client == nullptr ? 0 : client->version);
  return client;
}

const Client* Draft::client_with(const Hash& certificate) {
  const Client* client = base_->client_with(certificate);
  if (client == nullptr) {
    reads_unguarded_ = true;  // No stream says that nobody has it.
    return nullptr;
  }
  return this->client(client->name);
}

const Cluster& Draft::cluster() {
  reading(members_stream(scope_), base_->cluster().version);
  return base_->cluster();
}

const Leases& Draft::leases() {
  reading(leases_stream(scope_), base_->leases().version);
  return base_->leases();
}

const Member* Draft::keyring_of(const std::string& replica) {
  const Member* member = base_->member(replica);
  reading(shred_stream(replica), member == nullptr ? 0 : member->shred_version);
  return member;
}

std::vector<const Object*> Draft::search(const std::string& owner, const Attribute* attribute) {
  reads_unguarded_ = true;
  std::vector<const Object*> found;
  const auto ordinals = [&](const State& state) {
    std::vector<State::Ordinal> all =
        attribute == nullptr ? state.owned_by(owner) : state.with_attribute(owner, *attribute);
    // An index grows as attributes are given: by age, and twice if the same value was given twice.
    if (!std::is_sorted(all.begin(), all.end())) std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  };
  const std::vector<State::Ordinal> before = ordinals(*base_);
  found.reserve(before.size());
  for (const State::Ordinal ordinal : before) {
    const Object* object = &base_->objects()[ordinal];
    if (changes_.object(object->id) == nullptr) found.push_back(object);
  }
  for (const State::Ordinal ordinal : ordinals(changes_)) {
    found.push_back(&changes_.objects()[ordinal]);
  }
  return found;
}

void Draft::record(Event event, std::vector<Attachment> attachments) {
  if (const std::string* id = object_changed_by(event)) take_over(*id);
  // A draft has no position yet; any later one than the State's will do until the log gives the
  // true ones.
  const Position position = base_->position() + 1 + recorded_.size();
  evolve(changes_, event, {.position = position, .time = now_, .version = 0});
  recorded_.push_back({std::move(event), std::move(attachments)});
}

Draft Draft::undone() const {
  Draft fresh(*base_, scope_, now_);
  fresh.reads_ = reads_;
  fresh.reads_unguarded_ = reads_unguarded_;
  return fresh;
}

void Draft::reading(std::string stream, std::uint64_t version) {
  // A request reads a handful of streams: a search is faster than an index.
  const bool known = std::any_of(reads_.begin(), reads_.end(),
                                 [&](const Read& read) { return read.stream == stream; });
  if (!known) reads_.push_back({std::move(stream), version});
}

void Draft::take_over(const std::string& object) {
  if (changes_.object(object) != nullptr) return;
  if (const Object* before = base_->object(object)) changes_.adopt(*before);
}

}  // namespace keytrail::kms
