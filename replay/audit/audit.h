// Audit: each fact as a row that an auditor reads without knowing the program.
//
//   Fact ── facets (who, what about, how it ended) ──► AuditRow ──► table line, CSV line, JSON line
//        └─ texts  (what was done, and the particulars) ─┘
// The texts are one exhaustive match over all events (texts.h), so no event is without its
// sentence. Values; pure; any thread. Texts of facts are what clients sent: every form here escapes
// controls.
#pragma once

#include <string>
#include <string_view>

#include "bus/events/facets.h"
#include "bus/events/fact.h"

namespace keytrail::replay {

struct AuditRow {
  Position position = 0;
  TimeNs time = 0;
  std::string author;     // "vcenter/vc-1": who states it
  std::string user;       // on whose behalf
  std::string origin;     // address of the request
  std::string operation;  // "Encrypt VM: completed"
  std::string key;        // "prod/ID", or the id at its key server
  std::string object;     // "entity/vm-1", "client/vc-1", …
  std::string vm;
  std::string host;
  Outcome outcome = Outcome::kNone;
  std::string detail;  // the particulars, one sentence or none
  ActionId action;

  bool operator==(const AuditRow&) const = default;
};
[[nodiscard]] AuditRow audit_row_of(const Fact& fact);

enum class AuditFormat : std::uint8_t { kTable, kCsv, kJsonl };
// "table" (also "text"), "csv", "jsonl"; kInvalid names the choice.
[[nodiscard]] Result<AuditFormat> audit_format_from(std::string_view text);

// Above the first row; empty for kJsonl. Without a line feed, like all lines here.
[[nodiscard]] std::string audit_header(AuditFormat format);
// A table's columns have fixed widths, so that rows can be printed as they come; what is longer
// pushes the rest. CSV is RFC 4180, with a quote in front of what a spreadsheet would take for a
// formula.
[[nodiscard]] std::string audit_line(const AuditRow& row, AuditFormat format);

// One line for `events follow`: position, time, author, type, what it is about, how it ended, the
// particulars.
[[nodiscard]] std::string event_line(const Fact& fact);

}  // namespace keytrail::replay
