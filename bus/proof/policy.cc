#include "bus/proof/policy.h"

#include <algorithm>

#include "bus/secret/text.h"

namespace keytrail::proof {

namespace {

constexpr std::string_view kNone = "none";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    at = end;
  }
  return words;
}

Error wrong(std::string why) { return {ErrorCode::kInvalid, std::move(why)}; }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "nobody" : text;
}

// "all", "any" or a number from 1 to `members`; 0 if it is none.
std::size_t threshold_of(std::string_view word, std::size_t members) {
  if (word == "all") return members;
  if (word == "any") return 1;
  const std::size_t number = parse_decimal<std::size_t>(word).value_or(0);
  return number <= members ? number : 0;
}

}  // namespace

Result<Policy> Policy::parse(std::string_view text) {
  if (text.size() > kPolicyBytesMax) return wrong("the policy is too long");
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
  };
  if (std::any_of(text.begin(), text.end(), is_control)) return wrong("the policy is no text");
  Policy policy;
  int number = 0;
  while (!text.empty()) {
    ++number;
    if (const Result<void> added = policy.add_line(take_line(text)); !added.ok()) {
      return wrong("line " + std::to_string(number) + " of the policy: " + added.error().detail);
    }
  }
  if (policy.quorum_.empty()) return wrong("the policy has no quorum line");
  return policy;
}

Result<void> Policy::add_line(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty() || words[0].starts_with('#')) return {};
  if (logs_.size() + witnesses_.size() + groups_.size() >= kPolicyNamesMax) {
    return wrong("too many logs, witnesses and groups");
  }
  const auto has_key = [](const auto& list, const NoteKey& key, auto key_of) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& one) { return key_of(one).public_key == key.public_key; });
  };
  if (words[0] == "log" && (words.size() == 2 || words.size() == 3)) {
    NoteKey key = TRY(from_vkey(words[1]));
    if (key.algorithm != NoteAlgorithm::kEd25519) return wrong("a log's key is of another kind");
    if (has_key(logs_, key, [](const NoteKey& one) { return one; })) return wrong("the log again");
    logs_.push_back(std::move(key));
    return {};
  }
  if (words[0] == "witness" && (words.size() == 3 || words.size() == 4)) {
    if (is_known(words[1])) return wrong("the name " + std::string(words[1]) + " again");
    NoteKey key = TRY(from_vkey(words[2]));
    if (key.algorithm != NoteAlgorithm::kCosignature) return wrong("not a witness's kind of key");
    if (has_key(witnesses_, key, [](const Witness& one) { return one.key; })) {
      return wrong("the witness again, under another name");
    }
    witnesses_.push_back({std::string(words[1]), std::move(key)});
    return {};
  }
  if (words[0] == "group" && words.size() >= 4) return add_group(words);
  if (words[0] == "quorum" && words.size() == 2) {
    if (!quorum_.empty()) return wrong("a second quorum");
    if (words[1] != kNone && !is_known(words[1])) return wrong("nobody has that name");
    quorum_ = std::string(words[1]);
    return {};
  }
  return wrong("expected log, witness, group or quorum");
}

Result<void> Policy::add_group(const std::vector<std::string_view>& words) {
  if (is_known(words[1])) return wrong("the name " + std::string(words[1]) + " again");
  Group group{.name = std::string(words[1]), .members = {words.begin() + 3, words.end()}};
  group.needed = threshold_of(words[2], group.members.size());
  if (group.needed == 0) return wrong("expected all, any or a number up to the group's size");
  for (const std::string& member : group.members) {
    if (!is_known(member) || member == kNone) return wrong("nobody has the name " + member);
    const bool is_elsewhere = std::any_of(groups_.begin(), groups_.end(), [&](const Group& other) {
      return contains(other.members, member);
    });
    if (is_elsewhere || std::count(group.members.begin(), group.members.end(), member) > 1) {
      return wrong(member + " is a member twice");
    }
  }
  groups_.push_back(std::move(group));
  return {};
}

bool Policy::is_known(std::string_view name) const {
  const auto is_named = [&](const auto& one) { return one.name == name; };
  return name == kNone || std::any_of(witnesses_.begin(), witnesses_.end(), is_named) ||
         std::any_of(groups_.begin(), groups_.end(), is_named);
}

bool Policy::has_witnessed(const std::string& name,
                           const std::vector<std::string>& cosigned) const {
  const auto group = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& one) { return one.name == name; });
  if (group == groups_.end()) return contains(cosigned, name);
  // Members stand before their group, so this ends.
  const auto count =
      std::count_if(group->members.begin(), group->members.end(),
                    [&](const std::string& member) { return has_witnessed(member, cosigned); });
  return static_cast<std::size_t>(count) >= group->needed;
}

Policy::Verdict Policy::judge(const Note& note) const {
  Verdict verdict;
  const auto holds = [&](const std::string& name, const NoteKey& key) {
    const SignatureFound found = find_signature(note, key);
    if (found.what == SignatureFound::What::kBroken) verdict.broken.push_back(name);
    return found.what == SignatureFound::What::kHolds;
  };
  for (const NoteKey& log : logs_) {
    if (note.text.starts_with(log.name + "\n") && holds(log.name, log)) {
      verdict.signed_by_a_log = true;
    }
  }
  std::vector<std::string> missing;
  for (const Witness& witness : witnesses_) {
    (holds(witness.name, witness.key) ? verdict.cosigned : missing).push_back(witness.name);
  }
  const bool is_quorum = quorum_ == kNone || has_witnessed(quorum_, verdict.cosigned);
  verdict.holds = verdict.signed_by_a_log && is_quorum && verdict.broken.empty();
  verdict.sentence =
      std::string(verdict.signed_by_a_log ? "signed by the log" : "not signed by a known log") +
      "; cosigned by " + joined(verdict.cosigned);
  if (!missing.empty()) verdict.sentence += ", not by " + joined(missing);
  if (!is_quorum) verdict.sentence += ": that is no quorum (" + quorum_ + ")";
  if (!verdict.broken.empty()) {
    verdict.sentence += "; the signature of " + joined(verdict.broken) + " does not hold";
  }
  return verdict;
}

}  // namespace keytrail::proof
