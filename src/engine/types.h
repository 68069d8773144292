#ifndef WASMBPF_ENGINE_TYPES_H_
#define WASMBPF_ENGINE_TYPES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wasmbpf::engine {

/// The last two occur in foreign modules only: no function of the host has
/// them, and none of the guest that has them can be called.
enum class ValueType : std::uint8_t {
  kI32,
  kI64,
  kF32,
  kF64,
  kV128,
  kReference,
};

struct FunctionType {
  std::vector<ValueType> params;
  std::vector<ValueType> results;
  bool operator==(const FunctionType&) const = default;
};

/// "(i32 i64) -> i32", as error messages show it.
std::string to_string(const FunctionType& type);

/// A Wasm value by its bits: i32 and f32 in the low half, zero-extended.
using RawValue = std::uint64_t;

class Call;

/// A function the host gives to a guest, named by import module and name.
struct HostFunction {
  std::string module;
  std::string name;
  FunctionType type;
  /// Fills `results`. An Error ends the guest with a trap that carries it; what
  /// a guest can handle is a result, not an Error. Must not throw.
  std::function<Status(Call&, std::span<const RawValue> args,
                       std::span<RawValue> results)>
      call;
};

enum class ExternKind { kFunction, kMemory, kTable, kGlobal, kOther };

struct MemoryLimits {  // in Wasm pages of 64 KiB
  std::uint64_t min_pages = 0;
  std::optional<std::uint64_t> max_pages;
};

struct ImportInfo {
  std::string module;
  std::string name;
  ExternKind kind = ExternKind::kOther;
  FunctionType type;  ///< kFunction only
};

struct ExportInfo {
  std::string name;
  ExternKind kind = ExternKind::kOther;
  FunctionType type;               ///< kFunction only
  MemoryLimits memory;             ///< kMemory only
  bool is_function_table = false;  ///< kTable of funcref
};

struct Frame {
  std::string function;  ///< demangled where the module has names; else ""
  std::uint32_t function_index = 0;
  std::size_t module_offset = 0;  ///< bytes into the .wasm file; 0: unknown
};

/// How a guest's run ended.
struct Exit {
  enum class Kind {
    kReturned,   ///< the entry function returned
    kExited,     ///< WASI proc_exit; `code`
    kTrapped,    ///< `message`, `backtrace`
    kStopped,    ///< Interrupt::request_stop ended it
    kHostError,  ///< a host function answered an Error: `error`
  };
  Kind kind = Kind::kReturned;
  int code = 0;
  std::string message;           ///< one sentence a person understands
  std::vector<Frame> backtrace;  ///< innermost first
  std::optional<Error> error;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_TYPES_H_
