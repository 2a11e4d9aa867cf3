// Shown: what tables and sentences about facts need to know of their texts, wherever they are made.
// Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace keytrail {

// Columns of a terminal: letters, not bytes; continuation bytes of UTF-8 take no room.
[[nodiscard]] inline std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// The inventory's root has no name.
[[nodiscard]] inline std::string_view or_root(std::string_view entity) {
  return entity.empty() ? "(root)" : entity;
}

// The `index`-th piece of a stream's name, "kms/CLUSTER/object/ID", as it stands there; empty
// beyond the last.
[[nodiscard]] inline std::string_view piece_of(std::string_view stream, int index) {
  for (; index > 0; --index) {
    const std::size_t slash = stream.find('/');
    if (slash == std::string_view::npos) return "";
    stream.remove_prefix(slash + 1);
  }
  return stream.substr(0, stream.find('/'));
}

}  // namespace keytrail
