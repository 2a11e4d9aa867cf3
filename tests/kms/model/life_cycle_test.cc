#include <gmock/gmock.h>

#include "kms/model/activate.h"
#include "kms/model/destroy.h"
#include "kms/model/get.h"
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

TEST(RevokeTest, ACompromiseMayComeToLightAfterTheDestruction) {
  Given given;
  given.key("k").fact(KeyDestroyed{.object = "k"});
  Draft draft = given.draft();
  EXPECT_EQ(refusal_in(decide(draft, given.client("vc-1"),
                              Revoke{.object = "k", .reason = kReasonKeyCompromise})),
            nullptr);
  EXPECT_EQ(state_of(*draft.object("k"), draft.now()), ObjectState::kDestroyedCompromised);
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
