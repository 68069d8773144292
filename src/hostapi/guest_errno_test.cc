#include "hostapi/guest_errno.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wasmbpf::hostapi {
namespace {

TEST(GuestErrno, TheKernelsNumberWins) {
  EXPECT_EQ(guest_errno(Error(Errc::kSystem, "x", ENOSPC)), -ENOSPC);
  EXPECT_EQ(guest_errno(Error(Errc::kNotFound, "x", ESRCH)), -ESRCH);
}

TEST(GuestErrno, LibbpfsOwnNumbersAreNotPassedOn) {
  EXPECT_EQ(guest_errno(Error(Errc::kInvalidArgument, "x", 4005)), -EINVAL);
}

TEST(GuestErrno, EveryCodeHasANegativeErrno) {
  for (int code = 0; code <= static_cast<int>(Errc::kInternal); ++code) {
    const std::int32_t err = guest_errno(Error(static_cast<Errc>(code), "x"));
    EXPECT_LT(err, 0) << errc_name(static_cast<Errc>(code));
    EXPECT_GE(err, -4095) << errc_name(static_cast<Errc>(code));
  }
}

TEST(GuestErrno, TheCodesGuestsActOn) {
  EXPECT_EQ(guest_errno(Error(Errc::kOutOfBounds, "x")), -EFAULT);
  EXPECT_EQ(guest_errno(Error(Errc::kStaleHandle, "x")), -EBADF);
  EXPECT_EQ(guest_errno(Error(Errc::kBusy, "x")), -EBUSY);
  EXPECT_EQ(guest_errno(Error(Errc::kInterrupted, "x")), -EINTR);
  EXPECT_EQ(guest_errno(Error(Errc::kPolicy, "x")), -EACCES);
}

}  // namespace
}  // namespace wasmbpf::hostapi
