#include "bus/secret/secret_bytes.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "bus/secret/secret_memory.h"

namespace keytrail {
namespace {

// OpenSSL's secure heap: mlocked, MADV_DONTDUMP, guarded by unreadable pages. 16 MiB holds 2^18 AES
// keys with their bookkeeping. A user without privileges may lock less (RLIMIT_MEMLOCK, often 8 MiB
// in all), so it is halved until it can be locked: a smaller heap that never reaches the swap is
// worth more than a large one that does. What does not fit lies on the ordinary heap, is wiped all
// the same, and counted.
constexpr std::size_t kSecureHeapBytes = std::size_t{16} << 20;
constexpr std::size_t kSecureHeapBytesMin = std::size_t{64} << 10;
constexpr std::size_t kSmallestBlockBytes = 32;
constexpr int kLocked = 1;  // of CRYPTO_secure_malloc_init; 2: made, but not locked

std::atomic<std::uint64_t> secrets_unlocked{0};

// How much of it is locked. Nothing is: the largest, which still stays out of core dumps.
std::size_t open_secure_heap() {
  static const std::size_t locked_bytes = [] {
    for (std::size_t bytes = kSecureHeapBytes; bytes >= kSecureHeapBytesMin; bytes /= 2) {
      if (CRYPTO_secure_malloc_init(bytes, kSmallestBlockBytes) == kLocked) return bytes;
      CRYPTO_secure_malloc_done();
    }
    CRYPTO_secure_malloc_init(kSecureHeapBytes, kSmallestBlockBytes);
    return std::size_t{0};
  }();
  return locked_bytes;
}

}  // namespace

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  if (size == 0) return;
  (void)open_secure_heap();
  data_ = static_cast<std::uint8_t*>(OPENSSL_secure_zalloc(size));
  if (data_ != nullptr) return;
  ++secrets_unlocked;
  data_ = static_cast<std::uint8_t*>(OPENSSL_zalloc(size));
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
  return no_dump && open_secure_heap() > 0;
}

SecretMemory secret_memory() {
  return {.locked_bytes = open_secure_heap(), .secrets_unlocked = secrets_unlocked};
}

std::string to_string(const SecretMemory& memory) {
  std::string text = "secrets: " + std::to_string(memory.locked_bytes >> 10) + " KiB locked";
  if (memory.secrets_unlocked > 0) {
    text += ", " + std::to_string(memory.secrets_unlocked) + " did not fit";
  }
  if (memory.locked_bytes < kSecureHeapBytes || memory.secrets_unlocked > 0) {
    text += "; others may be swapped out: raise RLIMIT_MEMLOCK (systemd: LimitMEMLOCK=) to " +
            std::to_string(kSecureHeapBytes >> 20) + " MiB or more";
  }
  return text;
}

}  // namespace keytrail
