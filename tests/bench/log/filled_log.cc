#include "tests/bench/log/filled_log.h"

#include <algorithm>

#include "bus/protocol/message_codec.h"
#include "eventstore/log/rocks_log.h"
#include "tests/bench/log/author.h"

namespace keytrail::bench {

namespace {

constexpr std::size_t kFillBatchFacts = 4096;
constexpr TimeNs kFirstTimeNs = 1'700'000'000'000'000'000;

// Facts that chain, one batch after the other.
class Facts {
 public:
  Facts(const eventstore::EventLog& log, Position streams)
      : position_(log.end().position), leaf_(log.end().leaf), streams_(streams) {}

  void begin() {
    first_ = position_ + 1;
    blob_.clear();
  }
  void add(const Bytes& body) {
    const Position index = position_++;
    const auto stamp =
        encode_stamp({.position = position_,
                      .time = kFirstTimeNs + position_,
                      .author_epoch = 1,
                      .request = position_,
                      .version = index / streams_ + 1,
                      .previous_in_stream = index < streams_ ? 0 : position_ - streams_,
                      .author = "kms/filler",
                      .previous = leaf_});
    leaf_ = leaf_of(stamp, body);
    protocol::append_fact(blob_, stamp, body);
  }
  void add() {
    const std::string object = std::to_string(position_ % streams_);
    add(body_of("kms/cluster-1/object/" + object,
                position_ % kRareEvery == 0 ? kRareUser : "user-" + std::to_string(position_ % 64),
                kms::Event(kms::KeyActivated{.object = object})));
  }
  void append_to(eventstore::EventLog& log) const {
    const Result<void> appended = log.append(
        {.first = first_, .last = position_, .leaf = leaf_, .facts = blob_, .attachments = {}});
    KEYTRAIL_CHECK(appended.ok());
  }
  [[nodiscard]] Position position() const { return position_; }

 private:
  Position first_ = 1;
  Position position_;
  Hash leaf_;
  const Position streams_;
  Bytes blob_;
};

}  // namespace

void fill_log(const std::string& folder, Position facts, Position streams) {
  OsRandom random;
  const auto log = eventstore::RocksLog::open(folder, random).value();
  KEYTRAIL_CHECK(log->end().position == 0);
  Facts filler(*log, streams);
  while (filler.position() < facts) {
    filler.begin();
    const auto more = std::min<Position>(kFillBatchFacts, facts - filler.position());
    for (Position i = 0; i < more; ++i) filler.add();
    filler.append_to(*log);
  }
}

double RocksAlone::rate(std::size_t batch_facts, double seconds) {
  OsRandom random;
  const auto log = eventstore::RocksLog::open(folder_, random).value();
  Facts facts(*log, 1);
  const Bytes body =
      body_of("kms/cluster-1/object/1", "a user", kms::Event(kms::KeyActivated{.object = "1"}));
  double in_rocksdb = 0;
  double count = 0;
  while (in_rocksdb < seconds) {
    facts.begin();
    for (std::size_t i = 0; i < batch_facts; ++i) facts.add(body);
    const auto start = Steady::now();
    facts.append_to(*log);
    in_rocksdb += seconds_since(start);
    count += static_cast<double>(batch_facts);
  }
  return count / in_rocksdb;
}

}  // namespace keytrail::bench
