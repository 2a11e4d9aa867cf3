#include "eventstore/log/fact_rows.h"

namespace keytrail::eventstore {

namespace {

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8 | bytes[i - 1];
  return value;
}

}  // namespace

std::optional<FactView> FactWalk::next() {
  if (rest_.empty() || malformed_) return std::nullopt;
  malformed_ = true;  // until shown otherwise
  if (rest_.size() < kFactPrefixBytes) return std::nullopt;
  const std::uint64_t length = little_endian(rest_.first(4));
  if (little_endian(rest_.subspan(4, 4)) != 0 || length < kStampBytes ||
      length > kStampBytes + kBodyBytesMax || rest_.size() - kFactPrefixBytes < length) {
    return std::nullopt;
  }
  malformed_ = false;
  const ByteView fact = rest_.subspan(kFactPrefixBytes, length);
  rest_ = rest_.subspan(kFactPrefixBytes + length);
  return FactView{.stamp = fact.first(kStampBytes), .body = fact.subspan(kStampBytes)};
}

std::vector<FactRow> cut_into_rows(Position first, ByteView facts) {
  std::vector<FactRow> rows;
  FactWalk walk(facts);
  std::size_t row_begin = 0;
  Position row_first = first;
  std::size_t in_row = 0;
  while (walk.next()) {
    ++in_row;
    const std::size_t here = facts.size() - walk.rest_bytes();
    if (in_row < kRowFactsMax && walk.rest_bytes() > 0) continue;
    rows.push_back({.first = row_first, .facts = facts.subspan(row_begin, here - row_begin)});
    row_first += in_row;
    row_begin = here;
    in_row = 0;
  }
  KEYTRAIL_CHECK(!walk.malformed());
  return rows;
}

Result<void> visit_row(const FactRow& row, Position after, Position until,
                       const EventLog::FactVisitor& visit, bool& stopped) {
  FactWalk walk(row.facts);
  Position position = row.first;
  bool damaged = row.facts.empty();
  while (const auto fact = walk.next()) {
    damaged = position_of(fact->stamp) != position;
    if (damaged) break;
    if (position > until || (position > after && !visit(position, fact->stamp, fact->body))) {
      stopped = true;
      return {};
    }
    ++position;
  }
  if (damaged || walk.malformed()) {
    return Error{ErrorCode::kCorrupt, "position " + std::to_string(position) +
                                          " is damaged: what is stored there is not a fact"};
  }
  return {};
}

}  // namespace keytrail::eventstore
