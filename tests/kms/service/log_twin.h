// LogTwin: the event store as a replica sees it, in a vector: checks guards, stamps, keeps.
//
// A rig holds one replica's core with its keyring in memory, and carries its outputs in and out
// step by step, so that a test decides who lags and what is lost. One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kms/service/replica_core.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_random.h"

namespace keytrail::kms::test {

class LogTwin {
 public:
  struct Outcome {
    bool accepted = false;
    Position first = 0;
    std::uint32_t count = 0;
    Position last_change = 0;  // of the failed guards
  };

  Outcome append(const std::string& author, const protocol::Decision& decision);

  [[nodiscard]] Position head() const { return facts_.size(); }
  [[nodiscard]] const wire::Followed& at(Position position) const {
    return facts_.at(position - 1);
  }
  // All events of one type, oldest first.
  template <class E>
  [[nodiscard]] std::vector<E> all() const {
    std::vector<E> found;
    for (const wire::Followed& followed : facts_) {
      const auto* event = std::get_if<Event>(&followed.fact.body.event);
      if (event == nullptr) continue;
      if (const auto* one = std::get_if<E>(event)) found.push_back(*one);
    }
    return found;
  }

  TimeNs now = 1'700'000'000'000'000'000;

 private:
  struct Stream {
    std::uint64_t version = 0;
    Position last_change = 0;
  };
  std::map<std::string, Stream> streams_;
  std::vector<wire::Followed> facts_;
};

class Rig {
 public:
  Rig(LogTwin& the_log, const std::string& its_name, bool founds)
      : Rig(the_log, ReplicaOptions{.cluster = "c", .name = its_name, .founds = founds}) {}
  // It brings a certificate of its own.
  Rig(LogTwin& the_log, ReplicaOptions options);

  // Everything up to the head is followed, and what comes of it carried out, until nothing is left
  // to do.
  void settle();
  // One round of outputs without following: submissions reach the log, answers are collected.
  void carry_out();
  void follow();
  void puncture();  // the last that was ordered, on a medium that `forgets`

  // A message of an enrolled client; its answer lies in `answers` once it is there.
  void ask(ConnectionId connection, const kmip::RequestMessage& message, std::uint8_t certificate);
  void ask(ConnectionId connection, Bytes message, std::uint8_t certificate);
  [[nodiscard]] kmip::ResponseMessage answer(ConnectionId connection);  // REQUIRES: it is there
  [[nodiscard]] bool answered(ConnectionId connection) const {
    return answers.contains(connection);
  }
  Answer command(Command command, const std::string& identity = "operator/cli");
  void log_is(protocol::FollowState state) { core->on(wire::FollowStateChanged{state}); }

  LogTwin& log;
  std::string name;
  keytrail::test::MemoryFileSystem files;
  keytrail::test::SeededRandom random;
  UnlockSecret unlock;
  std::unique_ptr<keyring::Keyring> keyring;
  std::unique_ptr<ReplicaCore> core;
  Position followed = 0;
  bool holds_submissions = false;  // they wait, as when the log is slow
  std::vector<Submission> held;
  bool holds_punctures = false;  // until puncture(), as when the disk is slow
  bool forgets = true;           // its medium: false, if it copies on write
  std::map<ConnectionId, SecretBytes> answers;
  std::map<CommandToken, Answer> command_answers;
  std::vector<KeyringAnswer> keyring_answers;
  std::vector<PunctureOrder> punctures;
  std::optional<ListenerOrder> listener;
  std::set<Hash> clients;
  bool wants_keyring = false;
  std::optional<std::string> ended;

 private:
  void submit(const Submission& submission);
  [[nodiscard]] SealedFile::Place place() {
    return {files, random, "/d/keyring", "keytrail/keyring/1", unlock};
  }
};

}  // namespace keytrail::kms::test
