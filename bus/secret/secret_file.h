// SecretFile: a part's private keys and credentials, by name, in one sealed file.
//
// Names are either fixed ("tls", "curve") or random credential ids that facts refer to. **Secret
// first, then fact**: put the entry under a fresh random id, which is durable when put() returns,
// then append the fact that names it. A crash between the two leaves an entry that no fact names;
// keep_only() wipes such entries after each start. The other way round a fact could name a secret
// that never was.
//
// All entries are one page of the sealed file, rewritten as a whole: a removed entry cannot be
// opened any more, and the file tells nothing of how many there are but their total size.
// Threads: one. Entries are held in memory. Errors: those of SealedFile.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "bus/secret/sealed_file.h"

namespace keytrail {

inline constexpr std::size_t kSecretNameBytesMax = 200;
inline constexpr std::size_t kSecretEntryBytesMax = 64 * 1024;

class SecretFile {
 public:
  // Opens the file, or makes an empty one where there is none. `place.purpose` is taken from `part`
  // ("kms/kms-1").
  static Result<std::unique_ptr<SecretFile>> open(FileSystem& files, Random& random,
                                                  const std::string& path, const std::string& part,
                                                  const UnlockSecret& unlock);

  // The entry, which stays the file's: valid until it is put again or removed. Null if there is
  // none.
  [[nodiscard]] const SecretBytes* find(const std::string& name) const;
  [[nodiscard]] std::set<std::string> names() const;

  // Adds or replaces an entry. Durable when it returns; after an error the file is as it was.
  // kInvalid: name or entry too long, or the name empty.
  [[nodiscard]] Result<void> put(const std::string& name, const SecretBytes& entry);

  // Wipes an entry; it is no error if there is none.
  [[nodiscard]] Result<void> remove(const std::string& name);

  // Wipes all entries but these. Gives the names of those wiped.
  [[nodiscard]] Result<std::set<std::string>> keep_only(const std::set<std::string>& names);

 private:
  using Entries = std::map<std::string, SecretBytes>;

  SecretFile(std::unique_ptr<SealedFile> file, Entries entries)
      : file_(std::move(file)), entries_(std::move(entries)) {}

  static SecretBytes encode(const Entries& entries);
  static Result<Entries> decode(const SecretBytes& page);
  Result<void> store(Entries entries);

  std::unique_ptr<SealedFile> file_;
  Entries entries_;
};

}  // namespace keytrail
