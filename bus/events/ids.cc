#include "bus/events/ids.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "bus/secret/text.h"

namespace keytrail {
namespace {

using std::chrono::days;
using std::chrono::nanoseconds;

// Takes `count` digits off the front.
std::optional<unsigned> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const auto value = parse_decimal<unsigned>(text.substr(0, count));
  if (value) text.remove_prefix(count);
  return value;
}

bool take_letter(std::string_view& text, char letter) {
  if (!text.starts_with(letter)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<nanoseconds> take_fraction(std::string_view& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 9) return std::nullopt;
  auto value = static_cast<std::int64_t>(*take_number(text, digits));
  for (std::size_t i = digits; i < 9; ++i) value *= 10;
  return nanoseconds(value);
}

// "HH:MM:SS[.fraction]Z" since midnight.
std::optional<nanoseconds> take_time_of_day(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take_letter(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take_letter(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return std::nullopt;
  nanoseconds time =
      std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  if (take_letter(text, '.')) {
    const auto fraction = take_fraction(text);
    if (!fraction) return std::nullopt;
    time += *fraction;
  }
  if (!take_letter(text, 'Z')) return std::nullopt;
  return time;
}

std::optional<TimeNs> parse_time(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take_letter(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_letter(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day)};
  // 64 bits of nanoseconds end in 2554, those of the chrono library in 2262.
  if (!date.ok() || *year < 1970 || *year > 2261) return std::nullopt;
  nanoseconds time = std::chrono::sys_days(date).time_since_epoch();
  if (take_letter(text, 'T')) {
    const auto of_day = take_time_of_day(text);
    if (!of_day) return std::nullopt;
    time += *of_day;
  }
  if (!text.empty()) return std::nullopt;
  return static_cast<TimeNs>(time.count());
}

}  // namespace

std::string to_rfc3339(TimeNs time) {
  constexpr TimeNs kSecond = 1'000'000'000;
  constexpr TimeNs kDay = 86'400 * kSecond;
  const std::chrono::year_month_day date{std::chrono::sys_days(days(time / kDay))};
  const TimeNs second = time % kDay / kSecond;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02u.%09uZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<unsigned>(second / 3600),
                static_cast<unsigned>(second / 60 % 60), static_cast<unsigned>(second % 60),
                static_cast<unsigned>(time % kSecond));
  return text.data();
}

Result<TimeNs> time_from_rfc3339(std::string_view text) {
  const auto time = parse_time(text);
  if (!time) {
    return Error{ErrorCode::kInvalid,
                 "a time is 2026-11-24T08:00:00Z (UTC), not " + std::string(text)};
  }
  return *time;
}

std::string to_string(const ActionId& action) { return to_hex(action.bytes); }

Result<ActionId> action_from(std::string_view text) {
  const auto bytes = from_hex(text);
  ActionId action;
  if (!bytes.ok() || bytes.value().size() != action.bytes.size()) {
    return Error{ErrorCode::kInvalid, "an action id is 32 hexadecimal digits"};
  }
  std::copy(bytes.value().begin(), bytes.value().end(), action.bytes.begin());
  return action;
}

}  // namespace keytrail
