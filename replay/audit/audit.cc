#include "replay/audit/audit.h"

#include <array>

#include "bus/events/json.h"
#include "bus/events/shown.h"
#include "bus/events/words.h"
#include "replay/audit/texts.h"

namespace keytrail::replay {
namespace {

std::string in_column(std::string_view text, std::size_t width) {
  std::string cell = text.empty() ? "-" : printable(text);
  const std::size_t used = width_of(cell);
  if (used < width) cell.append(width - used, ' ');
  return cell;
}

// RFC 4180; and a cell that a spreadsheet would calculate is made text.
std::string csv_cell(std::string_view text) {
  std::string cell = printable(text);
  if (!cell.empty() && std::string_view("=+-@").find(cell[0]) != std::string_view::npos) {
    cell.insert(cell.begin(), '\'');
  }
  if (cell.find_first_of("\",") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

struct Column {
  std::string_view title;  // of the table
  std::string_view name;   // of CSV and JSON
  std::size_t width;       // in the table; 0 = the rest of the line
  std::string (*text)(const AuditRow&);
};

std::string seconds_of(TimeNs time) {  // "2026-11-24 08:00:00.123"
  std::string text = to_rfc3339(time).substr(0, 23);
  text[10] = ' ';
  return text;
}

// One list of columns for all forms.
constexpr std::array<Column, 13> kColumns = {{
    {"TIME (UTC)", "time", 23, [](const AuditRow& row) { return to_rfc3339(row.time); }},
    {"POSITION", "position", 8, [](const AuditRow& row) { return std::to_string(row.position); }},
    {"USER", "user", 27, [](const AuditRow& row) { return row.user; }},
    {"FROM", "origin", 21, [](const AuditRow& row) { return row.origin; }},
    {"STATED BY", "author", 18, [](const AuditRow& row) { return row.author; }},
    {"OPERATION", "operation", 24, [](const AuditRow& row) { return row.operation; }},
    {"OUTCOME", "outcome", 9,
     [](const AuditRow& row) { return std::string(to_string(row.outcome)); }},
    {"KEY", "key", 41, [](const AuditRow& row) { return row.key; }},
    {"VM", "vm", 10, [](const AuditRow& row) { return row.vm; }},
    {"HOST", "host", 8, [](const AuditRow& row) { return row.host; }},
    {"OBJECT", "object", 20, [](const AuditRow& row) { return row.object; }},
    {"", "action", 0,
     [](const AuditRow& row) { return row.action.is_none() ? "" : to_string(row.action); }},
    {"DETAIL", "detail", 0, [](const AuditRow& row) { return row.detail; }},
}};

// The cells of a line, given each column's text; a column without a title is not in the table.
template <class Text>
std::string table_line(Text text) {
  std::string line;
  for (const Column& column : kColumns) {
    if (column.title.empty()) continue;
    if (!line.empty()) line += "  ";
    line += in_column(text(column), column.width);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

template <class Text>
std::string csv_line(Text text) {
  std::string line;
  for (const Column& column : kColumns) {
    if (&column != kColumns.data()) line.push_back(',');
    line += csv_cell(text(column));
  }
  return line;
}

}  // namespace

AuditRow audit_row_of(const Fact& fact) {
  const Facets facets = facets_of(fact.body);
  EventText text = text_of(fact.body.event);
  return {.position = fact.stamp.position,
          .time = fact.stamp.time,
          .author = fact.stamp.author,
          .user = facets.user,
          .origin = fact.body.origin.address,
          .operation = std::move(text.operation),
          .key = to_string(facets.key),
          .object = facets.object,
          .vm = facets.vm,
          .host = facets.host,
          .outcome = facets.outcome,
          .detail = std::move(text.detail),
          .action = facets.action};
}

Result<AuditFormat> audit_format_from(std::string_view text) {
  if (text == "table") return AuditFormat::kTable;
  if (text == "csv") return AuditFormat::kCsv;
  if (text == "jsonl") return AuditFormat::kJsonl;
  return Error{ErrorCode::kInvalid,
               "an audit format is table, csv or jsonl, not " + printable(text)};
}

std::string audit_header(AuditFormat format) {
  switch (format) {
    case AuditFormat::kTable:
      return table_line([](const Column& c) { return c.title; });
    case AuditFormat::kCsv:
      return csv_line([](const Column& c) { return c.name; });
    case AuditFormat::kJsonl:
      return "";
  }
  return "";
}

std::string audit_line(const AuditRow& row, AuditFormat format) {
  switch (format) {
    case AuditFormat::kTable:
      return table_line(
          [&](const Column& c) { return c.name == "time" ? seconds_of(row.time) : c.text(row); });
    case AuditFormat::kCsv:
      return csv_line([&](const Column& c) { return c.text(row); });
    case AuditFormat::kJsonl: {
      std::vector<std::pair<std::string, std::string>> members;
      for (const Column& column : kColumns) members.emplace_back(column.name, column.text(row));
      return json_object(members);
    }
  }
  return "";
}

std::string event_line(const Fact& fact) {
  const Facets facets = facets_of(fact.body);
  const EventText text = text_of(fact.body.event);
  std::string line = in_column(std::to_string(fact.stamp.position), 6) + "  " +
                     seconds_of(fact.stamp.time).substr(11) + "  " +
                     in_column(fact.stamp.author, 18) + "  " + in_column(facets.type, 22);
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) line += "  " + std::string(name) + "=" + printable(value);
  };
  add("user", facets.user);
  add("vm", facets.vm);
  add("key", to_string(facets.key));
  add("host", facets.host);
  if (facets.key.is_none()) add("provider", facets.provider);
  add("object", facets.object);
  if (facets.outcome == Outcome::kRefused || facets.outcome == Outcome::kFailed) {
    add("outcome", to_string(facets.outcome));
  }
  if (!text.detail.empty()) line += "  (" + printable(text.detail) + ")";
  return line;
}

}  // namespace keytrail::replay
