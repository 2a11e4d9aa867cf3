#include "bus/secret/sealed_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bus/secret/aead.h"
#include "bus/secret/kdf.h"
#include "bus/secret/secret_codec.h"

namespace keytrail {
namespace {

constexpr std::string_view kMagic = "KTSEALED";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kHeaderBytes = 8 + 4 + 4 + kSaltBytes + 8;
constexpr std::size_t kSlotUsedBytes = kHeaderBytes + kAeadNonceBytes + kKeyBytes + kAeadTagBytes;
static_assert(kSlotUsedBytes <= 512, "a slot must fit one sector, which is written as a whole");

// Root and page keys are random and seal one message each, so their nonce may be fixed.
constexpr AeadNonce kOnlyNonce{};

void append_number(Bytes& bytes, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint64_t number_at(ByteView bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes[offset + i]} << (8 * i);
  return value;
}

Bytes labeled(std::string_view label, std::initializer_list<std::uint64_t> numbers) {
  Bytes bytes = to_bytes(as_bytes(label));
  for (const std::uint64_t number : numbers) append_number(bytes, number, 8);
  return bytes;
}

Bytes table_label(std::uint64_t generation) { return labeled("keytrail/table/1", {generation}); }
Bytes page_label(std::uint64_t id, std::uint64_t generation) {
  return labeled("keytrail/page/1", {id, generation});
}

Result<void> write_synced(FileSystem& files, const std::string& path, ByteView bytes) {
  const auto file = TRY(files.open(path, FileSystem::Open::kReplace));
  TRY(file->write_at(0, bytes));
  return file->sync();
}

// What a sealed file names must be there: its absence is damage.
Error as_damage(const Error& error) {
  return {error.code == ErrorCode::kNotFound ? ErrorCode::kCorrupt : error.code, error.detail};
}

Result<SecretBytes> derive_file_key(UnlockForm form, ByteView salt,
                                    const SealedFile::Place& place) {
  if (form == UnlockForm::kKey) return hkdf(place.unlock.bytes, salt, place.purpose);
  return hkdf(TRY(scrypt(place.unlock.bytes, salt)), salt, place.purpose);
}

}  // namespace

// --- Making and opening --------------------------------------------------------------------------

SealedFile::SealedFile(const Place& place, Header header, SecretBytes file_key)
    : files_(place.files),
      random_(place.random),
      path_(place.path),
      header_(std::move(header)),
      file_key_(std::move(file_key)) {}

Result<std::unique_ptr<SealedFile>> SealedFile::create(const Place& place, const Changes& first) {
  if (const auto existing = place.files.open(place.path, FileSystem::Open::kRead); existing) {
    return Error{ErrorCode::kConflict, place.path + " exists already"};
  } else if (existing.error().code != ErrorCode::kNotFound) {
    return existing.error();
  }
  Header header{.form = place.unlock.form, .salt = Bytes(kSaltBytes)};
  place.random.fill(header.salt);
  SecretBytes file_key = TRY(derive_file_key(header.form, header.salt, place));
  std::unique_ptr<SealedFile> file(new SealedFile(place, std::move(header), std::move(file_key)));
  TRY(place.files.make_folder(file->pages_folder()));
  TRY(place.files.sync_folder(folder_of(place.path)));

  // Pages and table first; with the name of the slots the whole file comes into being at once.
  const SecretBytes root = place.random.secret(kKeyBytes);
  file->table_ = TRY(file->write_pages(1, first));
  if (first.summary) file->summary_ = first.summary->clone();
  TRY(file->write_table(1, root, file->table_, file->summary_));
  Bytes slots = file->seal_slot(1, root);
  slots.insert(slots.end(), slots.begin(), slots.begin() + kSealedSlotBytes);
  TRY(replace_file(place.files, place.path, slots));
  file->generation_ = 1;
  file->slots_ = TRY(place.files.open(place.path, FileSystem::Open::kWrite));
  file->sweep();
  return file;
}

struct SealedFile::Root {
  std::uint64_t generation = 0;
  SecretBytes key;
};

struct SealedFile::Slot {
  Header header;
  SecretBytes file_key;
  Root root;
};

// A slot that opens; nothing if it does not, be it torn, damaged or sealed under another secret.
Result<std::optional<SealedFile::Slot>> SealedFile::open_slot(const Place& place, ByteView bytes) {
  if (as_text(bytes.first(kMagic.size())) != kMagic || number_at(bytes, 8, 4) != kVersion ||
      number_at(bytes, 12, 4) != static_cast<std::uint64_t>(place.unlock.form)) {
    return std::optional<Slot>();
  }
  Slot slot;
  slot.header = {.form = place.unlock.form, .salt = to_bytes(bytes.subspan(16, kSaltBytes))};
  slot.file_key = TRY(derive_file_key(slot.header.form, slot.header.salt, place));
  std::optional<Root> root = open_root(slot.file_key, bytes);
  if (!root) return std::optional<Slot>();
  slot.root = std::move(*root);
  return std::optional<Slot>(std::move(slot));
}

std::optional<SealedFile::Root> SealedFile::open_root(const SecretBytes& file_key, ByteView slot) {
  AeadNonce nonce;
  std::ranges::copy(slot.subspan(kHeaderBytes, nonce.size()), nonce.begin());
  auto key = aead_open(file_key, nonce, slot.first(kHeaderBytes),
                       slot.subspan(kHeaderBytes + nonce.size(), kKeyBytes + kAeadTagBytes));
  if (!key) return std::nullopt;
  return Root{number_at(slot, 16 + kSaltBytes, 8), std::move(*key)};
}

Error SealedFile::why_none_opens(const Place& place, ByteView slot) {
  if (as_text(slot.first(kMagic.size())) != kMagic) {
    return {ErrorCode::kCorrupt, place.path + " is not a sealed file, or its first sector is lost"};
  }
  if (number_at(slot, 8, 4) != kVersion) {
    return {ErrorCode::kInvalid, place.path + " was made by another version of Keytrail"};
  }
  if (number_at(slot, 12, 4) != static_cast<std::uint64_t>(place.unlock.form)) {
    return {ErrorCode::kRefused, place.path + (place.unlock.form == UnlockForm::kKey
                                                   ? " is unlocked by a passphrase, not by a key"
                                                   : " is unlocked by a key, not by a passphrase")};
  }
  return {ErrorCode::kRefused, "the unlock secret does not open " + place.path +
                                   ": it is another part's, or the file is damaged; see "
                                   "`unlock` in the part's configuration"};
}

Result<std::unique_ptr<SealedFile>> SealedFile::open(const Place& place) {
  auto slots = TRY(place.files.open(place.path, FileSystem::Open::kWrite));
  Bytes bytes(2 * kSealedSlotBytes);
  TRY(slots->read_at(0, bytes));
  const std::array<ByteView, 2> raw = {ByteView(bytes).first(kSealedSlotBytes),
                                       ByteView(bytes).last(kSealedSlotBytes)};
  const bool same = std::ranges::equal(raw[0], raw[1]);  // The usual case: derive the key once.
  std::optional<Slot> newest = TRY(open_slot(place, raw[0]));
  std::size_t chosen = 0;
  if (!same) {
    std::optional<Slot> second = TRY(open_slot(place, raw[1]));
    if (second && (!newest || second->root.generation > newest->root.generation)) {
      newest = std::move(second);
      chosen = 1;
    }
  }
  if (!newest) return why_none_opens(place, raw[0]);

  std::unique_ptr<SealedFile> file(
      new SealedFile(place, std::move(newest->header), std::move(newest->file_key)));
  file->slots_ = std::move(slots);
  TRY(file->take_up(newest->root));
  if (!same) TRY(file->write_slot(1 - chosen, raw[chosen]));  // Finish what a crash cut short.
  file->sweep();
  return file;
}

// --- Reading -------------------------------------------------------------------------------------

std::vector<SealedFile::PageId> SealedFile::pages() const {
  std::vector<PageId> ids;
  for (const auto& [id, page] : table_) ids.push_back(id);
  return ids;
}

Result<SecretBytes> SealedFile::read(PageId id) const {
  const auto entry = table_.find(id);
  if (entry == table_.end()) {
    return Error{ErrorCode::kNotFound, path_ + " has no page " + std::to_string(id)};
  }
  const Page& page = entry->second;
  const std::string path = page_path(id, page.generation);
  const auto sealed = read_file(files_, path, page.bytes + kAeadTagBytes);
  if (!sealed) return as_damage(sealed.error());
  auto opened = aead_open(page.key, kOnlyNonce, page_label(id, page.generation), *sealed);
  if (!opened || opened->size() != page.bytes) {
    return Error{ErrorCode::kCorrupt, path + " is damaged"};
  }
  return opened;
}

Result<void> SealedFile::take_up(const Root& root) {
  const std::string path = table_path(root.generation);
  const auto sealed = read_file(files_, path, kSealedTableBytesMax);
  if (!sealed) return as_damage(sealed.error());
  const auto opened = aead_open(root.key, kOnlyNonce, table_label(root.generation), *sealed);
  if (!opened) return Error{ErrorCode::kCorrupt, path + " is damaged"};
  SecretReader reader(*opened);
  SecretBytes summary = TRY(reader.sized());
  Table table;
  for (std::uint32_t count = TRY(reader.u32()); count > 0; --count) {
    const PageId id = TRY(reader.u64());
    Page page;
    page.generation = TRY(reader.u64());
    page.bytes = TRY(reader.u32());
    page.key = TRY(reader.raw(kKeyBytes));
    if (page.bytes > kSealedPageBytesMax) {
      return Error{ErrorCode::kCorrupt, path + " names a page that is too large"};
    }
    table.insert_or_assign(id, std::move(page));
  }
  TRY(reader.expect_end());
  generation_ = root.generation;
  summary_ = std::move(summary);
  table_ = std::move(table);
  return {};
}

// --- Committing ----------------------------------------------------------------------------------

Result<void> SealedFile::commit(const Changes& changes) {
  if (in_doubt_) {
    return Error{ErrorCode::kUnavailable, path_ + " could not be written, and is not settled yet"};
  }
  const std::uint64_t next = generation_ + 1;
  const SecretBytes root = random_.secret(kKeyBytes);
  SecretBytes summary = changes.summary ? changes.summary->clone() : summary_.clone();
  auto table = write_pages(next, changes);
  Result<void> prepared = table ? write_table(next, root, *table, summary) : table.error();
  if (!prepared) {
    sweep();
    return prepared;
  }

  in_doubt_ = true;  // Until both slots are known to be written.
  const Bytes slot = seal_slot(next, root);
  TRY(write_slot(0, slot));
  TRY(write_slot(1, slot));
  in_doubt_ = false;

  std::vector<std::string> old = {table_path(generation_)};
  for (const auto& [id, page] : table_) {
    const auto now = table->find(id);
    if (now == table->end() || now->second.generation != page.generation) {
      old.push_back(page_path(id, page.generation));
    }
  }
  table_ = std::move(*table);
  summary_ = std::move(summary);
  generation_ = next;
  // Nothing can open them any more; one that cannot be unlinked is swept at the next start.
  for (const std::string& path : old) (void)files_.unlink(path);
  return {};
}

Result<void> SealedFile::settle() {
  if (!in_doubt_) return {};
  Bytes bytes(2 * kSealedSlotBytes);
  TRY(slots_->read_at(0, bytes));
  std::optional<Root> newest;
  std::size_t chosen = 0;
  for (const std::size_t index : {0U, 1U}) {
    std::optional<Root> root =
        open_root(file_key_, ByteView(bytes).subspan(index * kSealedSlotBytes, kSealedSlotBytes));
    if (!root || (newest && newest->generation >= root->generation)) continue;
    newest = std::move(root);
    chosen = index;
  }
  if (!newest) return Error{ErrorCode::kCorrupt, "both slots of " + path_ + " are damaged"};
  TRY(take_up(*newest));
  // Both are written again, the chosen one first: after a sync that failed, what is read may be
  // nowhere but in the cache.
  const ByteView slot = ByteView(bytes).subspan(chosen * kSealedSlotBytes, kSealedSlotBytes);
  TRY(write_slot(chosen, slot));
  TRY(write_slot(1 - chosen, slot));
  in_doubt_ = false;
  sweep();
  return {};
}

Result<SealedFile::Table> SealedFile::write_pages(std::uint64_t generation,
                                                  const Changes& changes) {
  Table table;
  for (const auto& [id, page] : table_) {
    if (changes.remove.contains(id) || changes.put.contains(id)) continue;
    table.emplace(id, Page{page.generation, page.bytes, page.key.clone()});
  }
  for (const auto& [id, content] : changes.put) {
    KEYTRAIL_CHECK(content.size() <= kSealedPageBytesMax && !changes.remove.contains(id));
    Page page{generation, static_cast<std::uint32_t>(content.size()), random_.secret(kKeyBytes)};
    TRY(write_synced(files_, page_path(id, generation),
                     aead_seal(page.key, kOnlyNonce, page_label(id, generation), content)));
    table.emplace(id, std::move(page));
  }
  return table;
}

Result<void> SealedFile::write_table(std::uint64_t generation, const SecretBytes& root,
                                     const Table& table, const SecretBytes& summary) {
  SecretWriter writer;
  writer.sized(summary);
  writer.u32(static_cast<std::uint32_t>(table.size()));
  for (const auto& [id, page] : table) {
    writer.u64(id);
    writer.u64(page.generation);
    writer.u32(page.bytes);
    writer.raw(page.key);
  }
  const Bytes sealed = aead_seal(root, kOnlyNonce, table_label(generation), writer.finish());
  if (sealed.size() > kSealedTableBytesMax) {
    return Error{ErrorCode::kInvalid, path_ + " would have too many pages"};
  }
  TRY(write_synced(files_, table_path(generation), sealed));
  return files_.sync_folder(pages_folder());
}

Bytes SealedFile::seal_slot(std::uint64_t generation, const SecretBytes& root) {
  Bytes slot = to_bytes(as_bytes(kMagic));
  append_number(slot, kVersion, 4);
  append_number(slot, static_cast<std::uint64_t>(header_.form), 4);
  slot.insert(slot.end(), header_.salt.begin(), header_.salt.end());
  append_number(slot, generation, 8);
  AeadNonce nonce;
  random_.fill(nonce);
  const Bytes sealed = aead_seal(file_key_, nonce, slot, root);
  slot.insert(slot.end(), nonce.begin(), nonce.end());
  slot.insert(slot.end(), sealed.begin(), sealed.end());
  slot.resize(kSealedSlotBytes);
  return slot;
}

Result<void> SealedFile::write_slot(std::size_t index, ByteView slot) {
  TRY(slots_->write_at(index * kSealedSlotBytes, slot));
  return slots_->sync();
}

// --- The folder of pages -------------------------------------------------------------------------

std::string SealedFile::table_path(std::uint64_t generation) const {
  return pages_folder() + "/table-" + std::to_string(generation);
}

std::string SealedFile::page_path(PageId id, std::uint64_t generation) const {
  return pages_folder() + "/page-" + std::to_string(id) + "-" + std::to_string(generation);
}

// Unlinks what a crash or a full disk left behind. What stays is harmless, so errors are not told.
void SealedFile::sweep() {
  std::set<std::string> current = {table_path(generation_)};
  for (const auto& [id, page] : table_) current.insert(page_path(id, page.generation));
  const auto names = files_.list(pages_folder());
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string path = pages_folder() + "/" + name;
    if ((name.starts_with("page-") || name.starts_with("table-")) && !current.contains(path)) {
      (void)files_.unlink(path);
    }
  }
}

}  // namespace keytrail
