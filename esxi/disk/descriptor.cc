#include "esxi/disk/descriptor.h"

#include <algorithm>
#include <map>

#include "bus/secret/text.h"

namespace keytrail::disk {
namespace {

constexpr std::uint64_t kExtentUnit = 512;
constexpr std::size_t kNameMax = 200;
constexpr std::uint64_t kGenerationMax = std::uint64_t{1} << 62;  // The next one is another number.
constexpr std::size_t kLinesMax = 1024;
constexpr std::string_view kFilter = "vmwarevmcrypt";
constexpr std::string_view kNoParent = "ffffffff";

Error corrupt(std::string detail) {
  return {ErrorCode::kCorrupt, "the disk descriptor is damaged: " + std::move(detail)};
}

Error not_served(std::string detail) {
  return {ErrorCode::kInvalid, "this disk cannot be used: " + std::move(detail)};
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// `"value"` or `value`, without a quote inside.
Result<std::string_view> unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.find('"') != std::string_view::npos) return corrupt("a value has a stray quote");
  return text;
}

Result<std::uint64_t> to_number(std::string_view text, std::string_view what) {
  const auto number = parse_decimal<std::uint64_t>(text);
  if (!number) return corrupt(std::string(what) + " is not a number");
  return *number;
}

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// The text, taken apart into its lines; what they mean comes after.
struct Lines {
  std::map<std::string, std::string, std::less<>> header;
  std::map<std::string, std::string, std::less<>> ddb;
  std::vector<std::string> ddb_order;
  std::vector<std::string> extents;
};

bool is_extent(std::string_view line) {
  return line.starts_with("RW ") || line.starts_with("RDONLY ") || line.starts_with("NOACCESS ");
}

Result<void> read_line(std::string_view line, Lines& lines) {
  if (is_extent(line)) {
    lines.extents.emplace_back(line);
    return {};
  }
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return corrupt("a line is neither extent nor assignment");
  const std::string key(trim(line.substr(0, equals)));
  const std::string value(TRY(unquote(trim(line.substr(equals + 1)))));
  if (key.empty()) return corrupt("a line has no name");
  const bool in_ddb = key.starts_with("ddb.");
  if (!(in_ddb ? lines.ddb : lines.header).emplace(key, value).second) {
    return corrupt("a name is given twice");
  }
  if (in_ddb) lines.ddb_order.push_back(key);
  return {};
}

Result<Lines> split(std::string_view text) {
  if (text.size() > kDescriptorBytesMax) return corrupt("it is longer than 128 KiB");
  Lines lines;
  std::size_t count = 0;
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (++count > kLinesMax) return corrupt("it has too many lines");
    for (const char c : line) {
      if (static_cast<unsigned char>(c) < 0x20 && c != '\t') return corrupt("it is not text");
    }
    if (line.empty() || line.front() == '#') continue;
    TRY(read_line(line, lines));
  }
  return lines;
}

std::string take(std::map<std::string, std::string, std::less<>>& from, std::string_view key) {
  const auto found = from.find(key);
  if (found == from.end()) return {};
  std::string value = std::move(found->second);
  from.erase(found);
  return value;
}

// RW 131072 VMFS "vm-1-flat.vmdk"      (FLAT has a trailing offset, which must be 0)
Result<void> read_extent(std::string_view line, Descriptor& descriptor) {
  if (!line.starts_with("RW ")) return not_served("its extent is not writable");
  line = trim(line.substr(3));
  const auto after_size = std::min(line.find(' '), line.size());
  const std::uint64_t units = TRY(to_number(line.substr(0, after_size), "the extent's size"));
  line = trim(line.substr(after_size));
  const auto after_type = std::min(line.find(' '), line.size());
  const std::string_view type = line.substr(0, after_type);
  line = trim(line.substr(after_type));
  if (type != "VMFS" && type != "FLAT") return not_served("its extent is neither VMFS nor FLAT");
  const auto closing = line.rfind('"');
  if (line.size() < 2 || line.front() != '"' || closing == 0) return corrupt("no extent file");
  const std::string_view offset = trim(line.substr(closing + 1));
  if (!offset.empty() && offset != "0") return not_served("its extent does not begin at 0");
  descriptor.flat = std::string(line.substr(1, closing - 1));
  if (!is_plain_file_name(descriptor.flat)) {
    return not_served("its data file is not a plain name in the same folder");
  }
  if (units == 0 || units > kDiskBytesMax / kExtentUnit) return corrupt("its size is impossible");
  descriptor.size_bytes = units * kExtentUnit;
  return {};
}

Result<void> read_header(Lines& lines, Descriptor& descriptor) {
  if (take(lines.header, "version").empty()) return corrupt("it has no version");
  if (const std::string type = take(lines.header, "createType");
      type != "vmfs" && type != "monolithicFlat") {
    return not_served("only flat disks (createType vmfs) are served");
  }
  if (const std::string parent = take(lines.header, "parentCID");
      !parent.empty() && parent != kNoParent) {
    return not_served("it is the child of a snapshot");
  }
  if (lines.extents.size() != 1) return not_served("it does not have exactly one extent");
  return read_extent(lines.extents.front(), descriptor);
}

Result<void> read_vmcrypt(Lines& lines, Descriptor& descriptor) {
  // A disk from elsewhere has none of our lines: plain, 512-byte sectors.
  const std::string sector = take(lines.ddb, "ddb.vmcrypt.sector");
  descriptor.sector_bytes = 512;
  if (sector == "4096") {
    descriptor.sector_bytes = 4096;
  } else if (!sector.empty() && sector != "512") {
    return not_served("its sector size is neither 512 nor 4096");
  }
  if (descriptor.size_bytes % descriptor.sector_bytes != 0) {
    return corrupt("its size is not a whole number of sectors");
  }
  descriptor.uuid = take(lines.ddb, "ddb.vmcrypt.uuid");
  if (!descriptor.uuid.empty() && (descriptor.uuid.size() != 32 || !is_hex(descriptor.uuid))) {
    return corrupt("its uuid is not 32 hexadecimal digits");
  }
  descriptor.action = take(lines.ddb, "ddb.vmcrypt.action");
  if (descriptor.action.size() > 64 || !is_hex(descriptor.action)) {
    return corrupt("its action id is not hexadecimal");
  }
  if (const std::string generation = take(lines.ddb, "ddb.vmcrypt.generation");
      !generation.empty()) {
    descriptor.generation = TRY(to_number(generation, "the generation"));
    if (descriptor.generation > kGenerationMax) return corrupt("its generation is impossible");
  }
  return {};
}

Result<void> read_encryption(Lines& lines, Descriptor& descriptor) {
  const std::string filter = take(lines.ddb, "ddb.iofilters");
  DiskEncryption encryption{.key_safe = take(lines.header, "encryptionKeys"),
                            .key_id = take(lines.header, "keyID"),
                            .dek_fingerprint = take(lines.ddb, "ddb.vmcrypt.dekfp")};
  const std::string tweak_unit = take(lines.ddb, "ddb.vmcrypt.tweakunit");
  if (filter.empty()) {
    if (encryption != DiskEncryption{}) return corrupt("it has keys, but no encryption filter");
    return {};
  }
  if (filter != kFilter) return not_served("it has an I/O filter other than encryption");
  if (encryption.key_safe.empty() || encryption.key_id.empty()) {
    return corrupt("it is encrypted, but has no wrapped key");
  }
  if (encryption.dek_fingerprint.empty() || descriptor.uuid.empty() || tweak_unit != "512") {
    return not_served("it was encrypted by a product whose sector format is not known");
  }
  if (encryption.dek_fingerprint.size() != 32 || !is_hex(encryption.dek_fingerprint)) {
    return corrupt("its key fingerprint is not 32 hexadecimal digits");
  }
  descriptor.encryption = std::move(encryption);
  return {};
}

void assign(std::string& text, std::string_view key, std::string_view value) {
  text.append(key).append(" = \"").append(value).append("\"\n");
}

}  // namespace

bool is_plain_file_name(std::string_view name) {
  if (name.empty() || name.size() > kNameMax || name.front() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Result<Descriptor> parse_descriptor(std::string_view text) {
  Lines lines = TRY(split(text));
  Descriptor descriptor;
  TRY(read_header(lines, descriptor));
  TRY(read_vmcrypt(lines, descriptor));
  TRY(read_encryption(lines, descriptor));
  for (const std::string& key : lines.ddb_order) {
    if (const auto left = lines.ddb.find(key); left != lines.ddb.end()) {
      descriptor.other_ddb.emplace_back(key, left->second);
    }
  }
  return descriptor;
}

std::string format_descriptor(const Descriptor& descriptor) {
  std::string text =
      "# Disk DescriptorFile\n"
      "version=1\n"
      "encoding=\"UTF-8\"\n"
      "CID=fffffffe\n"
      "parentCID=ffffffff\n"
      "createType=\"vmfs\"\n";
  if (const auto& encryption = descriptor.encryption) {
    text += "keyID=\"" + encryption->key_id + "\"\n";
    text += "encryptionKeys=\"" + encryption->key_safe + "\"\n";
  }
  text += "\n# Extent description\nRW " + std::to_string(descriptor.size_bytes / kExtentUnit) +
          " VMFS \"" + descriptor.flat + "\"\n\n# The Disk Data Base\n#DDB\n";
  for (const auto& [key, value] : descriptor.other_ddb) assign(text, key, value);
  if (descriptor.encryption) assign(text, "ddb.iofilters", kFilter);
  if (!descriptor.uuid.empty()) assign(text, "ddb.vmcrypt.uuid", descriptor.uuid);
  assign(text, "ddb.vmcrypt.sector", std::to_string(descriptor.sector_bytes));
  if (descriptor.encryption) {
    assign(text, "ddb.vmcrypt.tweakunit", "512");
    assign(text, "ddb.vmcrypt.dekfp", descriptor.encryption->dek_fingerprint);
  }
  assign(text, "ddb.vmcrypt.generation", std::to_string(descriptor.generation));
  if (!descriptor.action.empty()) assign(text, "ddb.vmcrypt.action", descriptor.action);
  return text;
}

}  // namespace keytrail::disk
