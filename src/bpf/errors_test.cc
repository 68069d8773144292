#include "bpf/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace wasmbpf::bpf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ErrnoError, TakesEitherSign) {
  EXPECT_EQ(errno_error("x", -ENOENT).sys_errno(), ENOENT);
  EXPECT_EQ(errno_error("x", ENOENT).message(), "x: No such file or directory");
}

TEST(ErrnoError, TellsCallersWhatToDo) {
  EXPECT_EQ(errno_error("x", ENOENT).code(), Errc::kNotFound);
  EXPECT_EQ(errno_error("x", EBUSY).code(), Errc::kBusy);
  EXPECT_EQ(errno_error("x", EEXIST).code(), Errc::kExists);
  EXPECT_EQ(errno_error("x", EINVAL).code(), Errc::kInvalidArgument);
  EXPECT_EQ(errno_error("x", ENOMEM).code(), Errc::kSystem);
}

TEST(ErrnoError, PermissionComesWithAdvice) {
  const Error error = errno_error("load", EPERM);
  EXPECT_EQ(error.code(), Errc::kPermission);
  EXPECT_THAT(error.message(), StartsWith("load: Operation not permitted; "));
}

TEST(ErrnoError, TheKernelsOwnNumberForUnsupportedIsTranslated) {
  const Error error = errno_error("x", 524);
  EXPECT_EQ(error.code(), Errc::kUnsupported);
  EXPECT_EQ(error.sys_errno(), EOPNOTSUPP);
}

TEST(ErrnoError, LibbpfsNumbersHaveTextAndNoErrno) {
  const Error error = errno_error("open", 4001);
  EXPECT_EQ(error.code(), Errc::kInvalidArgument);
  EXPECT_EQ(error.sys_errno(), 0);
  EXPECT_THAT(error.message(), HasSubstr("BPF object format invalid"));
}

}  // namespace
}  // namespace wasmbpf::bpf
