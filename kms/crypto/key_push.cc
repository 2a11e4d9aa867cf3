#include "kms/crypto/key_push.h"

namespace keytrail::crypto {
namespace {

constexpr std::string_view kInfo = "keytrail/push/1";
constexpr std::size_t kFieldBytesMax = 0xffff;

Result<Bytes> associated_data(const KeyPushPurpose& purpose) {
  Bytes data;
  for (const ByteView field :
       {as_bytes(purpose.host), ByteView(purpose.boot), ByteView(purpose.nonce),
        as_bytes(purpose.provider), as_bytes(purpose.key_id)}) {
    if (field.size() > kFieldBytesMax) {
      return Error{ErrorCode::kInvalid, "a field of a key push has 64 KiB or more"};
    }
    data.push_back(static_cast<std::uint8_t>(field.size() >> 8));
    data.push_back(static_cast<std::uint8_t>(field.size()));
    data.insert(data.end(), field.begin(), field.end());
  }
  return data;
}

}  // namespace

Result<HpkeSealed> seal_key_push(const X25519PublicKey& host_key, const KeyPushPurpose& purpose,
                                 const SecretBytes& kek, const SecretBytes& ephemeral_seed) {
  return hpke_seal(host_key, as_bytes(kInfo), TRY(associated_data(purpose)), kek, ephemeral_seed);
}

Result<SecretBytes> open_key_push(const X25519KeyPair& host_key, const KeyPushPurpose& purpose,
                                  const HpkeSealed& sealed) {
  return hpke_open(host_key, as_bytes(kInfo), TRY(associated_data(purpose)), sealed);
}

}  // namespace keytrail::crypto
