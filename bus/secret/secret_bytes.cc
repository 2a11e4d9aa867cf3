#include "bus/secret/secret_bytes.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstring>
#include <utility>

namespace keytrail {
namespace {

// OpenSSL's secure heap: mlocked, MADV_DONTDUMP, guarded by unreadable pages. 16 MiB holds 2^18 AES
// keys with their bookkeeping; what does not fit falls back to the ordinary heap, wiped all the
// same.
constexpr std::size_t kSecureHeapBytes = std::size_t{16} << 20;
constexpr std::size_t kSmallestBlockBytes = 32;

bool open_secure_heap() {
  static const bool opened = CRYPTO_secure_malloc_init(kSecureHeapBytes, kSmallestBlockBytes) == 1;
  return opened;
}

}  // namespace

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  (void)open_secure_heap();
  data_ = static_cast<std::uint8_t*>(OPENSSL_secure_zalloc(size));
  if (data_ == nullptr) data_ = static_cast<std::uint8_t*>(OPENSSL_zalloc(size));
  KEYTRAIL_CHECK(data_ != nullptr);
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.data_, bytes.data(), bytes.size());
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() { wipe(); }

void SecretBytes::wipe() {
  // Frees either heap's block: OpenSSL knows whose it is.
  if (data_ != nullptr) OPENSSL_secure_clear_free(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

SecretBytes SecretBytes::clone() const { return copy_of({data_, size_}); }

SecretBytes SecretBytes::slice(std::size_t offset, std::size_t length) const {
  KEYTRAIL_CHECK(offset <= size_ && length <= size_ - offset);
  return copy_of({data_ + offset, length});
}

bool SecretBytes::equals(const SecretBytes& other) const {
  return equals(ByteView{other.data_, other.size_});
}

bool SecretBytes::equals(ByteView other) const {
  return equal_in_constant_time({data_, size_}, other);
}

void wipe(std::span<std::uint8_t> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

bool harden_process() {
  const rlimit no_core{0, 0};
  const bool no_dump = prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0;
  return no_dump && open_secure_heap();
}

}  // namespace keytrail
