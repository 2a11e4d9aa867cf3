#include "kms/service/material_store.h"

#include "bus/secret/sha256.h"

namespace keytrail::kms {
namespace {

// A secret's own bytes and what the locked heap and the index need for it, roughly.
std::size_t cost_of(const keyring::Material& material) {
  constexpr std::size_t kBookkeepingBytes = 64;
  return material.bytes.size() + material.digest.size() + kBookkeepingBytes;
}

}  // namespace

MaterialStore::MaterialStore(std::string cluster, std::size_t cached_bytes_max)
    : cluster_(std::move(cluster)), cached_bytes_max_(cached_bytes_max) {}

void MaterialStore::keep(const std::string& object, Bytes sealed) {
  sealed_.insert_or_assign(object, std::move(sealed));
}

void MaterialStore::forget(const std::string& object) {
  sealed_.erase(object);
  const auto found = by_object_.find(object);
  if (found == by_object_.end()) return;
  cached_bytes_ -= cost_of(found->second->material);
  recent_.erase(found->second);
  by_object_.erase(found);
}

Result<const keyring::Material*> MaterialStore::material(const Object& object) {
  if (const auto found = by_object_.find(object.id); found != by_object_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second);
    return &found->second->material;
  }
  const auto sealed = sealed_.find(object.id);
  if (sealed == sealed_.end() || keyring_ == nullptr) {
    return Error{ErrorCode::kNotFound, "The material of " + object.id + " is not on this replica."};
  }
  const SecretBytes key = TRY(keyring_->seal_key(object.leaf));
  keyring::Material material = TRY(keyring::open_material(
      key, {.cluster = cluster_, .object = object.id, .leaf = object.leaf}, sealed->second));
  return remember(object.id, std::move(material));
}

Result<SealedMaterial> MaterialStore::seal(const std::string& object, std::uint64_t leaf,
                                           const AeadNonce& nonce,
                                           const keyring::Material& material) {
  KEYTRAIL_CHECK(keyring_ != nullptr);
  const SecretBytes key = TRY(keyring_->seal_key(leaf));
  return SealedMaterial{
      .leaf = leaf,
      .bytes = keyring::seal_material(key, {.cluster = cluster_, .object = object, .leaf = leaf},
                                      nonce, material),
      .fingerprint = {}};
}

const keyring::Material* MaterialStore::remember(const std::string& object,
                                                 keyring::Material material) {
  cached_bytes_ += cost_of(material);
  recent_.push_front({object, std::move(material)});
  by_object_[object] = recent_.begin();
  // The newest stays, however large it is: its asker is about to read it.
  while (cached_bytes_ > cached_bytes_max_ && recent_.size() > 1) {
    cached_bytes_ -= cost_of(recent_.back().material);
    by_object_.erase(recent_.back().object);
    recent_.pop_back();
  }
  return &recent_.front().material;
}

keyring::Material with_digest(SecretBytes material) {
  const Hash digest = sha256(material.read(SecretAccess()));
  return {.bytes = std::move(material), .digest = SecretBytes::copy_of(digest)};
}

}  // namespace keytrail::kms
