#include "kms/keyring/material_seal.h"

#include <algorithm>

#include "bus/secret/secret_codec.h"

namespace keytrail::keyring {
namespace {

constexpr std::size_t kDigestBytes = sizeof(Hash);
constexpr std::size_t kPrefixBytes = 1 + 8;

void append_number(Bytes& bytes, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Bytes prefix_of(LeafIndex leaf) {
  Bytes prefix = {kSealingVersion};
  append_number(prefix, leaf, 8);
  return prefix;
}

Bytes associated_data(const SealingContext& context) {
  Bytes data = prefix_of(context.leaf);
  for (const std::string_view text :
       {std::string_view(context.cluster), std::string_view(context.object)}) {
    append_number(data, text.size(), 4);
    data.insert(data.end(), text.begin(), text.end());
  }
  return data;
}

}  // namespace

Bytes seal_material(const SecretBytes& leaf_key, const SealingContext& context,
                    const AeadNonce& nonce, const Material& material) {
  KEYTRAIL_CHECK(material.digest.size() == kDigestBytes);
  SecretWriter payload;
  payload.raw(material.digest);
  payload.raw(material.bytes);
  Bytes sealed = prefix_of(context.leaf);
  sealed.insert(sealed.end(), nonce.begin(), nonce.end());
  const Bytes body = aead_seal(leaf_key, nonce, associated_data(context), payload.finish());
  sealed.insert(sealed.end(), body.begin(), body.end());
  return sealed;
}

Result<Material> open_material(const SecretBytes& leaf_key, const SealingContext& context,
                               ByteView sealed) {
  const Error corrupt{ErrorCode::kCorrupt,
                      "the sealed material of object " + context.object + " does not open"};
  if (sealed.size() < kSealedMaterialOverheadBytes ||
      !std::ranges::equal(prefix_of(context.leaf), sealed.first(kPrefixBytes))) {
    return corrupt;
  }
  AeadNonce nonce;
  std::ranges::copy(sealed.subspan(kPrefixBytes, nonce.size()), nonce.begin());
  const auto payload = aead_open(leaf_key, nonce, associated_data(context),
                                 sealed.subspan(kPrefixBytes + nonce.size()));
  if (!payload) return corrupt;
  return Material{.bytes = payload->slice(kDigestBytes, payload->size() - kDigestBytes),
                  .digest = payload->slice(0, kDigestBytes)};
}

}  // namespace keytrail::keyring
