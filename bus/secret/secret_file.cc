#include "bus/secret/secret_file.h"

#include <utility>

#include "bus/secret/secret_codec.h"

namespace keytrail {
namespace {

constexpr SealedFile::PageId kEntriesPage = 0;

SealedFile::Changes rewrite(SecretBytes page) {
  SealedFile::Changes changes;
  changes.put.emplace(kEntriesPage, std::move(page));
  return changes;
}

}  // namespace

Result<std::unique_ptr<SecretFile>> SecretFile::open(FileSystem& files, Random& random,
                                                     const std::string& path,
                                                     const std::string& part,
                                                     const UnlockSecret& unlock) {
  const SealedFile::Place place{files, random, path, "keytrail/secrets/1" + part, unlock};
  auto file = SealedFile::open(place);
  if (!file && file.error().code == ErrorCode::kNotFound) {
    auto made = TRY(SealedFile::create(place, rewrite(encode({}))));
    return std::unique_ptr<SecretFile>(new SecretFile(std::move(made), {}));
  }
  if (!file) return file.error();
  const SecretBytes page = TRY((*file)->read(kEntriesPage));
  Entries entries = TRY(decode(page));
  return std::unique_ptr<SecretFile>(new SecretFile(std::move(*file), std::move(entries)));
}

const SecretBytes* SecretFile::find(const std::string& name) const {
  const auto entry = entries_.find(name);
  return entry == entries_.end() ? nullptr : &entry->second;
}

std::set<std::string> SecretFile::names() const {
  std::set<std::string> result;
  for (const auto& [name, entry] : entries_) result.insert(name);
  return result;
}

Result<void> SecretFile::put(const std::string& name, const SecretBytes& entry) {
  if (name.empty() || name.size() > kSecretNameBytesMax || entry.size() > kSecretEntryBytesMax) {
    return Error{ErrorCode::kInvalid, "a secret's name or the secret itself is too long or empty"};
  }
  Entries next;
  for (const auto& [other, kept] : entries_) next.emplace(other, kept.clone());
  next.insert_or_assign(name, entry.clone());
  return store(std::move(next));
}

Result<void> SecretFile::remove(const std::string& name) {
  std::set<std::string> kept = names();
  kept.erase(name);
  TRY(keep_only(kept));
  return {};
}

Result<std::set<std::string>> SecretFile::keep_only(const std::set<std::string>& names) {
  Entries next;
  std::set<std::string> wiped;
  for (const auto& [name, entry] : entries_) {
    if (names.contains(name)) {
      next.emplace(name, entry.clone());
    } else {
      wiped.insert(name);
    }
  }
  if (!wiped.empty()) TRY(store(std::move(next)));
  return wiped;
}

Result<void> SecretFile::store(Entries entries) {
  SecretBytes page = encode(entries);
  if (page.size() > kSealedPageBytesMax) {
    return Error{ErrorCode::kInvalid, "the secret file is full"};
  }
  TRY(file_->settle());  // Whatever stands now is rewritten as a whole.
  TRY(file_->commit(rewrite(std::move(page))));
  entries_ = std::move(entries);
  return {};
}

SecretBytes SecretFile::encode(const Entries& entries) {
  SecretWriter writer;
  writer.u32(static_cast<std::uint32_t>(entries.size()));
  for (const auto& [name, entry] : entries) {
    writer.sized(name);
    writer.sized(entry);
  }
  return writer.finish();
}

Result<SecretFile::Entries> SecretFile::decode(const SecretBytes& page) {
  SecretReader reader(page);
  Entries entries;
  for (std::uint32_t count = TRY(reader.u32()); count > 0; --count) {
    std::string name = TRY(reader.text());
    entries.insert_or_assign(std::move(name), TRY(reader.sized()));
  }
  TRY(reader.expect_end());
  return entries;
}

}  // namespace keytrail
