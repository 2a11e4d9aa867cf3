#include "kms/model/evolve.h"

#include <algorithm>

#include "bus/events/match.h"

namespace keytrail::kms {

namespace {

// All that a replica has to say on a stream of its own. The log lets it state any event there, and
// it may be another cluster's: that is no way to enrol clients here, or to speak for a member.
bool is_of_own_keyring(std::string_view replica, const Fact& fact) {
  const auto* event = std::get_if<Event>(&fact.body.event);
  if (event == nullptr) return false;
  if (const auto* shredded = std::get_if<ShreddedThrough>(event)) {
    return shredded->replica == replica;
  }
  const auto* restored = std::get_if<KeyringRestored>(event);
  return restored != nullptr && restored->replica == replica;
}

}  // namespace

// One method per event; those that change nothing a replica decides by say so.
class Evolution {
 public:
  Evolution(State& state, const EventStamp& stamp) : state_(state), stamp_(stamp) {}

  void operator()(const ObjectCreated& x) {
    if (state_.object(x.object) != nullptr) return;  // The guard of version 0 excludes it.
    Object object{.id = x.object,
                  .type = x.type,
                  .origin = x.origin,
                  .algorithm = x.algorithm,
                  .length_bits = x.length_bits,
                  .usage_mask = x.usage_mask,
                  .format = x.format,
                  .subtype = x.subtype,
                  .owner = x.owner,
                  .attributes = x.attributes,
                  .names = {},
                  .leaf = x.leaf,
                  .fingerprint = x.fingerprint,
                  .version = stamp_.version,
                  .initial_date = stamp_.time,
                  .last_change_date = stamp_.time,
                  .revocation_message = {}};
    for (const Attribute& attribute : x.attributes) read_dates(object, attribute);
    state_.adopt(std::move(object));
  }
  void operator()(const NameBound& x) {
    state_.bind(x.owner, x.name, {.object = x.object, .version = stamp_.version});
    if (Object* object = find(x.object)) object->names.push_back(x.name);
  }
  void operator()(const NameFreed& x) {
    state_.bind(x.owner, x.name, {.object = {}, .version = stamp_.version});
    if (Object* object = find(x.object)) std::erase(object->names, x.name);
  }
  void operator()(const AttributeAdded& x) {
    if (Object* object = changed(x.object)) {
      object->attributes.push_back(x.attribute);
      read_dates(*object, x.attribute);
      state_.index(*object, x.attribute);
    }
  }
  void operator()(const KeyActivated& x) {
    if (Object* object = changed(x.object)) object->activation_date = x.activation_date;
  }
  void operator()(const KeyRevoked& x) {
    Object* object = changed(x.object);
    if (object == nullptr) return;
    object->revocation_reason = x.reason;
    object->revocation_message = x.message;
    if (x.state == ObjectState::kCompromised) {
      object->compromise_date = stamp_.time;
      object->compromise_occurrence_date = x.compromise_date;
    } else {
      object->deactivation_date = stamp_.time;
    }
  }
  void operator()(const KeyDestroyed& x) {
    Object* object = changed(x.object);
    if (object == nullptr) return;
    object->destroyed = stamp_.position;
    object->destroy_date = stamp_.time;
  }
  void operator()(const KeyReleased&) {}
  void operator()(const OperationRefused&) {}
  void operator()(const ReadRecorded&) {}

  void operator()(const ClientEnrolled& x) {
    unpin(x.client);
    state_.clients_[x.client] = {.name = x.client,
                                 .group = x.group,
                                 .certificates = x.certificates,
                                 .removed = false,
                                 .version = stamp_.version};
    // A certificate stays with the client that had it first; enrolment refuses the second.
    for (const Hash& certificate : x.certificates) state_.pinned_.emplace(certificate, x.client);
  }
  void operator()(const ClientRemoved& x) {
    unpin(x.client);
    const auto found = state_.clients_.find(x.client);
    if (found == state_.clients_.end()) return;
    found->second.removed = true;
    found->second.version = stamp_.version;
  }
  void operator()(const CertificateSigned&) {}

  void operator()(const ClusterCreated& x) {
    state_.cluster_.name = x.cluster;
    state_.cluster_.founder = x.replica;
    state_.cluster_.keyring_fingerprint = x.keyring_fingerprint;
    admit(x.replica, x.certificate);
  }
  void operator()(const ReplicaAdmitted& x) { admit(x.replica, x.certificate); }
  void operator()(const ReplicaRetired& x) {
    state_.cluster_.version = stamp_.version;
    if (Member* member = member_of(x.replica)) member->retired = true;
  }
  void operator()(const KeyringGranted& x) {
    state_.cluster_.version = stamp_.version;
    Member* member = member_of(x.to);
    if (member == nullptr) return;
    member->granted = stamp_.position;
    // Whatever it stated before was of a keyring that it lost.
    member->shredded_through = x.as_of;
  }
  void operator()(const LeafBlockLeased& x) {
    state_.leases_.next_block = std::max(state_.leases_.next_block, x.block + 1);
    state_.leases_.version = stamp_.version;
  }
  void operator()(const ShreddedThrough& x) {
    Member* member = member_of(x.replica);
    if (member == nullptr) return;
    member->shredded_through = std::max(member->shredded_through, x.through);
    member->provable = x.provable;
    member->shred_version = stamp_.version;
  }
  void operator()(const KeyringRestored& x) {
    if (Member* member = member_of(x.replica)) member->shred_version = stamp_.version;
  }

  void begin_epoch(const std::string& author, std::uint64_t epoch) {
    std::uint64_t& last = state_.epochs_[author];
    last = std::max(last, epoch);
  }
  void finish() {
    state_.position_ = std::max(state_.position_, stamp_.position);
    state_.time_ = std::max(state_.time_, stamp_.time);
  }

 private:
  Object* find(const std::string& id) {
    const auto found = state_.ordinals_.find(id);
    return found == state_.ordinals_.end() ? nullptr : &state_.objects_[found->second];
  }
  Object* changed(const std::string& id) {
    Object* object = find(id);
    if (object == nullptr) return nullptr;
    object->version = stamp_.version;
    object->last_change_date = stamp_.time;
    return object;
  }
  static void read_dates(Object& object, const Attribute& attribute) {
    if (attribute.name == kDeactivationDate) {
      object.deactivation_date = date_of(attribute).value_or(0);
    }
  }
  void unpin(const std::string& client) {
    std::erase_if(state_.pinned_, [&](const auto& pin) { return pin.second == client; });
  }
  void admit(const std::string& replica, const Hash& certificate) {
    state_.cluster_.version = stamp_.version;
    Member& member = state_.cluster_.members[replica];
    member.certificate = certificate;
    member.retired = false;
    member.admitted = stamp_.position;
  }
  Member* member_of(const std::string& replica) {
    const auto found = state_.cluster_.members.find(replica);
    return found == state_.cluster_.members.end() ? nullptr : &found->second;
  }

  State& state_;
  const EventStamp& stamp_;
};

bool concerns(std::string_view cluster, const Fact& fact) {
  const std::string_view stream = fact.body.stream;
  if (!stream.starts_with("kms/")) return false;
  const std::size_t end = stream.find('/', 4);
  if (end == std::string_view::npos) return false;
  const std::string_view owner = stream.substr(4, end - 4);
  const std::string_view rest = stream.substr(end);
  if (owner == cluster) return true;
  // Of any replica: those of other clusters are no members, so what they say of themselves changes
  // nothing.
  return rest == "/epoch" || (rest == "/shred" && is_of_own_keyring(owner, fact));
}

void evolve(State& state, const Event& event, const EventStamp& stamp) {
  Evolution evolution(state, stamp);
  std::visit(evolution, event);
  evolution.finish();
}

void evolve(State& state, const Fact& fact) {
  const EventStamp stamp{
      .position = fact.stamp.position, .time = fact.stamp.time, .version = fact.stamp.version};
  if (const auto* event = std::get_if<Event>(&fact.body.event)) return evolve(state, *event, stamp);
  if (const auto* event = std::get_if<part::Event>(&fact.body.event)) {
    if (const auto* started = std::get_if<part::PartStarted>(event)) {
      Evolution evolution(state, stamp);
      evolution.begin_epoch(fact.stamp.author, started->epoch);
      evolution.finish();
    }
  }
}

}  // namespace keytrail::kms
