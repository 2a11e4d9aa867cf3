#include "eventstore/service/selector.h"

#include <gtest/gtest.h>

#include "bus/events/codec.h"
#include "tests/support/memory_event_log.h"

namespace keytrail::eventstore {
namespace {

Bytes revoked(kms::ObjectState state) {
  Body body;
  body.stream = "kms/cluster-1/object/k";
  body.user = "somebody";
  body.event = kms::Event(kms::KeyRevoked{.object = "k", .state = state});
  return encode_body(body).value();
}

// As a newer program might write it: with a state that this one does not know.
Bytes of_a_newer_program() {
  Bytes bytes = revoked(kms::ObjectState::kActive);
  const Bytes twin = revoked(kms::ObjectState::kCompromised);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != twin[i]) bytes[i] = 99;
  }
  return bytes;
}

TEST(PayloadTest, AnEventThatCannotBeRenderedCostsItsReaderNothing) {
  const testing::MemoryEventLog log(LogId{1});
  const Selector selector =
      Selector::make({}, protocol::topic_bit(protocol::Topic::kKmsChange)).value();
  const auto stamp = encode_stamp({.position = 1, .author = "kms/kms-1"});
  const std::string installation = "test";
  Payload lines(wire::PayloadForm::kCloudEvents, installation);
  ASSERT_TRUE(lines.add(log, selector, 1, stamp, of_a_newer_program()).ok());
  EXPECT_EQ(lines.count(), 0U);
  ASSERT_TRUE(lines.add(log, selector, 2, stamp, revoked(kms::ObjectState::kActive)).ok());
  EXPECT_EQ(lines.count(), 1U);

  Payload facts(wire::PayloadForm::kFacts, installation);
  ASSERT_TRUE(facts.add(log, selector, 1, stamp, of_a_newer_program()).ok());
  EXPECT_EQ(facts.count(), 1U) << "as bytes it travels all the same";
}

}  // namespace
}  // namespace keytrail::eventstore
