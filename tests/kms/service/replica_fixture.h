// ReplicaFixture: a cluster of one replica with two clients, and what they ask for in a few words.
#pragma once

#include <gmock/gmock.h>

#include "tests/kms/service/log_twin.h"

namespace keytrail::kms::test {

inline constexpr std::uint8_t kVc = 1;
inline constexpr std::uint8_t kDb = 3;

inline kmip::Attribute attribute(std::string_view name, kmip::ttlv::Value value) {
  return {.name = std::string(name), .index = 0, .value = std::move(value)};
}

inline kmip::CreateRequest aes256(const std::string& name = {}) {
  kmip::CreateRequest request;
  request.attributes = {
      attribute(kmip::attribute::kCryptographicAlgorithm, kmip::ttlv::Enumeration{3}),
      attribute(kmip::attribute::kCryptographicLength, 256),
      attribute(kmip::attribute::kCryptographicUsageMask, 12)};
  if (!name.empty()) {
    request.attributes.push_back(
        attribute(kmip::attribute::kName, kmip::to_value(kmip::Name{.value = name})));
  }
  return request;
}

inline kmip::RegisterRequest opaque(std::size_t bytes) {
  kmip::OpaqueObject object;
  object.value = SecretBytes(bytes);
  return {.type = kmip::ObjectType::kOpaqueObject, .attributes = {}, .object = std::move(object)};
}

template <class... Payloads>
kmip::RequestMessage message(kmip::BatchErrorContinuation continuation, Payloads... payloads) {
  kmip::RequestMessage request;
  request.header.continuation = continuation;
  std::uint8_t mark = 0;
  (request.items.push_back({.operation = kmip::operation_of(kmip::RequestPayload(payloads)),
                            .batch_id = Bytes{++mark},
                            .content = kmip::RequestPayload(std::move(payloads))}),
   ...);
  return request;
}
template <class Payload>
kmip::RequestMessage one(Payload payload) {
  kmip::RequestMessage request;
  kmip::RequestPayload content(std::move(payload));
  const kmip::Operation operation = kmip::operation_of(content);
  request.items.push_back({.operation = operation, .batch_id = {}, .content = std::move(content)});
  return request;
}

class ReplicaFixture : public ::testing::Test {
 protected:
  ReplicaFixture() : a(log, "kms-1", true) {
    a.settle();
    enrol("vc-1", "vcenter", kVc);
    enrol("db", "", kDb);
  }

  void enrol(const std::string& client, const std::string& group, std::uint8_t mark) {
    Hash hash{};
    hash.fill(mark);
    const Answer answer = a.command(EnrolClient{client, group, hash, {1, 2, 3}});
    ASSERT_TRUE(std::holds_alternative<DoneAnswer>(answer));
  }

  template <class Response, class Request>
  std::optional<Response> call(Rig& rig, Request request, std::uint8_t certificate = kVc) {
    rig.ask(77, one(std::move(request)), certificate);
    rig.settle();
    kmip::ResponseMessage message = rig.answer(77);
    last_failure_.reset();
    if (auto* failure = std::get_if<kmip::Failure>(&message.items.at(0).outcome)) {
      last_failure_ = *failure;
      return std::nullopt;
    }
    auto& payload = std::get<kmip::ResponsePayload>(message.items.at(0).outcome);
    return std::get<Response>(std::move(payload));
  }
  std::string created(Rig& rig, const std::string& name = {}) {
    return call<kmip::CreateResponse>(rig, aes256(name)).value().id;
  }
  // A second replica, admitted and with the keyring.
  std::unique_ptr<Rig> second(ReplicaOptions options = {}) {
    options.cluster = "c";
    options.name = "kms-2";
    auto b = std::make_unique<Rig>(log, std::move(options));
    b->settle();
    EXPECT_EQ(b->core->phase(), Phase::kUnadmitted);
    Hash certificate{};
    certificate.fill(static_cast<std::uint8_t>(100 + '2'));
    EXPECT_TRUE(std::holds_alternative<DoneAnswer>(a.command(AdmitReplica{"kms-2", certificate})));
    b->settle();
    EXPECT_TRUE(b->wants_keyring);
    a.core->on(KeyringAsked{1, "127.0.0.1:3", certificate, {}});
    a.settle();
    EXPECT_EQ(a.keyring_answers.size(), 1U);
    EXPECT_TRUE(a.keyring_answers.at(0).granted);
    b->keyring =
        keyring::Keyring::join({b->files, b->random, "/d/keyring", "keytrail/keyring/1", b->unlock},
                               "c", a.keyring->grant().value())
            .value();
    b->core->use(*b->keyring);
    b->settle();
    EXPECT_EQ(b->core->phase(), Phase::kServing);
    return b;
  }

  LogTwin log;
  Rig a;
  std::optional<kmip::Failure> last_failure_;
};

}  // namespace keytrail::kms::test
