#include "engine/config.h"

#include <sys/auxv.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/memory.h"
#include "engine/raw.h"

#if defined(__x86_64__)
// The header is written for C.
#define _Bool bool  // NOLINT(bugprone-reserved-identifier)
#include <sys/platform/x86.h>
#undef _Bool
#endif

namespace wasmbpf::engine {
namespace {

struct Switch {
  std::string_view name;
  void (*set)(wasm_config_t*, bool);
  bool value;
};

constexpr Switch kSwitches[] = {
    // A tick of the epoch makes running guest code ask its Interrupt.
    {"epochs", wasmtime_config_epoch_interruption_set, true},
    // Kernel memory is mapped into the linear memory: it must stay where it is,
    // and copy-on-write images do not go with a memory creator.
    {"memory_may_move", wasmtime_config_memory_may_move_set, false},
    {"memory_init_cow", wasmtime_config_memory_init_cow_set, false},
    // Nothing unwinds through guest code; registering it costs start-up time.
    {"unwind_info", wasmtime_config_native_unwind_info_set, false},
    // 32-bit linear memories only: they need no bounds checks.
    {"memory64", wasmtime_config_wasm_memory64_set, false},
    // Atomic instructions are fine; memory shared between threads is not ours.
    {"threads", wasmtime_config_wasm_threads_set, true},
    {"shared_memory", wasmtime_config_shared_memory_set, false},
    {"simd", wasmtime_config_wasm_simd_set, true},
    {"bulk_memory", wasmtime_config_wasm_bulk_memory_set, true},
    {"multi_value", wasmtime_config_wasm_multi_value_set, true},
    {"parallel", wasmtime_config_parallel_compilation_set, true},
};

struct Size {
  std::string_view name;
  void (*set)(wasm_config_t*, std::uint64_t);
  std::uint64_t value;
};

constexpr Size kSizes[] = {
    {"reservation", wasmtime_config_memory_reservation_set,
     LinearMemory::kAlignment},
    {"guard", wasmtime_config_memory_guard_size_set, 32 << 20},
    // Of the calling thread's stack, callbacks out of host calls included. The
    // host functions called at its deep end need room below it.
    {"stack", wasmtime_config_max_wasm_stack_set, 1 << 20},
};

/// ".1f", in hexadecimal.
void append(std::string& text, std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), value, 16).ptr;
  text += '.';
  text.append(digits.begin(), end);
}

/// What the engine's compiler may make use of. Asks the C library, which has
/// it already: in virtual machines each CPUID instruction is a slow trap.
std::string cpu_features() {
#if defined(__x86_64__)
  std::string text = "x86_64";
  for (const unsigned leaf : {static_cast<unsigned>(CPUID_INDEX_1),
                              static_cast<unsigned>(CPUID_INDEX_7),
                              static_cast<unsigned>(CPUID_INDEX_80000001),
                              static_cast<unsigned>(CPUID_INDEX_7_ECX_1)}) {
    for (const unsigned usable :
         __x86_get_cpuid_feature_leaf(leaf)->active_array) {
      append(text, usable);
    }
  }
  return text;
#else
  std::string text = "aarch64";
  append(text, getauxval(AT_HWCAP));
  append(text, getauxval(AT_HWCAP2));
  return text;
#endif
}

}  // namespace

wasm_config_t* new_config() {
  wasm_config_t* const config = wasm_config_new();
  wasmtime_config_strategy_set(config, WASMTIME_STRATEGY_CRANELIFT);
  wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
  for (const Switch& item : kSwitches) {
    item.set(config, item.value);
  }
  for (const Size& item : kSizes) {
    item.set(config, item.value);
  }
  use_linear_memory(*config);
  return config;
}

std::string config_fingerprint() {
  std::string text = "wasmtime " WASMTIME_VERSION " speed";
  for (const Switch& item : kSwitches) {
    text += item.value ? " +" : " -";
    text += item.name;
  }
  for (const Size& item : kSizes) {
    text += ' ';
    text += item.name;
    append(text, item.value);
  }
  // The engine itself reads this variable, and its images depend on it.
  if (std::getenv("WASMTIME_BACKTRACE_DETAILS") != nullptr) {
    text += " details";
  }
  text += ' ';
  text += cpu_features();
  return text;
}

}  // namespace wasmbpf::engine
