#include "cli/up/installation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "bus/secret/file.h"
#include "bus/secret/text.h"
#include "cli/up/first_start.h"

namespace keytrail::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kVersion = 1;

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error) {
    return Error{ErrorCode::kUnavailable,
                 "cannot make the folder " + path + ": " + error.message()};
  }
  return {};
}

// Absolute, without "..", and without a slash at its end.
Result<std::string> whole_path(const std::string& path) {
  std::error_code error;
  std::string whole = fs::absolute(path, error).lexically_normal().string();
  if (error) {
    return Error{ErrorCode::kRefused, "cannot tell which folder '" + path + "' is: " +
                                          error.message() + "; name it with --data, from / on"};
  }
  if (whole.ends_with('/')) whole.pop_back();
  return whole;
}

// The lock also says who holds it, for whoever comes second.
Result<int> lock(const std::string& data) {
  const std::string path = data + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{ErrorCode::kUnavailable, "cannot write " + path + ": " + std::strerror(errno)};
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    (void)!read(fd, holder, sizeof(holder) - 1);
    close(fd);
    return Error{ErrorCode::kConflict, data + " is in use by `keytrail up`, pid " +
                                           std::string(holder, std::strcspn(holder, "\n")) +
                                           "; stop that one, or choose another folder with --data"};
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  (void)!ftruncate(fd, 0);
  (void)!pwrite(fd, pid.data(), pid.size(), 0);
  return fd;
}

bool holds_anything(const std::string& data) {
  OsFileSystem files;
  const auto names = files.list(data);
  // What cannot be looked at is not taken for empty.
  return !names.ok() || std::any_of(names->begin(), names->end(),
                                    [](const std::string& name) { return name != "lock"; });
}

Result<std::uint32_t> read_version(const std::string& data) {
  OsFileSystem files;
  const Bytes bytes = TRY(read_file(files, data + "/VERSION", 64));
  std::string_view text = as_text(bytes);
  const auto version = parse_decimal<std::uint32_t>(take_line(text));
  if (!version || !text.empty()) {
    return Error{ErrorCode::kRefused,
                 data + "/VERSION is not a number: this is not an installation of Keytrail"};
  }
  return *version;
}

Result<void> check_version(const std::string& data) {
  const std::uint32_t version = TRY(read_version(data));
  if (version > kVersion) {
    return Error{ErrorCode::kRefused, data + " was made by a newer program (version " +
                                          std::to_string(version) + ", this one knows " +
                                          std::to_string(kVersion) + "); upgrade keytrail first"};
  }
  if (version < kVersion) {
    return Error{ErrorCode::kRefused,
                 data + " has version " + std::to_string(version) +
                     ", which this program no longer reads; start it with the program "
                     "that made it"};
  }
  return {};
}

Result<void> check_shape(const UpOptions& options, const UpConfig& found) {
  const UpConfig wanted{options.port_base, static_cast<std::uint64_t>(options.replicas),
                        static_cast<std::uint64_t>(options.hosts)};
  if (options.is_given && !(wanted == found)) {
    return Error{ErrorCode::kInvalid,
                 options.data + " was made with --port-base " + std::to_string(found.port_base) +
                     " --replicas " + std::to_string(found.replicas) + " --hosts " +
                     std::to_string(found.hosts) + "; leave the flags out, or use another folder"};
  }
  return {};
}

}  // namespace

Result<Installation> Installation::open(const UpOptions& given, Random& random) {
  UpOptions options = given;
  options.data = TRY(whole_path(options.data));
  TRY(make_folder(options.data));
  const int held = TRY(lock(options.data));
  Installation made(held, {});
  if (access((options.data + "/VERSION").c_str(), F_OK) == 0) {
    TRY(check_version(options.data));
    const UpConfig found = TRY(read_up_config(options.data + "/config/up.toml"));
    TRY(check_shape(options, found));
    options.port_base = found.port_base;
    options.replicas = static_cast<int>(found.replicas);
    options.hosts = static_cast<int>(found.hosts);
  } else if (holds_anything(options.data)) {
    return Error{ErrorCode::kRefused,
                 options.data +
                     " holds files but no installation (there is no VERSION); choose "
                     "an empty folder, or remove what a first start left there"};
  } else {
    // Before anything is made: the ports are written down with the rest.
    TRY(Ports(options.port_base).check_free(options.replicas));
    TRY(make_first_start(options, random));
    OsFileSystem files;
    // Last: without it the folder is no installation.
    TRY(replace_file(files, options.data + "/VERSION", as_bytes(std::to_string(kVersion) + "\n")));
  }
  TRY(Ports(options.port_base).check_free(options.replicas));
  made.endpoints_ = TRY(endpoints_of(options));
  return made;
}

Installation::Installation(Installation&& other) noexcept
    : lock_(std::exchange(other.lock_, -1)), endpoints_(std::move(other.endpoints_)) {}

Installation::~Installation() {
  if (lock_ >= 0) close(lock_);
}

std::vector<Installation::Part> Installation::parts() const {
  const std::string& data = endpoints_.data;
  std::vector<Part> parts;
  const auto add = [&](const std::string& name, const std::string& subcommand) {
    parts.push_back(
        {name, subcommand, data + "/config/" + name + ".toml", data + "/log/" + name + ".log"});
  };
  add("eventstore", "eventstore");
  for (const KmsEndpoint& replica : endpoints_.kms) add(replica.name, "kms");
  add(endpoints_.vcenter.name, "vcenter");
  for (const HostEndpoint& host : endpoints_.hosts) add(host.name, "esxi");
  return parts;
}

}  // namespace keytrail::cli
