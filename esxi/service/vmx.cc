#include "esxi/service/vmx.h"

#include <algorithm>

#include "bus/secret/text.h"
#include "esxi/disk/descriptor.h"

namespace keytrail::esxi {
namespace {

// VMware's own escape: |xx for what would end the value or the line.
std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '|' || static_cast<unsigned char>(c) < 0x20) {
      constexpr char kDigits[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      text += '|';
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string line(std::string_view key, std::string_view value) {
  return std::string(key) + " = " + quoted(value) + "\n";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

Error malformed(std::string_view what) {
  return {ErrorCode::kCorrupt, "the VM's .vmx is damaged: " + std::string(what)};
}

// What stands between the quotes, unescaped.
Result<std::string> unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return malformed("a value without quotes");
  }
  text = text.substr(1, text.size() - 2);
  std::string value;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') return malformed("a quote within a value");
    if (text[at] != '|') {
      value += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return malformed("an escape that is none");
    value += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return value;
}

// Where the value of `key` goes; null: not ours.
std::string* field_of(Vmx& vmx, std::string_view key) {
  if (key == "displayName") return &vmx.vm;
  if (key == "keytrail.action") return &vmx.action;
  if (key == "guest.kernel") return &vmx.guest.kernel;
  if (key == "guest.initrd") return &vmx.guest.initrd;
  if (key == "guest.commandLine") return &vmx.guest.command_line;
  return nullptr;
}

}  // namespace

std::string format_vmx(const Vmx& vmx) {
  std::string text = line(".encoding", "UTF-8") + line("config.version", "8") +
                     line("displayName", vmx.vm) + line("scsi0:0.present", "TRUE") +
                     line("scsi0:0.fileName", vmx.vm + ".vmdk") +
                     line("keytrail.action", vmx.action);
  if (!vmx.guest.kernel.empty()) {
    text += line("guest.kernel", vmx.guest.kernel) + line("guest.initrd", vmx.guest.initrd) +
            line("guest.commandLine", vmx.guest.command_line);
  }
  return text;
}

Result<Vmx> parse_vmx(std::string_view text) {
  if (text.size() > kVmxBytesMax) return malformed("it is too long");
  Vmx vmx;
  while (!text.empty()) {
    const std::string_view row = take_line(text);
    if (row.empty()) continue;
    const std::size_t equals = row.find(" = ");
    if (equals == std::string_view::npos) return malformed("a line that sets nothing");
    std::string* const field = field_of(vmx, row.substr(0, equals));
    if (field == nullptr) continue;
    if (!field->empty()) return malformed("a key that stands twice");
    *field = TRY(unquoted(row.substr(equals + 3)));
  }
  for (const std::string& file : {vmx.guest.kernel, vmx.guest.initrd}) {
    if (!file.empty() && !disk::is_plain_file_name(file)) {
      return malformed("a guest's file outside the VM's folder");
    }
  }
  return vmx;
}

}  // namespace keytrail::esxi
