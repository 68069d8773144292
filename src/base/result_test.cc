#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wasmbpf {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) {
    return Error(Errc::kInvalidArgument, "odd");
  }
  return n / 2;
}

Result<int> quarter(int n) {
  WASMBPF_TRY_ASSIGN(const int h, half(n));
  WASMBPF_TRY(half(h));
  return half(h);
}

TEST(Result, PassesValuesAndErrorsOn) {
  EXPECT_EQ(*quarter(12), 3);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_EQ(quarter(5).error().code(), Errc::kInvalidArgument);
}

TEST(Result, TryMovesAnErrorWithItsLog) {
  const auto fails = []() -> Status {
    return Error(Errc::kVerifier, "refused").with_log("R1 is not a pointer");
  };
  const auto outer = [&]() -> Status {
    WASMBPF_TRY(fails());
    return {};
  };
  EXPECT_EQ(outer().error().log(), "R1 is not a pointer");
}

TEST(Error, ContextKeepsTheCause) {
  const Error error =
      system_error("open map", ENOENT).context("load object 'x'");
  EXPECT_EQ(error.message(),
            "load object 'x': open map: No such file or directory");
  EXPECT_EQ(error.sys_errno(), ENOENT);
  EXPECT_EQ(error.code(), Errc::kSystem);
}

TEST(Error, PermissionIsItsOwnCode) {
  EXPECT_EQ(system_error("bpf", EPERM).code(), Errc::kPermission);
  EXPECT_EQ(system_error("bpf", EACCES).code(), Errc::kPermission);
}

}  // namespace
}  // namespace wasmbpf
