#include "tests/crash/disk_witness.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "bus/secret/file.h"
#include "esxi/disk/disk_files.h"
#include "esxi/disk/os_disk_folder.h"
#include "kms/crypto/key_locator.h"
#include "kms/kmip/certificate.h"

namespace keytrail::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kHourSeconds = 3600;

Error wrong(std::string sentence) { return {ErrorCode::kCorrupt, std::move(sentence)}; }

// What `vm create` copied for the guest, under names of its own.
bool is_boot_image(const std::string& name) {
  return name.starts_with("vmlinuz.") || name.starts_with("initrd.");
}

}  // namespace

DiskWitness::DiskWitness(testing::InstallationUnderTest& installation, std::string vm,
                         std::string guest_data, std::vector<std::string> lines)
    : installation_(installation),
      vm_(std::move(vm)),
      folder_(installation.datastore() + "/" + vm_),
      guest_data_(std::move(guest_data)),
      lines_(std::move(lines)) {}

DiskWitness::~DiskWitness() = default;

Result<void> DiskWitness::enrol() {
  SecretBytes key = TRY(kmip::make_private_key());
  const auto now = static_cast<std::int64_t>(::time(nullptr));
  const std::string pem =
      TRY(kmip::make_self_signed(key, {.common_name = "witness",
                                       .use = kmip::CertificateUse::kClient,
                                       .not_before_seconds = now - kHourSeconds,
                                       .not_after_seconds = now + kHourSeconds}));
  const std::string file = installation_.folder().file("witness.pem");
  std::ofstream(file) << pem;
  const testing::ProgramEnd enrolled = installation_.run(
      {"kms", "client", "add", "witness", "--group", "vcenter", "--certificate", file});
  if (enrolled.status != 0) return wrong(enrolled.output);
  const cli::Endpoints at = installation_.endpoints();
  const kmip::TlsIdentity identity{pem, std::move(key)};
  const kmip::TrustedAuthority authority{testing::contents(at.kmip_client.ca), ""};
  const kmip::TlsContext tls = TRY(kmip::make_client_context(&identity, authority));
  client_ = TRY(kmip::Client::connect({at.kms[0].address, at.kms[0].port}, tls));
  return {};
}

Result<disk::Descriptor> DiskWitness::descriptor() const {
  const auto folder = TRY(disk::OsDiskFolder::open_folder(folder_));
  return disk::read_descriptor(*folder, vm_);
}

Result<std::optional<SecretBytes>> DiskWitness::dek_of(const disk::Descriptor& descriptor) {
  if (!descriptor.encryption.has_value()) return std::optional<SecretBytes>();
  const crypto::KeySafe safe = TRY(crypto::parse_key_safe(descriptor.encryption->key_safe));
  const kmip::GetResponse got = TRY(client_->get(safe.front().locker.key));
  SecretBytes dek = TRY(crypto::unlock_dek(kmip::material_of(got.object), safe.front().locked));
  return std::optional(std::move(dek));
}

// What the guest would read, under the lock that a host would hold.
Result<void> DiskWitness::check_data(const disk::Descriptor& descriptor) {
  const auto folder = TRY(disk::OsDiskFolder::open_folder(folder_));
  std::optional<SecretBytes> dek = TRY(dek_of(descriptor));
  std::optional<SecretBytes> dek_again;
  if (dek.has_value()) dek_again = dek->clone();
  const auto engine = TRY(disk::DiskEngine::open(*folder, vm_, std::move(dek)));
  const auto second = disk::DiskEngine::open(*folder, vm_, std::move(dek_again));
  if (second.ok()) return wrong("two at once had the lock on the disk");
  Bytes data(guest_data_.size());
  TRY(engine->session().read(0, data));
  if (as_text(data) != guest_data_) return wrong("the guest's data are not what they were");
  return {};
}

Result<void> DiskWitness::check_log(const disk::Descriptor& descriptor, bool encrypted) const {
  const std::vector<Fact> told = installation_.facts(
      {.types = {"DiskCreated", "DiskEncrypted", "DiskDecrypted"}, .vms = {vm_}});
  if (told.empty()) return wrong("the log knows no disk of " + vm_);
  const auto& last = std::get<esxi::Event>(told.back().body.event);
  const auto* locked = std::get_if<esxi::DiskEncrypted>(&last);
  const auto* opened = std::get_if<esxi::DiskDecrypted>(&last);
  const auto* made = std::get_if<esxi::DiskCreated>(&last);
  if (encrypted != (locked != nullptr)) return wrong("the log's last word on the disk is another");
  if (encrypted != descriptor.encryption.has_value()) return wrong("the descriptor says otherwise");
  if (encrypted && (descriptor.encryption->key_id != locked->key.id ||
                    descriptor.encryption->dek_fingerprint != to_hex(locked->dek_fingerprint))) {
    return wrong("log and descriptor name different keys");
  }
  const esxi::DiskState& on_log = encrypted ? locked->disk : opened ? opened->disk : made->disk;
  const esxi::DiskState on_disk{descriptor.uuid, descriptor.flat, descriptor.size_bytes,
                                descriptor.sector_bytes, descriptor.generation};
  if (!(on_log == on_disk)) return wrong("log and descriptor describe different disks");
  return {};
}

// Each action was claimed once, told once and completed once.
Result<void> DiskWitness::check_actions() const {
  const std::vector<std::string> encryption{"EncryptionRequested", "EncryptionStarted",
                                            "DiskEncrypted", "EncryptionCompleted"};
  const std::vector<std::string> decryption{"DecryptionRequested", "DecryptionStarted",
                                            "DiskDecrypted", "DecryptionCompleted"};
  std::vector<std::string> types = encryption;
  types.insert(types.end(), decryption.begin(), decryption.end());
  types.emplace_back("OrderRefused");
  types.emplace_back("OrderExpired");
  std::map<std::string, std::vector<std::string>> actions;
  for (const Fact& fact : installation_.facts({.types = types, .vms = {vm_}})) {
    actions[to_string(fact.body.action)].emplace_back(type_of(fact.body.event));
  }
  for (const auto& [action, facts] : actions) {
    if (facts == encryption || facts == decryption) continue;
    std::string sentence = "an action is told as";
    for (const std::string& type : facts) sentence += " " + type;
    return wrong(sentence);
  }
  return {};
}

std::vector<std::string> DiskWitness::complaints(bool encrypted) {
  std::vector<std::string> all;
  const auto look = [&](const Result<void>& found) {
    if (!found.ok()) all.push_back(found.error().detail);
  };
  const Result<disk::Descriptor> descriptor = this->descriptor();
  if (!descriptor.ok()) return {descriptor.error().detail};
  look(check_data(*descriptor));
  look(check_log(*descriptor, encrypted));
  look(check_actions());
  for (const std::string& name : files()) {
    const bool belongs = name == descriptor->flat || name == vm_ + ".vmdk" ||
                         name == vm_ + ".vmx" || is_boot_image(name);
    if (!belongs) all.push_back("left over: " + name);
  }
  const std::size_t found = lines_in_the_datastore();
  if (found != (encrypted ? 0 : lines_.size())) {
    all.push_back(std::to_string(found) + " of the guest's lines are in the datastore");
  }
  const Result<std::string> listed = installation_.call("vm.list", "{\"vm\":\"" + vm_ + "\"}");
  const std::string wanted = std::string("\"encrypted\":") + (encrypted ? "true" : "false");
  if (!listed.ok()) {
    all.push_back(listed.error().detail);
  } else if (listed->find(wanted) == std::string::npos) {
    all.push_back("vCenter says otherwise: " + *listed);
  }
  return all;
}

std::size_t DiskWitness::lines_in_the_datastore() const {
  std::string all;
  for (const std::string& name : files()) {
    if (!is_boot_image(name)) all += testing::contents(folder_ + "/" + name);
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      lines_, [&](const std::string& line) { return all.find(line) != std::string::npos; }));
}

std::vector<std::string> DiskWitness::files() const {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

}  // namespace keytrail::crash
