// Policy: whom a reader trusts to say what a log holds. C2SP tlog-policy.
//
//   log <vkey>
//   witness kms-1 <vkey>
//   group cluster 2 kms-1 kms-2 kms-3      (or: all, any)
//   quorum cluster                         (or: none)
// A checkpoint counts if one of the logs signed it and a quorum cosigned it. Values; pure; any
// thread. kInvalid names the line that is wrong.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bus/proof/note.h"

namespace keytrail::proof {

inline constexpr std::size_t kPolicyBytesMax = 64 * 1024;
inline constexpr std::size_t kPolicyNamesMax = 256;  // logs, witnesses and groups together

class Policy {
 public:
  [[nodiscard]] static Result<Policy> parse(std::string_view text);

  struct Witness {
    std::string name;  // the policy's, not the key's
    NoteKey key;
  };
  struct Group {
    std::string name;
    std::size_t needed = 1;
    std::vector<std::string> members;  // of witnesses and of groups before
  };

  // What the policy says of a note. `sentence` tells it all, whoever is missing by name.
  struct Verdict {
    bool holds = false;
    bool signed_by_a_log = false;
    std::vector<std::string> cosigned;  // names of witnesses, in the policy's order
    std::vector<std::string> broken;    // names of keys whose signatures do not hold
    std::string sentence;
  };
  [[nodiscard]] Verdict judge(const Note& note) const;

 private:
  Result<void> add_line(std::string_view line);
  Result<void> add_group(const std::vector<std::string_view>& words);
  [[nodiscard]] bool is_known(std::string_view name) const;
  [[nodiscard]] bool has_witnessed(const std::string& name,
                                   const std::vector<std::string>& cosigned) const;

  std::vector<NoteKey> logs_;
  std::vector<Witness> witnesses_;
  std::vector<Group> groups_;
  std::string quorum_;  // empty until its line; "none"
};

}  // namespace keytrail::proof
