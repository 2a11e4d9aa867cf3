#include <gmock/gmock.h>

#include "kms/model/add_attribute.h"
#include "kms/model/create.h"
#include "kms/model/locate.h"
#include "kms/model/register.h"
#include "tests/kms/model/given.h"

namespace keytrail::kms::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

CreateKey aes(const std::string& id, std::vector<std::string> names = {}) {
  CreateKey command;
  command.key = {.object = id,
                 .algorithm = 3,
                 .length_bits = 256,
                 .usage_mask = 12,
                 .names = std::move(names)};
  command.key.sealed.bytes = {1, 2, 3};
  return command;
}

TEST(CreateTest, StatesTheObjectItsNamesAndItsSealedMaterial) {
  Given given;
  Draft draft = given.draft();
  ASSERT_EQ(refusal_in(decide(draft, given.client("vc-1"), aes("k", {"n"}))), nullptr);
  ASSERT_EQ(draft.recorded().size(), 2U);
  const auto& created = std::get<ObjectCreated>(draft.recorded()[0].event);
  EXPECT_EQ(created.owner, "group/vcenter");
  EXPECT_THAT(draft.recorded()[0].attachments,
              ElementsAre(Attachment{AttachmentKind::kSealed, {1, 2, 3}}));
  EXPECT_THAT(draft.reads(), Contains(Read{"kms/c/object/k", 0}));
  EXPECT_THAT(draft.reads(), Contains(Read{name_stream(given.scope, "group/vcenter", "n"), 0}));
}

TEST(CreateTest, RefusesANameOfTheSameOwnerOnly) {
  Given given;
  given.key("other").fact(NameBound{.name = "n", .owner = "group/vcenter", .object = "other"});
  Draft draft = given.draft();
  EXPECT_NE(refusal_in(decide(draft, given.client("vc-2"), aes("k", {"n"}))), nullptr);
  EXPECT_EQ(refusal_in(decide(draft, given.client("db"), aes("k", {"n"}))), nullptr);
}

TEST(CreateTest, RefusesLengthsThatTheAlgorithmDoesNotHave) {
  CreateKey command = aes("k");
  for (const std::uint32_t length : {0U, 8U, 100U, 512U, 0x80000000U}) {
    command.key.length_bits = length;
    EXPECT_TRUE(check(command).has_value()) << length;
  }
  command.key.length_bits = 192;
  EXPECT_FALSE(check(command).has_value());
}

TEST(RegisterTest, RefusesMaterialOfAnotherLengthThanTold) {
  RegisterObject command;
  command.object = aes("k").key;
  command.object.format = kFormatRaw;
  command.material_bytes = 16;
  EXPECT_TRUE(check(command).has_value());
  command.material_bytes = 32;
  EXPECT_FALSE(check(command).has_value());
}

TEST(RegisterTest, RefusesLengthsThatTheAlgorithmDoesNotHave) {
  RegisterObject command;
  command.object = aes("k").key;
  command.object.format = kFormatRaw;
  const auto refused = [&](std::uint32_t algorithm, std::uint32_t length_bits, std::size_t bytes) {
    command.object.algorithm = algorithm;
    command.object.length_bits = length_bits;
    command.material_bytes = bytes;
    const auto refusal = check(command);
    return refusal && refusal->reason == Reason::kInvalidField;
  };
  constexpr std::uint32_t kAes = 3;
  constexpr std::uint32_t kTripleDes = 2;
  constexpr std::uint32_t kHmacSha256 = 9;
  EXPECT_TRUE(refused(kAes, 136, 17));
  EXPECT_TRUE(refused(kAes, 64, 8));
  EXPECT_TRUE(refused(kAes, 512, 64));
  EXPECT_TRUE(refused(kTripleDes, 64, 8));
  EXPECT_FALSE(refused(kAes, 192, 24));
  EXPECT_FALSE(refused(kTripleDes, 168, 24));  // Without its parity bits.
  EXPECT_FALSE(refused(kHmacSha256, 64, 8));   // Not made here, but a key.
}

TEST(AddAttributeTest, NumbersTheInstancesOfOneName) {
  Given given;
  given.key("k").fact(AttributeAdded{"k", {.name = "x-a", .index = 0, .value = {1}}});
  Draft draft = given.draft();
  const auto added = decide(draft, given.client("vc-1"),
                            AddAttribute{.object = "k",
                                         .attribute = {.name = "x-a", .value = {2}},
                                         .instances = Instances::kMany});
  ASSERT_EQ(refusal_in(added), nullptr);
  EXPECT_EQ(std::get<AttributeGiven>(added).index, 1U);
}

// KMIP 1.4, section 11.15: Illegal Operation here, although Invalid Field where an object is made.
TEST(AddAttributeTest, RefusesANameThatBelongsToAnotherObject) {
  Given given;
  given.key("k");
  given.key("other").fact(NameBound{.name = "n", .owner = "group/vcenter", .object = "other"});
  Draft draft = given.draft();
  const auto added = decide(
      draft, given.client("vc-1"),
      AddAttribute{.object = "k", .attribute = {.name = "Name", .value = {1}}, .name = "n"});
  ASSERT_NE(refusal_in(added), nullptr);
  EXPECT_EQ(refusal_in(added)->reason, Reason::kIllegalOperation);
  EXPECT_THAT(draft.recorded(), IsEmpty());
}

TEST(AddAttributeTest, RefusesASecondInstanceWhereOneIsPossible) {
  Given given;
  given.key("k").fact(AttributeAdded{"k", {.name = "Contact Information", .value = {1}}});
  Draft draft = given.draft();
  EXPECT_NE(
      refusal_in(decide(draft, given.client("vc-1"),
                        AddAttribute{.object = "k", .attribute = {.name = "Contact Information"}})),
      nullptr);
  EXPECT_THAT(draft.recorded(), IsEmpty());
}

// It stands in ObjectCreated: a second one would be taken and never told.
TEST(AddAttributeTest, RefusesAUsageMaskWhetherTheObjectHasOneOrCanHaveNone) {
  Given given;
  given.key("k").fact(
      ObjectCreated{.object = "o", .type = ObjectType::kOpaqueObject, .owner = "group/vcenter"});
  const auto reason_of_adding_to = [&](const std::string& object) {
    Draft draft = given.draft();
    const auto added =
        decide(draft, given.client("vc-1"),
               AddAttribute{.object = object, .attribute = {.name = std::string(kUsageMask)}});
    EXPECT_THAT(draft.recorded(), IsEmpty());
    const Refusal* refusal = refusal_in(added);
    return refusal == nullptr ? Reason{} : refusal->reason;
  };
  EXPECT_EQ(reason_of_adding_to("k"), Reason::kIllegalOperation);
  EXPECT_EQ(reason_of_adding_to("o"), Reason::kPermissionDenied);
}

TEST(AddAttributeTest, RefusesMoreThanAFactCanHold) {
  Given given;
  given.key("k");
  Draft draft = given.draft();
  const Bytes huge(kAttributeBytesPerObjectMax + 1);
  EXPECT_NE(refusal_in(decide(draft, given.client("vc-1"),
                              AddAttribute{.object = "k",
                                           .attribute = {.name = "x-a", .value = huge},
                                           .instances = Instances::kMany})),
            nullptr);
}

// What the model takes, the log must take: as large as it may be, but not a byte more.
TEST(AddAttributeTest, TakesWhatOneFieldOfAFactCanHoldAndNoMore) {
  const auto add = [](std::size_t name_bytes, std::size_t value_bytes) {
    Given given;
    given.key("k");
    Draft draft = given.draft();
    const auto added = decide(draft, given.client("vc-1"),
                              AddAttribute{.object = "k",
                                           .attribute = {.name = std::string(name_bytes, 'x'),
                                                         .value = Bytes(value_bytes)},
                                           .instances = Instances::kMany});
    if (const Refusal* refusal = refusal_in(added)) {
      EXPECT_EQ(refusal->reason, Reason::kInvalidField);
      return false;
    }
    EXPECT_TRUE(can_be_recorded(draft));
    return true;
  };
  EXPECT_TRUE(add(kAttributeNameBytesMax, kAttributeValueBytesMax));
  EXPECT_FALSE(add(kAttributeNameBytesMax + 1, 1));
  EXPECT_FALSE(add(3, kAttributeValueBytesMax + 1));
}

TEST(CreateTest, TakesAsManyAttributesAsAnObjectMayHave) {
  Given given;
  Draft draft = given.draft();
  CreateKey command = aes("k");
  for (std::size_t bytes = 0; bytes + 4096 <= kAttributeBytesPerObjectMax; bytes += 4096) {
    command.key.attributes.push_back({.name = "x-a", .value = Bytes(4096 - 3)});
  }
  ASSERT_EQ(refusal_in(decide(draft, given.client("vc-1"), command)), nullptr);
  EXPECT_TRUE(can_be_recorded(draft));
  command.key.object = "l";
  command.key.attributes.push_back({.name = "x-a", .value = Bytes(1)});
  EXPECT_NE(refusal_in(decide(draft, given.client("vc-1"), command)), nullptr);
}

TEST(LocateTest, FindsByNameThroughAGuardInsteadOfASearch) {
  Given given;
  given.key("k").fact(NameBound{.name = "n", .owner = "group/vcenter", .object = "k"});
  Draft draft = given.draft();
  EXPECT_THAT(decide(draft, given.client("vc-1"), Locate{.name = "n"}).objects, ElementsAre("k"));
  EXPECT_FALSE(draft.reads_unguarded());
  EXPECT_THAT(decide(draft, given.client("db"), Locate{.name = "n"}).objects, IsEmpty());
}

TEST(LocateTest, FindsByAttributeNewestFirstAndKnowsThatItIsASearch) {
  Given given;
  const Attribute wanted{.name = "x-a", .value = {7}};
  given.key("a").key("b").key("c");
  given.fact(AttributeAdded{"b", wanted}).fact(AttributeAdded{"a", wanted});
  Draft draft = given.draft();
  EXPECT_THAT(decide(draft, given.client("vc-1"), Locate{.attributes = {wanted}}).objects,
              ElementsAre("b", "a"));
  EXPECT_TRUE(draft.reads_unguarded());
}

TEST(LocateTest, LeavesOutDestroyedAndForeignObjectsAndKeepsToItsLimits) {
  Given given;
  given.key("a").key("b").key("c").key("d").key("x", "client/db");
  given.fact(KeyDestroyed{.object = "b"});
  Draft draft = given.draft();
  const Located all = decide(draft, given.client("vc-1"), Locate{});
  EXPECT_THAT(all.objects, ElementsAre("d", "c", "a"));
  const Located page = decide(draft, given.client("vc-1"), Locate{.offset = 1, .items_max = 1});
  EXPECT_THAT(page.objects, ElementsAre("c"));
  EXPECT_EQ(page.total, 3U);
}

TEST(LocateTest, SeesWhatTheSameBatchMade) {
  Given given;
  Draft draft = given.draft();
  ASSERT_EQ(refusal_in(decide(draft, given.client("vc-1"), aes("k", {"n"}))), nullptr);
  EXPECT_THAT(decide(draft, given.client("vc-1"), Locate{.name = "n"}).objects, ElementsAre("k"));
  EXPECT_THAT(decide(draft, given.client("vc-1"), Locate{}).objects, ElementsAre("k"));
  EXPECT_EQ(given.state.object("k"), nullptr);
}

TEST(DraftTest, UndoneKeepsWhatWasReadAndNothingElse) {
  Given given;
  Draft draft = given.draft();
  ASSERT_EQ(refusal_in(decide(draft, given.client("vc-1"), aes("k"))), nullptr);
  Draft undone = draft.undone();
  EXPECT_THAT(undone.recorded(), IsEmpty());
  EXPECT_EQ(undone.reads(), draft.reads());
  EXPECT_EQ(undone.object("k"), nullptr);
}

}  // namespace
}  // namespace keytrail::kms::test
