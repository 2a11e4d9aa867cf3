// Customer: a KMIP client that makes, reads and destroys keys, several at a time, each on whichever
// replica, and does not believe what it is told.
//
// An answer must be on the durable log when it arrives (record, then reveal), and all answers
// together must fit one order of events (KeyHistory). Unanswered questions say nothing. One thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/simulation/installation/key_history.h"
#include "tests/simulation/installation/kmip_port.h"
#include "tests/simulation/installation/seen_keys.h"

namespace keytrail::simulation {

class Customer {
 public:
  static constexpr auto kName = "db";
  [[nodiscard]] static Hash certificate();

  Customer(World& world, const StoreTwin& store, KmipPorts& ports,
           std::vector<std::string> replicas, SeenKeys& seen);

  void start();
  void stop() { stopped_ = true; }  // What is under way ends.
  [[nodiscard]] bool is_idle() const { return stopped_ && under_way_ == 0; }
  [[nodiscard]] std::size_t answers() const { return answers_; }
  [[nodiscard]] std::optional<std::string> check() const { return history_.check(); }

 private:
  using Session = KmipPorts::Session;

  // The durable log's word on this client, read as it grows.
  struct Recorded {
    Position through = 0;
    std::set<std::string> made;
    std::set<std::string> destroyed;
    std::map<std::string, std::size_t> releases;
    std::size_t refusals = 0;
    void read(const test::MemoryLog& log);
  };

  void act();
  void make();
  void get(const std::string& key);
  void look(const std::string& key);
  void destroy(const std::string& key);
  void ask(kmip::RequestPayload payload, std::function<void(KmipPorts::Answer, TimeNs asked)> then);
  void refused(const std::string& key, const KmipPorts::Answer& answer, KeyHistory::Span span);
  void must(bool is_recorded, const std::string& what);
  [[nodiscard]] KeyHistory::Span since(TimeNs asked) const { return {asked, world_.monotonic()}; }

  World& world_;
  const StoreTwin& store_;
  KmipPorts& ports_;
  const std::vector<std::string> replicas_;
  SeenKeys& seen_;
  KeyHistory history_;
  Recorded recorded_;
  std::vector<std::string> keys_;
  std::vector<std::string> changed_;  // to be looked at again at once, by whichever replica
  std::map<std::string, std::size_t> releases_;  // told
  std::size_t refusals_ = 0;                     // told
  std::size_t answers_ = 0;
  std::size_t under_way_ = 0;
  bool stopped_ = false;
};

}  // namespace keytrail::simulation
