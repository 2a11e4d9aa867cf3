// Follower: the reader's end of the log, without I/O. One class for all parts.
//
//   connect ── HELLO(known) ──► welcome ── subscribe, first head ──► read up to it ──► live
//                                  │                                     ▲              │ gap
//                                  └─ head-went-back: forked             └──────────────┘
// Gives the facts of its topics exactly once, in the order of their positions; checks that
// positions rise, that neighbours chain, and that no fact is missing on any topic. Silence is never
// mistaken for being up to date: only a head or a batch says how far the log is known.
//
// A witness too. What it knows, and presents at HELLO, is the furthest (position, leaf) that it has
// followed, heard of in a head, or that the Appender beside it was acknowledged: a fact on a topic
// that it does not follow cannot be cut off in silence either.
// Thread safety: one thread; the shell (bus/wire/log_link.h) carries inputs in and outputs out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/protocol/messages.h"

namespace keytrail::protocol {

enum class FollowState : std::uint8_t {
  kConnecting,
  kCatchingUp,
  kLive,  // everything up to `followed()` has been given
  kLost,  // no head for `log_lost_ms`
};

// A fact of a followed topic, with the attachments that came with it (kms.sealed only).
struct FollowedFact {
  StoredFact stored;
  Position position = 0;
  TimeNs time = 0;
  Hash previous{};
  Hash leaf{};
  std::vector<Attachment> attachments;
};

struct ReadRequest {
  Position after = 0;
  Position until = 0;
  std::uint32_t limit = 0;
  TopicSet topics = 0;
  bool operator==(const ReadRequest&) const = default;
};

struct ReadAnswer {
  std::vector<StoredFact> facts;  // of the asked topics, rising
  std::vector<PositionedAttachment> attachments;
  Position position = 0;  // everything of the topics up to here is in the answer
  Position head = 0;      // durable, when it was answered
};

class Follower {
 public:
  struct Options {
    TopicSet topics = 0;  // with kKmsSealed if attachments are wanted; kHead is always added
    std::uint64_t log_lost_ms = 3000;
    std::uint32_t read_limit = 4096;
    // Live batches kept while catching up; beyond, they are read again.
    std::size_t buffered_batches_max = 1024;
    std::size_t buffered_bytes_max = std::size_t{64} << 20;
  };
  struct Outputs {
    bool say_hello = false;             // with known(): before anything else on a new connection
    bool subscribe = false;             // to options.topics and head
    std::optional<ReadRequest> read;    // at most one is under way
    std::vector<FollowedFact> apply;    // in order
    std::optional<FollowState> state;   // changed to
    std::optional<std::string> forked;  // the log is not the one we know: stop, say so
  };

  // `known` is what is presented to the store. Gives the facts after `after`: `known.position` for
  // a part that keeps its state, 0 for one that folds the log anew. On the way it then passes
  // `known`, which must be the fact that it was.
  Follower(Options options, Known known, Position after);

  void on_connected(TimeNs now);
  void on_disconnected();
  void on_welcome(std::uint64_t generation, Position head, TimeNs now);
  void on_head_went_back(std::string detail);
  void on_head(const Head& head, TimeNs now);  // of the live socket
  // The answer to a HEAD on the read socket: what is on its way here may lie before it.
  void on_head_answer(const Head& head, TimeNs now);
  void on_batch(Topic topic, const BatchHeader& header, std::vector<StoredFact> facts, TimeNs now);
  void on_sealed(const BatchHeader& header, std::vector<PositionedAttachment> attachments,
                 TimeNs now);
  void on_read(ReadAnswer answer, TimeNs now);
  // What this process's own appends were answered: durable, whether their topics are followed or
  // not.
  void on_acks(const std::vector<Ack>& acks);
  void tick(TimeNs now);

  // REQUIRES: if it says say_hello, known() is presented before the next input.
  [[nodiscard]] Outputs take_outputs();

  [[nodiscard]] FollowState state() const { return state_; }
  // Everything of the topics up to here has been given to apply. Also where an "ask head" is
  // answered.
  [[nodiscard]] Position followed() const { return followed_; }
  [[nodiscard]] Known known() const { return known_; }
  [[nodiscard]] TimeNs log_time() const { return log_time_; }

 private:
  // The messages of one batch, as far as they have come.
  struct Assembly {
    BatchHeader header;
    TopicSet missing = 0;
    std::vector<StoredFact> facts;
    std::vector<PositionedAttachment> attachments;
    std::size_t bytes = 0;
  };

  [[nodiscard]] bool takes(std::uint64_t generation);
  void learn(Position position, const Hash& leaf);
  Assembly& assembly_of(const BatchHeader& header);
  void arrived(Topic topic);
  void drain();
  [[nodiscard]] bool has_all_before(const TopicPositions& positions) const;
  [[nodiscard]] std::vector<FollowedFact> opened(std::vector<StoredFact> facts,
                                                 std::vector<PositionedAttachment> attachments);
  void give(std::vector<FollowedFact> facts, Position through);
  [[nodiscard]] bool check(const FollowedFact& fact, Position through);
  void read_on();
  void settle();
  void set_state(FollowState state);
  void fork(std::string detail);

  Options options_;
  const Known remembered_;  // by the process before this one
  Known known_;
  FollowState state_ = FollowState::kConnecting;
  Position followed_ = 0;
  TimeNs log_time_ = 0;

  // The connection.
  bool connected_ = false;
  bool welcomed_ = false;
  bool head_seen_ = false;  // since the welcome: now it is known how far there is to read
  bool forked_ = false;
  TimeNs now_ = 0;    // of the last input
  TimeNs heard_ = 0;  // the last head
  TimeNs hello_at_ = 0;
  std::deque<Position> presented_;  // with each HELLO that is not answered yet

  // What is on its way: everything through `target_` is to be had, by a read or in `buffered_`.
  Position target_ = 0;
  bool reading_ = false;
  TimeNs read_at_ = 0;
  std::optional<Assembly> assembling_;
  std::deque<Assembly> buffered_;
  std::size_t buffered_bytes_ = 0;

  // The last fact that was looked at: the neighbour of the next.
  Position last_position_ = 0;
  Hash last_leaf_{};

  Outputs outputs_;
};

}  // namespace keytrail::protocol
