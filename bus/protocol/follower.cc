#include "bus/protocol/follower.h"

#include <algorithm>

namespace keytrail::protocol {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;
constexpr TopicSet kFactTopics = (1U << kFactTopicCount) - 1;

constexpr bool has(TopicSet set, Topic topic) { return (set & topic_bit(topic)) != 0; }

std::size_t bytes_of(const std::vector<StoredFact>& facts) {
  std::size_t bytes = 0;
  for (const StoredFact& fact : facts) bytes += fact.stamp.size() + fact.body.size();
  return bytes;
}

std::size_t bytes_of(const std::vector<PositionedAttachment>& attachments) {
  std::size_t bytes = 0;
  for (const PositionedAttachment& a : attachments) bytes += a.attachment.bytes.size();
  return bytes;
}

bool is_another(const FollowedFact& fact, const Known& known) {
  return fact.position == known.position && fact.leaf != known.leaf;
}

}  // namespace

Follower::Follower(Options options, Known known, Position after)
    : options_(options), remembered_(known), known_(known), followed_(after), target_(after) {
  KEYTRAIL_CHECK(after <= known.position);
  if (after == known.position) {
    last_position_ = known.position;
    last_leaf_ = known.leaf;
  }
}

// --- the connection ---------------------------------------------------------------------------

void Follower::on_connected(TimeNs now) {
  if (forked_) return;
  connected_ = true;
  welcomed_ = false;
  presented_.clear();
  hello_at_ = now;
  outputs_.say_hello = true;
}

void Follower::on_disconnected() {
  connected_ = false;
  welcomed_ = false;
  presented_.clear();
  head_seen_ = false;
  reading_ = false;
  outputs_.say_hello = false;
  outputs_.subscribe = false;
  outputs_.read.reset();
  assembling_.reset();
  buffered_.clear();
  buffered_bytes_ = 0;
  if (state_ == FollowState::kLive) set_state(FollowState::kCatchingUp);
}

void Follower::on_welcome(std::uint64_t generation, Position head, TimeNs now) {
  if (!connected_ || forked_) return;
  if (generation < known_.generation) {
    return fork("generation " + std::to_string(generation) + " of the log was over when " +
                std::to_string(known_.generation) + " began: an old copy is being served");
  }
  // Against what was presented: the answer may have been under way while more was followed.
  const Position presented = presented_.empty() ? 0 : presented_.front();
  if (!presented_.empty()) presented_.pop_front();
  if (head < presented) {
    return fork("the log was cut: position " + std::to_string(presented) +
                " was seen here, the head is " + std::to_string(head));
  }
  known_.generation = generation;  // The store has found our (position, leaf) in its history.
  welcomed_ = true;
  head_seen_ = false;
  heard_ = now;
  outputs_.subscribe = true;
  if (state_ == FollowState::kConnecting) set_state(FollowState::kCatchingUp);
}

void Follower::on_head_went_back(std::string detail) { fork(std::move(detail)); }

void Follower::tick(TimeNs now) {
  if (forked_) return;
  const std::uint64_t lost_ns = options_.log_lost_ms * kNsPerMs;
  if (state_ != FollowState::kConnecting && now > heard_ + lost_ns) {
    set_state(FollowState::kLost);
  }
  const bool asks_in_vain = !welcomed_ || state_ == FollowState::kLost;
  if (connected_ && asks_in_vain && now > hello_at_ + lost_ns) {
    hello_at_ = now;
    outputs_.say_hello = true;
  }
  if (reading_ && now > read_at_ + lost_ns) reading_ = false;  // The answer is not coming any more.
  now_ = now;
  read_on();
}

// --- what the store says ----------------------------------------------------------------------

void Follower::on_head(const Head& head, TimeNs now) {
  now_ = now;
  if (!takes(head.generation)) return;
  heard_ = now;
  head_seen_ = true;
  learn(head.durable_head, head.leaf);
  log_time_ = std::max(log_time_, head.log_time);
  if (state_ == FollowState::kLost) set_state(FollowState::kCatchingUp);
  if (has_all_before(head.last)) {
    followed_ = std::max(followed_, head.durable_head);
  } else {
    // Messages of one connection keep their order: what is not here by now was lost.
    target_ = std::max(target_, head.durable_head);
    if (assembling_ && assembling_->header.last <= head.durable_head) assembling_.reset();
  }
  settle();
}

void Follower::on_head_answer(const Head& head, TimeNs now) {
  now_ = now;
  if (!takes(head.generation)) return;
  learn(head.durable_head, head.leaf);
  log_time_ = std::max(log_time_, head.log_time);
  if (has_all_before(head.last)) followed_ = std::max(followed_, head.durable_head);
  settle();
}

void Follower::on_batch(Topic topic, const BatchHeader& header, std::vector<StoredFact> facts,
                        TimeNs now) {
  now_ = now;
  if (!takes(header.generation) || header.last <= followed_) return;
  Assembly& assembly = assembly_of(header);
  if (!has(assembly.missing, topic)) return;  // Twice, or not asked for.
  assembly.bytes += bytes_of(facts);
  std::move(facts.begin(), facts.end(), std::back_inserter(assembly.facts));
  arrived(topic);
}

void Follower::on_sealed(const BatchHeader& header, std::vector<PositionedAttachment> attachments,
                         TimeNs now) {
  now_ = now;
  if (!takes(header.generation) || header.last <= followed_) return;
  Assembly& assembly = assembly_of(header);
  if (!has(assembly.missing, Topic::kKmsSealed)) return;
  assembly.bytes += bytes_of(attachments);
  assembly.attachments = std::move(attachments);
  arrived(Topic::kKmsSealed);
}

void Follower::on_read(ReadAnswer answer, TimeNs now) {
  now_ = now;
  if (forked_ || !welcomed_) return;
  const bool progress = answer.position > followed_;
  std::vector<FollowedFact> facts = opened(std::move(answer.facts), std::move(answer.attachments));
  if (progress) give(std::move(facts), answer.position);
  // An answer without progress is asked for again by the clock, not in a circle.
  if (progress || followed_ >= target_) reading_ = false;
  drain();
  settle();
}

void Follower::on_acks(const std::vector<Ack>& acks) {
  for (const Ack& ack : acks) {
    if (ack.outcome == AppendOutcome::kAccepted) learn(ack.first + ack.count - 1, ack.leaf);
  }
}

Follower::Outputs Follower::take_outputs() {
  if (outputs_.say_hello) presented_.push_back(known_.position);
  return std::exchange(outputs_, {});
}

// --- putting it together ----------------------------------------------------------------------

bool Follower::takes(std::uint64_t generation) {
  if (forked_ || !welcomed_) return false;
  if (generation == known_.generation) return true;
  if (generation < known_.generation) {
    fork("a store of generation " + std::to_string(generation) + " speaks, " +
         std::to_string(known_.generation) + " had begun");
  } else {
    welcomed_ = false;  // Restored or repaired since: let it find what we know first.
    outputs_.say_hello = true;
  }
  return false;
}

// The store made `position` durable with this leaf. Less than what is known is no contradiction: it
// was on its way.
void Follower::learn(Position position, const Hash& leaf) {
  if (position == known_.position && position > 0 && leaf != known_.leaf) {
    return fork("the log was rewritten: position " + std::to_string(position) +
                " is not what was seen here");
  }
  if (position <= known_.position) return;
  known_.position = position;
  known_.leaf = leaf;
}

Follower::Assembly& Follower::assembly_of(const BatchHeader& header) {
  if (!assembling_ || assembling_->header.last != header.last) {
    // One that is still incomplete was lost in part: `before` of this one shows it.
    const TopicSet wanted = options_.topics & (kFactTopics | topic_bit(Topic::kKmsSealed));
    assembling_ =
        Assembly{.header = header, .missing = static_cast<TopicSet>(header.topics & wanted)};
  }
  return *assembling_;
}

void Follower::arrived(Topic topic) {
  assembling_->missing = static_cast<TopicSet>(assembling_->missing & ~topic_bit(topic));
  if (assembling_->missing != 0) return;
  if (buffered_.size() < options_.buffered_batches_max &&
      buffered_bytes_ + assembling_->bytes <= options_.buffered_bytes_max) {
    buffered_bytes_ += assembling_->bytes;
    buffered_.push_back(std::move(*assembling_));
  } else {
    target_ = std::max(target_, assembling_->header.last);
  }
  assembling_.reset();
  drain();
  settle();
}

void Follower::drain() {
  while (!buffered_.empty() && !forked_) {
    Assembly& next = buffered_.front();
    if (next.header.last > followed_) {
      if (!has_all_before(next.header.before)) {
        target_ = std::max(target_, next.header.first - 1);
        return;
      }
      give(opened(std::move(next.facts), std::move(next.attachments)), next.header.last);
    }
    buffered_bytes_ -= next.bytes;
    buffered_.pop_front();
  }
}

bool Follower::has_all_before(const TopicPositions& positions) const {
  for (std::size_t topic = 0; topic < positions.size(); ++topic) {
    if (has(options_.topics, static_cast<Topic>(topic)) && positions[topic] > followed_)
      return false;
  }
  return true;
}

// In the order of positions, without what was given before.
std::vector<FollowedFact> Follower::opened(std::vector<StoredFact> facts,
                                           std::vector<PositionedAttachment> attachments) {
  std::vector<FollowedFact> opened;
  opened.reserve(facts.size());
  for (StoredFact& stored : facts) {
    const Result<Stamp> stamp = decode_stamp(stored.stamp);
    if (!stamp.ok()) {
      fork("a fact of the log is not readable: " + stamp.error().detail);
      return {};
    }
    if (stamp->position <= followed_) continue;
    FollowedFact fact{
        .position = stamp->position, .time = stamp->time, .previous = stamp->previous};
    fact.leaf = leaf_of(stored.stamp, stored.body);
    fact.stored = std::move(stored);
    opened.push_back(std::move(fact));
  }
  const auto by_position = [](const auto& a, const auto& b) { return a.position < b.position; };
  std::sort(opened.begin(), opened.end(), by_position);
  for (PositionedAttachment& attachment : attachments) {
    const auto at = std::lower_bound(opened.begin(), opened.end(), attachment, by_position);
    if (at == opened.end() || at->position != attachment.position) continue;
    at->attachments.push_back(std::move(attachment.attachment));
  }
  return opened;
}

void Follower::give(std::vector<FollowedFact> facts, Position through) {
  for (FollowedFact& fact : facts) {
    if (forked_ || !check(fact, through)) return;
    last_position_ = fact.position;
    last_leaf_ = fact.leaf;
    log_time_ = std::max(log_time_, fact.time);
    learn(fact.position, fact.leaf);
    outputs_.apply.push_back(std::move(fact));
  }
  if (!forked_) followed_ = std::max(followed_, through);
}

// Against its neighbour, the batch's end and what was known before.
bool Follower::check(const FollowedFact& fact, Position through) {
  const std::string at = std::to_string(fact.position);
  if (fact.position <= last_position_ || fact.position > through) {
    fork("position " + at + " stands where it cannot");
  } else if (last_position_ > 0 && fact.position == last_position_ + 1 &&
             fact.previous != last_leaf_) {
    fork("the chain is broken before position " + at);
  } else if (is_another(fact, known_) || is_another(fact, remembered_)) {
    fork("the log was rewritten: position " + at + " is not what was seen here");
  }
  return !forked_;
}

void Follower::read_on() {
  if (forked_ || !welcomed_ || !head_seen_ || reading_ || followed_ >= target_) return;
  reading_ = true;
  read_at_ = now_;
  outputs_.read = ReadRequest{.after = followed_,
                              .until = target_,
                              .limit = options_.read_limit,
                              .topics = static_cast<TopicSet>(options_.topics & kFactTopics)};
}

void Follower::settle() {
  read_on();
  if (forked_ || !welcomed_ || state_ == FollowState::kLost) return;
  const bool live = head_seen_ && !reading_ && followed_ >= target_;
  set_state(live ? FollowState::kLive : FollowState::kCatchingUp);
}

void Follower::set_state(FollowState state) {
  if (state_ == state) return;
  state_ = state;
  outputs_.state = state;
}

void Follower::fork(std::string detail) {
  if (!forked_) outputs_.forked = std::move(detail);
  forked_ = true;
}

}  // namespace keytrail::protocol
