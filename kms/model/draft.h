// Draft: a request being decided, laid over the State as if it had happened already.
//
// A batch sees its own effects (Create, then Get by the placeholder) before anything is appended;
// undoing it means throwing the draft away. What a decision reads through the draft becomes a guard
// by itself, so none can be forgotten; what it records is evolved at once. Costs what the request
// touches, however large the State is. Threads: belongs to one; borrows the State, which must not
// change meanwhile.
#pragma once

#include <string>
#include <vector>

#include "bus/events/fact.h"
#include "kms/model/evolve.h"
#include "kms/model/streams.h"

namespace keytrail::kms {

// A stream that a decision read, at the version it saw. Version 0: nothing there.
struct Read {
  std::string stream;
  std::uint64_t version = 0;
  bool operator==(const Read&) const = default;
};

struct Recorded {
  Event event;
  std::vector<Attachment> attachments;
  bool operator==(const Recorded&) const = default;
};

class Draft {
 public:
  // `now` is log time; it is never before the State's last fact.
  Draft(const State& state, Scope scope, TimeNs now);

  // Reading. Pointers are good until something is recorded about what they point to; null = not
  // there.
  [[nodiscard]] const Object* object(const std::string& id);
  [[nodiscard]] std::string object_named(const std::string& owner,
                                         const std::string& name);  // empty: free
  [[nodiscard]] const Client* client(const std::string& name);
  [[nodiscard]] const Client* client_with(const Hash& certificate);
  [[nodiscard]] const Cluster& cluster();
  [[nodiscard]] const Leases& leases();
  [[nodiscard]] const Member* keyring_of(
      const std::string& replica);  // with the guard of its shred stream
  // Objects of an owner, oldest first; with `attribute`, those that have or had it. No guard can
  // stand for a search, so it makes the decision depend on the head (reads_unguarded).
  [[nodiscard]] std::vector<const Object*> search(const std::string& owner,
                                                  const Attribute* attribute);

  void record(Event event, std::vector<Attachment> attachments = {});

  [[nodiscard]] const State& state() const { return *base_; }
  [[nodiscard]] TimeNs now() const { return now_; }
  [[nodiscard]] const Scope& scope() const { return scope_; }
  [[nodiscard]] const std::vector<Recorded>& recorded() const { return recorded_; }
  [[nodiscard]] const std::vector<Read>& reads() const { return reads_; }
  [[nodiscard]] bool reads_unguarded() const { return reads_unguarded_; }

  // As it was before anything was recorded, but what was read stays read: a refusal depends on it.
  [[nodiscard]] Draft undone() const;

 private:
  void reading(std::string stream, std::uint64_t version);
  void take_over(const std::string& object);

  const State* base_;
  State changes_;  // only what this draft touched
  Scope scope_;
  TimeNs now_;
  std::vector<Recorded> recorded_;
  std::vector<Read> reads_;
  bool reads_unguarded_ = false;
};

}  // namespace keytrail::kms
