// Selection: which facts a person asks for. The same flags for `events`, `audit` and every other
// reader.
//
//   --from start|end|N|-N|@TIME|@-1h      --until N|@TIME|end|caught-up      -n COUNT
//   --type --user --key --vm --host --action --outcome     repeat = or, different = and
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/events/facets.h"
#include "bus/events/fact.h"

namespace keytrail::replay {

enum class FromKind : std::uint8_t {
  kStart,
  kEnd,       // what comes after the end
  kPosition,  // position itself is the first
  kLast,      // the last `position` facts of the log
  kTime,      // the first fact that is not older
};
struct From {
  FromKind kind = FromKind::kStart;
  Position position = 0;
  TimeNs time = 0;
  bool operator==(const From&) const = default;
};

enum class UntilKind : std::uint8_t {
  kNever,     // go on with what comes
  kEnd,       // the end of the log when it was asked
  kCaughtUp,  // until there is nothing more to read, with what was added meanwhile
  kPosition,  // position itself is the last
  kTime,      // the last fact that is not younger
};
struct Until {
  UntilKind kind = UntilKind::kNever;
  Position position = 0;
  TimeNs time = 0;
  bool operator==(const Until&) const = default;
};

// Errors (kInvalid) say what may stand there. `now` is what "-1h" counts back from.
[[nodiscard]] Result<From> from_text(std::string_view text, TimeNs now);
[[nodiscard]] Result<Until> until_text(std::string_view text, TimeNs now);
// "N" or "@TIME" or "TIME": a moment for `state --at` and `diff`. "end": the end.
[[nodiscard]] Result<Until> moment_text(std::string_view text, TimeNs now);

// The flags as they were typed.
struct SelectionTexts {
  std::string from = "start";
  std::string until;  // empty: never
  std::optional<std::uint64_t> count;
  Filter filter;
};
struct Selection {
  From from;
  Until until;
  std::optional<std::uint64_t> count;  // at most so many facts that match
  Filter filter;
  bool operator==(const Selection&) const = default;
};
// kInvalid too for what can never select a fact: an end before the beginning, no action's digits.
[[nodiscard]] Result<Selection> selection_of(const SelectionTexts& texts, TimeNs now);

// Applies a selection to facts as they come. One use; one thread.
class Selector {
 public:
  enum class Verdict : std::uint8_t { kTake, kSkip, kStop };

  // `head`: the end of the log when it was asked.
  Selector(Selection selection, Position head);

  // Facts up to here need not be read at all; nor those before since().
  [[nodiscard]] Position after() const;
  // The time that the selection begins with, if it begins with one.
  [[nodiscard]] std::optional<TimeNs> since() const;
  // The last position that can matter, if that is known: read no further.
  [[nodiscard]] std::optional<Position> last() const;
  // kStop: this fact and all later ones are outside.
  [[nodiscard]] Verdict look(const Fact& fact, const Facets& facets);
  // Whether, after all up to `position` was looked at, nothing more can be taken.
  [[nodiscard]] bool done_at(Position position) const;

 private:
  Selection selection_;
  Position head_;
  std::uint64_t taken_ = 0;
};

}  // namespace keytrail::replay
