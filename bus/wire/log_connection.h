// LogConnection: one connection to the event store: append, live and read sockets, made and lost
// together.
//
// Messages in, typed messages out; no rule of the log is decided here (the cores do, in LogLink). A
// connection whose sockets once lost their peer is thrown away whole and made anew, so that nothing
// is left over from one to the next. One thread.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bus/protocol/follower.h"
#include "bus/protocol/messages.h"
#include "bus/wire/read_protocol.h"
#include "bus/wire/socket.h"

namespace keytrail::wire {

struct LogEndpoints {
  std::string append, live, read;  // "tcp://127.0.0.1:5690"
  std::string server_key;          // z85
};

// What came from the store.
struct BatchArrived {
  protocol::Topic topic = protocol::Topic::kHead;
  protocol::BatchHeader header;
  std::vector<StoredFact> facts;                            // topics of facts
  std::vector<protocol::PositionedAttachment> attachments;  // kms.sealed
};
struct HeadArrived {
  protocol::Head head;
};
struct AcksArrived {
  std::vector<protocol::Ack> acks;
};
struct WelcomeArrived {
  Welcome welcome;
};
struct ReadArrived {
  protocol::ReadAnswer answer;
};
struct HeadAnswerArrived {
  protocol::Head head;
};
struct ErrorArrived {
  std::string to;  // the id of the request: kHelloId, …; kAppendId: a message of append
  ReadError error;
};
using Arrival = std::variant<BatchArrived, HeadArrived, AcksArrived, WelcomeArrived, ReadArrived,
                             HeadAnswerArrived, ErrorArrived>;

class LogConnection {
 public:
  static constexpr std::string_view kHelloId = "hello";
  static constexpr std::string_view kAppendId = "append";

  // kInvalid: not endpoints, or not keys.
  [[nodiscard]] static Result<LogConnection> open(Context& context, const LogEndpoints& endpoints,
                                                  const CurveKeys& keys);

  enum class State { kConnecting, kReady, kLost, kRefused };
  // Looks at what the sockets did. kLost and kRefused are final.
  [[nodiscard]] State state();

  void say_hello(const protocol::Known& known);
  void subscribe(protocol::TopicSet topics);  // and head
  void read(const protocol::ReadRequest& request, AttachmentsWanted attachments);
  void ask_head();
  void append(const protocol::AppendBatch& batch);

  // What has come, at most kArrivalsMax at once. kInvalid: the store speaks what this program does
  // not understand.
  [[nodiscard]] Result<std::vector<Arrival>> take_arrivals();

  [[nodiscard]] const Socket& append_socket() const { return append_; }
  [[nodiscard]] const Socket& live_socket() const { return live_; }
  [[nodiscard]] const Socket& read_socket() const { return read_; }

 private:
  LogConnection(Socket append, Socket live, Socket read);
  Result<void> take_live(const Message& message, std::vector<Arrival>& out);
  Result<void> take_append(const Message& message, std::vector<Arrival>& out);
  Result<void> take_read(const Message& message, std::vector<Arrival>& out);
  void ask(std::string_view verb, std::string_view id, const std::string& body);

  Socket append_, live_, read_;
  int ready_ = 0;
  State state_ = State::kConnecting;
  std::uint64_t next_read_ = 1;
  std::string read_id_;          // of the READ under way
  protocol::ReadAnswer answer_;  // what of it has come
};

}  // namespace keytrail::wire
