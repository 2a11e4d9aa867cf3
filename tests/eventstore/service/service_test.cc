#include "eventstore/service/service.h"

#include <gtest/gtest.h>

#include "bus/wire/command_server.h"
#include "tests/support/log_author.h"

namespace keytrail::eventstore {
namespace {

using protocol::Topic;
using protocol::topic_bit;
using testing::LogAuthor;
using testing::StoreUnderTest;

constexpr protocol::TopicSet kKms = topic_bit(Topic::kKmsChange) | topic_bit(Topic::kKmsNote);

std::vector<Identity> identities() {
  return {{.name = "kms/kms-1",
           .curve_key = {},
           .prefixes = {"kms/kms-1", "kms/cluster-1"},
           .topics = {"kms.change", "kms.note", "kms.sealed", "eventstore.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "vcenter/vc-1",
           .curve_key = {},
           .prefixes = {"vcenter/vc-1"},
           .topics = {"vcenter.change", "kms.change", "head"},
           .sockets = {"append", "live", "read"}},
          {.name = "operator/cli",
           .curve_key = {},
           .prefixes = {},
           .topics = {"kms.change"},
           .sockets = {"command", "read"}}};
}

class ServiceTest : public ::testing::Test {
 protected:
  StoreUnderTest store_{identities()};
  wire::Context context_;
};

TEST_F(ServiceTest, AFactThatWasAcknowledgedIsFollowedByEverybodyWhoMay) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  LogAuthor vcenter(context_, store_, "vcenter/vc-1", topic_bit(Topic::kKmsChange));
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 1; }));
  kms.link().submit(7, kms.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 1; }));
  EXPECT_EQ(kms.all<wire::TransactionAccepted>()[0].id, 7U);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 2; }));

  ASSERT_TRUE(vcenter.until([&] { return vcenter.count<wire::Followed>() == 1; }));
  EXPECT_EQ(vcenter.all<wire::Followed>()[0].fact.stamp.author, "kms/kms-1");
}

TEST_F(ServiceTest, TheHeadIsAnsweredOnceItIsFollowed) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  for (int i = 0; i < 100; ++i)
    kms.link().submit(static_cast<std::uint64_t>(i), kms.decision("kms/kms-1/epoch"));
  kms.link().ask_head(1);
  kms.link().ask_head(2);
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::HeadAnswered>() == 2; }));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 100; }));
}

TEST_F(ServiceTest, WhatAnAuthorMayNotAppendIsRefused) {
  LogAuthor vcenter(context_, store_, "vcenter/vc-1", topic_bit(Topic::kVcenterChange));
  ASSERT_TRUE(vcenter.until_live());
  vcenter.link().begin_epoch(0, "test");
  vcenter.link().submit(1, vcenter.decision("kms/cluster-1/object/1"));
  ASSERT_TRUE(vcenter.until([&] { return vcenter.count<wire::TransactionFailed>() == 1; }));
  EXPECT_EQ(vcenter.all<wire::TransactionFailed>()[0].error.code, ErrorCode::kInvalid);
}

TEST_F(ServiceTest, ASecondProcessOfAnIdentityEndsTheFirst) {
  LogAuthor first(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(first.until_live());
  first.link().begin_epoch(0, "test");
  first.link().submit(1, first.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(first.until([&] { return first.count<wire::TransactionAccepted>() == 1; }));

  LogAuthor second(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(second.until_live());
  second.link().begin_epoch(1, "test");
  second.link().submit(1, second.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(second.until([&] { return second.count<wire::TransactionAccepted>() == 1; }));
  first.link().submit(2, first.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(first.until([&] { return first.count<wire::LinkEnded>() == 1; }));
}

TEST_F(ServiceTest, AnAuthorGoesOnAfterTheStoreWasRestarted) {
  LogAuthor kms(context_, store_, "kms/kms-1", kKms);
  ASSERT_TRUE(kms.until_live());
  kms.link().begin_epoch(0, "test");
  kms.link().submit(1, kms.decision("kms/kms-1/epoch"));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 1; }));
  ASSERT_TRUE(store_.stop().ok());
  kms.link().submit(2, kms.decision("kms/kms-1/epoch"));
  store_.start();
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::TransactionAccepted>() == 2; }));
  ASSERT_TRUE(kms.until([&] { return kms.count<wire::Followed>() == 3; }));
}

TEST_F(ServiceTest, TheOperatorSeesWhereTheLogStands) {
  const wire::CurveKeys keys = store_.keys_of("operator/cli");
  wire::CommandClient client(context_, store_.command_endpoint(), store_.server_key(), keys);
  const auto answer = client.call(R"({"command":"status"})", 5000, {});
  ASSERT_TRUE(answer.ok()) << answer.error().detail;
  EXPECT_TRUE(answer->ok);
  EXPECT_NE(answer->json.find(R"("identity":"eventstore/store-1")"), std::string::npos)
      << answer->json;
}

}  // namespace
}  // namespace keytrail::eventstore
