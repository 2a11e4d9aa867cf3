// Disks for tests: a key, a guest's data of which every 16 bytes say where they belong.
#pragma once

#include <string>

#include "esxi/disk/disk_engine.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::disk::test {

inline constexpr std::string_view kUuid = "6000c29aa1b2c3d4e5f60718293a4b5c";
inline constexpr std::string_view kOtherUuid = "6000c29affffffffffffffffffffffff";

// A DEK of which every byte follows from `seed`, wrapped by the KEK of the same seed.
inline DiskKey sample_key(std::uint8_t seed) {
  SecretBytes dek(64);
  SecretBytes kek(32);
  std::uint8_t next = seed;
  for (auto& byte : dek.write(SecretAccess{})) byte = next++;
  for (auto& byte : kek.write(SecretAccess{})) byte = seed;
  const std::string id = "kek-" + std::to_string(seed);
  const crypto::KeySafe safe = {
      {.locker = {"prod", id},
       .locked = crypto::lock_dek(kek, dek, std::array<std::uint8_t, 16>{})}};
  return {std::move(dek), crypto::format_key_safe(safe), id};
}

inline NewDisk sample_disk(std::uint64_t size_bytes, std::uint32_t sector_bytes = 4096) {
  return {.name = "vm-1",
          .size_bytes = size_bytes,
          .sector_bytes = sector_bytes,
          .uuid = std::string(kUuid)};
}

inline void given_disk(DiskFolder& folder, const NewDisk& disk, const std::optional<DiskKey>& key) {
  KEYTRAIL_CHECK(create_disk(folder, disk, key).ok());
}

// Every 16 bytes say where they belong and who wrote them.
inline Bytes guest_data(std::uint64_t offset, std::size_t size, std::string_view writer = "guest") {
  Bytes data;
  data.reserve(size + 16);
  while (data.size() < size) {
    std::string line = std::string(writer) + ":" + std::to_string(offset + data.size());
    line.resize(16, '.');
    data.insert(data.end(), line.begin(), line.end());
  }
  data.resize(size);
  return data;
}

inline bool contains(ByteView haystack, std::string_view needle) {
  return as_text(haystack).find(needle) != std::string_view::npos;
}

// Fills the whole disk and flushes.
inline void fill(DiskEngine& disk, std::string_view writer = "guest") {
  auto session = disk.session();
  Bytes data = guest_data(0, static_cast<std::size_t>(disk.size_bytes()), writer);
  session.write(0, data).value();
  session.flush().value();
}

inline Bytes read_all(DiskEngine& disk) {
  Bytes data(static_cast<std::size_t>(disk.size_bytes()));
  disk.session().read(0, data).value();
  return data;
}

}  // namespace keytrail::disk::test
