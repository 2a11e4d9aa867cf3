// Tables as a terminal wants them: columns as wide as their widest cell, two blanks between.
#pragma once

#include <string>
#include <vector>

namespace keytrail::cli {

// With control characters as '?': what others wrote must not move the reader's cursor.
[[nodiscard]] std::string printable(std::string text);

// Rows may be shorter than the header. Cells are shown printable.
[[nodiscard]] std::string format_table(const std::vector<std::string>& header,
                                       const std::vector<std::vector<std::string>>& rows);

// A column of a JSON list: its title, and where the value stands in an item ("key.id").
struct Column {
  std::string title;
  std::string path;
};
// How a JSON object is shown: its list `list` as a table of `columns`, or (no list) its fields as
// "name  value" lines.
struct View {
  std::string list;
  std::vector<Column> columns;
};
[[nodiscard]] std::string format_json(const std::string& text, const View& view);

}  // namespace keytrail::cli
