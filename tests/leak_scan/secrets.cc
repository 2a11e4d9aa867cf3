#include "tests/leak_scan/secrets.h"

#include <filesystem>

#include "bus/secret/file.h"
#include "bus/wire/curve.h"
#include "esxi/disk/descriptor.h"
#include "kms/crypto/key_locator.h"

namespace keytrail::leak_scan {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr std::size_t kKeptBytesMin = 12;  // what is shorter is found by chance

Result<std::string> read_text(const std::string& path, std::size_t bytes_max) {
  OsFileSystem files;
  return std::string(as_text(TRY(read_file(files, path, bytes_max))));
}

Result<std::unique_ptr<kmip::Client>> connect(const KmipFiles& files) {
  OsFileSystem system;
  const std::string certificate = TRY(read_text(files.certificate, kPemBytesMax));
  Bytes key = TRY(read_file(system, files.key, kPemBytesMax));
  SecretBytes key_pem = SecretBytes::copy_of(key);
  wipe(key);
  const kmip::TlsIdentity identity{certificate, std::move(key_pem)};
  const kmip::TrustedAuthority authority{TRY(read_text(files.ca, kPemBytesMax)), ""};
  const kmip::TlsContext tls = TRY(kmip::make_client_context(&identity, authority));
  return kmip::Client::connect(TRY(kmip::parse_endpoint(files.server)), tls);
}

// The lines are secrets too: a search for the whole of it would not find PEM in PEM's own form.
Result<void> add_pem(const std::string& what, const std::string& file, std::string_view pem,
                     std::vector<Secret>& kept) {
  std::string body;
  while (!pem.empty()) {
    const std::string_view line = pem.substr(0, pem.find('\n'));
    pem.remove_prefix(std::min(pem.size(), line.size() + 1));
    if (line.starts_with("-----")) continue;
    body += line;
    // A short last line holds the end of the public key, which is no secret.
    if (line.size() == 64) kept.push_back({what, "", SecretBytes::copy_of(as_bytes(line)), file});
  }
  Bytes der = TRY(from_base64(body));
  wipe(body);
  kept.push_back({what, "", SecretBytes::copy_of(der), file});
  wipe(der);
  return {};
}

}  // namespace

Result<std::vector<Secret>> gather_keks(const KmipFiles& files) {
  const std::unique_ptr<kmip::Client> client = TRY(connect(files));
  std::vector<Secret> keks;
  for (const std::string& id : TRY(client->locate({})).ids) {
    Result<kmip::GetResponse> got = client->get(id);
    if (!got.ok()) {
      if (got.error().code == ErrorCode::kUnavailable) return got.error();
      continue;  // Destroyed or not released any more: nothing of it can be known.
    }
    keks.push_back({"KEK " + id, id, kmip::material_of(got->object).clone(), ""});
  }
  if (keks.empty())
    return Error{ErrorCode::kNotFound, "this client may get no key: is it in vCenter's group?"};
  return keks;
}

Result<std::vector<Secret>> gather_deks(const std::string& datastore,
                                        const std::vector<Secret>& keks) {
  std::vector<Secret> deks;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(datastore, error)) {
    // Data files have the same ending, but are larger than any descriptor.
    if (entry.path().extension() != ".vmdk" || entry.file_size() > disk::kDescriptorBytesMax)
      continue;
    const Result<disk::Descriptor> descriptor =
        disk::parse_descriptor(TRY(read_text(entry.path().string(), disk::kDescriptorBytesMax)));
    if (!descriptor.ok() || !descriptor->encryption.has_value()) continue;
    for (const crypto::KeyPair& pair :
         TRY(crypto::parse_key_safe(descriptor->encryption->key_safe))) {
      for (const Secret& kek : keks) {
        if (kek.key != pair.locker.key || kek.bytes.size() != crypto::kKekBytes) continue;
        Result<SecretBytes> dek = crypto::unlock_dek(kek.bytes, pair.locked);
        if (dek.ok())
          deks.push_back(
              {"DEK of " + entry.path().stem().string(), kek.key, std::move(dek).value(), ""});
      }
    }
  }
  if (error)
    return Error{ErrorCode::kUnavailable, "cannot read " + datastore + ": " + error.message()};
  return deks;
}

Result<std::vector<Secret>> gather_kept(const std::vector<std::string>& files) {
  OsFileSystem system;
  std::vector<Secret> kept;
  for (const std::string& file : files) {
    const fs::path path(file);
    const std::string what =
        path.parent_path().filename().string() + "/" + path.filename().string();
    Bytes content = TRY(read_file(system, file, kPemBytesMax));
    const std::string_view text = as_text(content);
    // By the name: an unlock secret is random bytes, and may begin with anything.
    const bool is_key_file = path.extension() == ".key";
    if (is_key_file && text.starts_with("{")) {
      wire::CurveKeys keys = TRY(wire::read_curve_keys(file));
      kept.push_back({what, "", std::move(keys.secret_key), file});
    } else if (is_key_file) {
      TRY(add_pem(what, file, text, kept));
    } else {
      const ByteView secret =
          as_bytes(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text);
      if (secret.size() < kKeptBytesMin)
        return Error{ErrorCode::kInvalid, file + " keeps too little to be searched for"};
      kept.push_back({what, "", SecretBytes::copy_of(secret), file});
    }
    wipe(content);
  }
  return kept;
}

}  // namespace keytrail::leak_scan
