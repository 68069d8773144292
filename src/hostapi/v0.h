#ifndef WASMBPF_HOSTAPI_V0_H_
#define WASMBPF_HOSTAPI_V0_H_

#include <string>
#include <vector>

#include "engine/types.h"
#include "hostapi/kernel_session.h"

namespace wasmbpf::hostapi {

/// Names of the dialect that guests without an exportable function table speak
/// (Go): they import the poll without a callback index, and the host calls an
/// export.
struct V0Dialect {
  std::string wrapper_module = "callback-wrapper";
  std::string callback_export = "go-callback";
};

/// The six imports of module `wasm_bpf` (abi/wasm_bpf_v0.md) and the Go
/// dialect's, over `session`, which must outlive them.
///
/// `imports` are the module's own: `wasm_bpf_map_operate` is known with i32 and
/// with i64 pointers, and the one that the module declares is given.
std::vector<engine::HostFunction> v0_functions(
    KernelSession& session, const V0Dialect& dialect,
    const std::vector<engine::ImportInfo>& imports);

}  // namespace wasmbpf::hostapi

#endif  // WASMBPF_HOSTAPI_V0_H_
