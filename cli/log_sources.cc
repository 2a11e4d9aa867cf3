#include "cli/log_sources.h"

#include <algorithm>
#include <filesystem>

#include "bus/proof/checkpoint.h"
#include "bus/wire/context.h"
#include "cli/up/control.h"
#include "eventstore/log/rocks_log.h"

namespace keytrail::cli {
namespace {

class FolderLog final : public replay::FactSource {
 public:
  explicit FolderLog(std::unique_ptr<eventstore::RocksLog> log) : log_(std::move(log)) {}

  Result<Position> head() override { return log_->end().position; }
  Result<void> read(Position after, Position until, const Visitor& visit) override {
    return log_->read(after, until, [&](Position, ByteView stamp, ByteView body) {
      return visit({to_bytes(stamp), to_bytes(body)});
    });
  }
  Result<Position> position_before(TimeNs time) override {
    Position before = 0, from = log_->end().position + 1;  // `from` is not older, if it is there
    while (before + 1 < from) {
      const Position middle = before + (from - before) / 2;
      (TRY(time_at(middle)) < time ? before : from) = middle;
    }
    return before;
  }

 private:
  Result<TimeNs> time_at(Position position) {
    Result<Stamp> stamp =
        Error{ErrorCode::kCorrupt,
              "fact " + std::to_string(position) + " is not there; run `keytrail log verify`"};
    TRY(log_->read(position - 1, position, [&](Position, ByteView bytes, ByteView) {
      stamp = decode_stamp(bytes);
      return false;
    }));
    return TRY(std::move(stamp)).time;
  }

  std::unique_ptr<eventstore::RocksLog> log_;
};

}  // namespace

struct LiveLog::Impl {
  Impl(const Endpoints& endpoints, wire::CurveKeys own)
      : keys(std::move(own)),
        reader(context, {.endpoint = endpoints.log.read, .server_key = endpoints.log.server_key},
               keys) {}
  wire::CurveKeys keys;  // The reader borrows them.
  wire::Context context;
  client::LogReader reader;
};

LiveLog::LiveLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LiveLog::~LiveLog() = default;

Result<std::unique_ptr<LiveLog>> LiveLog::open(const Globals& globals) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  TRY(check_not_held_down(globals.data, "eventstore", endpoints.log.read));
  wire::CurveKeys keys = TRY(wire::read_curve_keys(endpoints.operator_identity.key_file));
  return std::unique_ptr<LiveLog>(new LiveLog(std::make_unique<Impl>(endpoints, std::move(keys))));
}

Result<Position> LiveLog::head() { return TRY(impl_->reader.head()).durable_head; }

Result<void> LiveLog::read(Position after, Position until, const Visitor& visit) {
  if (after >= until) return {};
  TRY(impl_->reader.read(after, until, {},
                         [&](const client::ReadFact& fact) { return visit(fact.stored); }));
  return {};
}

Result<Position> LiveLog::position_before(TimeNs time) {
  return impl_->reader.position_before(time);
}

Result<void> check_log_folder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder + "/db", error)) return {};
  return Error{ErrorCode::kInvalid,
               folder +
                   " holds no event log; name the folder of an event store, or a copy of it: "
                   "the one that holds db"};
}

Result<std::string> folder_of_log(const Globals& globals, const std::string& log_folder) {
  std::string folder = log_folder.empty() ? globals.data + "/eventstore" : log_folder;
  const Result<void> is_log = check_log_folder(folder);
  if (is_log.ok()) return folder;
  if (log_folder.empty())
    TRY(read_endpoints(globals.data));  // No installation is the better answer.
  return is_log.error();
}

Result<std::string> log_vkey_of(const Globals& globals) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  const Bytes id = TRY(from_hex(endpoints.log.id));
  Bytes key = TRY(from_hex(endpoints.log.checkpoint_key));
  proof::LogId log_id{};
  if (id.size() != log_id.size() || key.empty()) {
    return Error{ErrorCode::kInvalid,
                 "this installation does not say which key signs its checkpoints: start it again"};
  }
  std::copy(id.begin(), id.end(), log_id.begin());
  return proof::to_vkey(proof::log_key(log_id, std::move(key)));
}

client::LogReader& LiveLog::reader() { return impl_->reader; }

Result<std::unique_ptr<replay::FactSource>> open_log(const Globals& globals,
                                                     const std::string& log_folder) {
  if (log_folder.empty()) {
    return std::unique_ptr<replay::FactSource>(TRY(LiveLog::open(globals)));
  }
  TRY(check_log_folder(log_folder));
  return std::unique_ptr<replay::FactSource>(
      std::make_unique<FolderLog>(TRY(eventstore::RocksLog::open_read_only(log_folder + "/db"))));
}

}  // namespace keytrail::cli
