// Orderer: gives every fact its place. The heart of the log, without I/O.
//
//   append(identity, units) ─► admitted? fenced? repeated? guards hold? ─► stamped, into the batch
//   batch ──write──► (the shell writes, syncs) ──on_written──► acks, publication, the next write
//                                               └─on_write_failed──► stop
//
// - Durable, then visible: acknowledgements and publications come out of on_written alone. An
//   answer, a refusal too, leaves only when everything that was decided before it is durable, so
//   nobody hears of a position that a crash could take back.
// - One batch is under way. While it syncs the next ones form, decided on the speculative state of
//   all before: if a write fails, the orderer stops for good, and what is unacknowledged is
//   resolved by request id after the restart.
// - Idempotent: the answer to (author, epoch, n) is kept for the last kWindowMax requests of an
//   author; accepted ones are rebuilt from the log. Accepted units of an author stand in the order
//   of n.
// - Fencing: the first unit of a process is PartStarted on AUTHOR/epoch, guarded by its version,
//   which it raises to the epoch. Each later unit is guarded by it; an older epoch is fenced.
//
// How the shell (eventstore/service) uses it:
//
//   Orderer orderer(options);
//   for each fact of the log: orderer.restore(stamp, body, leaf)
//   for (;;) {
//     wait for: a message of append (not while full()), a finished write, a timer of 100 ms at most
//     orderer.append(…) / on_written(batch) / on_write_failed(…) / tick(…)
//     take_outputs(): write to the write thread, acks to the ROUTER, publish to the publisher
//   }
// The store's own facts (grants, clock steps, refusals) go through append like anyone's, under its
// own identity, from an Appender in the same process.
//
// Thread safety: one thread. No clock, no randomness, no I/O, no logging; no JSON, no index.
// Nothing throws.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bus/events/codec.h"
#include "bus/protocol/messages.h"
#include "eventstore/model/clock_watch.h"
#include "eventstore/model/identities.h"
#include "eventstore/order/batch.h"
#include "eventstore/order/stream_table.h"

namespace keytrail::eventstore {

struct Admitted;  // eventstore/order/admission.h

class Orderer {
 public:
  struct Options {
    Hash genesis{};  // `previous` of position 1: genesis_of(log id)
    std::uint64_t generation = 1;
    TableKey table_key{};   // 16 fresh random bytes
    Identities identities;  // bootstrap(…); grants and revocations come from the log
    // Facts that are decided and not yet written, answers that wait for them; beyond: full().
    std::size_t waiting_bytes_max = 64 * 1024 * 1024;
  };

  struct AcksFor {
    std::string identity;
    std::vector<protocol::Ack> acks;
    bool operator==(const AcksFor&) const = default;
  };
  // A batch that has become durable, for messages_of, and the head with it.
  struct Publication {
    Batch batch;
    protocol::Head head;
  };
  // Somebody tried what they may not: aggregate it into RefusalsRepeated.
  struct Refused {
    std::string identity;
    std::string reason;
    bool operator==(const Refused&) const = default;
  };
  struct Outputs {
    std::optional<Batch> write;        // one RocksDB write with sync; give it back to on_written
    std::vector<AcksFor> acks;         // to the identity's connection; it asks again if it has none
    std::vector<Publication> publish;  // in order
    std::vector<Refused> refused;
    std::optional<ClockStepped> clock_stepped;  // append it to eventstore/STORE/clock
    bool identities_changed = false;  // durable_identities(): a new allow-list for the sockets
    std::optional<std::string> stop;  // end the process; say this
  };

  explicit Orderer(Options options);
  Orderer(const Orderer&) = delete;
  Orderer& operator=(const Orderer&) = delete;

  // The log as it stands, fact by fact from position 1, before anything else. `leaf` is that of
  // this fact; the log has checked the chain. kCorrupt: a position is not the next one, or a fact
  // is not readable.
  [[nodiscard]] Result<void> restore(ByteView stamp, ByteView body, const Hash& leaf);

  // Decides every unit of the batch, in order. `identity` is the connection's (ZAP User-Id), never
  // a claim of the message. Ignored after stop.
  void append(std::string_view identity, protocol::AppendBatch batch, TimeNs now);
  // The batch of the last `write` is synced. REQUIRES: it is the one under way.
  void on_written(Batch batch);
  // It is not, or nobody knows: stop.
  void on_write_failed(const std::string& detail);
  void tick(TimeNs now, TimeNs monotonic);

  [[nodiscard]] Outputs take_outputs();

  // Do not append more until a write has finished: back-pressure is the author's, not memory's.
  [[nodiscard]] bool full() const {
    return waiting_bytes_ + held_bytes_ > options_.waiting_bytes_max;
  }
  // Durable, as the head topic and HEAD tell it.
  [[nodiscard]] const protocol::Head& head() const { return durable_; }
  // As decided: what the next decision about them reads.
  [[nodiscard]] const Identities& identities() const { return identities_; }
  // As it is durable: who is let in. A grant that a crash could take back opens no door.
  [[nodiscard]] const Identities& durable_identities() const { return durable_identities_; }

 private:
  struct Author {
    std::string name;
    std::string epoch_stream;
    std::uint64_t epoch = 0;  // = the version of its epoch stream
    Hash claim{};             // of the PartStarted that claimed it
    std::uint64_t claim_n = 0;
    std::uint64_t last_n = 0;          // highest n answered in this epoch
    std::uint64_t forgotten_n = 0;     // answers up to here have left the window
    std::deque<protocol::Ack> window;  // rising n
    std::vector<protocol::Ack> due;    // while take_outputs sorts them
  };
  struct HeldAck {
    Position depends_on = 0;
    Author* author = nullptr;
    protocol::Ack ack;
  };

  [[nodiscard]] protocol::Ack decide(Author& author, const Identity& identity, std::uint64_t epoch,
                                     protocol::Unit& unit);
  [[nodiscard]] protocol::Ack repeated(const Author& author, const protocol::Unit& unit) const;
  [[nodiscard]] std::optional<protocol::Ack> check_epoch(const Author& author, std::uint64_t epoch,
                                                         const protocol::Unit& unit,
                                                         const Admitted& admitted) const;
  [[nodiscard]] std::optional<protocol::Ack> check_guards(const protocol::Unit& unit) const;
  [[nodiscard]] protocol::Ack accept(Author& author, std::uint64_t epoch,
                                     const protocol::Unit& unit, const Admitted& admitted);
  [[nodiscard]] Batch& batch_for(const protocol::Unit& unit, const Admitted& admitted);
  void stamp_into(Batch& batch, const Author& author, std::uint64_t n, ByteView body,
                  const BodyHeader& header);
  void start_write();
  void release_acks();
  [[nodiscard]] Author& author_of(std::string_view name);
  void begin_epoch(Author& author, std::uint64_t epoch, ByteView claim);
  void remember(Author& author, const protocol::Ack& ack);

  Options options_;
  Identities identities_;
  ClockWatch clock_watch_;
  StreamTable streams_;
  std::map<std::string, Author, std::less<>> authors_;

  // Decided: the speculative end of the log.
  Position last_ = 0;
  Hash last_leaf_{};
  TimeNs log_time_ = 0;
  protocol::TopicPositions last_on_topic_{};
  std::deque<Batch> waiting_;  // the last one is forming
  std::size_t waiting_bytes_ = 0;
  std::deque<HeldAck> held_;
  std::size_t held_bytes_ = 0;

  // Under way and durable.
  Position writing_ = 0;  // last position of the batch under way; 0 = none
  protocol::Head durable_;
  Identities durable_identities_;

  bool stopped_ = false;
  Outputs outputs_;
};

}  // namespace keytrail::eventstore
