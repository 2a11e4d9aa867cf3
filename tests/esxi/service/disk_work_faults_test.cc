// Every order, with the storage failing at every single operation, and the power cut at every one:
// the storage says what became of the order, and nothing that the log does not know is destroyed.
#include <gmock/gmock.h>

#include "esxi/disk/disk_files.h"
#include "esxi/service/disk_work.h"
#include "tests/esxi/host_log.h"
#include "tests/esxi/service/memory_datastore.h"
#include "tests/support/seeded_random.h"

namespace keytrail::esxi {
namespace {

using keytrail::testing::MemoryDiskFolder;
using ::testing::ElementsAre;

constexpr std::uint64_t kBytes = 64 * 1024;
constexpr std::uint64_t kOperationsMax = 100;
constexpr std::string_view kText = "a line that a guest wrote";
const KeyId kKey{"prod", "key-1"};
const KeyId kNewKey{"prod", "key-2"};

struct Kind {
  std::string name;
  bool is_encrypted = false;  // before
  Order order;
  std::string import = "";
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

SecretBytes kek_of(const KeyId& key) {
  SecretBytes kek(32);
  for (auto& byte : kek.write(SecretAccess{})) byte = static_cast<std::uint8_t>(key.id.back());
  return kek;
}
std::optional<SecretBytes> maybe_kek_of(const KeyId& key) {
  if (key.is_none()) return std::nullopt;
  return kek_of(key);
}

// A host, its datastore and what the log says of vm-1: made anew for every fault.
class Host {
 public:
  explicit Host(const Kind& kind, std::uint64_t seed) : storage(seed), random_(seed), kind_(kind) {
    start();
    if (is_creation()) {
      if (!kind.import.empty()) {
        Bytes image(kBytes);
        std::copy(kText.begin(), kText.end(), image.begin() + 8192);
        storage.at("vm-1").set_contents(kind.import, image);
      }
      return;
    }
    Order creation{.kind = OrderKind::kCreate, .action = action(1), .vm = "vm-1"};
    if (kind.is_encrypted) creation.key = kKey;
    creation.creation.disk_bytes = kBytes;
    tell(creation, perform(creation).value());
    Bytes sector(4096);
    std::copy(kText.begin(), kText.end(), sector.begin());
    const auto engine = open().value();
    engine->session().write(8192, sector).value();
    engine->session().flush().value();
  }

  // A process begins: it sweeps what the log knows to be old.
  void start() {
    work_.reset();
    work_ = std::make_unique<DiskWork>(storage, random_);
    work_->retire("vm-1", vm);
  }
  Result<DiskOutcome> perform(const Order& order) {
    return work_->perform(order, vm, {maybe_kek_of(order.key), maybe_kek_of(order.old_key)});
  }
  // The outcome is followed.
  void tell(const Order& order, const DiskOutcome& outcome) {
    vm.disk = outcome.disk;
    vm.dek_fingerprint = outcome.dek_fingerprint;
    vm.key = order.key;
    work_->retire("vm-1", vm);
  }
  Result<std::unique_ptr<disk::DiskEngine>> open() {
    return work_->open("vm-1", vm, maybe_kek_of(vm.key));
  }
  [[nodiscard]] bool is_creation() const { return kind_.order.kind == OrderKind::kCreate; }
  MemoryDiskFolder& folder() { return storage.at("vm-1"); }
  std::string descriptor() { return std::string(as_text(folder().contents("vm-1.vmdk"))); }

  void expect_data() {
    const auto engine = open();
    ASSERT_TRUE(engine.ok()) << engine.error().detail;
    Bytes sector(4096);
    ASSERT_TRUE((*engine)->session().read(8192, sector).ok());
    const bool has_text = !is_creation() || !kind_.import.empty();
    EXPECT_EQ(as_text(sector).starts_with(kText), has_text);
  }
  // What the log knew before the order is still there.
  void expect_untouched() {
    if (is_creation()) return;
    EXPECT_NE(folder().contents(vm.disk.file), Bytes(kBytes)) << "the old data was overwritten";
    EXPECT_FALSE(folder().contents(vm.disk.file).empty()) << "the old data is gone";
  }
  void expect_done(const Order& order, const DiskOutcome& outcome) {
    tell(order, outcome);
    expect_data();
    EXPECT_THAT(folder().names().value(), ElementsAre(outcome.disk.file, "vm-1.vmdk", "vm-1.vmx"));
    EXPECT_EQ(descriptor().find("key-1") != std::string::npos, order.key == kKey)
        << "an old wrapping is left, or the new one is missing";
  }

  MemoryDatastore storage;
  Vm vm{.host = "host-1"};

 private:
  test::SeededRandom random_;
  const Kind kind_;
  std::unique_ptr<DiskWork> work_;
};

class DiskWorkFaultsTest : public ::testing::TestWithParam<Kind> {
 protected:
  static const Order& order() { return GetParam().order; }

  // What perform() promised, with the storage well again.
  static void expect_promise_kept(Host& host, const Result<DiskOutcome>& first,
                                  const std::string& before) {
    host.expect_untouched();
    if (first.ok()) return host.expect_done(order(), *first);
    if (first.error().code == ErrorCode::kUnavailable) {
      const Result<DiskOutcome> second = host.perform(order());
      ASSERT_TRUE(second.ok()) << second.error().detail;
      host.expect_untouched();
      return host.expect_done(order(), *second);
    }
    // Refused: as if it had never been.
    EXPECT_EQ(host.descriptor(), before);
    const std::vector<std::string> names = host.folder().names().value();
    if (host.is_creation()) {
      EXPECT_THAT(names, ::testing::AnyOf(ElementsAre(), ElementsAre("import.raw")));
    } else {
      EXPECT_THAT(names, ElementsAre(host.vm.disk.file, "vm-1.vmdk", "vm-1.vmx"));
      host.expect_data();
    }
  }
};

Order with(Order order) {
  order.vm = "vm-1";
  order.action = action(2);
  if (order.kind == OrderKind::kCreate) order.creation.disk_bytes = kBytes;
  return order;
}
Kind encrypted_import() {
  Kind kind{.name = "CreateEncryptedFromImport",
            .order = with({.kind = OrderKind::kCreate, .key = kKey}),
            .import = "import.raw"};
  kind.order.creation.import = kind.import;
  return kind;
}

INSTANTIATE_TEST_SUITE_P(
    Orders, DiskWorkFaultsTest,
    ::testing::Values(
        Kind{.name = "Encrypt", .order = with({.kind = OrderKind::kEncrypt, .key = kKey})},
        Kind{.name = "Decrypt",
             .is_encrypted = true,
             .order = with({.kind = OrderKind::kDecrypt, .old_key = kKey})},
        Kind{.name = "DeepRecrypt",
             .is_encrypted = true,
             .order = with({.kind = OrderKind::kRecrypt,
                            .key = kNewKey,
                            .old_key = kKey,
                            .depth = RecryptDepth::kDeep})},
        Kind{.name = "ShallowRecrypt",
             .is_encrypted = true,
             .order = with({.kind = OrderKind::kRecrypt,
                            .key = kNewKey,
                            .old_key = kKey,
                            .depth = RecryptDepth::kShallow})},
        Kind{.name = "Create", .order = with({.kind = OrderKind::kCreate})},
        Kind{.name = "CreateEncrypted", .order = with({.kind = OrderKind::kCreate, .key = kKey})},
        encrypted_import()),
    [](const auto& kind) { return kind.param.name; });

TEST_P(DiskWorkFaultsTest, AnyOneOperationMayFail) {
  int done = 0, unsettled = 0, refused = 0;
  for (const Fault fault : {Fault::kBefore, Fault::kAfter}) {
    for (std::uint64_t n = 0;; ++n) {
      ASSERT_LT(n, kOperationsMax);
      SCOPED_TRACE("operation " + std::to_string(n) + (fault == Fault::kBefore ? "" : ", done"));
      Host host(GetParam(), n + 1);
      const std::string before = host.descriptor();
      host.storage.plan = {.countdown = n, .fault = fault};
      const Result<DiskOutcome> first = host.perform(order());
      const bool hit = host.storage.plan.hit;
      host.storage.plan = {};
      expect_promise_kept(host, first, before);
      ++(first.ok() ? done : first.error().code == ErrorCode::kUnavailable ? unsettled : refused);
      if (!hit) break;
    }
  }
  EXPECT_GT(done, 2);  // Those without a fault, and a rename that failed only in name.
  EXPECT_GT(refused, 1);
}

TEST_P(DiskWorkFaultsTest, TheHostMayDieAfterAnyFailureBeforeItTellsAnything) {
  for (const Fault fault : {Fault::kBefore, Fault::kAfter}) {
    for (std::uint64_t n = 0;; ++n) {
      ASSERT_LT(n, kOperationsMax);
      SCOPED_TRACE("operation " + std::to_string(n) + (fault == Fault::kBefore ? "" : ", done"));
      Host host(GetParam(), n + 1);
      host.storage.plan = {.countdown = n, .fault = fault};
      const Result<DiskOutcome> first = host.perform(order());
      const bool hit = host.storage.plan.hit;
      host.storage.plan = {};
      host.start();
      host.expect_untouched();
      // A refusal that nobody heard: the order is claimed still, and performed again. An import
      // went with what was undone.
      const bool is_undone = !first.ok() && first.error().code != ErrorCode::kUnavailable;
      const Result<DiskOutcome> second = host.perform(order());
      if (!is_undone || host.folder().contents("import.raw").empty() == false ||
          GetParam().import.empty()) {
        ASSERT_TRUE(second.ok()) << second.error().detail;
        host.expect_untouched();
        host.expect_done(order(), *second);
      }
      if (!hit) break;
    }
  }
}

TEST_P(DiskWorkFaultsTest, ThePowerMayBeCutAtAnyOperation) {
  for (std::uint64_t n = 0;; ++n) {
    ASSERT_LT(n, kOperationsMax);
    SCOPED_TRACE("power cut at change " + std::to_string(n));
    Host host(GetParam(), n + 1);
    host.folder().fail_at(n);
    const Result<DiskOutcome> first = host.perform(order());
    const bool cut = host.folder().failed();
    EXPECT_TRUE(first.ok() || first.error().code == ErrorCode::kUnavailable);
    host.folder().restart();
    host.start();
    host.expect_untouched();
    const Result<DiskOutcome> second = host.perform(order());
    ASSERT_TRUE(second.ok()) << second.error().detail;
    host.expect_untouched();
    // What was found to be committed must be durable before anybody is told.
    host.folder().restart();
    host.start();
    const Result<DiskOutcome> third = host.perform(order());
    ASSERT_TRUE(third.ok()) << third.error().detail;
    EXPECT_EQ(*third, *second) << "it was told, and then was not so";
    host.expect_untouched();
    host.expect_done(order(), *third);
    if (!cut) break;
  }
}

TEST_P(DiskWorkFaultsTest, ADatastoreThatIsAwayDecidesNothing) {
  Host host(GetParam(), 1);
  const DiskOutcome outcome = host.perform(order()).value();
  host.start();  // It died before it could tell.
  host.storage.is_away = true;
  const Result<DiskOutcome> away = host.perform(order());
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable);
  host.storage.is_away = false;
  EXPECT_EQ(host.perform(order()).value(), outcome);
  host.expect_done(order(), outcome);
}

TEST_P(DiskWorkFaultsTest, AfterACrashTheNextStartRetiresWhatWasTold) {
  Host host(GetParam(), 1);
  const DiskOutcome outcome = host.perform(order()).value();
  host.vm.disk = outcome.disk;  // Told; then it died.
  host.vm.dek_fingerprint = outcome.dek_fingerprint;
  host.vm.key = order().key;
  host.start();
  EXPECT_THAT(host.folder().names().value(),
              ElementsAre(outcome.disk.file, "vm-1.vmdk", "vm-1.vmx"));
  EXPECT_EQ(host.descriptor().find("key-1") != std::string::npos, order().key == kKey)
      << "the old key's wrapping is still there";
}

TEST_P(DiskWorkFaultsTest, ADiskThatAnotherProcessHasOpenDecidesNothing) {
  if (order().kind == OrderKind::kCreate) return;
  Host host(GetParam(), 1);
  auto other = host.folder().open(host.vm.disk.file).value();
  const Result<DiskOutcome> busy = host.perform(order());
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().code, ErrorCode::kUnavailable);
  other.reset();
  host.expect_done(order(), host.perform(order()).value());
}

}  // namespace
}  // namespace keytrail::esxi
