// Keeper: the smallest author that every rule of the log applies to; three of them share the
// streams of one cluster.
//
// A key server without cryptography: objects are created (each on a leaf of its own), released to
// enrolled clients, destroyed; clients are enrolled and removed. Any keeper answers anything: what
// a decision read is guarded, refusals too; an answer leaves when its unit is durable; a plain read
// asks for the head first. The facts are those of a real replica, so the same audit reads both.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/simulation/link_twin.h"

namespace keytrail::simulation {

// Rules that the simulation can break in an author.
struct AuthorBugs {
  bool unguarded_refusals = false;
  bool unguarded_clients = false;  // releases after the removal of the client
  bool counter_from_memory = false;
  bool answers_before_ack = false;
};

struct Ask {
  enum class Kind { kCreate, kRelease, kDestroy, kEnrol, kRemove, kCount };
  Kind kind = Kind::kCreate;
  std::string object;
  std::string client;
};
struct Reply {
  enum class Kind { kDone, kRefused, kCounted, kUnavailable };
  Kind kind = Kind::kUnavailable;
  Position position = 0;  // of its fact; of the head that it was counted at
  std::size_t count = 0;
};

class Keeper {
 public:
  Keeper(World& world, StoreTwin& store, const WireFaults& faults, std::string author,
         AuthorBugs bugs);

  void start();
  void crash();
  [[nodiscard]] bool is_up() const { return process_ != nullptr; }
  [[nodiscard]] bool is_idle() const;

  // Dropped if the process is not up, or dies before it answers.
  void ask(const Ask& ask, std::function<void(Reply)> reply);

  [[nodiscard]] static protocol::TopicSet topics();

 private:
  struct Object {
    std::uint64_t version = 0;
    bool destroyed = false;
  };
  struct Client {
    std::uint64_t version = 0;
    bool enrolled = false;
  };
  struct Open {
    Ask ask;
    std::function<void(Reply)> reply;
    bool refuses = false;
  };
  struct Process {
    std::unique_ptr<LinkTwin> link;
    std::uint64_t epoch = 0;  // of the stream, as followed
    bool begun = false;
    std::map<std::string, Object> objects;
    std::map<std::string, Client> clients;
    std::uint64_t leases = 0;    // version of the stream = the next leaf
    std::uint64_t own_leaf = 1;  // only for the planted counter
    std::uint64_t next_id = 1;
    std::map<std::uint64_t, Open> open;
  };

  void step();
  void evolve(const Fact& fact);
  void begin_if_live();
  void decide(std::uint64_t id);
  [[nodiscard]] protocol::Decision decision_of(Open& open);
  [[nodiscard]] protocol::Decision create(Open& open) const;
  [[nodiscard]] protocol::Decision release(Open& open) const;
  [[nodiscard]] protocol::Decision destroy(Open& open) const;
  [[nodiscard]] protocol::Decision change_client(Open& open) const;
  [[nodiscard]] protocol::Decision refuse(Open& open, std::vector<protocol::Guard> guards) const;
  [[nodiscard]] Body body_of(std::string stream, kms::Event event) const;
  void finish(std::uint64_t id, Reply reply);

  World& world_;
  StoreTwin& store_;
  const std::string author_;
  const AuthorBugs bugs_;
  Sockets sockets_;
  protocol::Known last_;  // the file `last`
  std::unique_ptr<Process> process_;
};

}  // namespace keytrail::simulation
