// run/up.sock: how `keytrail part` and `keytrail status` speak to the supervisor.
//
// One JSON object a line in, one out: {"command": "start|stop|kill|status", "part": NAME} ->
// {"ok": true, "parts": [{"name", "condition", "pid", "last_end"}]} or {"ok": false,
// "error": SENTENCE}. The socket is 0600 in a folder of 0700, so only the installation's user gets
// there; a line has at most 4 KiB, there are at most 16 connections. Paths over the kernel's 107
// letters are bound through /proc/self/fd. Threads: one.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "bus/secret/result.h"

namespace keytrail::cli {

// A part's condition, in the answers' words: it stays down until somebody starts it.
inline constexpr const char* kHeldDown = "down";

class ControlServer {
 public:
  // `handle` answers one request line.
  using Handle = std::function<std::string(const std::string& request)>;

  // kConflict: another supervisor listens there.
  static Result<ControlServer> listen(const std::string& path, Handle handle);
  ControlServer(ControlServer&& other) noexcept;
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;
  ControlServer& operator=(ControlServer&&) = delete;
  ~ControlServer();

  [[nodiscard]] std::vector<int> fds() const;
  void step();  // serves what is readable

 private:
  struct Client {
    int fd = -1;
    std::string input;
  };
  ControlServer(std::string path, int fd, Handle handle);
  bool serve(Client& client);

  std::string path_;
  int fd_ = -1;
  Handle handle_;
  std::list<Client> clients_;
};

// For whoever is about to wait for `part` at its `endpoint`. kUnavailable, at once: nobody listens
// there, and the supervisor says that the part is held down. One that is started again is worth the
// wait, and so is one that no supervisor knows of. Never from the supervisor's own thread.
[[nodiscard]] Result<void> check_not_held_down(const std::string& data, const std::string& part,
                                               const std::string& endpoint);

// Asks the supervisor of the installation in `data`. kUnavailable: none runs there.
[[nodiscard]] Result<std::string> ask_supervisor(const std::string& data,
                                                 const std::string& request);

}  // namespace keytrail::cli
