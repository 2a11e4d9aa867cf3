#include "bus/wire/command_server.h"

#include <array>
#include <boost/json.hpp>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "bus/wire/mailbox.h"
#include "bus/wire/socket.h"

namespace keytrail::wire {

namespace {

constexpr std::size_t kRequestIdBytesMax = 64;
// Waiting for the socket's thread: less than the socket queues, so that answers have room there.
constexpr std::size_t kProgressMax = 512;
constexpr int kLingerMs = 1000;  // so that the answer to "stop" still leaves

struct Outgoing {
  CommandToken token = 0;
  std::string verb;  // "PROGRESS", "RESULT", "ERROR"
  std::string json;
};

std::string error_json(const std::string& code, const std::string& message,
                       const std::string& hint) {
  return boost::json::serialize(
      boost::json::object{{"code", code}, {"message", message}, {"hint", hint}});
}

}  // namespace

struct CommandServer::Impl {
  Impl(Context& used_context, std::string wanted_endpoint, const CurveKeys& own_keys,
       OnCommand handler)
      : context(used_context),
        endpoint(std::move(wanted_endpoint)),
        keys(own_keys),
        on_command(std::move(handler)) {}

  void serve() {
    for (;;) {
      const std::array<int, 4> fds{progress.fd(), answers.fd(), stop.fd(), rebind.fd()};
      wait_readable({&*socket}, fds, -1);
      // Taken first, sent last: what was told of a command before its answer is there by then.
      std::vector<Outgoing> ready = answers.take_all();
      for (Outgoing& told : progress.take_all()) send(told);
      for (Outgoing& answer : ready) {
        send(answer);
        open.erase(answer.token);
      }
      if (stop.is_set()) return;
      if (rebind.is_set()) {
        rebind.clear();
        // Somebody else has the port: nobody gets in, which is better than an open door, and it is
        // tried until it is had.
        if (!socket->rebind().ok()) rebind.set();
      }
      Message message;
      while (socket->receive(message)) {
        take_command(message);
        for (Bytes& frame : message.frames) wipe(frame);  // A password may be in it.
      }
    }
  }

  void send(Outgoing& message) {
    const auto asker = open.find(message.token);
    if (asker != open.end()) {
      socket->send({asker->second.route, as_bytes(kProtocolName), as_bytes(message.verb),
                    asker->second.request, as_bytes(message.json)});
    }
    wipe(message.json);  // A session may be in it.
  }

  // Always has room: a command is answered once, and no more than kOpenCommandsMax are open.
  void answer(CommandToken token, std::string verb, std::string json) {
    KEYTRAIL_CHECK(answers.put({token, std::move(verb), std::move(json)}));
  }

  // route | KT1 | COMMAND | id | JSON. Anything else has no id to answer to, and is dropped.
  void take_command(Message& message) {
    std::vector<Bytes>& frames = message.frames;
    if (frames.size() != 5 || as_text(frames[1]) != kProtocolName ||
        as_text(frames[2]) != "COMMAND" || frames[3].size() > kRequestIdBytesMax) {
      return;
    }
    const auto refuse = [&](const std::string& code, const std::string& text,
                            const std::string& hint) {
      socket->send({frames[0], as_bytes(kProtocolName), as_bytes("ERROR"), frames[3],
                    as_bytes(error_json(code, text, hint))});
    };
    if (frames[4].size() > kCommandBytesMax) {
      return refuse("invalid", "the command is larger than 1 MiB", "send less in one command");
    }
    if (open.size() >= kOpenCommandsMax) {
      return refuse("busy", "too many commands are running", "try again in a moment");
    }
    const CommandToken token = next_token++;
    open.emplace(token, Asker{.route = std::move(frames[0]), .request = std::move(frames[3])});
    on_command({.token = token,
                .identity = std::move(message.identity),
                .address = std::move(message.address),
                .json = std::string(as_text(frames[4]))});
  }

  struct Asker {
    Bytes route;
    Bytes request;
  };

  Context& context;
  std::string endpoint;
  const CurveKeys& keys;
  const OnCommand on_command;
  Mailbox<Outgoing> progress{kProgressMax};
  Mailbox<Outgoing> answers{kOpenCommandsMax};
  WakeEvent stop;
  WakeEvent rebind;
  std::optional<Socket> socket;        // the thread's, once it runs
  std::map<CommandToken, Asker> open;  // the thread's
  CommandToken next_token = 1;         // the thread's
  std::thread thread;
};

CommandServer::CommandServer(Context& context, std::string endpoint, const CurveKeys& keys,
                             OnCommand on_command)
    : impl_(std::make_unique<Impl>(context, std::move(endpoint), keys, std::move(on_command))) {}

CommandServer::~CommandServer() {
  if (!impl_->thread.joinable()) return;
  impl_->stop.set();
  impl_->thread.join();
}

Result<void> CommandServer::start() {
  impl_->socket = TRY(Socket::bind(impl_->context, SocketKind::kRouter, impl_->endpoint, "command",
                                   impl_->keys, {.linger_ms = kLingerMs, .carries_secrets = true}));
  impl_->endpoint = impl_->socket->endpoint();
  impl_->thread = std::thread([impl = impl_.get()] { impl->serve(); });
  return {};
}

const std::string& CommandServer::endpoint() const { return impl_->endpoint; }

void CommandServer::rebind() { impl_->rebind.set(); }

void CommandServer::progress(CommandToken token, std::string json) {
  // A full queue drops progress, which nobody waits for.
  [[maybe_unused]] const bool put = impl_->progress.put({token, "PROGRESS", std::move(json)});
}
void CommandServer::result(CommandToken token, std::string json) {
  impl_->answer(token, "RESULT", std::move(json));
}
void CommandServer::error(CommandToken token, std::string code, std::string message,
                          std::string hint) {
  impl_->answer(token, "ERROR", error_json(code, message, hint));
}

}  // namespace keytrail::wire
