#include "kms/service/batch_run.h"
#include "kms/service/request_translation.h"
#include "tests/kms/service/replica_fixture.h"

namespace keytrail::kms::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ReplicaRequestsTest : public ReplicaFixture {};

TEST_F(ReplicaRequestsTest, ABatchSeesItsOwnEffectsAndIsOneUnit) {
  const Position before = log.head();
  a.ask(5,
        message(kmip::BatchErrorContinuation::kStop, aes256("n"), kmip::ActivateRequest{},
                kmip::GetRequest{}),
        kVc);
  a.settle();
  const auto answer = a.answer(5);
  ASSERT_THAT(answer.items, SizeIs(3));
  for (const auto& item : answer.items) {
    EXPECT_TRUE(std::holds_alternative<kmip::ResponsePayload>(item.outcome));
  }
  EXPECT_EQ(answer.items[2].batch_id, Bytes{3});
  EXPECT_EQ(log.head(), before + 4);  // Created, bound, activated, released.
}

TEST_F(ReplicaRequestsTest, UndoneBatchesLeaveOnlyTheRefusal) {
  a.ask(5,
        message(kmip::BatchErrorContinuation::kUndo, aes256("n"), kmip::GetRequest{},
                kmip::DestroyRequest{.id = "nothing"}, kmip::ActivateRequest{}),
        kVc);
  a.settle();
  const auto answer = a.answer(5);
  ASSERT_THAT(answer.items, SizeIs(3));
  EXPECT_TRUE(std::holds_alternative<kmip::Undone>(answer.items[0].outcome));
  EXPECT_TRUE(std::holds_alternative<kmip::Undone>(answer.items[1].outcome));
  EXPECT_TRUE(std::holds_alternative<kmip::Failure>(answer.items[2].outcome));
  EXPECT_THAT(log.all<ObjectCreated>(), IsEmpty());
  EXPECT_THAT(log.all<KeyReleased>(), IsEmpty());
  EXPECT_THAT(log.all<OperationRefused>(), SizeIs(1));
  EXPECT_TRUE(call<kmip::CreateResponse>(a, aes256("n")));  // The name is free.
}

TEST_F(ReplicaRequestsTest, ContinueGoesOnAfterAFailure) {
  a.ask(5,
        message(kmip::BatchErrorContinuation::kContinue, kmip::DestroyRequest{.id = "nothing"},
                aes256("n")),
        kVc);
  a.settle();
  const auto answer = a.answer(5);
  ASSERT_THAT(answer.items, SizeIs(2));
  EXPECT_TRUE(std::holds_alternative<kmip::Failure>(answer.items[0].outcome));
  EXPECT_TRUE(std::holds_alternative<kmip::ResponsePayload>(answer.items[1].outcome));
}

TEST_F(ReplicaRequestsTest, ABatchThatNoUnitCanHoldDoesNothing) {
  kmip::RequestMessage request;
  for (int i = 0; i < 40; ++i) {
    request.items.push_back({.operation = kmip::Operation::kCreate,
                             .batch_id = Bytes{static_cast<std::uint8_t>(i)},
                             .content = kmip::RequestPayload(aes256())});
  }
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_TRUE(std::holds_alternative<kmip::Failure>(a.answer(5).items[0].outcome));
  EXPECT_THAT(log.all<ObjectCreated>(), IsEmpty());
  created(a);
  EXPECT_EQ(log.all<ObjectCreated>()[0].leaf, 17U);  // It ended where it became too much.
}

TEST_F(ReplicaRequestsTest, AnAbsentCustomAttributeIsASuccessWithoutIt) {
  const std::string id = created(a);
  const auto got = call<kmip::GetAttributesResponse>(
      a, kmip::GetAttributesRequest{.id = id, .names = {"x-Product_Version"}});
  ASSERT_TRUE(got.has_value());
  EXPECT_THAT(got->attributes, IsEmpty());
}

TEST_F(ReplicaRequestsTest, PlainReadsAppendNothing) {
  const std::string id = created(a, "n");
  const Position before = log.head();
  kmip::LocateRequest locate;
  locate.attributes = {attribute(kmip::attribute::kName, kmip::to_value(kmip::Name{.value = "n"}))};
  const auto located = call<kmip::LocateResponse>(a, locate);
  ASSERT_TRUE(located.has_value());
  EXPECT_THAT(located->ids, ElementsAre(id));
  EXPECT_TRUE(call<kmip::DiscoverVersionsResponse>(a, kmip::DiscoverVersionsRequest{}));
  EXPECT_EQ(log.head(), before);
}

// Without the option there are none: PlainReadsAppendNothing.
TEST_F(ReplicaRequestsTest, PlainReadsAreRecordedWhereThatIsAskedFor) {
  const auto b = second({.record_reads = true});
  const std::string id = created(*b, "n");
  ASSERT_TRUE(call<kmip::GetAttributesResponse>(*b, kmip::GetAttributesRequest{.id = id}));
  ASSERT_TRUE(call<kmip::LocateResponse>(*b, kmip::LocateRequest{}));
  const auto read = [&](kmip::Operation operation, const std::string& object) {
    return ReadRecorded{static_cast<std::uint32_t>(operation), object, "vc-1"};
  };
  EXPECT_THAT(log.all<ReadRecorded>(), ElementsAre(read(kmip::Operation::kGetAttributes, id),
                                                   read(kmip::Operation::kLocate, "")));
  // Recorded, then told, as all that is recorded.
  b->holds_submissions = true;
  b->ask(5, one(kmip::GetAttributesRequest{.id = id}), kVc);
  b->settle();
  EXPECT_FALSE(b->answered(5));
  EXPECT_THAT(b->held, SizeIs(1));
}

TEST_F(ReplicaRequestsTest, MalformedMessagesAreAnsweredAndRecorded) {
  a.ask(5, Bytes{0x42, 0x00, 0x78, 0x01, 0, 0, 0, 0}, kVc);
  a.settle();
  EXPECT_TRUE(a.answered(5));
  EXPECT_THAT(log.all<OperationRefused>(), SizeIs(1));
  a.ask(6, Bytes(64, 0xff), kVc);
  a.settle();
  EXPECT_TRUE(a.answered(6));
}

TEST_F(ReplicaRequestsTest, AReplicaThatCannotReadItsKeyringRefusesAndGoesOn) {
  const std::string kept = created(a);
  ASSERT_TRUE(call<kmip::DestroyResponse>(a, kmip::DestroyRequest{.id = created(a)}));
  log.now += 2'000'000'000;
  a.settle();  // Punctured: from now on the block is read from its page.
  a.files.set_unreadable(true);
  EXPECT_FALSE(call<kmip::CreateResponse>(a, aes256()));
  EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kGeneralFailure);
  EXPECT_THAT(last_failure_->message, HasSubstr("ask another replica"));
  EXPECT_FALSE(call<kmip::GetResponse>(a, kmip::GetRequest{.id = kept}));
  EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kGeneralFailure);
  EXPECT_THAT(log.all<OperationRefused>().back().detail, HasSubstr("cannot be opened, on demand"));
  a.files.set_unreadable(false);
  EXPECT_TRUE(call<kmip::GetResponse>(a, kmip::GetRequest{.id = kept}));
  created(a);
  // Taken for what was not sealed, a leaf is spent.
  std::set<std::uint64_t> leaves;
  for (const ObjectCreated& object : log.all<ObjectCreated>()) leaves.insert(object.leaf);
  EXPECT_THAT(leaves, ElementsAre(0, 1, 3));
}

TEST_F(ReplicaRequestsTest, AnAttributeThatPromisesMoreThanGetKeepsIsRefused) {
  const std::string id = created(a);
  for (const std::string_view name : {kmip::attribute::kSensitive, kmip::attribute::kExtractable}) {
    kmip::CreateRequest request = aes256();
    request.attributes.push_back(attribute(name, name == kmip::attribute::kSensitive));
    EXPECT_FALSE(call<kmip::CreateResponse>(a, request)) << name;
    EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kFeatureNotSupported);
    EXPECT_FALSE(call<kmip::AddAttributeResponse>(
        a, kmip::AddAttributeRequest{.id = id, .attribute = request.attributes.back()}))
        << name;
  }
  EXPECT_THAT(log.all<ObjectCreated>(), SizeIs(1));
}

// It was passed over, and another one was answered.
TEST_F(ReplicaRequestsTest, WhoAddsAnAttributeDoesNotChooseItsIndex) {
  const std::string id = created(a);
  kmip::AddAttributeRequest request{.id = id, .attribute = attribute("x-a", std::string("v"))};
  request.attribute.index = 5;
  EXPECT_FALSE(call<kmip::AddAttributeResponse>(a, request));
  EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kInvalidField);
  request.attribute.index = 0;
  ASSERT_TRUE(call<kmip::AddAttributeResponse>(a, request));
  const auto again = call<kmip::AddAttributeResponse>(a, request);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->attribute.index, 1);
}

TEST_F(ReplicaRequestsTest, AnOpaqueObjectHasNeitherStateNorUsageMask) {
  const std::string id = call<kmip::RegisterResponse>(a, opaque(6)).value().id;
  const auto told =
      call<kmip::GetAttributeListResponse>(a, kmip::GetAttributeListRequest{.id = id});
  ASSERT_TRUE(told.has_value());
  EXPECT_THAT(told->names, Contains("Object Type"));
  EXPECT_THAT(told->names, Not(Contains("Cryptographic Usage Mask")));
  EXPECT_THAT(told->names, Not(Contains("State")));
}

TEST_F(ReplicaRequestsTest, ABatchEndsWhereItsAnswerBecomesTooLarge) {
  const std::string id = call<kmip::RegisterResponse>(a, opaque(200 * 1024)).value().id;
  kmip::RequestMessage request;
  for (int i = 0; i < 200; ++i) {
    request.items.push_back({.operation = kmip::Operation::kGet,
                             .batch_id = Bytes{static_cast<std::uint8_t>(i)},
                             .content = kmip::RequestPayload(kmip::GetRequest{.id = id})});
  }
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_EQ(std::get<kmip::Failure>(a.answer(5).items.at(0).outcome).reason,
            kmip::ResultReason::kResponseTooLarge);
  EXPECT_THAT(log.all<KeyReleased>(), IsEmpty());
  EXPECT_THAT(log.all<OperationRefused>(), SizeIs(1));
}

TEST_F(ReplicaRequestsTest, ALocateNamesABoundedNumberOfAttributes) {
  kmip::LocateRequest locate;
  for (std::size_t i = 0; i < kLocateAttributesMax; ++i) {
    locate.attributes.push_back(attribute("x-a", std::string("v")));
  }
  EXPECT_TRUE(call<kmip::LocateResponse>(a, locate));
  locate.attributes.push_back(attribute("x-a", std::string("v")));
  EXPECT_FALSE(call<kmip::LocateResponse>(a, locate));
  EXPECT_EQ(last_failure_->reason, kmip::ResultReason::kInvalidField);
  EXPECT_THAT(log.all<OperationRefused>(), SizeIs(1));
}

TEST_F(ReplicaRequestsTest, ABatchSearchesABoundedNumberOfTimes) {
  kmip::RequestMessage request;
  for (std::size_t i = 0; i <= kBatchSearchesMax; ++i) {
    request.items.push_back({.operation = kmip::Operation::kLocate,
                             .batch_id = Bytes{static_cast<std::uint8_t>(i)},
                             .content = kmip::RequestPayload(kmip::LocateRequest{})});
  }
  a.ask(5, request, kVc);
  a.settle();
  const kmip::ResponseMessage answer = a.answer(5);
  ASSERT_THAT(answer.items, SizeIs(kBatchSearchesMax + 1));
  EXPECT_TRUE(std::holds_alternative<kmip::ResponsePayload>(answer.items.front().outcome));
  EXPECT_EQ(std::get<kmip::Failure>(answer.items.back().outcome).reason,
            kmip::ResultReason::kInvalidMessage);
}

TEST_F(ReplicaRequestsTest, AMaximumResponseSizeIsKeptBeforeAnythingHappens) {
  kmip::RequestMessage request = one(aes256());
  request.header.maximum_response_bytes = 64;
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_EQ(std::get<kmip::Failure>(a.answer(5).items.at(0).outcome).reason,
            kmip::ResultReason::kResponseTooLarge);
  EXPECT_THAT(log.all<ObjectCreated>(), IsEmpty());
  request.header.maximum_response_bytes = 4096;
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_THAT(log.all<ObjectCreated>(), SizeIs(1));
  // To the byte: what was answered then is not a byte too long.
  request.header.maximum_response_bytes = static_cast<std::int32_t>(a.answers.at(5).size());
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_THAT(log.all<ObjectCreated>(), SizeIs(2));
  --*request.header.maximum_response_bytes;
  a.ask(5, request, kVc);
  a.settle();
  EXPECT_THAT(log.all<ObjectCreated>(), SizeIs(2));
}

}  // namespace
}  // namespace keytrail::kms::test
