// Commands about the log: follow it, read it, ask what was so, prove that it is whole, let others
// subscribe.
//
// They read the event store of the installation, or with `log_folder` a copy of one (the folder
// that holds `db`). Threads: one.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "replay/tool/selection.h"

namespace keytrail::cli {

struct LogQuery {
  std::string log_folder;  // empty: the running event store
  replay::SelectionTexts selection;
  std::string format;  // empty: for people, or JSON lines with --json
};
// Until interrupted: what is selected, as it comes. State changes go to stderr.
[[nodiscard]] Exit run_events_follow(const Globals& globals, const LogQuery& query);
[[nodiscard]] Exit run_events_read(const Globals& globals, const LogQuery& query);
[[nodiscard]] Exit run_events_get(const Globals& globals, const LogQuery& query,
                                  std::uint64_t position);
[[nodiscard]] Exit run_audit(const Globals& globals, const LogQuery& query);
[[nodiscard]] Exit run_state(const Globals& globals, const std::string& log_folder,
                             const std::string& at);
[[nodiscard]] Exit run_diff(const Globals& globals, const std::string& log_folder,
                            const std::string& before, const std::string& after);

// Every byte, the chain, the attachments, the tree, the checkpoint, and what other parts know of
// its end.
// `checkpoint_key`: Ed25519, hexadecimal; empty: the installation's, where its own log is verified.
[[nodiscard]] Exit run_log_verify(const Globals& globals, const std::string& log_folder,
                                  const std::string& checkpoint_key);
[[nodiscard]] Exit run_log_info(const Globals& globals, const std::string& log_folder);

struct ProofOrder {
  std::string log_folder;
  std::uint64_t position = 0;
  std::string file;
};
// One fact with the proof that it stands in the log (C2SP tlog-proof), to be checked without it.
[[nodiscard]] Exit run_log_prove(const Globals& globals, const ProofOrder& order);

struct ProofCheck {
  std::string file;
  std::string policy_file;  // whom to trust; else log_key
  std::string log_key;      // "name+id+base64"; else the installation's own log
};
[[nodiscard]] Exit run_log_check(const Globals& globals, const ProofCheck& check);

// The Merkle tree and the facts as files in the layout of C2SP tlog-tiles.
[[nodiscard]] Exit run_log_tiles(const Globals& globals, const std::string& log_folder,
                                 const std::string& into);

// Makes a key file for `name` and grants it the topics.
[[nodiscard]] Exit run_subscribers_add(const Globals& globals, const std::string& name,
                                       const std::vector<std::string>& topics,
                                       const std::string& key_file);
[[nodiscard]] Exit run_subscribers_list(const Globals& globals);
[[nodiscard]] Exit run_subscribers_revoke(const Globals& globals, const std::string& name);

}  // namespace keytrail::cli
