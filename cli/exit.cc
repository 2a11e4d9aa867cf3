#include "cli/exit.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "bus/events/words.h"

namespace keytrail::cli {
namespace {

// Words that begin the sentences of parts. All else in upper case is a name: "KMIP", "KeyReleased".
constexpr std::array<std::string_view, 11> kBeginnings = {
    "A", "An", "Another", "Ask", "No", "Only", "Remove", "That", "The", "There", "This"};

std::string in_one_voice(std::string_view text) {
  if (text.ends_with('.') && !text.ends_with("..")) text.remove_suffix(1);
  std::string voiced(text);
  const std::string_view first = text.substr(0, text.find(' '));
  if (std::find(kBeginnings.begin(), kBeginnings.end(), first) != kBeginnings.end()) {
    voiced.front() = static_cast<char>(voiced.front() - 'A' + 'a');
  }
  return voiced;
}

}  // namespace

std::string sentence_of(std::string_view what, std::string_view hint) {
  std::string sentence = in_one_voice(what);
  if (!hint.empty()) sentence += "; " + in_one_voice(hint);
  return sentence;
}

Exit fail(const Error& error) {
  std::fprintf(stderr, "keytrail: %s\n", printable(sentence_of(error.detail)).c_str());
  switch (error.code) {
    case ErrorCode::kInvalid:
      return Exit::kUsage;
    case ErrorCode::kUnavailable:
      return Exit::kUnreachable;
    default:
      return Exit::kFailed;
  }
}

}  // namespace keytrail::cli
