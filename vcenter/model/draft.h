// Draft: a decision in the making. Whoever reads a stream says so, and the guard is in the
// decision.
//
//   Draft draft(state, caller);
//   draft.read(vm_stream(state, vm)).say(vm_stream(state, vm), EncryptionRequested{…});
//   return draft.take();
// Borrows the state for the length of one decide. One thread.
#pragma once

#include "vcenter/model/decision.h"
#include "vcenter/model/state.h"

namespace keytrail::vcenter {

// What key servers and hosts say, short enough for a fact: their own texts are as long as they
// like.
inline constexpr std::size_t kQuotedBytesMax = 1024;
[[nodiscard]] std::string quoted(std::string text);

class Draft {
 public:
  Draft(const State& state, const Caller& caller) : state_(state), caller_(caller) {}

  // The decision depends on this stream as the state knows it. Twice is once. A name that is too
  // long for any stream guards nothing: nothing can ever stand there.
  Draft& read(const std::string& stream);
  Draft& say(std::string stream, vcenter::Event event);
  // `bytes` is named by the fact said last.
  Draft& attach(Bytes bytes);

  // What ends a command that has no refusal of its own.
  Draft& refuse(std::string command, std::string object, Refusal reason, std::string detail);

  [[nodiscard]] Decision take() { return std::move(decision_); }
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }

 private:
  const State& state_;
  const Caller& caller_;
  Decision decision_;
};

}  // namespace keytrail::vcenter
