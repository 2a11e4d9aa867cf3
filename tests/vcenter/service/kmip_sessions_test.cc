#include "vcenter/service/kmip_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kms/crypto/key_push.h"
#include "tests/support/temp_folder.h"
#include "tests/vcenter/service/key_servers.h"

namespace keytrail::vcenter::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KmipSessionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_unlock_file(folder_.file("unlock"), random_).ok());
    auto unlock = acquire_unlock("file:" + folder_.file("unlock"));
    ASSERT_TRUE(unlock.ok());
    auto file = SecretFile::open(files_, random_, folder_.file("secrets"), "vcenter/vc-1", *unlock);
    ASSERT_TRUE(file.ok());
    file_ = std::move(file).value();
    credentials_ = std::make_unique<Credentials>(*file_, random_);
    sessions_ = std::make_unique<KmipSessions>(
        KmipSessions::Options{.vcenter = "vc-1", .connect_ms = 2'000, .replication_ms = 400},
        *credentials_, clock_, random_);
    const WorkDone made = sessions_->make_certificate(1, {"prod"});
    credential_ = std::get<CertificateMade>(made.outcome).credential;
    for (const std::string name : {"kms-1", "kms-2"}) servers_.add(name);
  }
  ProviderAccess both() { return servers_.access({"kms-1", "kms-2"}, credential_); }

  keytrail::testing::TempFolder folder_;
  OsFileSystem files_;
  OsRandom random_;
  SystemClock clock_;
  std::unique_ptr<SecretFile> file_;
  std::unique_ptr<Credentials> credentials_;
  std::unique_ptr<KmipSessions> sessions_;
  std::string credential_;
  KeyServers servers_;
};

TEST_F(KmipSessionsTest, AKeyIsMadeOnTheFirstServerAndIsActive) {
  const WorkDone done = sessions_->create_key(1, {both(), "keytrail/vc-1/vm/1"});
  const auto& made = std::get<KeyCreated>(done.outcome);
  EXPECT_EQ(made.server, "kms-1");
  EXPECT_TRUE(servers_.keys().at(made.id).is_active);
  EXPECT_EQ(servers_.keys().at(made.id).name, "keytrail/vc-1/vm/1");
}

TEST_F(KmipSessionsTest, AKeyThatWasMadeBeforeACrashIsFoundAgainByItsName) {
  const WorkDone first = sessions_->create_key(1, {both(), "n"});
  const WorkDone second = sessions_->create_key(2, {both(), "n"});
  EXPECT_EQ(std::get<KeyCreated>(first.outcome).id, std::get<KeyCreated>(second.outcome).id);
  EXPECT_EQ(servers_.keys().size(), 1U);
  EXPECT_THAT(servers_.operations(), ElementsAre("Create on kms-1", "Activate on kms-1"));
}

TEST_F(KmipSessionsTest, TheNextServerInOrderServesWhenOneIsAway) {
  const ProviderAccess access = both();
  servers_.stop("kms-1");
  const WorkDone done = sessions_->create_key(1, {access, "n"});
  EXPECT_EQ(std::get<KeyCreated>(done.outcome).server, "kms-2");
  EXPECT_NE(done.tried.at("kms-1"), "");
  EXPECT_EQ(done.tried.at("kms-2"), "");
}

TEST_F(KmipSessionsTest, WithoutAnyServerItSaysWhatEachSaid) {
  const ProviderAccess access = both();
  servers_.stop("kms-1");
  servers_.stop("kms-2");
  const WorkDone done = sessions_->create_key(1, {access, "n"});
  const std::string& detail = std::get<WorkFailed>(done.outcome).detail;
  EXPECT_THAT(detail, HasSubstr("kms-1: "));
  EXPECT_THAT(detail, HasSubstr("kms-2: "));
}

TEST_F(KmipSessionsTest, AServerWithAnotherCertificateIsNotTalkedTo) {
  ProviderAccess access = servers_.access({"kms-1"}, credential_);
  access.trusted["kms-1"] = servers_.fingerprint("kms-2");
  EXPECT_TRUE(std::holds_alternative<WorkFailed>(sessions_->create_key(1, {access, "n"}).outcome));
  access.trusted.clear();
  EXPECT_TRUE(std::holds_alternative<WorkFailed>(sessions_->create_key(1, {access, "n"}).outcome));
  EXPECT_TRUE(servers_.operations().empty());
}

TEST_F(KmipSessionsTest, AFetchedKeyLeavesSealedToTheHostItIsFor) {
  const WorkDone made = sessions_->create_key(1, {both(), "n"});
  const std::string id = std::get<KeyCreated>(made.outcome).id;
  const auto host_key = crypto::derive_key_pair(random_.secret(32));
  const FetchKey work{both(), {"prod", id}, "host-1", "boot-a", host_key.public_key, Bytes(16, 7)};
  const WorkDone done = sessions_->fetch_key(2, work);
  const auto& sealed = std::get<KeySealed>(done.outcome);
  crypto::HpkeSealed box;
  std::copy(sealed.encapsulation.begin(), sealed.encapsulation.end(), box.encapsulated.begin());
  box.ciphertext = sealed.ciphertext;
  const crypto::KeyPushPurpose purpose{"host-1", to_bytes(as_bytes("boot-a")), Bytes(16, 7), "prod",
                                       id};
  const auto opened = crypto::open_key_push(host_key, purpose, box);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(opened->equals(servers_.keys().at(id).material));
  auto other = purpose;
  other.host = "host-2";
  EXPECT_FALSE(crypto::open_key_push(host_key, other, box).ok());
}

TEST_F(KmipSessionsTest, AKeyThatIsNowhereIsNotFetched) {
  const FetchKey work{both(), {"prod", "gone"}, "host-1", "b", Hash{9}, Bytes(16, 7)};
  const WorkDone done = sessions_->fetch_key(1, work);
  EXPECT_THAT(std::get<WorkFailed>(done.outcome).detail, HasSubstr("no such key"));
  EXPECT_EQ(done.tried.at("kms-1"), "") << "it is there, it just has no such key";
}

TEST_F(KmipSessionsTest, AProbeMakesAKeyReadsItOnAllAndDestroysIt) {
  const WorkDone done = sessions_->probe(1, {both(), "probe"});
  EXPECT_EQ(std::get<ServersProbed>(done.outcome).vendor, "Keytrail");
  EXPECT_THAT(servers_.operations(),
              ElementsAre("Create on kms-1", "Get on kms-1", "Get on kms-2", "Destroy on kms-1"));
  EXPECT_TRUE(servers_.keys().empty());
}

TEST_F(KmipSessionsTest, AProbeFindsServersThatAreNoCluster) {
  servers_.isolate("kms-2");
  WorkDone done = sessions_->probe(1, {both(), "probe"});
  EXPECT_EQ(std::get<WorkFailed>(done.outcome).server, "kms-2");
  EXPECT_TRUE(servers_.keys().empty()) << "the probe's key is gone all the same";
  servers_.add("odd", "Acme");
  done = sessions_->probe(2, {servers_.access({"kms-1", "odd"}, credential_), "probe"});
  EXPECT_THAT(std::get<WorkFailed>(done.outcome).detail, HasSubstr("Acme"));
}

TEST_F(KmipSessionsTest, LookingShowsCertificatesWithoutTrustingThem) {
  ProviderAccess access = both();
  access.trusted.clear();
  servers_.stop("kms-2");
  const WorkDone done = sessions_->look(1, {access});
  const auto& seen = std::get<ServersSeen>(done.outcome);
  EXPECT_THAT(seen.client_pem, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(seen.client_pem.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(seen.servers.at(0).fingerprint, servers_.fingerprint("kms-1"));
  EXPECT_EQ(seen.servers.at(1).pem, "");
  EXPECT_NE(seen.servers.at(1).detail, "");
}

TEST_F(KmipSessionsTest, CheckingTellsTheGreenFromTheRed) {
  const ProviderAccess access = both();
  servers_.stop("kms-2");
  const WorkDone done = sessions_->check(1, {{access}});
  const auto& checked = std::get<ServersChecked>(done.outcome);
  EXPECT_TRUE(checked.servers.at(0).is_green);
  EXPECT_FALSE(checked.servers.at(1).is_green);
}

TEST_F(KmipSessionsTest, WhatAnEarlierProcessLeftAndNoFactNamesIsWiped) {
  ASSERT_TRUE(file_->put("curve", SecretBytes(40)).ok());
  const auto left_over = credentials_->put(SecretBytes(8));
  ASSERT_TRUE(left_over.ok());
  Credentials next_process(*file_, random_);
  const auto ahead_of_its_fact = next_process.put(SecretBytes(8));
  ASSERT_TRUE(ahead_of_its_fact.ok());
  ASSERT_TRUE(next_process.wipe_all_before_but({credential_}).ok());
  EXPECT_FALSE(next_process.get(*left_over).ok());
  EXPECT_TRUE(next_process.get(credential_).ok());
  EXPECT_TRUE(next_process.get(*ahead_of_its_fact).ok());
  EXPECT_NE(file_->find("curve"), nullptr);
  EXPECT_FALSE(next_process.get("curve").ok()) << "no fact leads to a fixed entry";
}

TEST_F(KmipSessionsTest, APasswordIsRightOrWrongAndNobodysIsWrong) {
  const SecretBytes password = SecretBytes::copy_of(as_bytes("open sesame"));
  const auto verifier = make_verifier(password, random_);
  ASSERT_TRUE(verifier.ok());
  EXPECT_TRUE(*verify_password(password, *verifier));
  EXPECT_FALSE(*verify_password(SecretBytes::copy_of(as_bytes("open barley")), *verifier));
  EXPECT_FALSE(*verify_password(password, SecretBytes{}));
}

}  // namespace
}  // namespace keytrail::vcenter::test
