#include "tests/eventstore/faults/store_run.h"

#include "bus/events/codec.h"
#include "bus/secret/sha256.h"
#include "eventstore/log/verify.h"
#include "tests/support/chain.h"

namespace keytrail::testing {

using eventstore::Batch;
using eventstore::LogBatch;
using eventstore::Orderer;
using eventstore::RocksLog;
using How = StoreRun::Ending::How;

namespace {

constexpr std::size_t kTableBytes = std::size_t{64} << 10;  // So that tables are made meanwhile.
constexpr std::size_t kUnitsPerStepMax = 30;
constexpr std::size_t kRepeats = 20;
constexpr TimeNs kStart = 1'800'000'000'000'000'000;

eventstore::Identity replica(const std::string& name, char key) {
  return {.name = name,
          .curve_key = std::string(40, key),
          .prefixes = {"kms/c"},
          .sockets = {"append"}};
}

Orderer::Options orderer_options(const RocksLog& log) {
  Orderer::Options options{.genesis = genesis_of(log.id()), .generation = log.generation()};
  options.identities =
      eventstore::bootstrap({replica("kms/kms-1", 'a'), replica("kms/kms-2", 'b')}).value();
  return options;
}

}  // namespace

struct StoreRun::Life {
  const FaultyDisk& disk;
  std::unique_ptr<RocksLog> log = nullptr;
  std::unique_ptr<Orderer> orderer = nullptr;
  proof::MerkleRange tree = {};
  TimeNs now = kStart;
};

StoreRun::StoreRun(std::string folder, std::uint64_t seed, Bug bug)
    : folder_(std::move(folder)), bug_(bug), random_(seed) {
  for (const char* name : {"kms/kms-1", "kms/kms-2"}) {
    Body start = test::body_of(name + std::string("/epoch"), Effect::kNote);
    start.event = part::Event{part::PartStarted{.epoch = 1}};
    authors_.push_back({.name = name,
                        .units = {{.n = 1,
                                   .guards = {{name + std::string("/epoch"), 0}},
                                   .bodies = {encode_body(start).value()}}}});
  }
}

std::size_t StoreRun::acknowledged() const {
  std::size_t answers = 0;
  for (const Author& author : authors_) answers += author.answers.size();
  return answers;
}

StoreRun::Ending StoreRun::live(const FaultyDisk& disk, std::size_t steps) {
  Life life{.disk = disk};
  const auto opened = [&]() -> Result<void> {
    life.log = TRY(
        RocksLog::open(folder_, random_, {.env = disk.env(), .write_buffer_bytes = kTableBytes}));
    return {};
  }();
  if (disk.is_off()) return {How::kCut, {}};
  if (!opened.ok()) return {How::kRefused, opened.error().detail};
  if (auto ending = restore(life)) return *ending;
  for (Author& author : authors_) {
    const std::size_t answered = author.answers.size();
    if (auto ending = send(life, author, answered - std::min(answered, kRepeats))) return *ending;
  }
  for (std::size_t step = 0; step < steps; ++step) {
    Author& author = authors_[random_.below(authors_.size())];
    const std::size_t first = author.units.size();
    for (std::size_t unit = random_.below(kUnitsPerStepMax) + 1; unit > 0; --unit) submit(author);
    if (auto ending = send(life, author, first)) return *ending;
  }
  return {How::kServed, {}};
}

// The log against all that was said about it, as a start reads it and as verify does.
std::optional<StoreRun::Ending> StoreRun::restore(Life& life) {
  life.orderer = std::make_unique<Orderer>(orderer_options(*life.log));
  Position position = 0;
  const auto checked = eventstore::check_log(
      *life.log, checkpoint_, [&](ByteView stamp, ByteView body, const Hash& leaf) {
        if (position < published_.size() && published_[position] != leaf)
          broken_.push_back("another fact was published as " + std::to_string(position + 1));
        ++position;
        return life.orderer->restore(stamp, body, leaf);
      });
  if (life.disk.is_off()) return Ending{How::kCut, {}};
  if (!checked.ok()) return Ending{How::kRefused, checked.error().detail};
  if (position < published_.size()) {
    broken_.push_back("the log ends at " + std::to_string(position) + ", published was " +
                      std::to_string(published_.size()));
    return Ending{How::kRefused, broken_.back()};
  }
  const auto verdict = eventstore::verify(*life.log, {.checkpoint = checkpoint_, .threads = 1});
  if (life.disk.is_off()) return Ending{How::kCut, {}};
  if (!verdict.whole()) return Ending{How::kRefused, verdict.wrong};
  for (Position seen = published_.size(); seen < position; ++seen) {
    // Durable and not yet told to anybody: whoever follows hears of it now.
    const auto told = life.log->read(seen, seen + 1, [&](Position, ByteView stamp, ByteView body) {
      published_.push_back(leaf_of(stamp, body));
      return true;
    });
    if (!told.ok()) return Ending{How::kRefused, told.error().detail};
  }
  life.tree = checked->tree;
  return std::nullopt;
}

void StoreRun::submit(Author& author) {
  const std::uint64_t n = author.units.size() + 1;
  protocol::Unit unit{.n = n, .guards = {{author.name + "/epoch", 1}}};
  Body body =
      test::body_of("kms/c/object/" + std::to_string(random_.below(50)), Effect::kChange, n);
  if (random_.below(8) == 0) {
    Bytes bytes(random_.below(2000) + 1);
    random_.fill(bytes);
    body.attachments = {sha256(bytes)};
    unit.attachments = {{AttachmentKind::kClear, std::move(bytes)}};
  }
  unit.bodies = {encode_body(body).value()};
  author.units.push_back(std::move(unit));
}

// Sends the author's units from index `first` on, and writes what the orderer makes of them.
std::optional<StoreRun::Ending> StoreRun::send(Life& life, Author& author, std::size_t first) {
  life.now += 1'000'000;
  life.orderer->append(
      author.name,
      {.epoch = 1,
       .units = {author.units.begin() + static_cast<std::ptrdiff_t>(first), author.units.end()}},
      life.now);
  for (;;) {
    Orderer::Outputs outputs = life.orderer->take_outputs();
    hear(life, outputs);
    if (!outputs.write) return std::nullopt;
    if (auto ending = write(life, std::move(*outputs.write))) return ending;
  }
}

std::optional<StoreRun::Ending> StoreRun::write(Life& life, Batch batch) {
  std::vector<eventstore::AttachmentRow> rows;
  for (const auto& row : batch.attachments) {
    rows.push_back({row.position, row.index, row.attachment.kind, row.attachment.bytes});
  }
  const Batch kept = batch;
  const LogBatch durable{.first = kept.first,
                         .last = kept.last,
                         .leaf = kept.leaf,
                         .facts = kept.facts,
                         .attachments = rows};
  if (bug_ == Bug::kAcknowledgesBeforeItWrites) {
    life.orderer->on_written(std::move(batch));
    Orderer::Outputs too_early = life.orderer->take_outputs();
    hear(life, too_early);
    KEYTRAIL_CHECK(!too_early.write);  // One message at a time fits into one batch.
  }
  const auto written = life.log->append(durable);
  if (life.disk.is_off()) return Ending{How::kCut, {}};
  if (!written.ok()) {
    life.orderer->on_write_failed(written.error().detail);
    const Orderer::Outputs last = life.orderer->take_outputs();
    if (!last.acks.empty() || !last.publish.empty() || !last.stop)
      broken_.push_back("a store whose write failed went on");
    return Ending{How::kStopped, written.error().detail};
  }
  if (bug_ == Bug::kNone) life.orderer->on_written(std::move(batch));
  return std::nullopt;
}

void StoreRun::hear(Life& life, Orderer::Outputs& outputs) {
  for (const Orderer::Publication& publication : outputs.publish) {
    const Batch& batch = publication.batch;
    KEYTRAIL_CHECK(batch.first == published_.size() + 1);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      published_.push_back(leaf_of(batch.stamp(i), batch.body(i)));
      life.tree.append(published_.back());
    }
    if (random_.below(4) == 0) {
      checkpoint_ = {.log_id = life.log->id(),
                     .generation = life.log->generation(),
                     .size = life.tree.size(),
                     .root = life.tree.root()};
    }
  }
  for (const Orderer::AcksFor& acks : outputs.acks) {
    for (Author& author : authors_) {
      if (author.name != acks.identity) continue;
      for (const auto& ack : acks.acks) hear(author, ack);
    }
  }
}

void StoreRun::hear(Author& author, const protocol::Ack& ack) {
  const std::string request = author.name + " " + std::to_string(ack.n);
  if (ack.outcome != protocol::AppendOutcome::kAccepted) {
    broken_.push_back("request " + request + " was not accepted: " + ack.hint);
  } else if (ack.n <= author.answers.size()) {
    const auto& first = author.answers[ack.n - 1];
    if (first.first != ack.first || first.leaf != ack.leaf)
      broken_.push_back("request " + request + " is at another position when it is repeated");
  } else {
    KEYTRAIL_CHECK(ack.n == author.answers.size() + 1);
    author.answers.push_back(ack);
  }
}

}  // namespace keytrail::testing
