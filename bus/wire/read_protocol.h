// Read protocol: the JSON bodies of the read socket, for both of its ends (LOG format section 4).
//
//   KT1 | VERB | id | JSON body | payload…
//   HELLO  -> WELCOME      who I am to the log: what I know of it, the form I want facts in
//   HEAD   -> HEAD         the durable head, asked after the question was
//   READ   -> FACTS?, END  facts after a position, filtered, capped
//   FOLLOW -> FACTS*, CAUGHT_UP, FELL_BEHIND, BOOKMARK, HEARTBEAT until BYE; CREDIT: more
//   anything -> ERROR      {code, message, hint}
// Every 64-bit number is a string in JSON; numbers are accepted too. Malformed: kInvalid. Values;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bus/events/facets.h"
#include "bus/protocol/messages.h"

namespace keytrail::wire {

inline constexpr int kSchemaVersion =
    1;  // of event.capnp as a whole: raised when a case or a field is added
inline constexpr std::size_t kReadBodyBytesMax = 64 * 1024;
inline constexpr std::size_t kReadVerbBytesMax = 16;
inline constexpr std::size_t kReadIdBytesMax = 64;

enum class PayloadForm : std::uint8_t {
  kFacts,        // "facts": a blob of stamps and bodies, and a blob of attachments
  kCloudEvents,  // "cloudevents": NDJSON
};

struct Hello {
  PayloadForm form = PayloadForm::kFacts;
  std::string log;  // hexadecimal log id, if known
  protocol::Known known;
  bool operator==(const Hello&) const = default;
};
struct Welcome {
  std::string log;
  std::uint64_t generation = 0;
  Position first = 1;  // the oldest that is here
  Position head = 0;
  std::vector<std::string> topics;  // granted
  int schema = kSchemaVersion;
  int heartbeat_ms = 500;
  bool operator==(const Welcome&) const = default;
};

enum class AttachmentsWanted : std::uint8_t { kNone, kClear, kSealed };  // kSealed: clear ones too

// What READ and FOLLOW have in common.
struct Selection {
  std::vector<std::string> topics;  // empty: all that are granted
  Filter filter;
  AttachmentsWanted attachments = AttachmentsWanted::kNone;
  bool operator==(const Selection&) const = default;
};
struct ReadQuery {
  Position after = 0;
  Position until = 0;       // 0: the head
  std::uint32_t limit = 0;  // facts; 0: as many as one answer holds
  Selection selection;
  bool operator==(const ReadQuery&) const = default;
};
struct ReadEnd {
  Position position = 0;  // everything of the selection up to here was in the answer
  Position head = 0;
  bool operator==(const ReadEnd&) const = default;
};
struct FollowQuery {
  std::optional<Position> after;  // none: from the end, what comes from now on
  std::uint32_t credit = 0;       // facts that may be sent before more is granted
  Selection selection;
  bool operator==(const FollowQuery&) const = default;
};
// Of FACTS, CAUGHT_UP, FELL_BEHIND, BOOKMARK and HEARTBEAT: how far the store has processed the
// selection.
struct Progress {
  Position position = 0;
  Position head = 0;
  TimeNs log_time = 0;
  bool operator==(const Progress&) const = default;
};
struct ReadError {
  std::string code;  // "unauthorized", "forbidden", "malformed", "overloaded", "head-went-back", …
  std::string message;
  std::string hint;
  bool operator==(const ReadError&) const = default;
};

[[nodiscard]] std::string to_json(const Hello& hello);
[[nodiscard]] std::string to_json(const Welcome& welcome);
[[nodiscard]] std::string to_json(const protocol::Head& head);
[[nodiscard]] std::string to_json(const ReadQuery& query);
[[nodiscard]] std::string to_json(const ReadEnd& end);
[[nodiscard]] std::string to_json(const FollowQuery& query);
[[nodiscard]] std::string to_json(const Progress& progress);
[[nodiscard]] std::string to_json(const ReadError& error);
[[nodiscard]] std::string credit_json(std::uint32_t facts);

[[nodiscard]] Result<Hello> hello_from(ByteView json);
[[nodiscard]] Result<Welcome> welcome_from(ByteView json);
[[nodiscard]] Result<protocol::Head> head_from(ByteView json);
[[nodiscard]] Result<ReadQuery> read_query_from(ByteView json);
[[nodiscard]] Result<ReadEnd> read_end_from(ByteView json);
[[nodiscard]] Result<FollowQuery> follow_query_from(ByteView json);
[[nodiscard]] Result<Progress> progress_from(ByteView json);
[[nodiscard]] Result<ReadError> read_error_from(ByteView json);
[[nodiscard]] Result<std::uint32_t> credit_from(ByteView json);

}  // namespace keytrail::wire
