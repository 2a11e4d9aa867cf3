#include "tests/leak_scan/record.h"

#include <array>
#include <chrono>
#include <memory>

#include "bus/protocol/message_codec.h"
#include "bus/secret/file.h"
#include "bus/wire/context.h"
#include "bus/wire/read_protocol.h"
#include "bus/wire/socket.h"
#include "bus/wire/wake_event.h"
#include "cli/endpoints.h"

namespace keytrail::leak_scan {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kPatienceMs = 10'000;
constexpr int kLookMs = 200;           // how often a wait looks whether it has lasted too long
constexpr int kMessagesMax = 100'000;  // more than a demo has: none is dropped on the way

// Frames, appended to a file.
class Tape {
 public:
  static Result<Tape> open(const std::string& path) {
    OsFileSystem files;
    return Tape(TRY(files.open(path, FileSystem::Open::kReplace)));
  }
  Result<void> write(const wire::Message& message) {
    for (const Bytes& frame : message.frames) {
      TRY(file_->write_at(bytes_, frame));
      bytes_ += frame.size();
    }
    return {};
  }

 private:
  explicit Tape(std::unique_ptr<File> file) : file_(std::move(file)) {}
  std::unique_ptr<File> file_;
  std::uint64_t bytes_ = 0;
};

Error gap(const std::string& where, Position expected, Position found) {
  return {ErrorCode::kCorrupt, "the recording of the " + where + " socket has a gap: position " +
                                   std::to_string(expected) + " should come, " +
                                   std::to_string(found) + " came"};
}

class Recorder {
 public:
  Recorder(wire::Socket live, wire::Socket read, Tape live_tape, Tape read_tape)
      : live_(std::move(live)),
        read_(std::move(read)),
        live_tape_(std::move(live_tape)),
        read_tape_(std::move(read_tape)) {}

  Result<void> begin() {
    for (std::size_t i = 0; i < protocol::kTopicCount; ++i)
      live_.subscribe(std::string(to_string(static_cast<protocol::Topic>(i))));
    TRY(ask("HELLO", to_json(wire::Hello{}), "WELCOME"));
    return until([this] { return heard_; }, "nothing comes from the live socket");
  }

  Result<Recorded> run(int stop_fd) {
    while (!wire::is_readable(stop_fd)) {
      const std::array<int, 1> fds{stop_fd};
      wire::wait_readable({&live_}, fds, kLookMs);
      TRY(take_live());
    }
    TRY(read_all());
    TRY(until([this] { return recorded_.live_last >= recorded_.read_last; },
              "the live socket does not come to the head"));
    return recorded_;
  }

 private:
  // Takes what comes live until `condition`, or says `otherwise`.
  template <class Condition>
  Result<void> until(Condition condition, const std::string& otherwise) {
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(kPatienceMs);
    while (!condition()) {
      if (SteadyClock::now() > deadline) return Error{ErrorCode::kUnavailable, otherwise};
      wire::wait_readable({&live_}, {}, kLookMs);
      TRY(take_live());
    }
    return {};
  }

  Result<void> take_live() {
    (void)live_.take_connection_changes();  // They too make the socket readable.
    wire::Message message;
    while (live_.receive(message)) {
      TRY(live_tape_.write(message));
      heard_ = true;
      if (message.frames.size() == 3) TRY(take_batch(message));  // The others are heads.
    }
    return {};
  }

  Result<void> take_batch(const wire::Message& message) {
    const protocol::BatchHeader header = TRY(protocol::decode_batch_header(message.frames[1]));
    if (as_text(message.frames[0]) == to_string(protocol::Topic::kKmsSealed))
      recorded_.live_sealed += TRY(protocol::decode_attachments(message.frames[2])).size();
    if (header.last == recorded_.live_last) return {};  // Another topic of the same batch.
    if (recorded_.live_first == 0)
      recorded_.live_first = header.first;
    else if (header.first != recorded_.live_last + 1)
      return gap("live", recorded_.live_last + 1, header.first);
    recorded_.live_last = header.last;
    return {};
  }

  Result<void> read_all() {
    for (Position head = 1; recorded_.read_last < head;) {
      const Position before = recorded_.read_last;
      const wire::ReadQuery query{.after = before,
                                  .selection = {.attachments = wire::AttachmentsWanted::kSealed}};
      const Bytes end = TRY(ask("READ", to_json(query), "END"));
      head = TRY(wire::read_end_from(end)).head;
      if (recorded_.read_last == before) return gap("read", before + 1, 0);
    }
    return {};
  }

  // Asks the read socket; gives the body of the answer `wanted`, and records all that comes.
  Result<Bytes> ask(std::string_view verb, const std::string& body, std::string_view wanted) {
    read_.send({as_bytes(wire::kProtocolName), as_bytes(verb), as_bytes("1"), as_bytes(body)});
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(kPatienceMs);
    while (SteadyClock::now() < deadline) {
      wire::wait_readable({&live_, &read_}, {}, kLookMs);
      TRY(take_live());
      for (const wire::ConnectionChange change : read_.take_connection_changes()) {
        if (change == wire::ConnectionChange::kRefused)
          return Error{ErrorCode::kRefused, "the event store does not let this key in"};
      }
      wire::Message message;
      while (read_.receive(message)) {
        TRY(read_tape_.write(message));
        if (message.frames.size() < 4) continue;
        const std::string_view answer = as_text(message.frames[1]);
        if (answer == wanted) return std::move(message.frames[3]);
        if (answer == "ERROR")
          return Error{ErrorCode::kRefused, std::string(as_text(message.frames[3]))};
        TRY(take_facts(message));
      }
    }
    return Error{ErrorCode::kUnavailable, "the event store does not answer " + std::string(verb)};
  }

  Result<void> take_facts(const wire::Message& message) {
    if (message.frames.size() < 5) return {};
    for (const StoredFact& fact : TRY(protocol::decode_facts(message.frames[4]))) {
      const Position position = TRY(decode_stamp(fact.stamp)).position;
      if (position != recorded_.read_last + 1)
        return gap("read", recorded_.read_last + 1, position);
      recorded_.read_last = position;
    }
    if (message.frames.size() > 5)
      recorded_.read_sealed += TRY(protocol::decode_attachments(message.frames[5])).size();
    return {};
  }

  wire::Socket live_;
  wire::Socket read_;
  Tape live_tape_;
  Tape read_tape_;
  Recorded recorded_;
  bool heard_ = false;
};

}  // namespace

Result<Recorded> record_bus(const std::string& data, const std::string& key_file,
                            const std::string& folder, int stop_fd) {
  const cli::Endpoints at = TRY(cli::read_endpoints(data));
  const wire::CurveKeys keys = TRY(wire::read_curve_keys(key_file));
  OsFileSystem files;
  TRY(files.make_folder(folder));
  wire::Context context;
  const wire::SocketOptions options{.messages_max = kMessagesMax};
  Recorder recorder(TRY(wire::Socket::connect(context, wire::SocketKind::kSub, at.log.live,
                                              at.log.server_key, keys, options)),
                    TRY(wire::Socket::connect(context, wire::SocketKind::kDealer, at.log.read,
                                              at.log.server_key, keys, options)),
                    TRY(Tape::open(folder + "/live")), TRY(Tape::open(folder + "/read")));
  TRY(recorder.begin());
  TRY(replace_file(files, folder + "/ready", {}));
  return recorder.run(stop_fd);
}

}  // namespace keytrail::leak_scan
