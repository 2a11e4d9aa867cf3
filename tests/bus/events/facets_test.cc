#include "bus/events/facets.h"

#include <gmock/gmock.h>

#include "bus/events/codec.h"
#include "tests/bus/events/sample_bodies.h"

namespace keytrail {
namespace {

Body body_of(Event event, std::string stream = "vcenter/vc-1/vm/vm-1") {
  return {.stream = std::move(stream),
          .user = "alice",
          .origin = {},
          .action = {},
          .attachments = {},
          .event = std::move(event)};
}

TEST(FacetsTest, ARefusedPrivilegeIsAWarningAboutItsEntity) {
  const Facets facets = facets_of(body_of(vcenter::Event(vcenter::PrivilegeChecked{
      .privilege = "Cryptographer.Decrypt", .entity = "vm-1", .granted = false})));
  EXPECT_EQ(facets.part, "vcenter");
  EXPECT_EQ(facets.type, "PrivilegeChecked");
  EXPECT_EQ(facets.user, "alice");
  EXPECT_EQ(facets.object, "entity/vm-1");
  EXPECT_EQ(facets.outcome, Outcome::kRefused);
  EXPECT_EQ(facets.severity, Severity::kWarning);
}

TEST(FacetsTest, AHostIsNamedByItsStream) {
  const Facets facets = facets_of(body_of(
      esxi::Event(esxi::KeyReceived{.boot = "b", .key = {"prod", "k-1"}}), "esxi/host-2/boot"));
  EXPECT_EQ(facets.host, "host-2");
  EXPECT_EQ(facets.provider, "prod");
  EXPECT_EQ(subject_of(facets), "key/k-1");
}

TEST(FacetsTest, AKeyThatIsAskedForIsAboutWhatItIsFor) {
  const auto requested = [](vcenter::KeyPurpose purpose) {
    return facets_of(body_of(vcenter::Event(vcenter::KeyRequested{
        .provider = "prod", .purpose = purpose, .subject = "it", .name = "keytrail/vc-1/…"})));
  };
  EXPECT_EQ(requested(vcenter::KeyPurpose::kVm).vm, "it");
  EXPECT_EQ(requested(vcenter::KeyPurpose::kHost).host, "it");
  EXPECT_EQ(requested(vcenter::KeyPurpose::kProbe).object, "probe/it");
  const Facets obtained = facets_of(body_of(vcenter::Event(
      vcenter::KeyObtained{.key = {"prod", "k-1"}, .server = "kms-1", .subject = "vm-1"})));
  EXPECT_EQ(obtained.vm, "vm-1");
  EXPECT_EQ(obtained.key.id, "k-1");
  EXPECT_EQ(subject_of(obtained), "vm/vm-1");
}

TEST(FacetsTest, EveryFieldThatNamesAVmOrAKeyOrAProviderOrAHostShowsInItsFacet) {
  for (const auto& sample : test::sample_bodies()) {
    const std::string printed = test::print_body(sample.bytes);
    const Facets facets = facets_of(decode_body(sample.bytes).value());
    EXPECT_EQ(facets.type, sample.type);
    const auto has = [&](std::string_view field) {
      return printed.find(field) != std::string::npos;
    };
    if (has("vm = \"vm ")) {
      EXPECT_THAT(facets.vm, testing::StartsWith("vm ")) << sample.type;
    }
    if (has("key = (provider")) {
      EXPECT_THAT(facets.key.id, testing::StartsWith("id ")) << sample.type;
    }
    if (has("provider = \"provider ")) {
      EXPECT_THAT(facets.provider, testing::StartsWith("provider ")) << sample.type;
    }
    if (has("host = \"host ")) {
      EXPECT_THAT(facets.host, testing::StartsWith("host ")) << sample.type;
    }
  }
}

TEST(FilterTest, ValuesOfOneFacetAreAlternativesAndFacetsRestrictEachOther) {
  const Facets facets = facets_of(
      body_of(vcenter::Event(vcenter::EncryptionCompleted{.vm = "vm-1", .key = {"prod", "k-1"}})));
  EXPECT_TRUE(matches({}, facets));
  EXPECT_TRUE(matches({.vms = {"vm-2", "vm-1"}}, facets));
  EXPECT_TRUE(matches({.users = {"alice"}, .vms = {"vm-1"}}, facets));
  EXPECT_FALSE(matches({.users = {"bob"}, .vms = {"vm-1"}}, facets));
  EXPECT_TRUE(matches({.outcomes = {"succeeded"}}, facets));
  EXPECT_FALSE(matches({.outcomes = {"refused"}}, facets));
}

// bob's denial on vm-1, which says only that vm-1 is an entity.
TEST(FilterTest, AVmOrHostIsFoundAsTheEntityOfAPrivilegeToo) {
  const Facets denied = facets_of(body_of(vcenter::Event(vcenter::PrivilegeChecked{
      .privilege = "Cryptographer.Decrypt", .entity = "vm-1", .granted = false})));
  EXPECT_TRUE(matches({.types = {"PrivilegeChecked"}, .vms = {"vm-1"}}, denied));
  EXPECT_TRUE(matches({.hosts = {"vm-1"}}, denied)) << "a name is one entity's, whatever its kind";
  EXPECT_FALSE(matches({.vms = {"vm"}}, denied));
  EXPECT_FALSE(matches({.vms = {"entity/vm-1"}}, denied));
  const Facets user = facets_of(body_of(vcenter::Event(vcenter::UserCreated{.user = "vm-1"})));
  EXPECT_FALSE(matches({.vms = {"vm-1"}}, user)) << "no entity";
}

TEST(FilterTest, ATypeMayNameItsPartOrOnlyThePart) {
  const Facets facets = facets_of(body_of(vcenter::Event(vcenter::KeyPushed{.host = "host-1"})));
  EXPECT_TRUE(matches({.types = {"KeyPushed"}}, facets));
  EXPECT_TRUE(matches({.types = {"vcenter.KeyPushed"}}, facets));
  EXPECT_TRUE(matches({.types = {"vcenter.*"}}, facets));
  EXPECT_FALSE(matches({.types = {"kms.*"}}, facets));
  EXPECT_FALSE(matches({.types = {"kms.KeyPushed"}}, facets));
}

TEST(FilterTest, AKeyIsFoundByItsIdWithOrWithoutProviderAndWhenItIsLeftBehind) {
  const Facets facets = facets_of(body_of(vcenter::Event(vcenter::RecryptCompleted{
      .vm = "vm-1", .old_key = {"prod", "k-1"}, .new_key = {"prod", "k-2"}})));
  EXPECT_TRUE(matches({.keys = {"k-1"}}, facets));
  EXPECT_TRUE(matches({.keys = {"k-2"}}, facets));
  EXPECT_TRUE(matches({.keys = {"prod/k-2"}}, facets));
  EXPECT_FALSE(matches({.keys = {"other/k-2"}}, facets));
  const Facets released = facets_of(body_of(kms::Event(kms::KeyReleased{.object = "k-2"})));
  EXPECT_TRUE(matches({.keys = {"k-2"}}, released));
  EXPECT_FALSE(matches({.keys = {""}}, facets_of(body_of(part::Event(part::PartStopped{})))));
}

TEST(FilterTest, TooManyValuesAreRefused) {
  Filter filter;
  filter.vms.assign(kFilterValuesMax, "vm");
  EXPECT_TRUE(check_filter(filter).ok());
  filter.keys.push_back("k");
  EXPECT_FALSE(check_filter(filter).ok());
  EXPECT_FALSE(check_filter({.vms = {std::string(257, 'x')}}).ok());
  EXPECT_FALSE(check_filter({.outcomes = {"great"}}).ok());
}

}  // namespace
}  // namespace keytrail
