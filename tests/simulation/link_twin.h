// LinkTwin: wire::LogLink in the simulation: the real Appender, Follower and Transactor, over three
// connections to the StoreTwin. Gives the same events, so that the real cores run on it as they do
// on the real one.
//
// A link belongs to one process of a node: a crash destroys it and its successor is another. What
// the process knew of the log's end is the node's to keep (the file `last`).
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bus/protocol/appender.h"
#include "bus/protocol/follower.h"
#include "bus/protocol/transactor.h"
#include "bus/wire/log_link.h"
#include "tests/simulation/store_twin.h"

namespace keytrail::simulation {

// A node's sockets, over which its processes come and go.
struct Sockets {
  Sockets(World& world, const WireFaults& faults)
      : append(world, faults), live(world, faults), read(world, faults) {}
  Connection append, live, read;
};

class LinkTwin {
 public:
  struct Options {
    std::string author;
    protocol::TopicSet topics = 0;
    protocol::Known known;  // of the process before
  };

  // `wake` is called when there are events to take. REQUIRES: the sockets are of no living link.
  LinkTwin(World& world, StoreTwin& store, Sockets& sockets, Options options,
           std::function<void()> wake);
  ~LinkTwin();

  [[nodiscard]] std::vector<wire::LinkEvent> take_events();
  void begin_epoch(std::uint64_t last_epoch, std::string program_version);
  void submit(protocol::TransactionId id, const protocol::Decision& decision);
  void ask_head(std::uint64_t question);

  [[nodiscard]] protocol::FollowState state() const { return follower_.state(); }
  [[nodiscard]] Position followed() const { return follower_.followed(); }
  // The last fact that was taken; what its core knows is the fold up to here.
  [[nodiscard]] Position taken() const { return taken_; }
  [[nodiscard]] TimeNs log_time() const { return follower_.log_time(); }
  [[nodiscard]] protocol::Known known() const { return follower_.known(); }
  [[nodiscard]] bool is_idle() const;

 private:
  void connect_append();
  void connect_log();
  void carry_out();
  void send(const protocol::AppendBatch& batch);
  void say_hello();
  void subscribe();
  void read(const protocol::ReadRequest& request);
  void send_question();
  void on_head_answer(const protocol::Head& head, const std::vector<std::uint64_t>& questions);
  void give(std::vector<protocol::FollowedFact> facts);
  void check_followed();
  void tick();
  // Put off, void once this link is gone.
  void after(TimeNs delay, std::function<void()> what);
  [[nodiscard]] std::function<void()> alive(std::function<void()> what) const;

  struct Question {
    Position head = 0;
    std::uint64_t question = 0;
  };

  World& world_;
  StoreTwin& store_;
  Sockets& sockets_;
  const Options options_;
  const std::function<void()> wake_;
  protocol::Appender appender_;
  protocol::Follower follower_;
  protocol::Transactor transactor_;
  std::vector<wire::LinkEvent> events_;
  std::vector<std::uint64_t> unsent_questions_;
  std::set<std::uint64_t> asked_;   // sent, unanswered: asked again on a new connection
  std::vector<Question> answered_;  // to be followed to
  Position told_through_ = 0;
  Position given_ = 0;  // what the oracle has seen given
  Position taken_ = 0;
  bool ended_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace keytrail::simulation
