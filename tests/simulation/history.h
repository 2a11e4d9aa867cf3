// History: what clients asked, and what they were told when. Checked against the log afterwards.
//
// Each answer must stand on the log, and the log must agree with what the clients saw from outside:
// an operation that was answered before another was asked for stands before it (linearizability,
// with the log as the witness order). One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/keeper.h"

namespace keytrail::simulation {

class History {
 public:
  using Entry = std::size_t;

  Entry asked(const Ask& ask, TimeNs when);
  // At this moment the client knows. `log` is what is durable by now.
  void answered(Entry entry, const Reply& reply, TimeNs when, const test::MemoryLog& log);

  // The first thing that does not fit, now that all is over.
  [[nodiscard]] std::optional<std::string> check(const test::MemoryLog& log) const;
  [[nodiscard]] std::size_t answers() const { return answers_; }
  [[nodiscard]] bool all_answered() const { return open_ == 0; }

 private:
  struct Operation {
    Ask ask;
    TimeNs asked_at = 0;
    std::optional<Reply> reply;
    TimeNs answered_at = 0;
    Hash leaf{};  // of its fact, when it was answered
  };

  [[nodiscard]] std::optional<std::string> check_answers(const test::MemoryLog& log) const;
  [[nodiscard]] std::optional<std::string> check_order() const;
  [[nodiscard]] std::optional<std::string> check_outcomes(const test::MemoryLog& log) const;

  std::vector<Operation> operations_;
  std::size_t open_ = 0;
  std::size_t answers_ = 0;
  std::optional<std::string> wrong_;
};

}  // namespace keytrail::simulation
