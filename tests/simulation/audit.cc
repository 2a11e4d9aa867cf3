#include "tests/simulation/audit.h"

#include <map>
#include <set>

#include "tests/simulation/fold.h"

namespace keytrail::simulation {
namespace {

using Wrong = std::optional<std::string>;

std::string at(const Stamp& stamp) { return "position " + std::to_string(stamp.position) + ": "; }

struct StreamEnd {
  std::uint64_t version = 0;
  Position last = 0;
};
struct AuthorEnd {
  std::uint64_t epoch = 0;
  std::uint64_t request = 0;
  Position last = 0;
};

// A release is of an object that is there, to a client that is enrolled.
class Keys {
 public:
  Wrong see(const Stamp& stamp, const kms::Event& event) {
    if (const auto* created = std::get_if<kms::ObjectCreated>(&event)) return see(stamp, *created);
    if (const auto* destroyed = std::get_if<kms::KeyDestroyed>(&event)) {
      if (!destroyed_.insert(destroyed->object).second) {
        return at(stamp) + destroyed->object + " was destroyed twice";
      }
    } else if (const auto* enrolled = std::get_if<kms::ClientEnrolled>(&event)) {
      enrolled_.insert(enrolled->client);
    } else if (const auto* removed = std::get_if<kms::ClientRemoved>(&event)) {
      enrolled_.erase(removed->client);
    } else if (const auto* released = std::get_if<kms::KeyReleased>(&event)) {
      return see(stamp, *released);
    }
    return std::nullopt;
  }

 private:
  Wrong see(const Stamp& stamp, const kms::ObjectCreated& created) {
    if (!objects_.insert(created.object).second) {
      return at(stamp) + created.object + " was created twice";
    }
    const auto [sealed, fresh] = leaves_.emplace(created.leaf, created.object);
    if (fresh) return std::nullopt;
    return at(stamp) + created.object + " and " + sealed->second + " are sealed by leaf " +
           std::to_string(created.leaf);
  }
  Wrong see(const Stamp& stamp, const kms::KeyReleased& released) {
    if (!objects_.contains(released.object)) return at(stamp) + "a release of nothing";
    if (destroyed_.contains(released.object)) {
      return at(stamp) + released.object + " was released after its destruction";
    }
    if (enrolled_.contains(released.client)) return std::nullopt;
    return at(stamp) + released.object + " was released to " + released.client +
           ", who is not enrolled";
  }

  std::set<std::string> objects_;
  std::set<std::string> destroyed_;
  std::set<std::string> enrolled_;
  std::map<std::uint64_t, std::string> leaves_;
};

struct RequestId {
  std::string author;
  std::uint64_t epoch = 0;
  std::uint64_t n = 0;
  auto operator<=>(const RequestId&) const = default;
};

}  // namespace

Wrong audit_form(const test::MemoryLog& log) {
  Hash previous{};
  TimeNs time = 0;
  std::map<std::string, StreamEnd, std::less<>> streams;
  std::map<std::string, AuthorEnd, std::less<>> authors;
  for (Position position = 1; position <= log.head(); ++position) {
    const StoredFact& stored = log.at(position).fact;
    const Stamp stamp = decode_stamp(stored.stamp).value();
    const BodyHeader body = peek_body(stored.body).value();
    if (stamp.position != position) return at(stamp) + "stands at " + std::to_string(position);
    if (stamp.previous != previous) return at(stamp) + "the chain is broken";
    if (stamp.time < time) return at(stamp) + "time went back";
    previous = leaf_of(stored.stamp, stored.body);
    time = stamp.time;

    StreamEnd& stream = streams[std::string(body.stream)];
    if (body.effect == Effect::kChange) ++stream.version;
    if (stamp.version != stream.version || stamp.previous_in_stream != stream.last) {
      return at(stamp) + "version or predecessor of " + std::string(body.stream) + " is wrong";
    }
    stream.last = position;

    AuthorEnd& author = authors[stamp.author];
    const bool same_unit = author.epoch == stamp.author_epoch && author.request == stamp.request;
    const bool later = stamp.author_epoch > author.epoch ||
                       (stamp.author_epoch == author.epoch && stamp.request > author.request);
    if (!later && !(same_unit && author.last == position - 1)) {
      return at(stamp) + "request " + std::to_string(stamp.request) + " of " + stamp.author +
             " stands behind request " + std::to_string(author.request);
    }
    author = {stamp.author_epoch, stamp.request, position};
  }
  return std::nullopt;
}

Wrong audit_acknowledged(const test::MemoryLog& log,
                         const std::vector<StoreTwin::Acknowledged>& acknowledged) {
  std::map<RequestId, std::vector<Position>> requests;
  for (const auto& row : log.rows()) {
    const Stamp stamp = decode_stamp(row.fact.stamp).value();
    requests[{stamp.author, stamp.author_epoch, stamp.request}].push_back(stamp.position);
  }
  for (const auto& [author, ack] : acknowledged) {
    std::vector<Position> told;
    for (std::uint32_t i = 0; i < ack.count; ++i) told.push_back(ack.first + i);
    const auto found = requests.find({author, ack.epoch, ack.n});
    if (found != requests.end() && found->second == told) continue;
    return "request " + std::to_string(ack.n) + " of " + author + " was acknowledged at " +
           std::to_string(ack.first) + ", but does not stand there, or not there alone";
  }
  return std::nullopt;
}

Wrong audit_keys(const test::MemoryLog& log) {
  Keys keys;
  Wrong wrong;
  fold(log, kEveryTopic, log.head(), [&](const Fact& fact) {
    const auto* event = std::get_if<kms::Event>(&fact.body.event);
    if (event != nullptr && !wrong) wrong = keys.see(fact.stamp, *event);
  });
  return wrong;
}

std::vector<std::uint64_t> shredded_leaves(const test::MemoryLog& log, const std::string& replica) {
  std::vector<std::pair<Position, std::uint64_t>> destroyed;
  Position through = 0;
  fold(log, protocol::topic_bit(protocol::Topic::kKmsChange), log.head(), [&](const Fact& fact) {
    const auto* event = std::get_if<kms::Event>(&fact.body.event);
    if (event == nullptr) return;
    if (const auto* e = std::get_if<kms::KeyDestroyed>(event)) {
      destroyed.emplace_back(fact.stamp.position, e->leaf);
    } else if (const auto* shredded = std::get_if<kms::ShreddedThrough>(event)) {
      if (shredded->replica == replica) through = shredded->through;
    }
  });
  std::vector<std::uint64_t> leaves;
  for (const auto& [position, leaf] : destroyed) {
    if (position <= through) leaves.push_back(leaf);
  }
  return leaves;
}

}  // namespace keytrail::simulation
