#include "esxi/service/vmx.h"

#include <string_view>

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

}  // namespace

std::string format_vmx(const std::string& vm, const vcenter::GuestBoot& guest) {
  std::string text = line(".encoding", "UTF-8") + line("config.version", "8") +
                     line("displayName", vm) + line("scsi0:0.present", "TRUE") +
                     line("scsi0:0.fileName", vm + ".vmdk");
  if (!guest.kernel.empty()) {
    text += line("guest.kernel", guest.kernel) + line("guest.initrd", guest.initrd) +
            line("guest.commandLine", guest.command_line);
  }
  return text;
}

}  // namespace keytrail::esxi
