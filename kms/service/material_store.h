// MaterialStore: the sealed material of every object, and of some the opened one.
//
// Material is opened when it is asked for, never all at start; what was opened last stays in a
// cache of bounded size. forget() wipes: a destroyed object's material is gone from memory at once,
// and from the keyring's file soon after. Threads: one. Borrows the keyring.
#pragma once

#include <list>
#include <string>
#include <unordered_map>

#include "kms/keyring/material_seal.h"
#include "kms/model/new_object.h"

namespace keytrail::kms {

class MaterialStore {
 public:
  MaterialStore(std::string cluster, std::size_t cached_bytes_max);

  // REQUIRES: outlives the store, or the next use().
  void use(keyring::Keyring& keyring) { keyring_ = &keyring; }
  void use_none() { keyring_ = nullptr; }

  void keep(const std::string& object, Bytes sealed);
  void forget(const std::string& object);

  // Good until the next call. kNotFound: it is not on this replica, or its leaf was punctured.
  // kCorrupt: it does not open.
  [[nodiscard]] Result<const keyring::Material*> material(const Object& object);

  // Spends the leaf. REQUIRES: a leaf that was never used before, a fresh nonce.
  [[nodiscard]] Result<SealedMaterial> seal(const std::string& object, std::uint64_t leaf,
                                            const AeadNonce& nonce,
                                            const keyring::Material& material);

 private:
  struct Cached {
    std::string object;
    keyring::Material material;
  };
  using Recent = std::list<Cached>;  // the most recently used first

  [[nodiscard]] const keyring::Material* remember(const std::string& object,
                                                  keyring::Material material);

  const std::string cluster_;
  const std::size_t cached_bytes_max_;
  keyring::Keyring* keyring_ = nullptr;
  std::unordered_map<std::string, Bytes> sealed_;
  Recent recent_;
  std::unordered_map<std::string, Recent::iterator> by_object_;
  std::size_t cached_bytes_ = 0;
};

// With its digest, which is sealed too.
[[nodiscard]] keyring::Material with_digest(SecretBytes material);

}  // namespace keytrail::kms
