// Refusal: why the rules say no to a KMIP request, in the numbers of the protocol.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

namespace keytrail::kms {

// KMIP Result Reason (KMIP 1.4, section 9.1.3.2.29), as far as the rules need it.
enum class Reason : std::uint32_t {
  kItemNotFound = 0x01,
  kInvalidMessage = 0x04,
  kMissingData = 0x06,
  kInvalidField = 0x07,
  kFeatureNotSupported = 0x08,
  kIllegalOperation = 0x0B,
  kPermissionDenied = 0x0C,
  kKeyFormatTypeNotSupported = 0x10,
  kKeyCompressionTypeNotSupported = 0x11,
};

struct Refusal {
  Reason reason = Reason::kIllegalOperation;
  std::string message;  // for the client
  std::string detail;   // for the log alone, where it may say more; empty: the message
  bool operator==(const Refusal&) const = default;
};

// What a decide function gives: the answer, its events recorded on the draft; or a refusal, nothing
// recorded.
template <class Answer>
using Decided = std::variant<Answer, Refusal>;

template <class Answer>
[[nodiscard]] const Refusal* refusal_in(const Decided<Answer>& decided) {
  return std::get_if<Refusal>(&decided);
}

}  // namespace keytrail::kms
