#include "kms/kmip/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace keytrail::kmip {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kNow = 1'800'000'000;

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

RequestMessage message(ProtocolVersion version, RequestPayload payload) {
  RequestMessage request;
  request.header.version = version;
  const Operation operation = operation_of(payload);
  request.items.push_back({operation, std::nullopt, std::move(payload)});
  return request;
}

RequestMessage reread(const RequestMessage& request) {
  const SecretBytes bytes = encode_request(request);
  DecodedRequest decoded = decode_request(bytes.read(SecretAccess()));
  const auto* malformed = std::get_if<MalformedRequest>(&decoded);
  EXPECT_EQ(malformed, nullptr) << malformed->failure.message;
  return std::move(std::get<RequestMessage>(decoded));
}

template <class Request>
Request reread(ProtocolVersion version, Request payload) {
  RequestMessage read = reread(message(version, std::move(payload)));
  const auto* failure = std::get_if<Failure>(&read.items.at(0).content);
  EXPECT_EQ(failure, nullptr) << failure->message;
  return std::get<Request>(std::move(std::get<RequestPayload>(read.items.at(0).content)));
}

// The failure of the only item of a request.
Failure item_failure(ProtocolVersion version, RequestPayload payload) {
  const RequestMessage read = reread(message(version, std::move(payload)));
  const auto* failure = std::get_if<Failure>(&read.items.at(0).content);
  return failure == nullptr ? Failure{ResultReason{}, "none"} : *failure;
}

template <class Response>
Response reread_answer(ProtocolVersion version, Response payload) {
  ResponseMessage answer;
  answer.header = {version, {kNow}, std::nullopt};
  ResponsePayload any = std::move(payload);
  const Operation operation = operation_of(any);
  answer.items.push_back({operation, std::nullopt, std::move(any)});
  const SecretBytes bytes = encode_response(answer);
  Result<ResponseMessage> read = decode_response(bytes.read(SecretAccess()));
  EXPECT_TRUE(read.ok()) << read.error().detail;
  return std::get<Response>(std::move(std::get<ResponsePayload>(read->items.at(0).outcome)));
}

// A request written item by item, for what the typed writer would never write.
Bytes raw_request(ProtocolVersion version, const std::function<void(ttlv::Writer&)>& items,
                  std::int32_t batch_count = 1) {
  ttlv::Writer w;
  w.begin(Tag::kRequestMessage);
  w.begin(Tag::kRequestHeader);
  w.begin(Tag::kProtocolVersion);
  w.integer(Tag::kProtocolVersionMajor, version.major);
  w.integer(Tag::kProtocolVersionMinor, version.minor);
  w.end();
  w.integer(Tag::kBatchCount, batch_count);
  w.end();
  items(w);
  w.end();
  const SecretBytes bytes = w.take();
  return to_bytes(bytes.read(SecretAccess()));
}

void raw_item(ttlv::Writer& w, Operation operation,
              const std::function<void(ttlv::Writer&)>& payload) {
  w.begin(Tag::kBatchItem);
  w.enumeration(Tag::kOperation, static_cast<std::uint32_t>(operation));
  w.begin(Tag::kRequestPayload);
  payload(w);
  w.end();
  w.end();
}

Attribute usage_mask(std::int32_t mask) {
  return {std::string(attribute::kCryptographicUsageMask), 0, mask};
}

TEST(MessagesTest, ACreateRequestComesBackAsItWasSent) {
  const std::vector<Attribute> attributes = {
      {"Cryptographic Algorithm", 0, ttlv::Enumeration{3}},
      {"Cryptographic Length", 0, std::int32_t{256}},
      usage_mask(12),
      {"Name", 0, to_value(Name{"key-1"})},
      {"x-Vendor", 1, std::string("VMware, Inc.")},
  };
  const auto create = reread(kVersion1_4, CreateRequest{ObjectType::kSymmetricKey, attributes});
  EXPECT_EQ(create.type, ObjectType::kSymmetricKey);
  EXPECT_EQ(create.attributes, attributes);
  EXPECT_EQ(name_from(create.attributes[3].value), (Name{"key-1"}));
}

TEST(MessagesTest, EveryKindOfObjectCanBeRegistered) {
  const auto key = reread(kVersion1_0, RegisterRequest{ObjectType::kSymmetricKey,
                                                       {usage_mask(12)},
                                                       SymmetricKey{{KeyFormatType::kRaw,
                                                                     secret("0123456789abcdef"),
                                                                     {},
                                                                     CryptographicAlgorithm::kAes,
                                                                     128}}});
  EXPECT_TRUE(material_of(key.object).equals(as_bytes("0123456789abcdef")));
  EXPECT_EQ(std::get<SymmetricKey>(key.object).block.length, 128);

  const auto transparent = reread(
      kVersion1_0,
      RegisterRequest{
          ObjectType::kSymmetricKey,
          {},
          SymmetricKey{
              {KeyFormatType::kTransparentSymmetricKey, secret("0123456789abcdef"), {}, {}, {}}}});
  EXPECT_TRUE(material_of(transparent.object).equals(as_bytes("0123456789abcdef")));

  const auto password =
      reread(kVersion1_2,
             RegisterRequest{ObjectType::kSecretData,
                             {},
                             SecretData{SecretDataType::kPassword,
                                        {KeyFormatType::kOpaque, secret("hunter2"), {}, {}, {}}}});
  EXPECT_TRUE(material_of(password.object).equals(as_bytes("hunter2")));
  EXPECT_EQ(std::get<SecretData>(password.object).type, SecretDataType::kPassword);

  const auto opaque =
      reread(kVersion1_4,
             RegisterRequest{
                 ObjectType::kOpaqueObject, {}, OpaqueObject{{0x80000001}, secret("anything")}});
  EXPECT_TRUE(material_of(opaque.object).equals(as_bytes("anything")));
}

TEST(MessagesTest, TheOtherRequestsComeBackAsTheyWereSent) {
  EXPECT_THAT(reread(kVersion1_1, DiscoverVersionsRequest{{kVersion1_1, kVersion1_0}}).versions,
              ElementsAre(kVersion1_1, kVersion1_0));
  EXPECT_THAT(reread(kVersion1_4, QueryRequest{{QueryFunction::kOperations}}).functions,
              ElementsAre(QueryFunction::kOperations));
  EXPECT_EQ(reread(kVersion1_0, GetRequest{"id-1", KeyFormatType::kRaw, {}, {}}).format,
            KeyFormatType::kRaw);
  EXPECT_EQ(reread(kVersion1_0, GetRequest{}).id, std::nullopt);
  EXPECT_THAT(reread(kVersion1_0, GetAttributesRequest{"id-1", {"State"}}).names,
              ElementsAre("State"));
  EXPECT_EQ(reread(kVersion1_0, GetAttributeListRequest{"id-1"}).id, "id-1");
  EXPECT_EQ(reread(kVersion1_1, AddAttributeRequest{"id-1", {"x-Product", 0, std::string("p")}})
                .attribute.name,
            "x-Product");
  EXPECT_EQ(reread(kVersion1_0, ActivateRequest{"id-1"}).id, "id-1");
  EXPECT_EQ(reread(kVersion1_0, DestroyRequest{"id-1"}).id, "id-1");

  const auto locate = reread(
      kVersion1_3,
      LocateRequest{10, 20, 1, ObjectGroupMember::kFresh, {{"Name", 0, to_value(Name{"n"})}}});
  EXPECT_EQ(locate.offset_items, 20);
  EXPECT_THAT(locate.attributes, SizeIs(1));

  const auto revoke = reread(
      kVersion1_0,
      RevokeRequest{"id-1", {RevocationReasonCode::kKeyCompromise, "lost"}, ttlv::DateTime{6}});
  EXPECT_EQ(revoke.reason.message, "lost");
  EXPECT_EQ(revoke.compromise_occurrence->seconds, 6);
}

TEST(MessagesTest, TheHeaderCarriesBatchOptionsAndCredentials) {
  RequestMessage request;
  request.header.version = kVersion1_4;
  request.header.maximum_response_bytes = 2048;
  request.header.client_correlation_value = "corr-1";
  request.header.credentials.push_back(UsernameAndPassword{"alice", secret("s3cret")});
  request.header.continuation = BatchErrorContinuation::kUndo;
  request.header.in_order = true;
  request.header.time_stamp = ttlv::DateTime{kNow};
  request.items.push_back({Operation::kGet, Bytes{1}, RequestPayload(GetRequest{})});
  request.items.push_back({Operation::kDestroy, Bytes{2}, RequestPayload(DestroyRequest{})});

  const RequestMessage read = reread(request);
  EXPECT_EQ(read.header.maximum_response_bytes, 2048);
  EXPECT_EQ(read.header.client_correlation_value, "corr-1");
  const auto& credential = std::get<UsernameAndPassword>(read.header.credentials.at(0));
  EXPECT_EQ(credential.username, "alice");
  EXPECT_TRUE(credential.password.equals(as_bytes("s3cret")));
  EXPECT_EQ(read.header.continuation, BatchErrorContinuation::kUndo);
  EXPECT_TRUE(read.header.in_order);
  EXPECT_EQ(read.items.at(1).batch_id, Bytes{2});
  EXPECT_EQ(check_time_stamp(read.header, kNow + 60), std::nullopt);
  EXPECT_EQ(check_time_stamp(read.header, kNow - 60), std::nullopt);
  EXPECT_TRUE(check_time_stamp(read.header, kNow + 7200).has_value());
}

TEST(MessagesTest, AnswersComeBackAsTheyWereGiven) {
  const auto got =
      reread_answer(kVersion1_4, GetResponse{ObjectType::kSymmetricKey, "id-1",
                                             SymmetricKey{{KeyFormatType::kRaw,
                                                           secret("0123456789abcdef"),
                                                           {},
                                                           CryptographicAlgorithm::kAes,
                                                           128}}});
  EXPECT_EQ(got.id, "id-1");
  EXPECT_TRUE(material_of(got.object).equals(as_bytes("0123456789abcdef")));

  QueryResponse query;
  query.operations = {Operation::kGet};
  query.object_types = {ObjectType::kSymmetricKey};
  query.vendor = "Keytrail";
  query.server_information = ttlv::Structure{};
  query.capabilities = {{.batch_undo = true}};
  const QueryResponse read = reread_answer(kVersion1_4, query);
  EXPECT_EQ(read.vendor, "Keytrail");
  EXPECT_EQ(read.capabilities.at(0).batch_undo, true);
  EXPECT_THAT(reread_answer(kVersion1_0, LocateResponse{{}, {"a", "b"}}).ids,
              ElementsAre("a", "b"));
}

TEST(MessagesTest, AnAnswerHoldsNothingThatTheClientsVersionDoesNotKnow) {
  QueryResponse query;
  query.capabilities = {{.streaming = false, .batch_undo = true}};
  query.rngs = {{}};
  EXPECT_THAT(reread_answer(kVersion1_2, query).capabilities, IsEmpty());
  EXPECT_THAT(reread_answer(kVersion1_2, query).rngs, IsEmpty());
  const QueryResponse at_1_3 = reread_answer(kVersion1_3, query);
  EXPECT_EQ(at_1_3.capabilities.at(0).streaming, false);
  EXPECT_EQ(at_1_3.capabilities.at(0).batch_undo, std::nullopt);

  EXPECT_EQ(reread_answer(kVersion1_2, LocateResponse{5, {}}).located_items, std::nullopt);
  EXPECT_EQ(reread_answer(kVersion1_3, LocateResponse{5, {}}).located_items, 5);

  const GetAttributesResponse attributes{
      "id-1",
      {{"State", 0, ttlv::Enumeration{2}},
       {"Fresh", 0, true},
       {"Sensitive", 0, false},
       {"Digest", 0, to_value(Digest{HashingAlgorithm::kSha256, Bytes(32), KeyFormatType::kRaw})}}};
  const GetAttributesResponse at_1_0 = reread_answer(kVersion1_0, attributes);
  ASSERT_THAT(at_1_0.attributes, SizeIs(2));
  EXPECT_EQ(ttlv::find(at_1_0.attributes[1].value, Tag::kKeyFormatType), nullptr);
  EXPECT_EQ(reread_answer(kVersion1_4, attributes).attributes, attributes.attributes);
  EXPECT_THAT(
      reread_answer(kVersion1_0, GetAttributeListResponse{"id-1", {"State", "Fresh", "x-a"}}).names,
      ElementsAre("State", "x-a"));
}

TEST(MessagesTest, AReasonOfLaterDaysIsSaidInTheClientsWords) {
  ResponseMessage answer;
  answer.header = {kVersion1_2, {kNow}, "corr"};
  answer.items.push_back({Operation::kGet, Bytes{7}, Failure{ResultReason::kNotExtractable, "no"}});
  const SecretBytes bytes = encode_response(answer);
  const ResponseMessage read = decode_response(bytes.read(SecretAccess())).value();
  EXPECT_EQ(std::get<Failure>(read.items.at(0).outcome).reason, ResultReason::kPermissionDenied);
  EXPECT_EQ(read.items.at(0).batch_id, Bytes{7});
  EXPECT_EQ(read.header.client_correlation_value, std::nullopt);
}

TEST(MessagesTest, AnOperationThatTheVersionLacksFailsItsItemAlone) {
  RequestMessage request;
  request.header.version = kVersion1_0;
  request.items.push_back(
      {Operation::kDiscoverVersions, Bytes{1}, RequestPayload(DiscoverVersionsRequest{})});
  request.items.push_back(
      {Operation::kGet, Bytes{2}, RequestPayload(GetRequest{"id-1", {}, {}, {}})});
  const RequestMessage read = reread(request);
  EXPECT_EQ(std::get<Failure>(read.items.at(0).content).reason,
            ResultReason::kOperationNotSupported);
  EXPECT_TRUE(std::holds_alternative<RequestPayload>(read.items.at(1).content));
}

TEST(MessagesTest, AnAttributeThatBreaksItsRuleFailsTheItem) {
  const auto failure = [](ProtocolVersion version, Attribute attribute) {
    return item_failure(version, CreateRequest{ObjectType::kSymmetricKey, {std::move(attribute)}});
  };
  EXPECT_THAT(failure(kVersion1_4, {"Cryptographic Length", 0, std::int64_t{256}}).message,
              HasSubstr("not of type Integer"));
  EXPECT_THAT(failure(kVersion1_4, {"Name", 0, ttlv::Structure{}}).message,
              HasSubstr("lacks its Name Value"));
  EXPECT_THAT(failure(kVersion1_4, {"Name", -1, to_value(Name{"n"})}).message,
              HasSubstr("negative index"));
  EXPECT_EQ(failure(kVersion1_4, {"x-anything", 3, ttlv::Structure{}}).message, "none");
  ttlv::Structure twice = std::get<ttlv::Structure>(to_value(Name{"n"}));
  twice.items.push_back(twice.items.front());
  EXPECT_THAT(failure(kVersion1_4, {"Name", 0, twice}).message, HasSubstr("no place for"));
  EXPECT_THAT(check_attribute({"Frobnication", 0, true}, kVersion1_4)->message,
              HasSubstr("not known"));
  EXPECT_THAT(check_attribute({"Fresh", 0, true}, kVersion1_0)->message, HasSubstr("not known"));
  EXPECT_EQ(check_attribute({"Fresh", 0, true}, kVersion1_1), std::nullopt);
}

TEST(MessagesTest, WhatIsNotSupportedIsRefusedAndNotPassedOver) {
  const auto failure_of = [](Operation operation,
                             const std::function<void(ttlv::Writer&)>& payload) {
    const Bytes bytes =
        raw_request(kVersion1_4, [&](ttlv::Writer& w) { raw_item(w, operation, payload); });
    const DecodedRequest decoded = decode_request(bytes);
    return std::get<Failure>(std::get<RequestMessage>(decoded).items.at(0).content);
  };
  EXPECT_EQ(failure_of(Operation::kGet,
                       [](ttlv::Writer& w) {
                         w.text(Tag::kUniqueIdentifier, "id-1");
                         w.begin(Tag::kKeyWrappingSpecification);
                         w.end();
                       })
                .reason,
            ResultReason::kFeatureNotSupported);
  EXPECT_EQ(failure_of(Operation::kRegister,
                       [](ttlv::Writer& w) {
                         w.enumeration(Tag::kObjectType, 2);
                         w.begin(Tag::kTemplateAttribute);
                         w.end();
                         w.begin(Tag::kSymmetricKey);
                         w.begin(Tag::kKeyBlock);
                         w.enumeration(Tag::kKeyFormatType, 1);
                         w.bytes(Tag::kKeyValue, Bytes(24));
                         w.begin(Tag::kKeyWrappingData);
                         w.end();
                         w.end();
                         w.end();
                       })
                .reason,
            ResultReason::kFeatureNotSupported);
  EXPECT_EQ(
      failure_of(Operation::kRegister, [](ttlv::Writer& w) { w.enumeration(Tag::kObjectType, 1); })
          .reason,
      ResultReason::kInvalidField);
  EXPECT_THAT(
      failure_of(Operation::kDestroy, [](ttlv::Writer& w) { w.integer(Tag::kUniqueIdentifier, 7); })
          .message,
      HasSubstr("not of type Text String"));
  EXPECT_THAT(failure_of(Operation::kDestroy, [](ttlv::Writer& w) { w.text(Tag::kNameValue, "x"); })
                  .message,
              HasSubstr("no place for Name Value"));
  EXPECT_EQ(failure_of(Operation::kEncrypt, [](ttlv::Writer&) {}).reason,
            ResultReason::kOperationNotSupported);
}

TEST(MessagesTest, VendorsExtensionsArePassedOver) {
  const Bytes bytes = raw_request(kVersion1_2, [](ttlv::Writer& w) {
    raw_item(w, Operation::kDestroy, [](ttlv::Writer& payload) {
      payload.text(static_cast<Tag>(0x540001), "ours");
      payload.text(Tag::kUniqueIdentifier, "id-1");
    });
  });
  const DecodedRequest decoded = decode_request(bytes);
  const auto& item = std::get<RequestMessage>(decoded).items.at(0);
  EXPECT_EQ(std::get<DestroyRequest>(std::get<RequestPayload>(item.content)).id, "id-1");
}

TEST(MessagesTest, AMalformedMessageIsAnsweredInTheProtocolsForm) {
  const auto malformed = [](ByteView bytes) {
    return std::get<MalformedRequest>(decode_request(bytes));
  };
  const MalformedRequest garbage = malformed(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(garbage.failure.reason, ResultReason::kInvalidMessage);

  const auto get = [](ttlv::Writer& w) { raw_item(w, Operation::kGet, [](ttlv::Writer&) {}); };
  EXPECT_EQ(malformed(raw_request({2, 1}, get)).version, kVersion1_4);
  EXPECT_EQ(malformed(raw_request({0, 9}, get)).version, kVersion1_0);
  EXPECT_THAT(malformed(raw_request(kVersion1_2, get, 2)).failure.message,
              HasSubstr("batch count"));
  EXPECT_THAT(malformed(raw_request(kVersion1_2, get, -1)).failure.message, HasSubstr("1 to"));
  EXPECT_THAT(malformed(raw_request(
                            kVersion1_2, [](ttlv::Writer&) {}, 0))
                  .failure.message,
              HasSubstr("1 to"));

  RequestMessage odd = message(kVersion1_2, GetRequest{});
  odd.header.continuation = BatchErrorContinuation::kUndo;
  const SecretBytes encoded = encode_request(odd);
  Bytes altered = to_bytes(encoded.read(SecretAccess()));
  const Bytes undo = from_hex("42000e050000000400000003").value();
  const auto at = std::search(altered.begin(), altered.end(), undo.begin(), undo.end());
  ASSERT_NE(at, altered.end());
  at[11] = 9;
  EXPECT_EQ(malformed(altered).failure.reason, ResultReason::kInvalidField);

  const SecretBytes answer =
      encode_error_response(malformed(raw_request(kVersion1_2, get, 2)), kNow);
  const ResponseMessage read = decode_response(answer.read(SecretAccess())).value();
  EXPECT_EQ(read.header.version, kVersion1_2);
  EXPECT_EQ(read.header.time_stamp.seconds, kNow);
  EXPECT_EQ(read.items.at(0).operation, std::nullopt);
  EXPECT_EQ(std::get<Failure>(read.items.at(0).outcome).reason, ResultReason::kInvalidMessage);
}

TEST(MessagesTest, AnAnswerEncodedItemByItemIsTheSame) {
  ResponseMessage answer;
  answer.header = {kVersion1_4, {kNow}, "corr"};
  answer.items.push_back(
      {Operation::kLocate, Bytes{1},
       ResponsePayload(LocateResponse{{}, std::vector<std::string>(100, "id")})});
  answer.items.push_back({Operation::kGet, Bytes{2}, Failure{ResultReason::kItemNotFound, "no"}});
  answer.items.push_back({Operation::kGet, Bytes{3}, Undone{}});
  std::vector<SecretBytes> items;
  std::size_t bytes = encode_response(answer.header, {}).size();
  for (const ResponseItem& item : answer.items) {
    items.push_back(encode_item(item, answer.header.version));
    bytes += items.back().size();
  }
  const SecretBytes whole = encode_response(answer);
  EXPECT_TRUE(encode_response(answer.header, items).equals(whole));
  EXPECT_EQ(whole.size(), bytes);
}

TEST(MessagesTest, AValueIsKeptAsBytesOfItsOwn) {
  const ttlv::Value kept = to_value(Name{"n", NameType::kUri});
  EXPECT_EQ(decode_value(encode_value(kept)).value(), kept);
  Bytes broken = encode_value(kept);
  broken.pop_back();
  EXPECT_EQ(decode_value(broken).error().code, ErrorCode::kCorrupt);
}

TEST(EnumsTest, NamesAndNumbersGoBothWays) {
  EXPECT_EQ(name_of(Operation::kGetAttributeList), "GetAttributeList");
  EXPECT_EQ(name_of(static_cast<Operation>(0x80000001)), "0x80000001");
  EXPECT_EQ(from_name<RevocationReasonCode>("keycompromise"), RevocationReasonCode::kKeyCompromise);
  EXPECT_EQ(from_name<ObjectType>("Sandwich"), std::nullopt);
  EXPECT_TRUE(is_known(CryptographicAlgorithm::kAes));
  EXPECT_FALSE(is_known(static_cast<State>(9)));
  EXPECT_EQ(usage_mask_text(12), "Encrypt|Decrypt");
  EXPECT_EQ(usage_mask_from("encrypt, Decrypt"), 12);
  EXPECT_EQ(usage_mask_from("encrypt|fry"), std::nullopt);
  EXPECT_EQ(tag_name(Tag::kUniqueIdentifier), "Unique Identifier");
  EXPECT_EQ(tag_name(static_cast<Tag>(0x54ABCD)), "0x54abcd");
}

}  // namespace
}  // namespace keytrail::kmip
