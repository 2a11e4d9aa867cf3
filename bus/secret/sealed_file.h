// SealedFile: secrets on disk that can really be destroyed, although disks and backups of pages
// remember.
//
//   PATH         two slots of 4,096 bytes, at 0 and 4,096: magic, version, KDF, salt, generation,
//                nonce, sealed R, tag
//   PATH.pages/  table-G: the page table, sealed under root key R
//                page-ID-G: pages, each under its own key, which stands in the table
//
// R is sealed under HKDF(unlock secret, salt, purpose). Every commit writes the touched pages under
// new keys and the table under a new R, then R into one slot, then the same into the other. So
// whoever has old pages, old tables and the unlock secret, but not an old *slot*, cannot open what
// was replaced or removed: only 4 KiB must be forgotten by the medium, and they are overwritten in
// place.
//
// Both slots hold the same generation when nothing is under way: one bad sector loses nothing.
// While a commit is under way the older one still opens; open() takes the higher generation that
// opens and finishes the overwrite before it gives anything out. A crash at any moment leaves the
// state before the commit or the one after it.
//
// Threads: one. Keeps the table in memory, not the pages.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bus/secret/file.h"
#include "bus/secret/random.h"
#include "bus/secret/unlock.h"

namespace keytrail {

inline constexpr std::size_t kSealedSlotBytes = 4096;
inline constexpr std::size_t kSealedPageBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kSealedTableBytesMax = std::size_t{256} << 20;

class SealedFile {
 public:
  using PageId = std::uint64_t;

  struct Changes {
    std::map<PageId, SecretBytes> put;
    std::set<PageId> remove;
    std::optional<SecretBytes> summary;  // A small record of the owner's, kept in the table itself.
  };

  // Where it is and what opens it. `purpose` separates the keys of different files under one unlock
  // secret.
  struct Place {
    FileSystem& files;
    Random& random;
    std::string path;
    std::string purpose;
    const UnlockSecret& unlock;
  };

  // kConflict: there is one already.
  static Result<std::unique_ptr<SealedFile>> create(const Place& place, const Changes& first);

  // kNotFound: none there. kRefused: the unlock secret does not open it (or both slots are damaged,
  // which cannot be told apart). kCorrupt: the slot opens but what it leads to is damaged.
  static Result<std::unique_ptr<SealedFile>> open(const Place& place);

  [[nodiscard]] const SecretBytes& summary() const { return summary_; }
  [[nodiscard]] bool has(PageId id) const { return table_.contains(id); }
  [[nodiscard]] std::vector<PageId> pages() const;
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  // A page, read from the disk. kNotFound, kCorrupt, or what the disk says.
  [[nodiscard]] Result<SecretBytes> read(PageId id) const;

  // All of `changes` or none. After success nothing that was replaced or removed can be opened with
  // what is on the disk. An error before the slots were touched leaves the object as it was; after
  // an error later on it is in doubt which state stands, and every call of commit answers
  // kUnavailable until settle(). REQUIRES: no page is both put and removed; pages within
  // kSealedPageBytesMax.
  [[nodiscard]] Result<void> commit(const Changes& changes);

  // Finds out which state stands, as open() does, and makes sure of it. What the owner knows of
  // summary and pages may be stale then. Nothing to do without a doubt; after an error try again.
  [[nodiscard]] Result<void> settle();

  // False on a file system that does not overwrite in place: destroyed then means unlinked, not
  // forgotten.
  [[nodiscard]] Result<bool> medium_forgets() const { return files_.overwrites_in_place(path_); }

 private:
  struct Header {  // What the two slots share, and what is authenticated with R.
    UnlockForm form = UnlockForm::kKey;
    Bytes salt;
  };
  struct Page {
    std::uint64_t generation = 0;  // Of the commit that wrote it.
    std::uint32_t bytes = 0;
    SecretBytes key;
  };
  using Table = std::map<PageId, Page>;
  struct Root;
  struct Slot;

  SealedFile(const Place& place, Header header, SecretBytes file_key);

  static Result<std::optional<Slot>> open_slot(const Place& place, ByteView bytes);
  static std::optional<Root> open_root(const SecretBytes& file_key, ByteView slot);
  static Error why_none_opens(const Place& place, ByteView slot);
  Result<void> take_up(const Root& root);

  Result<Table> write_pages(std::uint64_t generation, const Changes& changes);
  Result<void> write_table(std::uint64_t generation, const SecretBytes& root, const Table& table,
                           const SecretBytes& summary);
  Bytes seal_slot(std::uint64_t generation, const SecretBytes& root);
  Result<void> write_slot(std::size_t index, ByteView slot);

  [[nodiscard]] std::string pages_folder() const { return path_ + ".pages"; }
  [[nodiscard]] std::string table_path(std::uint64_t generation) const;
  [[nodiscard]] std::string page_path(PageId id, std::uint64_t generation) const;

  void sweep();

  FileSystem& files_;
  Random& random_;
  const std::string path_;
  const Header header_;
  const SecretBytes file_key_;
  std::unique_ptr<File> slots_;
  std::uint64_t generation_ = 0;
  Table table_;
  SecretBytes summary_;
  bool in_doubt_ = false;
};

}  // namespace keytrail
