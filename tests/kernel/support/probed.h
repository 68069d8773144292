#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_PROBED_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_PROBED_H_

#include <cstdint>

/// What uprobes of the tests are set on; answers value + 1.
extern "C" std::uint64_t wasm_bpf_probed(std::uint64_t value);

namespace wasmbpf::testing {

/// Passes the USDT probe wasm_bpf:tick, whose argument is `value`.
void pass_usdt_probe(std::uint64_t value);

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_PROBED_H_
