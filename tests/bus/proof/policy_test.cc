#include "bus/proof/policy.h"

#include <gmock/gmock.h>

#include "bus/secret/ed25519.h"
#include "bus/secret/random.h"

namespace keytrail::proof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PolicyTest : public testing::Test {
 protected:
  struct Signer {
    std::string name;
    SecretBytes seed;
    NoteAlgorithm algorithm;
    [[nodiscard]] std::string vkey() const {
      return to_vkey({name, algorithm, ed25519_public_key(seed)});
    }
  };
  Signer signer(const std::string& name, NoteAlgorithm algorithm) {
    return {name, random_.secret(kEd25519SeedBytes), algorithm};
  }

  Policy policy(const std::string& quorum) {
    std::string text = "# whom we trust\n\nlog " + log_.vkey() + " https://example.org/log\n";
    for (const Signer& witness : witnesses_) {
      text += " witness\t" + witness.name + " " + witness.vkey() + "\n";
    }
    return Policy::parse(text + quorum).value();
  }
  Note note(std::initializer_list<int> cosigners) {
    Note note{.text = "log\n3\nroot\n", .signatures = {}};
    note.signatures.push_back(sign_note("log", log_.seed, note.text));
    for (const int i : cosigners) {
      const Signer& witness = witnesses_.at(static_cast<std::size_t>(i));
      note.signatures.push_back(cosign_note(witness.name, witness.seed, note.text, 1));
    }
    return note;
  }

  OsRandom random_;
  Signer log_ = signer("log", NoteAlgorithm::kEd25519);
  std::array<Signer, 3> witnesses_{signer("kms-1", NoteAlgorithm::kCosignature),
                                   signer("kms-2", NoteAlgorithm::kCosignature),
                                   signer("kms-3", NoteAlgorithm::kCosignature)};
};

TEST_F(PolicyTest, TwoOfThreeAreAQuorumAndOneIsNone) {
  const Policy two = policy("group cluster 2 kms-1 kms-2 kms-3\nquorum cluster\n");
  EXPECT_TRUE(two.judge(note({0, 2})).holds);
  const Policy::Verdict one = two.judge(note({1}));
  EXPECT_FALSE(one.holds);
  EXPECT_TRUE(one.signed_by_a_log);
  EXPECT_THAT(one.cosigned, ElementsAre("kms-2"));
  EXPECT_THAT(one.sentence, HasSubstr("not by kms-1, kms-3: that is no quorum (cluster)"));
}

TEST_F(PolicyTest, GroupsOfGroupsAllAnyAndNone) {
  const Policy nested = policy(
      "group a all kms-1 kms-2\n"
      "group b any a kms-3\n"
      "quorum b");
  EXPECT_TRUE(nested.judge(note({2})).holds);
  EXPECT_TRUE(nested.judge(note({0, 1})).holds);
  EXPECT_FALSE(nested.judge(note({0})).holds);
  EXPECT_TRUE(policy("quorum none\n").judge(note({})).holds);
}

TEST_F(PolicyTest, WithoutTheLogsSignatureOrWithABrokenOneItDoesNotHold) {
  const Policy none = policy("quorum none\n");
  Note altered = note({});
  altered.text = "log\n4\nroot\n";
  EXPECT_THAT(none.judge(altered).broken, ElementsAre("log"));
  EXPECT_FALSE(none.judge(altered).holds);
  Note unsigned_note = note({0});
  unsigned_note.signatures.erase(unsigned_note.signatures.begin());
  EXPECT_FALSE(none.judge(unsigned_note).holds);
  // The log's key under another log's name signs nothing of ours.
  Note elsewhere{.text = "other\n3\nroot\n", .signatures = {}};
  elsewhere.signatures.push_back(sign_note("log", log_.seed, elsewhere.text));
  EXPECT_FALSE(none.judge(elsewhere).holds);
}

TEST_F(PolicyTest, AWrongLineIsNamed) {
  const std::string witness = "witness w " + witnesses_[0].vkey() + "\n";
  const std::string other = "witness v " + witnesses_[1].vkey() + "\n";
  for (const std::string& bad :
       {std::string(), std::string("quorum nobody\n"), witness + witness + "quorum w\n",
        witness + "witness v " + witnesses_[0].vkey() + "\nquorum w\n",
        "witness none " + witnesses_[0].vkey() + "\nquorum none\n",
        "witness w " + log_.vkey() + "\n", "log " + witnesses_[0].vkey() + "\nquorum none\n",
        std::string("quorum none\nquorum none\n"), witness + "group g 2 w\nquorum g\n",
        witness + "group g 0 w\nquorum g\n",
        witness + other + "group g any w\ngroup h any w v\nquorum h\n",
        witness + "group g all w w\nquorum g\n", std::string("nonsense\nquorum none\n"),
        std::string("quorum none\r\n")}) {
    EXPECT_FALSE(Policy::parse(bad).ok()) << bad;
  }
  EXPECT_THAT(Policy::parse("\n\nnonsense\n").error().detail, HasSubstr("line 3"));
}

}  // namespace
}  // namespace keytrail::proof
