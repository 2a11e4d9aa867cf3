#include "esxi/service/disk_work.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "esxi/disk/os_disk_folder.h"
#include "tests/esxi/host_log.h"

namespace keytrail::esxi {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr std::uint64_t kBytes = 1 << 20;
const KeyId kKey{"prod", "key-1"};
const KeyId kNewKey{"prod", "key-2"};

// Orders performed on a real folder. What the log would say of the VM is kept in `vm_`.
class DiskWorkTest : public testing::Test {
 protected:
  DiskWorkTest() {
    char name[] = "/tmp/keytrail-disk-work.XXXXXX";
    datastore_ = mkdtemp(name);
    storage_.emplace(datastore_);
    restart();
    keks_.emplace(kKey, random_.secret(32));
    keks_.emplace(kNewKey, random_.secret(32));
  }
  ~DiskWorkTest() override {
    work_.reset();
    fs::remove_all(datastore_);
  }

  // A host that died: its locks are gone, what it had in memory too.
  void restart() { work_ = std::make_unique<DiskWork>(*storage_, random_); }

  OrderKeys keys_of(const Order& order) {
    OrderKeys keys;
    if (!order.key.is_none()) keys.key = keks_.at(order.key).clone();
    if (!order.old_key.is_none()) keys.old_key = keks_.at(order.old_key).clone();
    return keys;
  }
  Result<DiskOutcome> perform(const Order& order) {
    return work_->perform(order, vm_, keys_of(order));
  }
  // What follows when the outcome is durable.
  void tell(const Order& order, const DiskOutcome& outcome) {
    vm_.disk = outcome.disk;
    vm_.dek_fingerprint = outcome.dek_fingerprint;
    vm_.key = order.key;
    work_->retire("vm-1", vm_);
  }
  void do_order(const Order& order) {
    const Result<DiskOutcome> outcome = perform(order);
    ASSERT_TRUE(outcome.ok()) << outcome.error().detail;
    tell(order, *outcome);
  }
  Order create(const KeyId& key = {}, const std::string& import = "") {
    Order order{.kind = OrderKind::kCreate, .action = action(1), .vm = "vm-1", .key = key};
    order.creation.disk_bytes = kBytes;
    order.creation.import = import;
    return order;
  }
  static Order encrypt() {
    return {.kind = OrderKind::kEncrypt, .action = action(2), .vm = "vm-1", .key = kKey};
  }
  static Order decrypt() {
    return {.kind = OrderKind::kDecrypt, .action = action(3), .vm = "vm-1", .old_key = kKey};
  }
  static Order recrypt(RecryptDepth depth) {
    return {.kind = OrderKind::kRecrypt,
            .action = action(4),
            .vm = "vm-1",
            .key = kNewKey,
            .old_key = kKey,
            .depth = depth};
  }

  std::unique_ptr<disk::DiskEngine> open() {
    std::optional<SecretBytes> kek;
    if (!vm_.key.is_none()) kek = keks_.at(vm_.key).clone();
    Result<std::unique_ptr<disk::DiskEngine>> engine = work_->open("vm-1", vm_, kek);
    EXPECT_TRUE(engine.ok()) << engine.error().detail;
    return engine.ok() ? std::move(engine).value() : nullptr;
  }
  void write_text() {
    const auto engine = open();
    ASSERT_NE(engine, nullptr);
    Bytes sector(4096, 0);
    std::copy(kText.begin(), kText.end(), sector.begin());
    ASSERT_TRUE(engine->session().write(8192, sector).ok());
    ASSERT_TRUE(engine->session().flush().ok());
  }
  bool reads_text() {
    const auto engine = open();
    if (engine == nullptr) return false;
    Bytes sector(4096);
    EXPECT_TRUE(engine->session().read(8192, sector).ok());
    return as_text(sector).starts_with(kText);
  }
  bool text_is_on_the_storage() {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(datastore_)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string content{std::istreambuf_iterator<char>(file), {}};
      if (content.find(kText) != std::string::npos) return true;
    }
    return false;
  }

  static constexpr std::string_view kText = "a line that a guest wrote";
  OsRandom random_;
  std::string datastore_;
  std::optional<disk::OsDatastore> storage_;
  std::unique_ptr<DiskWork> work_;
  std::map<KeyId, SecretBytes> keks_;
  Vm vm_{.host = "host-1"};
};

TEST_F(DiskWorkTest, APlainDiskHoldsWhatTheGuestWroteInTheClear) {
  do_order(create());
  write_text();
  EXPECT_TRUE(reads_text());
  EXPECT_TRUE(text_is_on_the_storage());
}

TEST_F(DiskWorkTest, AnOrderThatAStopCutsShortIsDoneByTheNextProcess) {
  do_order(create());
  write_text();
  work_->stop();
  EXPECT_EQ(perform(encrypt()).error().code, ErrorCode::kUnavailable) << "never refused";
  restart();
  do_order(encrypt());
  EXPECT_FALSE(text_is_on_the_storage());
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, EncryptingLeavesNothingInTheClearAndEverythingReadable) {
  do_order(create());
  write_text();
  do_order(encrypt());
  EXPECT_FALSE(text_is_on_the_storage());
  EXPECT_TRUE(reads_text());
  do_order(decrypt());
  EXPECT_TRUE(text_is_on_the_storage());
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, ADiskCanBeEncryptedFromTheFirstByte) {
  do_order(create(kKey));
  write_text();
  EXPECT_FALSE(text_is_on_the_storage());
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, AShallowRecryptChangesTheKekAlone) {
  do_order(create(kKey));
  write_text();
  const Bytes dek = vm_.dek_fingerprint;
  do_order(recrypt(RecryptDepth::kShallow));
  EXPECT_EQ(vm_.dek_fingerprint, dek);
  EXPECT_TRUE(reads_text());
  vm_.key = kKey;
  EXPECT_FALSE(work_->open("vm-1", vm_, keks_.at(kKey).clone()).ok()) << "the old KEK still opens";
}

TEST_F(DiskWorkTest, ADeepRecryptChangesTheDekToo) {
  do_order(create(kKey));
  write_text();
  const Bytes dek = vm_.dek_fingerprint;
  do_order(recrypt(RecryptDepth::kDeep));
  EXPECT_NE(vm_.dek_fingerprint, dek);
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, EveryOrderIsSafeToPerformTwice) {
  for (const Order& order : {create(), encrypt(), recrypt(RecryptDepth::kShallow)}) {
    const Result<DiskOutcome> first = perform(order);
    ASSERT_TRUE(first.ok()) << first.error().detail;
    restart();  // It died before it could tell.
    const Result<DiskOutcome> second = perform(order);
    ASSERT_TRUE(second.ok()) << second.error().detail;
    EXPECT_EQ(*first, *second);
    tell(order, *second);
    if (order.kind == OrderKind::kCreate) write_text();
    EXPECT_TRUE(reads_text());
  }
}

TEST_F(DiskWorkTest, AnImportBecomesTheDiskAndMayBeEncryptedAtOnce) {
  fs::create_directories(datastore_ + "/vm-1");
  Bytes image(kBytes, 0);
  std::copy(kText.begin(), kText.end(), image.begin() + 8192);
  std::ofstream(datastore_ + "/vm-1/import.raw", std::ios::binary)
      .write(reinterpret_cast<const char*>(image.data()), kBytes);
  do_order(create(kKey, "import.raw"));
  EXPECT_FALSE(text_is_on_the_storage());
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, ADescriptorThatTheLogDoesNotKnowIsNotOpened) {
  do_order(create(kKey));
  vm_.dek_fingerprint = Bytes(16, 1);
  const auto opened = work_->open("vm-1", vm_, keks_.at(kKey).clone());
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail, HasSubstr("restore the descriptor"));
}

TEST_F(DiskWorkTest, ADescriptorOlderThanTheLastFactIsNotOpened) {
  do_order(create());
  const std::string descriptor = datastore_ + "/vm-1/vm-1.vmdk";
  fs::copy_file(descriptor, datastore_ + "/backup");
  do_order(encrypt());
  do_order(decrypt());  // Plain again, in another file, two generations on.
  fs::copy_file(datastore_ + "/backup", descriptor, fs::copy_options::overwrite_existing);
  const auto opened = work_->open("vm-1", vm_, std::nullopt);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail, HasSubstr("generation 3"));
  EXPECT_TRUE(fs::exists(datastore_ + "/vm-1/vm-1-flat.3.vmdk")) << "the data of the last fact";
}

TEST_F(DiskWorkTest, TheGuestThatBootsIsTheOneInTheVmx) {
  Order order = create();
  order.creation.guest = {"vmlinuz", "initrd.img", "quiet \"a|b\""};
  do_order(order);
  EXPECT_EQ(work_->guest_of("vm-1").value(), order.creation.guest);
}

TEST_F(DiskWorkTest, AFolderThatHoldsAnotherVmIsLeftAsItIs) {
  do_order(create());
  write_text();
  Order other = create();
  other.action = action(9);
  const Result<DiskOutcome> refused = work_->perform(other, Vm{.host = "host-1"}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().detail, HasSubstr("already holds another VM"));
  EXPECT_TRUE(reads_text());
}

TEST_F(DiskWorkTest, AMissingKeyIsSaidInVspheresWords) {
  do_order(create(kKey));
  const auto opened = work_->open("vm-1", vm_, std::nullopt);
  ASSERT_FALSE(opened.ok());
  EXPECT_THAT(opened.error().detail, HasSubstr("encrypted and a required key was not found"));
}

TEST_F(DiskWorkTest, ANameThatLeavesTheDatastoreIsRefused) {
  Order order = create();
  order.vm = "../vm-1";
  EXPECT_FALSE(perform(order).ok());
  order = create({}, "../../etc/passwd");
  EXPECT_FALSE(perform(order).ok());
}

}  // namespace
}  // namespace keytrail::esxi
