#include "hostapi/guest_errno.h"

#include <cerrno>

namespace wasmbpf::hostapi {
namespace {

constexpr int kMaxErrno = 3999;  // from 4000 up they are libbpf's own

int errno_for(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument: return EINVAL;
    case Errc::kNotFound: return ENOENT;
    case Errc::kOutOfBounds: return EFAULT;
    case Errc::kStaleHandle: return EBADF;
    case Errc::kBusy: return EBUSY;
    case Errc::kExists: return EEXIST;
    case Errc::kTooLarge: return E2BIG;
    case Errc::kInterrupted: return EINTR;
    case Errc::kPermission: return EPERM;
    case Errc::kPolicy: return EACCES;
    case Errc::kUnsupported: return EOPNOTSUPP;
    case Errc::kVerifier: return EINVAL;
    case Errc::kInvalidModule: return ENOEXEC;
    case Errc::kTrap: return EFAULT;
    case Errc::kSystem: return EIO;
    case Errc::kInternal: return EIO;
  }
  return EIO;
}

}  // namespace

std::int32_t guest_errno(const Error& error) {
  const int from_kernel = error.sys_errno();
  return from_kernel > 0 && from_kernel <= kMaxErrno ? -from_kernel
                                                     : -errno_for(error.code());
}

}  // namespace wasmbpf::hostapi
