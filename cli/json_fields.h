// Reading the JSON that parts answer with: it comes from another process, so nothing in it is taken
// for granted; and writing what no library may make copies of. Values; no threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/secret/result.h"
#include "bus/secret/secret_bytes.h"

namespace boost::json {
class object;
}  // namespace boost::json

namespace keytrail::cli {

// kCorrupt: "`whose` is not a JSON object".
[[nodiscard]] Result<boost::json::object> parse_object(std::string_view text,
                                                       const std::string& whose);

// The member `key`; "", 0, false, or an empty object where there is none, or one of another kind.
[[nodiscard]] std::string text_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] std::int64_t number_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] bool flag_at(const boost::json::object& object, std::string_view key);
[[nodiscard]] const boost::json::object& object_at(const boost::json::object& object,
                                                   std::string_view key);

// The objects of the list `key`, in order, borrowed from `object`; none where there is no list.
[[nodiscard]] std::vector<const boost::json::object*> objects_at(const boost::json::object& object,
                                                                 std::string_view key);

// The letters of the text member `key` of a flat object, as they stand in `json`: for a secret,
// which a parser would copy. Only for texts without escapes. Empty where there is none.
[[nodiscard]] std::span<char> plain_text_at(std::string& json, std::string_view key);

// Whether `text` can be sent as JSON at all.
[[nodiscard]] bool is_utf8(std::string_view text);

// {"user", "password"} as JSON. The only copy of the password, and the caller's to wipe.
[[nodiscard]] std::string user_and_password(std::string_view user, const SecretBytes& password);

}  // namespace keytrail::cli
