#include "eventstore/log/rocks_log.h"

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <filesystem>
#include <mutex>

#include "eventstore/log/fact_rows.h"

namespace keytrail::eventstore {

namespace {

constexpr const char* kLogIdKey = "log-id";
constexpr const char* kGenerationKey = "generation";
constexpr std::size_t kPositionBytes = 8;
constexpr std::size_t kAttachmentKeyBytes = 12;  // position, index
constexpr std::uint64_t kWalBytesMax = std::uint64_t{512} << 20;

template <std::size_t kBytes>
std::array<char, kBytes> big_endian(std::uint64_t value) {
  std::array<char, kBytes> bytes{};
  for (std::size_t i = 0; i < kBytes; ++i)
    bytes[kBytes - 1 - i] = static_cast<char>(value >> (8 * i));
  return bytes;
}
std::uint64_t from_big_endian(const rocksdb::Slice& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

template <std::size_t kBytes>
rocksdb::Slice slice(const std::array<char, kBytes>& bytes) {
  return {bytes.data(), bytes.size()};
}
rocksdb::Slice slice(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
ByteView view(const rocksdb::Slice& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::array<char, kAttachmentKeyBytes> attachment_key(Position position, std::uint32_t index) {
  std::array<char, kAttachmentKeyBytes> key{};
  const auto high = big_endian<kPositionBytes>(position);
  const auto low = big_endian<kAttachmentKeyBytes - kPositionBytes>(index);
  std::copy(low.begin(), low.end(), std::copy(high.begin(), high.end(), key.begin()));
  return key;
}

// In RocksDB's words, at their beginning: what follows is a path, which may hold any word.
bool is_held_by_another(const rocksdb::Status& status) {
  const std::string reason = status.ToString();
  return reason.starts_with("IO error: While lock file: ") ||
         reason.starts_with("IO error: lock hold by current process");
}

Error to_error(const rocksdb::Status& status, const std::string& doing, const std::string& folder) {
  const std::string reason = status.ToString();
  if (status.IsCorruption()) {
    return Error{ErrorCode::kCorrupt,
                 "the log in " + folder + " is damaged (" + reason + "); restore it from a backup"};
  }
  if (status.IsIOError() && status.subcode() == rocksdb::Status::kNoSpace) {
    return Error{ErrorCode::kUnavailable,
                 "the disk of " + folder + " is full; make room, then start the event store again"};
  }
  if (is_held_by_another(status)) {
    return Error{ErrorCode::kUnavailable, "the log in " + folder + " is in use by another process"};
  }
  return Error{ErrorCode::kUnavailable,
               "cannot " + doing + " the log in " + folder + ": " + reason};
}

namespace fs = std::filesystem;

bool holds_files(const std::string& folder, const std::string& extension) {
  std::error_code none;
  for (fs::directory_iterator at(folder, none), end; !none && at != end; at.increment(none)) {
    if (at->path().extension() == extension) return true;
  }
  return false;
}

// Whether facts lie in `folder` and the file that says which are its tables is lost. RocksDB would
// take that for no database at all, begin one, and delete all the files that it does not know.
bool has_lost_its_index(const std::string& folder) {
  std::error_code none;
  return !fs::exists(fs::path(folder) / "CURRENT", none) &&
         (holds_files(folder, ".sst") || holds_files(folder, ".log"));
}

// RocksDB keeps no file `LOG`: on a full disk it writes there what went wrong, and asserts that a
// file with a failed write is not written again. What is wrong comes back as a status.
class Silence : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char* /*format*/, std::va_list /*arguments*/) override {}
};

rocksdb::Options database_options(const RocksLogOptions& given) {
  rocksdb::Options options;
  if (given.env != nullptr) options.env = given.env;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.write_buffer_size = given.write_buffer_bytes;
  options.max_total_wal_size = kWalBytesMax;
  options.max_background_jobs = 2;
  options.compression =
      rocksdb::kNoCompression;  // hashes, sealed keys: little to gain on the append path
  options.info_log = std::make_shared<Silence>();
  // Tables of facts and of attachments are made together: else a write-ahead log that holds the
  // attachments alone is still needed, and RocksDB starts without a word when that one is lost.
  options.atomic_flush = true;
  options.max_open_files = 256;
  options.max_bgerror_resume_count = 0;  // The first error ends the store; it begins anew.
  return options;
}

}  // namespace

struct RocksLog::Impl {
  ~Impl() {
    if (!database) return;
    for (rocksdb::ColumnFamilyHandle* family : families)
      database->DestroyColumnFamilyHandle(family);
  }

  [[nodiscard]] rocksdb::ColumnFamilyHandle* meta() const { return families[0]; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* facts() const { return families[1]; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* attachments() const { return families[2]; }

  static std::vector<rocksdb::ColumnFamilyDescriptor> family_descriptors(
      const rocksdb::Options& database) {
    const rocksdb::ColumnFamilyOptions options(database);
    return {
        {rocksdb::kDefaultColumnFamilyName, options}, {"facts", options}, {"attachments", options}};
  }

  // Begins a log: its id and generation are its first write.
  Result<void> begin(Random& random) {
    LogId fresh{};
    random.fill(fresh);
    rocksdb::WriteBatch batch;
    batch.Put(meta(), kLogIdKey, slice(ByteView(fresh)));
    batch.Put(meta(), kGenerationKey, slice(big_endian<8>(1)));
    return write(batch);
  }

  Result<void> write(rocksdb::WriteBatch& batch) {
    rocksdb::WriteOptions synced;
    synced.sync = true;
    const rocksdb::Status status = database->Write(synced, &batch);
    if (status.ok()) return {};
    return to_error(status, "write to", folder);
  }

  // False: there is no log here yet.
  Result<bool> load_meta() {
    std::string value;
    rocksdb::Status status = database->Get({}, meta(), kLogIdKey, &value);
    if (status.IsNotFound()) return false;
    if (!status.ok()) return to_error(status, "read", folder);
    if (value.size() != id.size()) return damaged(kLogIdKey);
    std::copy(value.begin(), value.end(), id.begin());
    status = database->Get({}, meta(), kGenerationKey, &value);
    if (!status.ok() && !status.IsNotFound()) return to_error(status, "read", folder);
    if (!status.ok() || value.size() != 8) return damaged(kGenerationKey);
    generation = from_big_endian(value);
    return true;
  }

  [[nodiscard]] Error damaged(const std::string& key) const {
    return {ErrorCode::kCorrupt,
            "the log in " + folder + " is damaged: its " + key + " is not one; restore a backup"};
  }

  // The last fact of the last row.
  Result<void> find_end() {
    end = LogEnd{.position = 0, .leaf = genesis_of(id)};
    const std::unique_ptr<rocksdb::Iterator> row(database->NewIterator({}, facts()));
    row->SeekToLast();
    if (!row->status().ok()) return to_error(row->status(), "read", folder);
    if (!row->Valid()) return {};
    bool stopped = false;
    return visit_row(
        {.first = from_big_endian(row->key()), .facts = view(row->value())}, 0, ~Position{0},
        [&](Position position, ByteView stamp, ByteView body) {
          end = {.position = position, .leaf = leaf_of(stamp, body)};
          return true;
        },
        stopped);
  }

  // Attachments are read by their fact's position, so one where there is no fact would be seen by
  // nobody until a fact gets that position, and then pass for its own.
  [[nodiscard]] Result<void> check_bounds_of_attachments() const {
    const std::unique_ptr<rocksdb::Iterator> row(database->NewIterator({}, attachments()));
    row->SeekToFirst();
    if (row->Valid()) {
      TRY(check_has_a_fact(row->key()));
      row->SeekToLast();
      if (row->Valid()) TRY(check_has_a_fact(row->key()));
    }
    if (!row->status().ok()) return to_error(row->status(), "read", folder);
    return {};
  }
  [[nodiscard]] Result<void> check_has_a_fact(const rocksdb::Slice& key) const {
    std::string what = "what is no attachment lies among them";
    if (key.size() == kAttachmentKeyBytes) {
      const Position position = from_big_endian({key.data(), kPositionBytes});
      if (position > 0 && position <= end.position) return {};
      what = "an attachment of position " + std::to_string(position) +
             " was added, where there is no fact: the last one is " + std::to_string(end.position);
    }
    return Error{ErrorCode::kCorrupt,
                 "the log in " + folder + " is damaged: " + what + "; restore a backup"};
  }

  std::string folder;
  std::unique_ptr<rocksdb::DB> database;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  LogId id{};
  std::uint64_t generation = 0;
  mutable std::mutex mutex;
  LogEnd end;  // guarded by `mutex`
};

RocksLog::RocksLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksLog::~RocksLog() = default;

Result<std::unique_ptr<RocksLog>> RocksLog::open(const std::string& folder, Random& random,
                                                 const RocksLogOptions& given) {
  if (has_lost_its_index(folder)) {
    return Error{ErrorCode::kCorrupt, "the log in " + folder +
                                          " is damaged: its file CURRENT is missing, its facts are "
                                          "there; restore the log from a backup"};
  }
  const bool held_tables = holds_files(folder, ".sst");
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  rocksdb::Options options = database_options(given);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  rocksdb::DB* database = nullptr;
  const auto status = rocksdb::DB::Open(options, folder, Impl::family_descriptors(options),
                                        &impl->families, &database);
  if (!status.ok()) return to_error(status, "open", folder);
  impl->database.reset(database);
  if (!TRY(impl->load_meta())) {
    if (held_tables) return impl->damaged(kLogIdKey);  // Nobody began a log over another's tables.
    TRY(impl->begin(random));
    if (!TRY(impl->load_meta()))
      return Error{ErrorCode::kCorrupt, "a new log in " + folder + " is not readable"};
  }
  TRY(impl->find_end());
  TRY(impl->check_bounds_of_attachments());
  return std::unique_ptr<RocksLog>(new RocksLog(std::move(impl)));
}

Result<std::unique_ptr<RocksLog>> RocksLog::open_read_only(const std::string& folder,
                                                           Recovery recovery) {
  auto impl = std::make_unique<Impl>();
  impl->folder = folder;
  rocksdb::Options options = database_options({});
  if (recovery == Recovery::kSalvage) {
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  }
  rocksdb::DB* database = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(
      options, folder, Impl::family_descriptors(options), &impl->families, &database);
  if (!status.ok()) return to_error(status, "open", folder);
  impl->database.reset(database);
  if (!TRY(impl->load_meta())) {
    return Error{ErrorCode::kNotFound, folder + " holds no log"};
  }
  TRY(impl->find_end());
  if (recovery == Recovery::kStrict) TRY(impl->check_bounds_of_attachments());
  return std::unique_ptr<RocksLog>(new RocksLog(std::move(impl)));
}

LogId RocksLog::id() const { return impl_->id; }
std::uint64_t RocksLog::generation() const { return impl_->generation; }
LogEnd RocksLog::end() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->end;
}

Result<void> RocksLog::append(const LogBatch& batch) {
  KEYTRAIL_CHECK(batch.first == end().position + 1 && batch.last >= batch.first);
  rocksdb::WriteBatch rows(batch.facts.size() + 4096);
  for (const FactRow& row : cut_into_rows(batch.first, batch.facts)) {
    rows.Put(impl_->facts(), slice(big_endian<8>(row.first)), slice(row.facts));
  }
  for (const AttachmentRow& row : batch.attachments) {
    const auto key = attachment_key(row.position, row.index);
    const auto kind = static_cast<char>(row.kind);
    const std::array<rocksdb::Slice, 1> key_parts{slice(key)};
    const std::array<rocksdb::Slice, 2> value_parts{rocksdb::Slice(&kind, 1), slice(row.bytes)};
    rows.Put(impl_->attachments(), rocksdb::SliceParts(key_parts.data(), 1),
             rocksdb::SliceParts(value_parts.data(), 2));
  }
  TRY(impl_->write(rows));
  const std::lock_guard lock(impl_->mutex);
  impl_->end = {.position = batch.last, .leaf = batch.leaf};
  return {};
}

Result<void> RocksLog::read(Position after, Position until, const FactVisitor& visit) const {
  until = std::min(until, end().position);
  if (after >= until) return {};
  const std::unique_ptr<rocksdb::Iterator> row(impl_->database->NewIterator({}, impl_->facts()));
  row->SeekForPrev(slice(big_endian<8>(after + 1)));
  Position next = after + 1;  // what must come
  bool stopped = false;
  while (!stopped && next <= until && row->Valid()) {
    const FactRow found{.first = from_big_endian(row->key()), .facts = view(row->value())};
    if (found.first > next) break;
    TRY(visit_row(
        found, next - 1, until,
        [&](Position position, ByteView stamp, ByteView body) {
          next = position + 1;
          return visit(position, stamp, body);
        },
        stopped));
    row->Next();
  }
  if (stopped || next > until) return {};
  const std::string position = std::to_string(next);
  if (!row->status().ok()) {
    return Error{ErrorCode::kCorrupt,
                 "position " + position + " is damaged: " + row->status().ToString()};
  }
  return Error{ErrorCode::kCorrupt, "position " + position + " is missing"};
}

Result<void> RocksLog::read_attachments(Position after, Position until,
                                        const AttachmentVisitor& visit) const {
  const std::unique_ptr<rocksdb::Iterator> row(
      impl_->database->NewIterator({}, impl_->attachments()));
  Position position = after;  // of the last one that was looked at
  for (row->Seek(slice(attachment_key(after + 1, 0))); row->Valid(); row->Next()) {
    const rocksdb::Slice key = row->key();
    if (key.size() != kAttachmentKeyBytes) break;
    position = from_big_endian({key.data(), kPositionBytes});
    if (position > until) return {};
    const ByteView value = view(row->value());
    if (value.empty() || value[0] > static_cast<std::uint8_t>(AttachmentKind::kSealed)) {
      return Error{ErrorCode::kCorrupt,
                   "an attachment of position " + std::to_string(position) + " is damaged"};
    }
    const rocksdb::Slice index(key.data() + kPositionBytes, kAttachmentKeyBytes - kPositionBytes);
    visit({.position = position,
           .index = static_cast<std::uint32_t>(from_big_endian(index)),
           .kind = static_cast<AttachmentKind>(value[0]),
           .bytes = value.subspan(1)});
  }
  if (!row->status().ok()) return to_error(row->status(), "read", impl_->folder);
  if (!row->Valid()) return {};
  return Error{ErrorCode::kCorrupt, "behind the attachments of position " +
                                        std::to_string(position) + " stands what is none"};
}

Result<void> RocksLog::begin_generation() {
  rocksdb::WriteBatch batch;
  batch.Put(impl_->meta(), kGenerationKey, slice(big_endian<8>(impl_->generation + 1)));
  TRY(impl_->write(batch));
  ++impl_->generation;
  return {};
}

}  // namespace keytrail::eventstore
