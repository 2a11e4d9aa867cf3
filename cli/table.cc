#include "cli/table.h"

#include <algorithm>
#include <boost/json.hpp>

#include "bus/events/shown.h"
#include "bus/events/words.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

std::string cell(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "-";
    case json::kind::string:
      return value.as_string().empty() ? "-" : std::string(value.as_string());
    case json::kind::bool_:
      return value.as_bool() ? "yes" : "no";
    case json::kind::array: {
      std::string text;
      for (const json::value& item : value.as_array())
        text += (text.empty() ? "" : ", ") + cell(item);
      return text.empty() ? "-" : text;
    }
    case json::kind::object: {
      // A key id as vSphere shows it; anything else as it is.
      const json::object& object = value.as_object();
      if (object.contains("provider") && object.contains("id")) {
        return cell(object.at("provider")) + "/" + cell(object.at("id"));
      }
      return object.size() == 1 ? cell(object.begin()->value()) : json::serialize(object);
    }
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      return json::serialize(value);
  }
  return "";
}

std::string at_path(const json::value& value, const std::string& path) {
  if (path.empty()) return cell(value);
  if (value.is_array()) {
    std::string all;
    for (const json::value& item : value.get_array()) {
      all += (all.empty() ? "" : ", ") + at_path(item, path);
    }
    return all.empty() ? "-" : all;
  }
  const std::size_t dot = path.find('.');
  const json::value* next =
      value.is_object() ? value.get_object().if_contains(path.substr(0, dot)) : nullptr;
  if (next == nullptr) return "-";
  return at_path(*next, dot == std::string::npos ? "" : path.substr(dot + 1));
}

std::string format_fields(const json::object& object, const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows;
  for (const Column& column : columns) {
    const std::string text = at_path(object, column.path);
    rows.push_back({column.title, text == "-" ? column.if_empty : text});
  }
  if (columns.empty()) {
    for (const auto& [name, value] : object) rows.push_back({std::string(name), cell(value)});
  }
  return format_table({}, rows);
}

// `inner`, or null, is what a row is made for; what it does not say, `outer` does.
std::vector<std::string> row_of(const json::value& outer, const json::value& inner,
                                const std::vector<Column>& columns) {
  std::vector<std::string> row;
  for (const Column& column : columns) {
    const std::string own = at_path(inner, column.path);
    const std::string text = own != "-"          ? own
                             : outer.is_object() ? at_path(outer, column.path)
                                                 : cell(outer);
    row.push_back(text == "-" ? column.if_empty : text);
  }
  return row;
}

std::string format_list(const json::array& list, const View& view) {
  std::vector<std::string> header;
  for (const Column& column : view.columns) header.push_back(column.title);
  std::vector<std::vector<std::string>> rows;
  for (const json::value& item : list) {
    const json::value* inner = view.rows_of.empty() || !item.is_object()
                                   ? nullptr
                                   : item.get_object().if_contains(view.rows_of);
    if (inner == nullptr || !inner->is_array() || inner->get_array().empty()) {
      rows.push_back(row_of(item, {}, view.columns));
      continue;
    }
    for (const json::value& each : inner->get_array()) {
      rows.push_back(row_of(item, each, view.columns));
    }
  }
  if (rows.empty()) rows.push_back({"none"});
  return format_table(header, rows);
}

}  // namespace

std::string format_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> lines;
  if (!header.empty()) lines.push_back(header);
  lines.insert(lines.end(), rows.begin(), rows.end());
  std::vector<std::size_t> widths;
  for (std::vector<std::string>& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i] = printable(line[i]);
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string text;
  for (const std::vector<std::string>& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths[i] - width_of(line[i]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string format_json(const std::string& text, const View& view) {
  boost::system::error_code malformed;
  const json::value parsed = json::parse(text, malformed);
  if (malformed || !parsed.is_object()) return printable(text) + "\n";
  const json::object& object = parsed.get_object();
  const json::value* list = view.list.empty() ? nullptr : object.if_contains(view.list);
  std::string shown = list != nullptr && list->is_array() ? format_list(list->get_array(), view)
                                                          : format_fields(object, view.columns);
  for (const View& below : view.below) shown += "\n" + format_json(text, below);
  return shown;
}

}  // namespace keytrail::cli
