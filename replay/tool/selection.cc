#include "replay/tool/selection.h"

#include <limits>

#include "bus/events/words.h"
#include "bus/secret/text.h"

namespace keytrail::replay {
namespace {

constexpr std::string_view kFromForms =
    "start, end, N (a position), -N (the last N), @TIME (2026-11-24T08:00:00Z) or @-1h";
constexpr std::string_view kUntilForms =
    "N (a position), @TIME (2026-11-24T08:00:00Z), @-1h, end or caught-up";
constexpr std::string_view kMomentForms =
    "N (a position), TIME (2026-11-24T08:00:00Z), @-1h or end";

// "90s", "5m", "1h", "2d".
std::optional<TimeNs> duration_in(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto count = parse_decimal<std::uint64_t>(text.substr(0, text.size() - 1));
  if (!count) return std::nullopt;
  TimeNs unit = 1'000'000'000;
  switch (text.back()) {
    case 's':
      break;
    case 'm':
      unit *= 60;
      break;
    case 'h':
      unit *= 3600;
      break;
    case 'd':
      unit *= 86'400;
      break;
    default:
      return std::nullopt;
  }
  if (*count > std::numeric_limits<TimeNs>::max() / unit) return std::nullopt;
  return *count * unit;
}

// What follows the "@": a time, or so long ago.
std::optional<TimeNs> time_in(std::string_view text, TimeNs now) {
  if (text.starts_with('-')) {
    const auto ago = duration_in(text.substr(1));
    if (!ago) return std::nullopt;
    return *ago > now ? 0 : now - *ago;
  }
  const auto time = time_from_rfc3339(text);
  if (!time.ok()) return std::nullopt;
  return time.value();
}

// The beginning of an action's id, as `matches` takes it.
Result<void> check_action(std::string_view text) {
  constexpr std::size_t kDigits = 32;
  const bool is_hex = text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!text.empty() && text.size() <= kDigits && is_hex) return {};
  return Error{ErrorCode::kInvalid,
               say({"--action takes an action's id, or how it begins: at most 32 digits of 0-9 and "
                    "a-f, not \"",
                    printable(text), "\""})};
}

Result<void> check_order(const Selection& selection, const SelectionTexts& texts) {
  const From& from = selection.from;
  const Until& until = selection.until;
  const bool is_by_position = from.kind == FromKind::kPosition &&
                              until.kind == UntilKind::kPosition &&
                              from.position > until.position;
  const bool is_by_time = from.kind == FromKind::kTime && until.kind == UntilKind::kTime &&
                          from.time > until.time;
  if (!is_by_position && !is_by_time) return {};
  return Error{ErrorCode::kInvalid, say({"--until ", texts.until, " lies before --from ",
                                         texts.from, ": nothing is between them"})};
}

Error not_one_of(std::string_view flag, std::string_view forms, std::string_view text) {
  return {ErrorCode::kInvalid, say({flag, " takes ", forms, "; not \"", printable(text), "\""})};
}

}  // namespace

Result<From> from_text(std::string_view text, TimeNs now) {
  if (text == "start") return From{.kind = FromKind::kStart};
  if (text == "end") return From{.kind = FromKind::kEnd};
  if (text.starts_with('@')) {
    if (const auto time = time_in(text.substr(1), now)) {
      return From{.kind = FromKind::kTime, .time = *time};
    }
  } else if (text.starts_with('-')) {
    if (const auto count = parse_decimal<std::uint64_t>(text.substr(1))) {
      return From{.kind = FromKind::kLast, .position = *count};
    }
  } else if (const auto position = parse_decimal<std::uint64_t>(text)) {
    return From{.kind = FromKind::kPosition, .position = *position};
  }
  return not_one_of("--from", kFromForms, text);
}

Result<Until> until_text(std::string_view text, TimeNs now) {
  if (text == "end") return Until{.kind = UntilKind::kEnd};
  if (text == "caught-up") return Until{.kind = UntilKind::kCaughtUp};
  if (text.starts_with('@')) {
    if (const auto time = time_in(text.substr(1), now)) {
      return Until{.kind = UntilKind::kTime, .time = *time};
    }
  } else if (const auto position = parse_decimal<std::uint64_t>(text)) {
    return Until{.kind = UntilKind::kPosition, .position = *position};
  }
  return not_one_of("--until", kUntilForms, text);
}

Result<Until> moment_text(std::string_view text, TimeNs now) {
  if (text == "end") return Until{.kind = UntilKind::kEnd};
  if (const auto position = parse_decimal<std::uint64_t>(text)) {
    return Until{.kind = UntilKind::kPosition, .position = *position};
  }
  const std::string_view time_text = text.starts_with('@') ? text.substr(1) : text;
  if (const auto time = time_in(time_text, now)) {
    return Until{.kind = UntilKind::kTime, .time = *time};
  }
  return not_one_of("a moment", kMomentForms, text);
}

Result<Selection> selection_of(const SelectionTexts& texts, TimeNs now) {
  Selection selection;
  selection.from = TRY(from_text(texts.from, now));
  if (!texts.until.empty()) selection.until = TRY(until_text(texts.until, now));
  TRY(check_order(selection, texts));
  TRY(check_filter(texts.filter));
  for (const std::string& action : texts.filter.actions) TRY(check_action(action));
  selection.filter = texts.filter;
  // A key server does not know its provider's name: what it says of PROVIDER/ID is said of ID.
  for (const std::string& key : texts.filter.keys) {
    const std::size_t slash = key.find('/');
    if (slash != std::string::npos) selection.filter.keys.push_back(key.substr(slash + 1));
  }
  selection.count = texts.count;
  return selection;
}

Selector::Selector(Selection selection, Position head)
    : selection_(std::move(selection)), head_(head) {}

Position Selector::after() const {
  const From& from = selection_.from;
  switch (from.kind) {
    case FromKind::kStart:
    case FromKind::kTime:
      return 0;
    case FromKind::kEnd:
      return head_;
    case FromKind::kPosition:
      return from.position == 0 ? 0 : from.position - 1;
    case FromKind::kLast:
      return from.position > head_ ? 0 : head_ - from.position;
  }
  return 0;
}

std::optional<TimeNs> Selector::since() const {
  if (selection_.from.kind != FromKind::kTime) return std::nullopt;
  return selection_.from.time;
}

std::optional<Position> Selector::last() const {
  if (selection_.until.kind == UntilKind::kEnd) return head_;
  if (selection_.until.kind == UntilKind::kPosition) return selection_.until.position;
  return std::nullopt;
}

Selector::Verdict Selector::look(const Fact& fact, const Facets& facets) {
  const Stamp& stamp = fact.stamp;
  const Until& until = selection_.until;
  if (until.kind == UntilKind::kTime && stamp.time > until.time) return Verdict::kStop;
  if (const auto end = last(); end && stamp.position > *end) return Verdict::kStop;
  if (selection_.count && taken_ >= *selection_.count) return Verdict::kStop;

  if (stamp.position <= after()) return Verdict::kSkip;
  if (selection_.from.kind == FromKind::kTime && stamp.time < selection_.from.time) {
    return Verdict::kSkip;
  }
  if (!matches(selection_.filter, facets)) return Verdict::kSkip;
  ++taken_;
  return Verdict::kTake;
}

bool Selector::done_at(Position position) const {
  if (selection_.count && taken_ >= *selection_.count) return true;
  const auto end = last();
  return end && position >= *end;
}

}  // namespace keytrail::replay
