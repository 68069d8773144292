#ifndef WASMBPF_HOSTAPI_GUEST_ERRNO_H_
#define WASMBPF_HOSTAPI_GUEST_ERRNO_H_

#include <cstdint>

#include "base/result.h"

namespace wasmbpf::hostapi {

/// The Linux errno, negative, that a guest is told for `error`. The kernel's
/// own number where there is one; never 0 and never positive.
std::int32_t guest_errno(const Error& error);

}  // namespace wasmbpf::hostapi

#endif  // WASMBPF_HOSTAPI_GUEST_ERRNO_H_
