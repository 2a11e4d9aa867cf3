// HistoryCheck: whether facts, read one after the other, are a history that the orderer could have
// written.
//
// What hashes alone do not say (`keytrail log verify` checks those over a folder, on all cores):
// positions without a gap, the chain, time that never goes back, each stream's versions and links,
// one epoch after the other, request numbers that rise. Works over any source, so a subscriber can
// check what it is given as it comes. The first breach stands; later facts are not looked at.
// Memory: an entry per stream. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "replay/tool/fact_source.h"

namespace keytrail::replay {

struct Breach {
  Position position = 0;
  std::string what;  // one sentence
  bool operator==(const Breach&) const = default;
};

class HistoryCheck {
 public:
  // From the first fact of the log with this id, or (no id) without knowing what its chain hangs
  // on.
  explicit HistoryCheck(std::optional<Bytes> log_id = std::nullopt);

  // False: there is a breach.
  bool on_fact(const StoredFact& stored);

  [[nodiscard]] const std::optional<Breach>& breach() const { return breach_; }
  [[nodiscard]] Position checked() const { return last_.position; }
  [[nodiscard]] const Hash& leaf() const { return leaf_; }

 private:
  struct Stream {
    std::uint64_t version = 0;
    Position last = 0;
  };
  struct Author {
    std::uint64_t epoch = 0;
    std::uint64_t request = 0;
  };
  [[nodiscard]] std::optional<std::string> flaw_in(const StoredFact& stored, const Stamp& stamp);
  [[nodiscard]] std::optional<std::string> flaw_in_stream(const StoredFact& stored,
                                                          const Stamp& stamp);
  [[nodiscard]] std::optional<std::string> flaw_in_author(const Stamp& stamp);

  Stamp last_;
  Hash leaf_{};
  bool knows_genesis_ = false;
  std::map<std::string, Stream> streams_;
  std::map<std::string, Author> authors_;
  std::optional<Breach> breach_;
};

// The whole log of a source. nullopt: it holds.
[[nodiscard]] Result<std::optional<Breach>> check_history(FactSource& source,
                                                          std::optional<Bytes> log_id);

}  // namespace keytrail::replay
