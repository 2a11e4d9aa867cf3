#include "esxi/disk/disk_files.h"

#include <algorithm>

namespace keytrail::disk {
namespace {

constexpr std::string_view kDescriptorEnd = ".vmdk";
constexpr std::string_view kFlatMark = "-flat";
constexpr std::size_t kOverwriteBytes = std::size_t{4} << 20;

std::string descriptor_name(std::string_view disk) {
  return std::string(disk).append(kDescriptorEnd);
}

std::string beside_name(std::string_view disk) { return descriptor_name(disk) + ".new"; }

// "DISK-flat.vmdk" or "DISK-flat.<digits>.vmdk".
bool is_flat_of(std::string_view disk, std::string_view file) {
  const std::string start = std::string(disk).append(kFlatMark);
  if (!file.starts_with(start) || !file.ends_with(kDescriptorEnd)) return false;
  file.remove_prefix(start.size());
  file.remove_suffix(kDescriptorEnd.size());
  if (file.empty()) return true;
  return file.size() > 1 && file.front() == '.' &&
         std::ranges::all_of(file.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> overwrite(DiskFolder& folder, const std::string& name) {
  const auto file = TRY(folder.open(name));
  const Bytes zeros(kOverwriteBytes);
  for (std::uint64_t done = 0; done < file->size(); done += kOverwriteBytes) {
    const auto piece = std::min<std::uint64_t>(kOverwriteBytes, file->size() - done);
    TRY(file->write(done, ByteView(zeros).first(static_cast<std::size_t>(piece))));
  }
  return file->sync();
}

}  // namespace

Result<void> check_disk_name(std::string_view name) {
  constexpr std::size_t kDiskNameMax = 128;  // Room for the endings.
  if (!is_plain_file_name(name) || name.size() > kDiskNameMax ||
      name.find(kFlatMark) != std::string_view::npos) {
    return Error{ErrorCode::kInvalid,
                 "a disk's name is 1 to 128 letters, digits, '.', '_' or '-', without \"-flat\""};
  }
  return {};
}

std::string flat_name(std::string_view disk, std::uint64_t generation) {
  std::string name = std::string(disk).append(kFlatMark);
  if (generation > 1) name.append(".").append(std::to_string(generation));
  return name.append(kDescriptorEnd);
}

Result<Descriptor> read_descriptor(DiskFolder& folder, std::string_view disk) {
  TRY(check_disk_name(disk));
  return parse_descriptor(TRY(folder.read_text(descriptor_name(disk), kDescriptorBytesMax)));
}

Result<void> write_descriptor_beside(DiskFolder& folder, std::string_view disk,
                                     const Descriptor& descriptor) {
  TRY(check_disk_name(disk));
  const std::string text = format_descriptor(descriptor);
  const auto read_back = parse_descriptor(text);
  if (!read_back.ok() || *read_back != descriptor) {
    return Error{ErrorCode::kInvalid,
                 "the key's or the disk's names cannot stand in a disk descriptor"};
  }
  TRY(folder.write_text(beside_name(disk), text));
  return folder.sync();
}

Result<void> commit_descriptor(DiskFolder& folder, std::string_view disk) {
  TRY(folder.rename(beside_name(disk), descriptor_name(disk)));
  return folder.sync();
}

Result<std::vector<std::string>> leftovers(DiskFolder& folder, std::string_view disk,
                                           const Descriptor& descriptor) {
  std::vector<std::string> found;
  for (std::string& name : TRY(folder.names())) {
    const bool flat = is_flat_of(disk, name) && name != descriptor.flat;
    if (flat || name == beside_name(disk)) found.push_back(std::move(name));
  }
  return found;
}

Result<void> discard(DiskFolder& folder, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  for (const std::string& name : names) {
    if (name.ends_with(kDescriptorEnd)) {
      const auto overwritten = overwrite(folder, name);
      // Best effort: a medium that cannot be written does not keep the file. Another's file stays.
      if (!overwritten.ok() && overwritten.error().code == ErrorCode::kConflict) {
        return overwritten.error();
      }
    }
    TRY(folder.remove(name));
  }
  return folder.sync();
}

}  // namespace keytrail::disk
