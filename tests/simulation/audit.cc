#include "tests/simulation/audit.h"

#include <map>
#include <set>

#include "bus/events/codec.h"

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
      destroyed_.insert(destroyed->object);
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

Wrong audit_keys(const test::MemoryLog& log) {
  Keys keys;
  for (const auto& row : log.rows()) {
    const Fact fact = decode_fact(row.fact).value();
    const auto* event = std::get_if<kms::Event>(&fact.body.event);
    if (event == nullptr) continue;
    if (const Wrong wrong = keys.see(fact.stamp, *event)) return wrong;
  }
  return std::nullopt;
}

}  // namespace keytrail::simulation
