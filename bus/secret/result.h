// Result<T>: a value, or what the world said instead.
//
// For disks, peers and malformed bytes; refusals by rule are events, bugs are KEYTRAIL_CHECK.
// Nothing of ours throws. Values; no thread of their own.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "bus/secret/check.h"

namespace keytrail {

// A code exists only if a caller reacts to it in particular.
enum class ErrorCode {
  kConflict,     // somebody else was first: follow the log, decide again
  kUnavailable,  // retry later
  kNotFound,
  kCorrupt,  // stop and report
  kInvalid,  // tell the caller: the same input will never do
  kRefused,  // the peer or the rules said no
};

struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  // One sentence for a person: what happened, to what, what to do. Never a secret.
  std::string detail;

  bool operator==(const Error&) const = default;
};

template <class T>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE: implicit by design
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  [[nodiscard]] T& value() & {
    KEYTRAIL_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    KEYTRAIL_CHECK(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    KEYTRAIL_CHECK(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  [[nodiscard]] const Error& error() const {
    KEYTRAIL_CHECK(!ok());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error> state_;
};

// A call that gives nothing but its success.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  void value() const { KEYTRAIL_CHECK(ok()); }
  [[nodiscard]] const Error& error() const {
    KEYTRAIL_CHECK(!ok());
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace keytrail

// TRY(expression): the value of a Result, or return its error from this function.
#define TRY(...)                                               \
  __extension__({                                              \
    auto try_result_ = (__VA_ARGS__);                          \
    if (!try_result_.ok()) return ::keytrail::Error(try_result_.error()); \
    std::move(try_result_).value();                            \
  })
