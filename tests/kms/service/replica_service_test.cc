#include "kms/service/replica_service.h"

#include <gtest/gtest.h>

#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_random.h"

namespace keytrail::kms {
namespace {

TEST(ReplicaServiceTest, RefusesAWayOfGoingOnWithoutTheLogThatItDoesNotHave) {
  test::MemoryFileSystem files;
  test::SeededRandom random(1);
  UnlockSecret unlock;
  unlock.bytes = random.secret(32);
  const auto secrets = SecretFile::open(files, random, "/d/secrets", "kms/kms-1", unlock).value();
  const SystemClock clock;
  for (const char* way : {"spool", "", "Refuse"}) {
    ReplicaServiceOptions options;
    options.name = "kms-1";
    options.cluster = "cluster-1";
    options.when_log_is_away = way;
    const auto started = ReplicaService::start(
        std::move(options),
        {.secrets = *secrets, .unlock = unlock, .files = files, .clock = clock, .random = random});
    ASSERT_FALSE(started.ok()) << way;
    EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(started.error().detail,
              "when_log_is_away can only be 'refuse' yet, not '" + std::string(way) + "'.");
  }
}

}  // namespace
}  // namespace keytrail::kms
