#include "tests/simulation/installation/customer.h"

#include <algorithm>

#include "bus/events/codec.h"

namespace keytrail::simulation {
namespace {

constexpr std::size_t kHands = 3;
constexpr std::size_t kFavourites = 4;  // of the latest keys
constexpr TimeNs kPauseMax = 120 * kMs;

kmip::CreateRequest some_key() {
  const auto attribute = [](std::string_view name, kmip::ttlv::Value value) {
    return kmip::Attribute{std::string(name), 0, std::move(value)};
  };
  return {
      kmip::ObjectType::kSymmetricKey,
      {attribute(
           kmip::attribute::kCryptographicAlgorithm,
           kmip::ttlv::Enumeration{static_cast<std::uint32_t>(kmip::CryptographicAlgorithm::kAes)}),
       attribute(kmip::attribute::kCryptographicLength, 256),
       attribute(kmip::attribute::kCryptographicUsageMask, kmip::bit(kmip::UsageMask::kEncrypt))}};
}

bool says_destroyed(const kmip::GetAttributesResponse& response) {
  return std::any_of(response.attributes.begin(), response.attributes.end(),
                     [](const kmip::Attribute& a) {
                       const auto* state = std::get_if<kmip::ttlv::Enumeration>(&a.value);
                       return a.name == kmip::attribute::kState && state != nullptr &&
                              state->number == static_cast<std::uint32_t>(kmip::State::kDestroyed);
                     });
}

}  // namespace

Hash Customer::certificate() {
  Hash certificate{};
  certificate.fill(7);
  return certificate;
}

Customer::Customer(World& world, const StoreTwin& store, KmipPorts& ports,
                   std::vector<std::string> replicas, SeenKeys& seen)
    : world_(world), store_(store), ports_(ports), replicas_(std::move(replicas)), seen_(seen) {}

void Customer::start() {
  for (std::size_t i = 0; i < kHands; ++i) act();
}

void Customer::act() {
  if (stopped_) return;
  auto& random = world_.random();
  if (!changed_.empty()) {
    const std::string key = changed_.back();
    changed_.pop_back();
    return random.chance(0.5) ? get(key) : look(key);
  }
  if (keys_.empty() || random.chance(0.2)) return make();
  const std::size_t age = random.below(std::min(keys_.size(), kFavourites));
  const std::string key = keys_[keys_.size() - 1 - age];
  if (random.chance(0.5)) return get(key);
  if (random.chance(0.7)) return look(key);
  destroy(key);
}

// --- what it asks -----------------------------------------------------------------------------

void Customer::make() {
  ask(some_key(), [this](KmipPorts::Answer answer, TimeNs) {
    const auto* created = payload_of<kmip::CreateResponse>(answer);
    if (created == nullptr) return;
    must(recorded_.made.contains(created->id), "that key " + created->id + " was made");
    history_.made(created->id);
    keys_.push_back(created->id);
    changed_.push_back(created->id);
  });
}

void Customer::get(const std::string& key) {
  ask(kmip::GetRequest{.id = key}, [this, key](KmipPorts::Answer answer, TimeNs asked) {
    const auto* got = payload_of<kmip::GetResponse>(answer);
    if (got == nullptr) return refused(key, answer, since(asked));
    must(recorded_.releases[key] >= ++releases_[key], "that key " + key + " was released");
    history_.seen(key, since(asked));
    const Bytes material = to_bytes(kmip::material_of(got->object).read(SecretAccess()));
    if (!seen_.see({kName, key}, material)) {
      world_.fail("key " + key + " is not the same on every replica");
    }
  });
}

void Customer::look(const std::string& key) {
  kmip::GetAttributesRequest request{key, {std::string(kmip::attribute::kState)}};
  ask(std::move(request), [this, key](KmipPorts::Answer answer, TimeNs asked) {
    const auto* got = payload_of<kmip::GetAttributesResponse>(answer);
    if (got == nullptr) return refused(key, answer, since(asked));
    if (says_destroyed(*got)) return history_.missing(key, since(asked));
    history_.seen(key, since(asked));
  });
}

void Customer::destroy(const std::string& key) {
  history_.destruction_asked(key, world_.monotonic());
  ask(kmip::DestroyRequest{key}, [this, key](KmipPorts::Answer answer, TimeNs asked) {
    if (payload_of<kmip::DestroyResponse>(answer) == nullptr) {
      return refused(key, answer, since(asked));
    }
    must(recorded_.destroyed.contains(key), "that key " + key + " was destroyed");
    history_.destroyed(key, since(asked));
    changed_.push_back(key);
  });
}

// --- what it is told --------------------------------------------------------------------------

void Customer::ask(kmip::RequestPayload payload,
                   std::function<void(KmipPorts::Answer, TimeNs asked)> then) {
  ++under_way_;
  const Session session(ports_, replicas_[world_.random().below(replicas_.size())], certificate());
  session.call(std::move(payload), [this, session, then = std::move(then),
                                    asked = world_.monotonic()](KmipPorts::Answer answer) {
    session.close();
    --under_way_;
    if (answer) {
      ++answers_;
      recorded_.read(store_.log());
      then(std::move(answer), asked);
    }
    const TimeNs pause = changed_.empty() ? world_.random().below(kPauseMax) : 0;
    world_.after(pause, [this] { act(); });
  });
}

// That the key is not there is a fact; that the replica does not serve, or does not know us any
// more, says nothing of the key.
void Customer::refused(const std::string& key, const KmipPorts::Answer& answer,
                       KeyHistory::Span span) {
  const auto* failure = std::get_if<kmip::Failure>(&answer->outcome);
  if (failure == nullptr) return;
  if (failure->reason != kmip::ResultReason::kItemNotFound &&
      failure->reason != kmip::ResultReason::kPermissionDenied) {
    return;
  }
  must(recorded_.refusals >= ++refusals_, "the refusal of key " + key);
  history_.missing(key, span);
}

void Customer::must(bool is_recorded, const std::string& what) {
  if (!is_recorded) world_.fail(what + " was told before it was durable");
}

void Customer::Recorded::read(const test::MemoryLog& log) {
  while (through < log.head()) {
    const Fact fact = decode_fact(log.at(++through).fact).value();
    const auto* event = std::get_if<kms::Event>(&fact.body.event);
    if (event == nullptr) continue;
    if (const auto* e = std::get_if<kms::ObjectCreated>(event)) made.insert(e->object);
    if (const auto* e = std::get_if<kms::KeyDestroyed>(event)) destroyed.insert(e->object);
    if (const auto* e = std::get_if<kms::KeyReleased>(event)) releases[e->object] += 1;
    if (const auto* e = std::get_if<kms::OperationRefused>(event)) refusals += e->client == kName;
  }
}

}  // namespace keytrail::simulation
