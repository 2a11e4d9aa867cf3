#include "bus/secret/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace keytrail {
namespace {

Result<int> half(int number) {
  if (number % 2 == 0) return number / 2;
  return Error{ErrorCode::kInvalid, "odd"};
}
Result<int> quarter(int number) { return half(TRY(half(number))); }
Result<void> check_even(int number) {
  TRY(half(number));
  return {};
}

TEST(ResultTest, TryGivesTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error(), (Error{ErrorCode::kInvalid, "odd"}));
  EXPECT_TRUE(check_even(2).ok());
  EXPECT_FALSE(check_even(3).ok());
}

TEST(ResultTest, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 7);
}

TEST(ResultDeathTest, AbortsWhenTheOtherSideIsRead) {
  EXPECT_DEATH((void)half(1).value(), "ok");
  EXPECT_DEATH((void)half(2).error(), "ok");
}

}  // namespace
}  // namespace keytrail
