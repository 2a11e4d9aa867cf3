#include "replay/tool/history_check.h"

#include "bus/events/codec.h"
#include "bus/events/words.h"

namespace keytrail::replay {

HistoryCheck::HistoryCheck(std::optional<Bytes> log_id) : knows_genesis_(log_id.has_value()) {
  if (log_id) leaf_ = genesis_of(*log_id);
}

bool HistoryCheck::on_fact(const StoredFact& stored) {
  if (breach_) return false;
  const auto stamp = decode_stamp(stored.stamp);
  if (!stamp.ok()) {
    breach_ = Breach{last_.position + 1, stamp.error().detail};
    return false;
  }
  if (auto flaw = flaw_in(stored, stamp.value())) {
    breach_ = Breach{stamp.value().position, *std::move(flaw)};
    return false;
  }
  last_ = stamp.value();
  leaf_ = leaf_of(stored.stamp, stored.body);
  return true;
}

std::optional<std::string> HistoryCheck::flaw_in(const StoredFact& stored, const Stamp& stamp) {
  const std::uint64_t expected = last_.position + 1;
  if (stamp.position != expected) {
    return say({"follows ", std::to_string(last_.position), ": facts are missing or doubled"});
  }
  const bool has_predecessor = last_.position != 0 || knows_genesis_;
  if (has_predecessor && stamp.previous != leaf_) {
    return "does not chain to the fact before it: one of them was altered";
  }
  if (stamp.time < last_.time) return "is older than the fact before it";
  if (auto flaw = flaw_in_author(stamp)) return flaw;
  return flaw_in_stream(stored, stamp);
}

std::optional<std::string> HistoryCheck::flaw_in_author(const Stamp& stamp) {
  Author& author = authors_[stamp.author];
  if (stamp.author_epoch < author.epoch) return "its author was fenced by a later epoch";
  if (stamp.author_epoch == author.epoch && stamp.request < author.request) {
    return "its request number went back";
  }
  author = {stamp.author_epoch, stamp.request};
  return std::nullopt;
}

std::optional<std::string> HistoryCheck::flaw_in_stream(const StoredFact& stored,
                                                        const Stamp& stamp) {
  const auto header = peek_body(stored.body);
  if (!header.ok()) {
    // Of a part that only a newer program knows: its stream cannot be told.
    if (header.error().code == ErrorCode::kNotFound) return std::nullopt;
    return header.error().detail;
  }
  Stream& stream = streams_[std::string(header.value().stream)];
  const bool is_change = header.value().effect == Effect::kChange;
  if (stamp.previous_in_stream != stream.last) {
    return say({"names ", std::to_string(stamp.previous_in_stream),
                " as the fact before it in its stream, which is ", std::to_string(stream.last)});
  }
  if (stamp.version != stream.version + (is_change ? 1 : 0)) {
    return say({"has version ", std::to_string(stamp.version), " in a stream at version ",
                std::to_string(stream.version)});
  }
  stream = {stamp.version, stamp.position};
  return std::nullopt;
}

Result<std::optional<Breach>> check_history(FactSource& source, std::optional<Bytes> log_id) {
  HistoryCheck check(std::move(log_id));
  const Position head = TRY(source.head());
  TRY(source.read(0, head, [&](const StoredFact& stored) { return check.on_fact(stored); }));
  if (!check.breach() && check.checked() != head) {
    return std::optional<Breach>(Breach{check.checked() + 1, "is missing"});
  }
  return check.breach();
}

}  // namespace keytrail::replay
