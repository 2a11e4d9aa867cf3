#include "tests/simulation/history.h"

#include <algorithm>
#include <set>

#include "bus/events/codec.h"

namespace keytrail::simulation {
namespace {

using Wrong = std::optional<std::string>;

std::string name_of(const Ask& ask) {
  switch (ask.kind) {
    case Ask::Kind::kCreate:
      return "create " + ask.object;
    case Ask::Kind::kRelease:
      return "release " + ask.object + " to " + ask.client;
    case Ask::Kind::kDestroy:
      return "destroy " + ask.object;
    case Ask::Kind::kEnrol:
      return "enrol " + ask.client;
    case Ask::Kind::kRemove:
      return "remove " + ask.client;
    case Ask::Kind::kCount:
      return "count";
  }
  std::abort();
}

bool is_recorded(const Reply& reply) {
  return reply.kind == Reply::Kind::kDone || reply.kind == Reply::Kind::kRefused;
}

// What the log says of objects and clients up to some position.
struct Known {
  std::set<std::string> objects;
  std::set<std::string> destroyed;
  std::set<std::string> enrolled;

  void see(const kms::Event& event) {
    if (const auto* e = std::get_if<kms::ObjectCreated>(&event)) objects.insert(e->object);
    if (const auto* e = std::get_if<kms::KeyDestroyed>(&event)) destroyed.insert(e->object);
    if (const auto* e = std::get_if<kms::ClientEnrolled>(&event)) enrolled.insert(e->client);
    if (const auto* e = std::get_if<kms::ClientRemoved>(&event)) enrolled.erase(e->client);
  }
  // Whether the rules refuse it here.
  [[nodiscard]] bool refuses(const Ask& ask) const {
    const bool is_there = objects.contains(ask.object) && !destroyed.contains(ask.object);
    switch (ask.kind) {
      case Ask::Kind::kCreate:
        return objects.contains(ask.object);
      case Ask::Kind::kRelease:
        return !is_there || !enrolled.contains(ask.client);
      case Ask::Kind::kDestroy:
        return !is_there;
      case Ask::Kind::kEnrol:
        return enrolled.contains(ask.client);
      case Ask::Kind::kRemove:
        return !enrolled.contains(ask.client);
      case Ask::Kind::kCount:
        return false;
    }
    std::abort();
  }
};

}  // namespace

History::Entry History::asked(const Ask& ask, TimeNs when) {
  operations_.push_back({ask, when, std::nullopt, 0, {}});
  ++open_;
  return operations_.size() - 1;
}

void History::answered(Entry entry, const Reply& reply, TimeNs when, const test::MemoryLog& log) {
  Operation& operation = operations_.at(entry);
  operation.reply = reply;
  operation.answered_at = when;
  --open_;
  ++answers_;
  if (!is_recorded(reply)) return;
  if (reply.position == 0 || reply.position > log.head()) {
    if (!wrong_) wrong_ = "the answer to " + name_of(operation.ask) + " left before it was durable";
    return;
  }
  operation.leaf = log.at(reply.position).leaf;
}

Wrong History::check(const test::MemoryLog& log) const {
  if (wrong_) return wrong_;
  if (const Wrong wrong = check_answers(log)) return wrong;
  if (const Wrong wrong = check_order()) return wrong;
  return check_outcomes(log);
}

// What was answered as recorded is still there, unchanged.
Wrong History::check_answers(const test::MemoryLog& log) const {
  for (const Operation& operation : operations_) {
    if (!operation.reply || !is_recorded(*operation.reply)) continue;
    const Position position = operation.reply->position;
    if (position > log.head() || log.at(position).leaf != operation.leaf) {
      return "the fact behind the answer to " + name_of(operation.ask) + ", position " +
             std::to_string(position) + ", is gone";
    }
  }
  return std::nullopt;
}

// Real time and log order agree.
Wrong History::check_order() const {
  std::vector<const Operation*> by_answer;
  for (const Operation& operation : operations_) {
    if (operation.reply && operation.reply->kind != Reply::Kind::kUnavailable) {
      by_answer.push_back(&operation);
    }
  }
  std::vector<const Operation*> by_asking = by_answer;
  std::sort(by_answer.begin(), by_answer.end(),
            [](const auto* a, const auto* b) { return a->answered_at < b->answered_at; });
  std::sort(by_asking.begin(), by_asking.end(),
            [](const auto* a, const auto* b) { return a->asked_at < b->asked_at; });
  Position answered_through = 0;  // the highest position that anybody had been told of
  std::size_t next = 0;
  for (const Operation* later : by_asking) {
    for (; next < by_answer.size() && by_answer[next]->answered_at < later->asked_at; ++next) {
      answered_through = std::max(answered_through, by_answer[next]->reply->position);
    }
    const bool recorded = is_recorded(*later->reply);
    const Position least = recorded ? answered_through + 1 : answered_through;
    if (later->reply->position >= least) continue;
    return name_of(later->ask) + " stands at " + std::to_string(later->reply->position) +
           ", but was asked for when position " + std::to_string(answered_through) +
           " had been told";
  }
  return std::nullopt;
}

// Each outcome is the one that the rules give where it stands.
Wrong History::check_outcomes(const test::MemoryLog& log) const {
  std::multimap<Position, const Operation*> by_position;
  for (const Operation& operation : operations_) {
    if (operation.reply && operation.reply->kind != Reply::Kind::kUnavailable) {
      by_position.emplace(operation.reply->position, &operation);
    }
  }
  Known known;
  for (Position position = 1; position <= log.head(); ++position) {
    const auto [begin, end] = by_position.equal_range(position);
    for (auto at = begin; at != end; ++at) {
      const Operation& operation = *at->second;
      if (!is_recorded(*operation.reply)) continue;
      const bool refused = operation.reply->kind == Reply::Kind::kRefused;
      if (known.refuses(operation.ask) == refused) continue;
      return name_of(operation.ask) + (refused ? " was refused" : " was done") + " at position " +
             std::to_string(position) + ", where it should not have been";
    }
    const Fact fact = decode_fact(log.at(position).fact).value();
    if (const auto* event = std::get_if<kms::Event>(&fact.body.event)) known.see(*event);
    for (auto at = begin; at != end; ++at) {
      const Operation& operation = *at->second;
      if (operation.reply->kind != Reply::Kind::kCounted) continue;
      if (operation.reply->count >= known.objects.size()) continue;
      return "a count at position " + std::to_string(position) + " said " +
             std::to_string(operation.reply->count) + " objects, there were " +
             std::to_string(known.objects.size());
    }
  }
  return std::nullopt;
}

}  // namespace keytrail::simulation
