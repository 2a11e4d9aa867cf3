#include <gmock/gmock.h>

#include "kms/model/activate.h"
#include "kms/model/add_attribute.h"
#include "kms/model/create.h"
#include "kms/model/destroy.h"
#include "kms/model/get.h"
#include "kms/model/locate.h"
#include "kms/model/revoke.h"
#include "tests/kms/model/given.h"

namespace keytrail::kms::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::VariantWith;

template <class Answer>
Reason reason_in(const Decided<Answer>& decided) {
  const Refusal* refusal = refusal_in(decided);
  return refusal == nullptr ? Reason{} : refusal->reason;
}

TEST(ActivateTest, MakesAPreActiveKeyActiveFromNowOn) {
  Given given;
  given.key("k");
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"), Activate{"k"})), nullptr);
  EXPECT_THAT(events_of(draft), ElementsAre(VariantWith<KeyActivated>(
                                    KeyActivated{.object = "k", .activation_date = given.now})));
  EXPECT_THAT(draft.reads(), Contains(given.read("kms/c/object/k")));
}

TEST(ActivateTest, RefusesWhatIsActiveAlready) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Activate{"k"})),
            Reason::kPermissionDenied);
  EXPECT_THAT(draft.recorded(), IsEmpty());
}

TEST(ActivateTest, ADateInTheFutureComesByItself) {
  Given given;
  given.key("k").fact(KeyActivated{.object = "k", .activation_date = given.now + 100 * kSecond});
  EXPECT_EQ(state_of(*given.state.object("k"), given.now), ObjectState::kPreActive);
  EXPECT_EQ(state_of(*given.state.object("k"), given.now + 200 * kSecond), ObjectState::kActive);
}

TEST(GetTest, ReleasesToEveryMemberOfTheGroup) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-2"), Get{"k"})), nullptr);
  EXPECT_THAT(events_of(draft), ElementsAre(VariantWith<KeyReleased>(KeyReleased{
                                    .object = "k", .client = "vc-2", .replica = "kms-1"})));
}

TEST(GetTest, AnswersAForeignObjectLikeNoneAndTellsTheLogWhose) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  const auto foreign = decide(draft, given.client("db"), Get{"k"});
  const auto none = decide(draft, given.client("db"), Get{"nothing"});
  ASSERT_NE(refusal_in(foreign), nullptr);
  ASSERT_NE(refusal_in(none), nullptr);
  EXPECT_EQ(refusal_in(foreign)->reason, Reason::kItemNotFound);
  EXPECT_EQ(refusal_in(foreign)->message, refusal_in(none)->message);
  EXPECT_THAT(refusal_in(foreign)->detail, ::testing::HasSubstr("group/vcenter"));
  EXPECT_THAT(draft.reads(), Contains(Read{"kms/c/object/nothing", 0}));
}

TEST(GetTest, RefusesADestroyedObject) {
  Given given;
  given.key("k").fact(KeyDestroyed{.object = "k"});
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Get{"k"})), Reason::kPermissionDenied);
}

TEST(GetTest, RefusesAFormatThatTheObjectDoesNotHave) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Get{.object = "k", .format = 5})),
            Reason::kKeyFormatTypeNotSupported);
}

TEST(GetTest, DoesNotLookForAnIdentifierThatNoObjectCanHave) {
  Given given;
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Get{std::string(70'000, 'x')})),
            Reason::kItemNotFound);
  EXPECT_THAT(draft.reads(), IsEmpty());
}

// It has no state that could be in the way: with an Activation Date of its client's it could else
// neither be revoked nor destroyed, ever.
TEST(DestroyTest, AnOpaqueObjectIsNeverTooActiveToBeDestroyed) {
  Given given;
  given.fact(ObjectCreated{
      .object = "o", .type = ObjectType::kOpaqueObject, .owner = "group/vcenter", .leaf = 0});
  given.fact(KeyActivated{.object = "o", .activation_date = given.now});
  Draft draft = given.draft();
  const Located active = decide(draft, given.client("vc-1"), Locate{.state = ObjectState::kActive});
  EXPECT_THAT(active.objects, IsEmpty());
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"), Destroy{"o"})), nullptr);
  EXPECT_TRUE(is_destroyed(*draft.object("o")));
}

TEST(RevokeTest, DeactivatesAnActiveKey) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"), Revoke{.object = "k", .reason = 6})),
            nullptr);
  EXPECT_EQ(state_of(*draft.object("k"), draft.now()), ObjectState::kDeactivated);
}

TEST(RevokeTest, RefusesAPlainReasonForAPreActiveKey) {
  Given given;
  given.key("k");
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Revoke{.object = "k", .reason = 1})),
            Reason::kIllegalOperation);
}

TEST(RevokeTest, RefusesAReasonThatIsNone) {
  Given given;
  given.active_key("k");
  for (const std::uint32_t code : {0U, 8U, 0x7fffffffU}) {
    Draft draft = given.draft();
    EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Revoke{.object = "k", .reason = code})),
              Reason::kInvalidField);
  }
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"),
                              Revoke{.object = "k", .reason = kReasonExtension})),
            nullptr);
}

TEST(RevokeTest, ACompromiseMayComeToLightAfterTheDestruction) {
  Given given;
  given.key("k").fact(KeyDestroyed{.object = "k"});
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"),
                              Revoke{.object = "k", .reason = kReasonKeyCompromise})),
            nullptr);
  EXPECT_EQ(state_of(*draft.object("k"), draft.now()), ObjectState::kDestroyedCompromised);
}

TEST(RevokeTest, TakesAMessageThatAFactCanHoldAndNoLongerOne) {
  Given given;
  given.active_key("k");
  Revoke command{.object = "k", .reason = 1, .message = std::string(4096, 'm')};
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), command)), Reason::kInvalidField);
  command.message.pop_back();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"), command)), nullptr);
  EXPECT_TRUE(can_be_recorded(draft));
}

// A Date-Time as it travels: tag, type, length 8, seconds.
Attribute date(std::string_view name, TimeNs when) {
  Attribute attribute{.name = std::string(name), .value = {0x42, 0, 0, 9, 0, 0, 0, 8}};
  for (int shift = 56; shift >= 0; shift -= 8) {
    attribute.value.push_back(static_cast<std::uint8_t>(when / kSecond >> shift));
  }
  return attribute;
}

Reason reason_of_adding(const Given& given, const Attribute& attribute) {
  Draft draft = given.draft();
  const auto added = decide(draft, given.client("vc-1"), AddAttribute{"k", attribute});
  EXPECT_EQ(refusal_in(added) == nullptr, !draft.recorded().empty());
  return reason_in(added);
}

TEST(DeactivationDateTest, DoesNotBringARevokedKeyBackToLife) {
  Given given;
  given.active_key("k").fact(KeyRevoked{.object = "k", .reason = 6});
  EXPECT_EQ(reason_of_adding(given, date(kDeactivationDate, given.now + 100 * kSecond)),
            Reason::kIllegalOperation);
}

TEST(DeactivationDateTest, ComesByItself) {
  Given given;
  given.active_key("k").fact(
      AttributeAdded{"k", date(kDeactivationDate, given.now + 100 * kSecond)});
  EXPECT_EQ(state_of(*given.state.object("k"), given.now), ObjectState::kActive);
  EXPECT_EQ(state_of(*given.state.object("k"), given.now + 200 * kSecond),
            ObjectState::kDeactivated);
}

TEST(DeactivationDateTest, IsNotBeforeTheActivationDate) {
  Given given;
  given.active_key("k");
  EXPECT_EQ(reason_of_adding(given, date(kDeactivationDate, given.now - 2 * kSecond)),
            Reason::kInvalidField);
  EXPECT_EQ(reason_of_adding(given, date(kDeactivationDate, given.now)), Reason{});
  given.key("k2").fact(AttributeAdded{"k2", date(kDeactivationDate, given.now)});
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"),
                             AddAttribute{"k2", date(kActivationDate, given.now + 9 * kSecond)})),
            Reason::kInvalidField);
}

TEST(DeactivationDateTest, IsNotBeforeTheActivationDateOfANewKeyEither) {
  Given given;
  CreateKey command;
  command.key = {.object = "n",
                 .algorithm = 3,
                 .length_bits = 256,
                 .attributes = {date(kDeactivationDate, given.now)},
                 .activation_date = given.now + 100 * kSecond};
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), command)), Reason::kInvalidField);
}

TEST(DeactivationDateTest, IsADateThatCanBeKept) {
  Given given;
  given.key("k");
  EXPECT_EQ(reason_of_adding(given, {.name = std::string(kDeactivationDate), .value = {1, 2}}),
            Reason::kInvalidField);
  EXPECT_EQ(reason_of_adding(given, date(kDeactivationDate, 0)), Reason::kInvalidField);
}

TEST(DestroyTest, RefusesAnActiveKey) {
  Given given;
  given.active_key("k");
  Draft draft = given.draft();
  EXPECT_EQ(reason_in(decide(draft, given.client("vc-1"), Destroy{"k"})),
            Reason::kPermissionDenied);
}

TEST(DestroyTest, FreesTheNamesAndGuardsThem) {
  Given given;
  given.key("k").fact(NameBound{.name = "n", .owner = "group/vcenter", .object = "k"});
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"), Destroy{"k"})), nullptr);
  EXPECT_THAT(events_of(draft),
              ElementsAre(VariantWith<KeyDestroyed>(KeyDestroyed{.object = "k", .leaf = 0}),
                          VariantWith<NameFreed>(
                              NameFreed{.name = "n", .owner = "group/vcenter", .object = "k"})));
  EXPECT_THAT(draft.reads(), Contains(given.read(name_stream(given.scope, "group/vcenter", "n"))));
  EXPECT_EQ(draft.object_named("group/vcenter", "n"), "");
}

}  // namespace
}  // namespace keytrail::kms::test
