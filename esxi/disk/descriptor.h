// Descriptor: the small text file that says what a virtual disk is (NAME.vmdk).
//
// VMware's format: a header, one flat extent, the disk data base (`ddb.*`). An encrypted disk has
// `ddb.iofilters = "vmwarevmcrypt"` and carries its DEK wrapped in VMware's key-locator syntax; how
// the filter lays out sectors is not public, so the `ddb.vmcrypt.*` lines, which other readers
// ignore, say what ours does:
//
//   uuid        32 hexadecimal digits, bound into the DEK's fingerprint
//   sector      512 or 4096; belongs to the disk for life, so it stands in a plain descriptor too
//   tweakunit   512: the tweak of a sector is its byte offset / 512, as dm-crypt's
//               aes-xts-plain64 has it
//   dekfp       fingerprint of the DEK, so that a wrong key never writes a byte
//   generation  raised by each new descriptor: a host that opened an older one was overtaken
//   action      that wrote this descriptor: after a crash it tells whether it was committed
//
// Values; pure. A descriptor comes from a datastore that others can write, so parsing trusts
// nothing: kCorrupt is text that is no descriptor, kInvalid a disk of a kind that we do not serve.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bus/secret/result.h"

namespace keytrail::disk {

inline constexpr std::size_t kDescriptorBytesMax = 128 * 1024;
inline constexpr std::uint64_t kDiskBytesMax = std::uint64_t{62} << 40;  // vSphere's own limit
inline constexpr std::uint32_t kDefaultSectorBytes = 4096;

struct DiskEncryption {
  // "vmware:key/list/(pair/(...),...)": any one pair that opens gives the DEK.
  std::string key_safe;
  std::string key_id;           // the KEK that wraps it
  std::string dek_fingerprint;  // 32 hexadecimal digits

  bool operator==(const DiskEncryption&) const = default;
};

struct Descriptor {
  std::string flat;  // the data file, a name in the same folder
  std::uint64_t size_bytes = 0;
  std::uint32_t sector_bytes = kDefaultSectorBytes;
  std::string uuid;
  std::uint64_t generation = 0;
  std::string action;  // empty until an action has rewritten the disk
  std::optional<DiskEncryption> encryption;
  // Lines of the data base that are not ours (adapter type, geometry), kept as they are.
  std::vector<std::pair<std::string, std::string>> other_ddb;

  bool operator==(const Descriptor&) const = default;
};

// A disk's or a file's name: letters, digits, '.', '_', '-', not beginning with a dot, 1 to 200
// characters.
[[nodiscard]] bool is_plain_file_name(std::string_view name);

[[nodiscard]] Result<Descriptor> parse_descriptor(std::string_view text);

// REQUIRES: a descriptor that parse_descriptor could give back.
[[nodiscard]] std::string format_descriptor(const Descriptor& descriptor);

}  // namespace keytrail::disk
