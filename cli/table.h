// Tables as a terminal wants them: columns as wide as their widest cell, two blanks between.
#pragma once

#include <string>
#include <vector>

namespace keytrail::cli {

// Rows may be shorter than the header. Cells are shown printable: what others wrote must not move
// the reader's cursor.
[[nodiscard]] std::string format_table(const std::vector<std::string>& header,
                                       const std::vector<std::vector<std::string>>& rows);

// A column of a JSON list: its title, and where the value stands in an item ("key.id"; through a
// list, "members.replica", it is the values of all its items).
struct Column {
  std::string title;
  std::string path;
  std::string if_empty = "-";
};
// How a JSON object is shown: its list `list` as a table of `columns`; without a list as "name
// value" lines, of the columns alone if there are any.
struct View {
  std::string list;
  std::vector<Column> columns;
  std::string rows_of = {};      // a list in each item: a row for each of *its* items
  std::vector<View> below = {};  // more tables, after an empty line each
};
[[nodiscard]] std::string format_json(const std::string& text, const View& view);

}  // namespace keytrail::cli
