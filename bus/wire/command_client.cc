#include <algorithm>
#include <chrono>
#include <vector>

#include "bus/wire/command_server.h"
#include "bus/wire/socket.h"

namespace keytrail::wire {

struct CommandClient::Impl {
  Context& context;
  const std::string endpoint;
  const std::string server_key;
  const CurveKeys& keys;
  std::uint64_t next_request = 1;
};

CommandClient::CommandClient(Context& context, std::string endpoint, std::string server_key,
                             const CurveKeys& keys)
    : impl_(new Impl{context, std::move(endpoint), std::move(server_key), keys}) {}
CommandClient::~CommandClient() = default;

namespace {

constexpr int kConnectWithinMs = 5000;

// What became of the connection since it was last asked; `connected` is kept up to date. An answer
// comes on the connection that the question left on, so one that is lost is not worth waiting on.
Result<void> look_at_connection(Socket& socket, const std::string& endpoint, bool& connected) {
  for (const ConnectionChange change : socket.take_connection_changes()) {
    if (change == ConnectionChange::kRefused) {
      return Error{ErrorCode::kRefused,
                   endpoint + " does not let this key in; use a key on its list"};
    }
    if (change == ConnectionChange::kLost && connected) {
      return Error{ErrorCode::kUnavailable,
                   "the connection to " + endpoint +
                       " was lost before the answer came; look whether it was done before you "
                       "ask again"};
    }
    connected |= change == ConnectionChange::kReady;
  }
  return {};
}

}  // namespace

Result<CommandClient::Answer> CommandClient::call(
    const std::string& json, int timeout_ms,
    const std::function<void(const std::string&)>& on_progress) {
  using SteadyClock = std::chrono::steady_clock;
  // A socket a call: an answer that came too late for the call before cannot be taken for this
  // one's.
  Socket socket = TRY(Socket::connect(impl_->context, SocketKind::kDealer, impl_->endpoint,
                                      impl_->server_key, impl_->keys, {.carries_secrets = true}));
  const std::string request = std::to_string(impl_->next_request++);
  socket.send({as_bytes(kProtocolName), as_bytes("COMMAND"), as_bytes(request), as_bytes(json)});

  const auto patience = std::chrono::milliseconds(timeout_ms);
  const auto connected_by =
      SteadyClock::now() + std::chrono::milliseconds(std::min(timeout_ms, kConnectWithinMs));
  auto deadline = SteadyClock::now() + patience;
  bool connected = false;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        (connected ? deadline : connected_by) - SteadyClock::now());
    if (left.count() <= 0) {
      return Error{ErrorCode::kUnavailable, connected
                                                ? "nothing was heard from " + impl_->endpoint +
                                                      " for " + std::to_string(timeout_ms) + " ms"
                                                : "nobody listens at " + impl_->endpoint};
    }
    wait_readable({&socket}, {}, static_cast<int>(left.count()));
    // Asked before, judged after: what the server said before the connection ended is there by now.
    Result<void> connection = look_at_connection(socket, impl_->endpoint, connected);
    Message message;
    while (socket.receive(message)) {
      const std::vector<Bytes>& frames = message.frames;
      if (frames.size() != 4 || as_text(frames[0]) != kProtocolName ||
          as_text(frames[2]) != request) {
        continue;
      }
      std::string body(as_text(frames[3]));
      wipe(message.frames[3]);  // A session may be in it; the body is the caller's to wipe.
      if (as_text(frames[1]) == "RESULT") return Answer{.ok = true, .json = std::move(body)};
      if (as_text(frames[1]) == "ERROR") return Answer{.ok = false, .json = std::move(body)};
      if (on_progress) on_progress(body);
      deadline = SteadyClock::now() + patience;
    }
    TRY(std::move(connection));
  }
}

}  // namespace keytrail::wire
