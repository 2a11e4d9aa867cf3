#include "eventstore/order/orderer.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"
#include "bus/secret/sha256.h"
#include "eventstore/order/admission.h"

namespace keytrail::eventstore {

using protocol::Ack;
using protocol::AppendOutcome;
using protocol::Guard;
using protocol::Unit;

namespace {

std::size_t index_of(protocol::Topic topic) { return static_cast<std::size_t>(topic); }

Identities evolved(Identities identities, ByteView stamp, ByteView body) {
  const Result<Fact> fact = decode_fact({to_bytes(stamp), to_bytes(body)});
  return fact.ok() ? evolve(std::move(identities), *fact) : std::move(identities);
}

}  // namespace

Orderer::Orderer(Options options)
    : options_(std::move(options)),
      identities_(options_.identities),
      streams_(options_.table_key),
      last_leaf_(options_.genesis),
      durable_identities_(options_.identities) {
  durable_.generation = options_.generation;
  durable_.leaf = options_.genesis;
}

// --- start ------------------------------------------------------------------------------------

Result<void> Orderer::restore(ByteView stamp_bytes, ByteView body, const Hash& leaf) {
  const Stamp stamp = TRY(decode_stamp(stamp_bytes));
  const BodyHeader header = TRY(peek_body(body));
  const auto topic = protocol::topic_of(stamp.author, header.effect);
  if (stamp.position != last_ + 1 || !topic) {
    return Error{ErrorCode::kCorrupt, "position " + std::to_string(stamp.position) +
                                          " of the log stands where " + std::to_string(last_ + 1) +
                                          " belongs, or is of no part"};
  }
  last_ = stamp.position;
  last_leaf_ = leaf;
  log_time_ = std::max(log_time_, stamp.time);
  last_on_topic_.at(index_of(*topic)) = last_;

  StreamState& stream = streams_.at(header.stream);
  stream.version = stamp.version;
  stream.last = last_;
  if (header.effect == Effect::kChange) stream.last_change = last_;

  Author& author = author_of(stamp.author);
  if (stamp.author_epoch > author.epoch) begin_epoch(author, stamp.author_epoch, body);
  if (!author.window.empty() && author.window.back().n == stamp.request) {
    ++author.window.back().count;
    author.window.back().leaf = leaf;
  } else {
    remember(author, {.epoch = author.epoch,
                      .n = stamp.request,
                      .outcome = AppendOutcome::kAccepted,
                      .first = last_,
                      .count = 1,
                      .leaf = leaf});
  }
  if (header.part == "eventstore") {
    identities_ = evolved(std::move(identities_), stamp_bytes, body);
    durable_identities_ = identities_;
  }
  durable_.durable_head = last_;
  durable_.leaf = leaf;
  durable_.log_time = log_time_;
  durable_.last = last_on_topic_;
  return {};
}

// --- deciding ---------------------------------------------------------------------------------

void Orderer::append(std::string_view identity_name, protocol::AppendBatch batch, TimeNs now) {
  if (stopped_) return;
  const Identity* found = identities_.find(identity_name);
  if (found == nullptr || !may_use(*found, "append")) {
    outputs_.refused.push_back({std::string(identity_name), "may not append"});
    return;
  }
  const Identity identity = *found;  // A unit of this batch may change the list.
  log_time_ = std::max(log_time_, now);
  Author& author = author_of(identity_name);
  for (Unit& unit : batch.units) {
    Ack ack = decide(author, identity, batch.epoch, unit);
    ack.epoch = batch.epoch;
    ack.n = unit.n;
    if (ack.outcome == AppendOutcome::kInvalid) {
      // Not in the words of the hint, which quotes the unit: there would be as many kinds of
      // refusals as the author likes.
      outputs_.refused.push_back({author.name, "an append that was not admitted"});
    }
    held_bytes_ += protocol::frame_bytes_of(ack);
    held_.push_back({last_, &author, std::move(ack)});
  }
}

Ack Orderer::decide(Author& author, const Identity& identity, std::uint64_t epoch, Unit& unit) {
  if (epoch == 0 || unit.n == 0) {
    return {.outcome = AppendOutcome::kInvalid, .hint = "epochs and requests are numbered from 1"};
  }
  if (epoch < author.epoch) {
    return {.outcome = AppendOutcome::kFenced,
            .hint = "epoch " + std::to_string(author.epoch) + " of " + author.name + " has begun"};
  }
  if (epoch == author.epoch && unit.n <= author.last_n) return repeated(author, unit);
  Result<Admitted> admitted = admit(identity, unit);
  Ack ack;
  if (!admitted.ok()) {
    ack = {.outcome = AppendOutcome::kInvalid, .hint = admitted.error().detail};
  } else if (auto refused = check_epoch(author, epoch, unit, *admitted)) {
    ack = std::move(*refused);
  } else if (auto conflict = check_guards(unit)) {
    ack = std::move(*conflict);
  } else {
    ack = accept(author, epoch, unit, *admitted);
  }
  ack.epoch = epoch;
  ack.n = unit.n;
  if (epoch == author.epoch) remember(author, ack);
  return ack;
}

// A request of this epoch that was answered before, or could have been.
Ack Orderer::repeated(const Author& author, const Unit& unit) const {
  const bool claims = unit.n == author.claim_n;
  if (claims && (unit.bodies.empty() || sha256(unit.bodies[0]) != author.claim)) {
    return {.outcome = AppendOutcome::kFenced,
            .hint = "another process claimed this epoch of " + author.name};
  }
  const auto at = std::lower_bound(author.window.begin(), author.window.end(), unit.n,
                                   [](const Ack& ack, std::uint64_t n) { return ack.n < n; });
  if (at != author.window.end() && at->n == unit.n) return *at;
  if (unit.n <= author.forgotten_n) {
    return {.outcome = AppendOutcome::kFenced,
            .hint = "request " + std::to_string(unit.n) + " is older than the last 4096 answers"};
  }
  // Refused before a restart, or never seen: it is not on the log, and later requests are.
  return {.outcome = AppendOutcome::kConflict,
          .hint = "request " + std::to_string(unit.n) + " was overtaken: decide again"};
}

std::optional<Ack> Orderer::check_epoch(const Author& author, std::uint64_t epoch, const Unit& unit,
                                        const Admitted& admitted) const {
  const std::uint64_t expected = admitted.claims_epoch ? epoch - 1 : epoch;
  const auto guards_it = [&](const Guard& guard) {
    return guard.stream == author.epoch_stream && guard.version == expected;
  };
  if (std::none_of(unit.guards.begin(), unit.guards.end(), guards_it)) {
    return Ack{.outcome = AppendOutcome::kInvalid,
               .hint = "a unit is guarded by its author's epoch, and the claim by the one before"};
  }
  if (author.epoch == expected) return std::nullopt;
  return Ack{.outcome = AppendOutcome::kFenced,
             .hint = "epoch " + std::to_string(epoch) + " of " + author.name +
                     " is not the one that the log knows, " + std::to_string(author.epoch)};
}

std::optional<Ack> Orderer::check_guards(const Unit& unit) const {
  std::vector<protocol::FailedGuard> failed;
  for (const Guard& guard : unit.guards) {
    const StreamState stream = streams_.find(guard.stream);
    if (stream.version == guard.version) continue;
    failed.push_back({guard.stream, stream.version, stream.last_change});
  }
  if (failed.empty()) return std::nullopt;
  return Ack{.outcome = AppendOutcome::kConflict, .failed = std::move(failed)};
}

Ack Orderer::accept(Author& author, std::uint64_t epoch, const Unit& unit,
                    const Admitted& admitted) {
  if (admitted.claims_epoch) begin_epoch(author, epoch, unit.bodies[0]);
  Batch& batch = batch_for(unit, admitted);
  const Position first = last_ + 1;
  const std::size_t bytes_before = batch.bytes();
  for (std::size_t i = 0; i < unit.bodies.size(); ++i) {
    stamp_into(batch, author, unit.n, unit.bodies[i], admitted.bodies[i]);
  }
  for (const Admitted::Named& named : admitted.attachments) {
    const Attachment& attachment = unit.attachments[named.attachment];
    batch.attachments.push_back({first + named.body, named.index, attachment});
  }
  batch.attachment_bytes += admitted.attachment_bytes;
  waiting_bytes_ += batch.bytes() - bytes_before;
  return {.outcome = AppendOutcome::kAccepted,
          .first = first,
          .count = static_cast<std::uint32_t>(unit.bodies.size()),
          .leaf = last_leaf_};
}

// The forming batch, or a new one if it has no room for `unit`.
Batch& Orderer::batch_for(const Unit& unit, const Admitted& admitted) {
  std::size_t facts = 0;
  for (const Bytes& body : unit.bodies) facts += protocol::fact_bytes_of(body);
  if (!waiting_.empty()) {
    Batch& forming = waiting_.back();
    if (forming.facts.size() + facts <= kBatchFactBytesMax &&
        forming.attachment_bytes + admitted.attachment_bytes <= kBatchAttachmentBytesMax &&
        forming.entries.size() + unit.bodies.size() <= kBatchFactsMax) {
      return forming;
    }
  }
  Batch& forming = waiting_.emplace_back();
  forming.first = last_ + 1;
  forming.previous = last_on_topic_;
  return forming;
}

void Orderer::stamp_into(Batch& batch, const Author& author, std::uint64_t n, ByteView body,
                         const BodyHeader& header) {
  StreamState& stream = streams_.at(header.stream);
  if (header.effect == Effect::kChange) ++stream.version;
  Stamp stamp;
  stamp.position = ++last_;
  stamp.time = log_time_;
  stamp.author_epoch = author.epoch;
  stamp.request = n;
  stamp.version = stream.version;
  stamp.previous_in_stream = stream.last;
  stamp.author = author.name;
  stamp.previous = last_leaf_;
  stream.last = last_;
  if (header.effect == Effect::kChange) stream.last_change = last_;

  const auto stamp_bytes = encode_stamp(stamp);
  last_leaf_ = leaf_of(stamp_bytes, body);
  const auto topic = *protocol::topic_of(author.name, header.effect);
  batch.entries.push_back({static_cast<std::uint32_t>(batch.facts.size()),
                           static_cast<std::uint32_t>(kStampBytes + body.size()), topic});
  protocol::append_fact(batch.facts, stamp_bytes, body);
  batch.last = last_;
  batch.time = stamp.time;
  batch.leaf = last_leaf_;
  last_on_topic_.at(index_of(topic)) = last_;
  if (header.part == "eventstore") {
    identities_ = evolved(std::move(identities_), stamp_bytes, body);
  }
}

// --- durable ----------------------------------------------------------------------------------

void Orderer::on_written(Batch batch) {
  KEYTRAIL_CHECK(writing_ != 0 && batch.last == writing_);
  if (stopped_) return;
  writing_ = 0;
  waiting_bytes_ -= batch.bytes();
  durable_.durable_head = batch.last;
  durable_.log_time = batch.time;
  durable_.leaf = batch.leaf;
  for (std::size_t i = 0; i < batch.entries.size(); ++i) {
    durable_.last.at(index_of(batch.entries[i].topic)) = batch.first + i;
    if (batch.entries[i].topic != protocol::Topic::kEventstoreChange) continue;
    durable_identities_ = evolved(std::move(durable_identities_), batch.stamp(i), batch.body(i));
    outputs_.identities_changed = true;
  }
  outputs_.publish.push_back({std::move(batch), durable_});
}

void Orderer::on_write_failed(const std::string& detail) {
  if (stopped_) return;
  stopped_ = true;
  outputs_.stop = "the log could not be written: " + detail +
                  ". What was not acknowledged is unknown until the next start finds it or not";
}

void Orderer::tick(TimeNs now, TimeNs monotonic) {
  if (stopped_) return;
  if (auto stepped = clock_watch_.observe(now, monotonic)) outputs_.clock_stepped = *stepped;
  log_time_ = std::max(log_time_, now);
  // While nothing is under way, time may be told: the next fact will not be earlier.
  if (durable_.durable_head == last_) durable_.log_time = log_time_;
}

Orderer::Outputs Orderer::take_outputs() {
  if (!stopped_) {
    start_write();
    release_acks();
  }
  return std::exchange(outputs_, {});
}

void Orderer::start_write() {
  if (writing_ != 0 || waiting_.empty()) return;
  writing_ = waiting_.front().last;
  outputs_.write = std::move(waiting_.front());
  waiting_.pop_front();
}

void Orderer::release_acks() {
  std::vector<Author*> due;
  while (!held_.empty() && held_.front().depends_on <= durable_.durable_head) {
    HeldAck& held = held_.front();
    if (held.author->due.empty()) due.push_back(held.author);
    held_bytes_ -= protocol::frame_bytes_of(held.ack);
    held.author->due.push_back(std::move(held.ack));
    held_.pop_front();
  }
  for (Author* author : due) {
    outputs_.acks.push_back({author->name, std::exchange(author->due, {})});
  }
}

// --- authors and identities -------------------------------------------------------------------

Orderer::Author& Orderer::author_of(std::string_view name) {
  const auto at = authors_.find(name);
  if (at != authors_.end()) return at->second;
  Author author;
  author.name = std::string(name);
  author.epoch_stream = epoch_stream_of(name);
  return authors_.emplace(author.name, std::move(author)).first->second;
}

void Orderer::begin_epoch(Author& author, std::uint64_t epoch, ByteView claim) {
  author.epoch = epoch;
  author.claim = sha256(claim);
  author.claim_n = 0;
  author.last_n = 0;
  author.forgotten_n = 0;
  author.window.clear();
}

void Orderer::remember(Author& author, const Ack& ack) {
  if (author.claim_n == 0) author.claim_n = ack.n;
  author.last_n = ack.n;
  author.window.push_back(ack);
  if (author.window.size() <= protocol::kWindowMax) return;
  author.forgotten_n = author.window.front().n;
  author.window.pop_front();
}

}  // namespace keytrail::eventstore
