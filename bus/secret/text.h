// Text from outside, piece by piece.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace keytrail {

// The number that all of `text` is, in decimal, without sign or blanks; nothing if it is none or
// does not fit.
template <std::unsigned_integral Number>
[[nodiscard]] std::optional<Number> parse_decimal(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The same, written in the only way there is: without leading zeroes.
template <std::unsigned_integral Number>
[[nodiscard]] std::optional<Number> parse_canonical_decimal(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return parse_decimal<Number>(text);
}

// Takes the first line off the front, and gives it without its end.
[[nodiscard]] inline std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  return line;
}

}  // namespace keytrail
