#include "tests/leak_scan/scan.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace keytrail::leak_scan {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
constexpr std::size_t kOverlapBytes = 1024;  // longer than any needle

// Reads up to `size` bytes at `offset`; how many, or -1.
using ReadAt = std::function<ssize_t(std::uint64_t offset, std::uint8_t* into, std::size_t size)>;

void search(const Bytes& piece, std::size_t length, std::uint64_t offset, const std::string& where,
            const std::vector<Needle>& needles, Scanned& scanned) {
  for (const Needle& needle : needles) {
    if (needle.home == where) continue;
    const ByteView wanted = needle.bytes.read(SecretAccess{});
    const std::uint8_t* from = piece.data();
    std::size_t left = length;
    while (const void* found = memmem(from, left, wanted.data(), wanted.size())) {
      const auto* at = static_cast<const std::uint8_t*>(found);
      scanned.hits.push_back({needle.what, where + " at " +
                                               std::to_string(offset + static_cast<std::uint64_t>(
                                                                           at - piece.data()))});
      left -= static_cast<std::size_t>(at + 1 - from);
      from = at + 1;
    }
  }
}

// False: nothing could be read at all.
bool search_range(std::uint64_t begin, std::uint64_t end, const ReadAt& read_at,
                  const std::string& where, const std::vector<Needle>& needles, Scanned& scanned) {
  Bytes piece(kPieceBytes);
  bool read_any = false;
  for (std::uint64_t offset = begin; offset < end;) {
    const std::size_t wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, end - offset));
    const ssize_t got = read_at(offset, piece.data(), wanted);
    if (got <= 0) break;
    read_any = true;
    search(piece, static_cast<std::size_t>(got), offset, where, needles, scanned);
    scanned.bytes += static_cast<std::uint64_t>(got);
    if (static_cast<std::size_t>(got) < wanted || offset + wanted >= end) break;
    offset += wanted - kOverlapBytes;
  }
  return read_any;
}

void scan_file(const fs::path& path, const std::vector<Needle>& needles, Scanned& scanned) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    scanned.unread.push_back(path.string() + ": " + strerror(errno));
    return;
  }
  std::error_code error;
  const std::uint64_t size = fs::file_size(path, error);
  ++scanned.places;
  search_range(
      0, size,
      [fd](std::uint64_t at, std::uint8_t* into, std::size_t n) {
        return pread(fd, into, n, static_cast<off_t>(at));
      },
      path.string(), needles, scanned);
  close(fd);
}

Needle needle(const Secret& secret, const std::string& form, ByteView bytes) {
  return {secret.what + ", " + form, SecretBytes::copy_of(bytes), secret.home};
}

void add_base64(const Secret& secret, ByteView raw, std::vector<Needle>& needles) {
  for (std::size_t shift = 0; shift < 3; ++shift) {
    Bytes shifted(shift, 0);
    shifted.insert(shifted.end(), raw.begin(), raw.end());
    std::string text = to_base64(shifted);
    // Letters that also depend on the neighbours are left out at both ends.
    const std::size_t begin = shift == 0 ? 0 : 4;
    const std::size_t end = text.size() - 4;
    needles.push_back(
        needle(secret, "base64", as_bytes(std::string_view(text).substr(begin, end - begin))));
    wipe(text);
    wipe(shifted);
  }
}

}  // namespace

std::vector<Needle> needles_of(const std::vector<Secret>& secrets) {
  std::vector<Needle> needles;
  for (const Secret& secret : secrets) {
    const ByteView raw = secret.bytes.read(SecretAccess{});
    needles.push_back(needle(secret, "raw", raw));
    std::string hex = to_hex(raw);
    needles.push_back(needle(secret, "hexadecimal", as_bytes(hex)));
    for (char& c : hex) c = static_cast<char>(toupper(c));
    needles.push_back(needle(secret, "hexadecimal", as_bytes(hex)));
    wipe(hex);
    add_base64(secret, raw, needles);
  }
  return needles;
}

void scan_files(const std::string& folder, const std::vector<Needle>& needles, Scanned& scanned) {
  std::error_code error;
  if (fs::is_regular_file(fs::symlink_status(folder, error))) {
    scan_file(folder, needles, scanned);
    return;
  }
  fs::recursive_directory_iterator entries(folder, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code gone;
    if (entries->symlink_status(gone).type() == fs::file_type::regular)
      scan_file(entries->path(), needles, scanned);
  }
  if (error) scanned.unread.push_back(folder + ": " + error.message());
}

void scan_process(int pid, const std::vector<Needle>& needles, Scanned& scanned) {
  const std::string process = "/proc/" + std::to_string(pid);
  const int memory = open((process + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
  std::ifstream maps(process + "/smaps");
  if (memory < 0 || !maps) {
    scanned.unread.push_back("pid " + std::to_string(pid) + ": " + strerror(errno));
    if (memory >= 0) close(memory);
    return;
  }
  struct Region {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    char mode[8] = {};
  } region;
  const ReadAt read_at = [memory](std::uint64_t at, std::uint8_t* into, std::size_t n) {
    return pread(memory, into, n, static_cast<off_t>(at));
  };
  const std::uint64_t places_before = scanned.places;
  for (std::string line; std::getline(maps, line);) {
    // "Anonymous:" and others begin with a hexadecimal digit too, so only a whole match counts.
    Region found;
    if (sscanf(line.c_str(), "%lx-%lx %7s", &found.begin, &found.end, found.mode) == 3) {
      region = found;
    } else if (line.starts_with("VmFlags:") && region.mode[0] == 'r' &&
               line.find(" dd") == std::string::npos) {
      const std::string where = "memory of pid " + std::to_string(pid);
      if (search_range(region.begin, region.end, read_at, where, needles, scanned)) {
        ++scanned.places;
      }
    }
  }
  if (scanned.places == places_before) {
    scanned.unread.push_back("pid " + std::to_string(pid) + ": none of its memory can be read");
  }
  close(memory);
}

}  // namespace keytrail::leak_scan
