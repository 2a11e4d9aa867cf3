#include "bus/wire/log_connection.h"

#include "bus/protocol/message_codec.h"

namespace keytrail::wire {

namespace {

using protocol::Topic;

constexpr int kSockets = 3;
constexpr std::size_t kArrivalsMax = 1024;
constexpr std::string_view kHeadId = "head";
constexpr SocketOptions kAppendOptions{.messages_max = protocol::kWindowMax, .immediate = true};
constexpr SocketOptions kLiveOptions{.messages_max = 4096};
constexpr SocketOptions kReadOptions{.messages_max = 1000, .immediate = true};

const Error kNotUnderstood{ErrorCode::kInvalid,
                           "the event store sent a message that this program does not understand"};

}  // namespace

LogConnection::LogConnection(Socket append, Socket live, Socket read)
    : append_(std::move(append)), live_(std::move(live)), read_(std::move(read)) {}

Result<LogConnection> LogConnection::open(Context& context, const LogEndpoints& endpoints,
                                          const CurveKeys& keys) {
  const std::string& server = endpoints.server_key;
  Socket append = TRY(Socket::connect(context, SocketKind::kDealer, endpoints.append, server, keys,
                                      kAppendOptions));
  Socket live =
      TRY(Socket::connect(context, SocketKind::kSub, endpoints.live, server, keys, kLiveOptions));
  Socket read = TRY(
      Socket::connect(context, SocketKind::kDealer, endpoints.read, server, keys, kReadOptions));
  return LogConnection(std::move(append), std::move(live), std::move(read));
}

LogConnection::State LogConnection::state() {
  for (Socket* socket : {&append_, &live_, &read_}) {
    for (const ConnectionChange change : socket->take_connection_changes()) {
      if (state_ == State::kLost || state_ == State::kRefused) return state_;
      switch (change) {
        case ConnectionChange::kReady:
          ++ready_;
          break;
        case ConnectionChange::kRefused:
          state_ = State::kRefused;
          break;
        case ConnectionChange::kLost:
          state_ = State::kLost;
          break;
      }
    }
  }
  if (state_ == State::kConnecting && ready_ == kSockets) state_ = State::kReady;
  return state_;
}

void LogConnection::ask(std::string_view verb, std::string_view id, const std::string& body) {
  read_.send({as_bytes(kProtocolName), as_bytes(verb), as_bytes(id), as_bytes(body)});
}

void LogConnection::say_hello(const protocol::Known& known) {
  ask("HELLO", kHelloId, to_json(Hello{.form = PayloadForm::kFacts, .log = {}, .known = known}));
}

void LogConnection::subscribe(protocol::TopicSet topics) {
  for (std::size_t i = 0; i < protocol::kTopicCount; ++i) {
    const auto topic = static_cast<Topic>(i);
    const bool wanted = topic == Topic::kHead || (topics & protocol::topic_bit(topic)) != 0;
    if (wanted) live_.subscribe(std::string(to_string(topic)));
  }
}

void LogConnection::read(const protocol::ReadRequest& request, AttachmentsWanted attachments) {
  ReadQuery query{
      .after = request.after, .until = request.until, .limit = request.limit, .selection = {}};
  for (std::size_t i = 0; i < protocol::kFactTopicCount; ++i) {
    const auto topic = static_cast<Topic>(i);
    if ((request.topics & protocol::topic_bit(topic)) != 0)
      query.selection.topics.emplace_back(to_string(topic));
  }
  query.selection.attachments = attachments;
  read_id_ = "read-" + std::to_string(next_read_++);
  answer_ = {};
  ask("READ", read_id_, to_json(query));
}

void LogConnection::ask_head() { ask("HEAD", kHeadId, "{}"); }

void LogConnection::append(const protocol::AppendBatch& batch) {
  append_.send({as_bytes(kProtocolName), as_bytes("APPEND"), protocol::encode(batch)});
}

Result<std::vector<Arrival>> LogConnection::take_arrivals() {
  std::vector<Arrival> arrivals;
  Message message;
  // Answers before what was published: an acknowledgement is what somebody waits for.
  while (arrivals.size() < kArrivalsMax && append_.receive(message))
    TRY(take_append(message, arrivals));
  while (arrivals.size() < kArrivalsMax && read_.receive(message))
    TRY(take_read(message, arrivals));
  while (arrivals.size() < kArrivalsMax && live_.receive(message))
    TRY(take_live(message, arrivals));
  return arrivals;
}

// KT1 | ACKS | acks, or KT1 | ERROR | sentence
Result<void> LogConnection::take_append(const Message& message, std::vector<Arrival>& out) {
  const std::vector<Bytes>& frames = message.frames;
  if (frames.size() != 3 || as_text(frames[0]) != kProtocolName) return kNotUnderstood;
  const std::string_view verb = as_text(frames[1]);
  if (verb == "ACKS") {
    out.emplace_back(AcksArrived{TRY(protocol::decode_acks(frames[2]))});
  } else if (verb == "ERROR") {
    out.emplace_back(ErrorArrived{
        .to = std::string(kAppendId),
        .error = {.code = "malformed", .message = std::string(as_text(frames[2])), .hint = {}}});
  } else {
    return kNotUnderstood;
  }
  return {};
}

// topic | BatchHeader | facts, or head | Head
Result<void> LogConnection::take_live(const Message& message, std::vector<Arrival>& out) {
  const std::vector<Bytes>& frames = message.frames;
  const auto topic = frames.empty() ? std::nullopt : protocol::topic_from(as_text(frames[0]));
  if (topic == Topic::kHead && frames.size() == 2) {
    out.emplace_back(HeadArrived{TRY(protocol::decode_head(frames[1]))});
    return {};
  }
  if (!topic || frames.size() != 3) return kNotUnderstood;
  BatchArrived batch{.topic = *topic,
                     .header = TRY(protocol::decode_batch_header(frames[1])),
                     .facts = {},
                     .attachments = {}};
  if (*topic == Topic::kKmsSealed) {
    batch.attachments = TRY(protocol::decode_attachments(frames[2]));
  } else {
    batch.facts = TRY(protocol::decode_facts(frames[2]));
  }
  out.emplace_back(std::move(batch));
  return {};
}

// KT1 | VERB | id | JSON | payload…
Result<void> LogConnection::take_read(const Message& message, std::vector<Arrival>& out) {
  const std::vector<Bytes>& frames = message.frames;
  if (frames.size() < 4 || as_text(frames[0]) != kProtocolName) return kNotUnderstood;
  const std::string_view verb = as_text(frames[1]);
  const std::string_view id = as_text(frames[2]);
  if (verb == "WELCOME") {
    out.emplace_back(WelcomeArrived{TRY(welcome_from(frames[3]))});
  } else if (verb == "HEAD") {
    out.emplace_back(HeadAnswerArrived{TRY(head_from(frames[3]))});
  } else if (verb == "ERROR") {
    out.emplace_back(ErrorArrived{.to = std::string(id), .error = TRY(read_error_from(frames[3]))});
  } else if (verb == "FACTS" && frames.size() == 6) {
    if (id != read_id_) return {};  // of a READ that was given up
    answer_.facts = TRY(protocol::decode_facts(frames[4]));
    answer_.attachments = TRY(protocol::decode_attachments(frames[5]));
  } else if (verb == "END") {
    if (id != read_id_) return {};
    const ReadEnd end = TRY(read_end_from(frames[3]));
    answer_.position = end.position;
    answer_.head = end.head;
    out.emplace_back(ReadArrived{std::exchange(answer_, {})});
  } else {
    return kNotUnderstood;
  }
  return {};
}

}  // namespace keytrail::wire
