#include "cli/checks.h"

#include "bus/secret/text.h"

namespace keytrail::cli {

std::function<std::string(const std::string&)> counts_from_one(std::string what) {
  return [what = std::move(what)](const std::string& text) -> std::string {
    const auto number = parse_canonical_decimal<std::uint64_t>(text);
    if (number.value_or(0) > 0) return "";
    return what + " is 1, 2, 3, …; not \"" + text + "\"";
  };
}

}  // namespace keytrail::cli
