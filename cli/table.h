// Tables as a terminal wants them: columns as wide as their widest cell, two blanks between.
#pragma once

#include <string>
#include <vector>

namespace keytrail::cli {

// Rows may be shorter than the header. Control characters in cells are shown as '?': what others
// wrote into the log must not move the reader's cursor.
[[nodiscard]] std::string format_table(const std::vector<std::string>& header,
                                       const std::vector<std::vector<std::string>>& rows);

// A column of a JSON list: its title, and where the value stands in an item ("key.id").
struct Column {
  std::string title;
  std::string path;
};
// The list `key` of the JSON object `text` as a table; an object without that list as "name  value"
// lines.
[[nodiscard]] std::string format_json(const std::string& text, const std::string& key,
                                      const std::vector<Column>& columns);

}  // namespace keytrail::cli
