// ReadLoop: the read socket's thread: HELLO, HEAD, READ, FOLLOW, for parts and third parties alike.
//
// Reads have a thread of their own and are capped in bytes and in facts looked at per answer, so
// that they delay neither appends nor each other: followers get one answer each in turn. A follower
// is sent only what it gave credit for, and only while what it was sent before is taken: one that
// does not read pauses, and is told that it fell behind when it reads again.
//
// Whoever knows more of the log than there is, or something else, is told so at HELLO. If it is a
// part, that is a witness against this log: the store ends with the same sentence, before it stamps
// more facts over positions that somebody saw. A third party's word ends nothing; it is counted.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "bus/wire/read_protocol.h"
#include "bus/wire/socket.h"
#include "eventstore/log/event_log.h"
#include "eventstore/service/reader_sessions.h"
#include "eventstore/service/selector.h"
#include "eventstore/service/shared_state.h"

namespace keytrail::eventstore {

inline constexpr std::size_t kAnswerBytesMax =
    std::size_t{1} << 20;  // then the answer ends; one fact may exceed it
inline constexpr std::size_t kScannedFactsMax = 32'768;  // looked at for one answer
inline constexpr std::size_t kSessionsMax = 4096;
inline constexpr std::size_t kFollowersMax = 1024;
inline constexpr std::size_t kSessionsPerIdentityMax = 256;
inline constexpr std::size_t kFollowersPerIdentityMax = 64;
static_assert(kFollowersMax < kSessionsMax && kFollowersPerIdentityMax < kSessionsPerIdentityMax,
              "a session can always be forgotten");
// Of answers that wait to be read; one that was begun may exceed it.
inline constexpr std::size_t kUnsentBytesPerReaderMax = std::size_t{4} << 20;
inline constexpr std::size_t kUnsentBytesPerIdentityMax = std::size_t{32} << 20;
inline constexpr std::size_t kUnsentBytesMax = std::size_t{256} << 20;
inline constexpr std::uint32_t kCreditMax = 65'536;
inline constexpr Position kFellBehindFacts = 10'000;
inline constexpr std::uint64_t kBookmarkFacts = 1'000;

class ReadLoop {
 public:
  // What it tells the ordering thread, on its own.
  struct Reports {
    std::function<void(std::string sentence)> on_failure;  // that ends the store
    std::function<void(std::string reason, std::string address)> on_refused;
  };

  ReadLoop(wire::Socket read, const EventLog& log, SharedState& shared, std::string installation,
           int heartbeat_ms, Reports reports);
  ~ReadLoop();
  ReadLoop(const ReadLoop&) = delete;
  ReadLoop& operator=(const ReadLoop&) = delete;

 private:
  using SteadyClock = std::chrono::steady_clock;

  struct Request {
    Bytes route;
    Bytes id;
    std::string identity;
    std::string address;
    ByteView body;
  };
  struct Follow {
    Bytes route;
    Bytes id;
    std::string identity;
    std::shared_ptr<wire::UnsentBytes> unsent;
    wire::PayloadForm form = wire::PayloadForm::kFacts;
    Selector selector;
    Position position = 0;  // processed up to here
    std::uint32_t credit = 0;
    bool caught_up = false;
    bool paused = false;  // it does not read
    bool gone = false;
    std::uint64_t skipped = 0;  // since something was sent
    SteadyClock::time_point sent_at{};
  };

  void run();
  void take_requests();
  void handle(const std::string& verb, const Request& request);
  void hello(const Request& request);
  void contradict(const Request& request, const Identity& identity, const std::string& wrong);
  void read(const Request& request, const ReaderSession& session);
  void follow(const Request& request, const ReaderSession& session);
  void credit(const Request& request);
  void forget(const Bytes& route);
  [[nodiscard]] bool follows(const Bytes& route) const;
  // True: somebody can be given more at once.
  bool serve_followers();
  bool serve(Follow& follow, const protocol::Head& head);
  // False: not now, or never; the follow says which. Nothing of it was changed then.
  bool give_facts(Follow& follow, const protocol::Head& head);
  bool tell_lag(Follow& follow, const protocol::Head& head);
  bool tell(Follow& follow, const protocol::Head& head, std::string_view verb,
            std::span<const ByteView> payload = {});

  // What of (after, until] fits into one answer; gives how far it got.
  [[nodiscard]] Result<Position> fill(Payload& payload, const Selector& selector, Position after,
                                      Position until, std::size_t limit) const;
  // How long to sleep if nothing happens; -1: until something does.
  [[nodiscard]] int idle_ms() const;
  // What `identity`'s answers cost, over all its connections.
  [[nodiscard]] std::shared_ptr<wire::UnsentBytes> unsent_of(const std::string& identity);

  wire::Sent send(const Bytes& route, const Bytes& id, std::string_view verb,
                  const std::string& body, const std::shared_ptr<wire::UnsentBytes>& unsent,
                  std::span<const ByteView> payload = {});
  void refuse(const Request& request, const std::string& code, const std::string& message,
              const std::string& hint);

  wire::Socket socket_;
  const EventLog& log_;
  SharedState& shared_;
  const std::string installation_;
  const int heartbeat_ms_;
  const Reports reports_;
  wire::WakeEvent changed_;
  wire::WakeEvent stop_;
  const std::shared_ptr<wire::UnsentBytes> unsent_ =
      std::make_shared<wire::UnsentBytes>(kUnsentBytesMax);
  std::map<std::string, std::shared_ptr<wire::UnsentBytes>> unsent_of_;  // by identity
  std::list<Follow> follows_;
  ReaderSessions sessions_;
  std::uint64_t removals_ = 0;
  std::thread thread_;
};

}  // namespace keytrail::eventstore
