#ifndef WASMBPF_ENGINE_INSTANCE_H_
#define WASMBPF_ENGINE_INSTANCE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "engine/guest_memory.h"
#include "engine/types.h"

namespace wasmbpf::engine {

/// Where the guest's output goes: a borrowed descriptor, which must stay open,
/// or a function that takes every byte it is given, on the guest's thread. For
/// pipes the process has to ignore SIGPIPE.
using Output =
    std::variant<int, std::function<void(std::span<const std::byte>)>>;

struct InstanceOptions {
  std::vector<std::string> args;  ///< args[0] is the program's name
  std::vector<std::pair<std::string, std::string>> environment;
  int stdin_fd = -1;  ///< borrowed; -1: at end of file
  Output stdout_to = 1;
  Output stderr_to = 2;
  /// Called once when stdout or stderr turns out to be closed (EPIPE).
  std::function<void()> on_output_closed;
  std::vector<HostFunction> functions;
  Logger logger;
};

struct InstanceState;

/// A guest function found during a call; valid while its instance lives. Cheap
/// to copy: find it once, call it for each event.
class GuestFunction {
 private:
  friend class Call;
  struct Raw {  // a wasmtime_func_t, opaque here
    std::uint64_t store_id = 0;
    void* private_data = nullptr;
  };
  Raw raw_;
  std::uint8_t param_count_ = 0;
  std::uint8_t result_count_ = 0;
  std::uint8_t narrow_results_ = 0;  ///< a bit for each i32 or f32
};

/// The results of one call into the guest.
class Values {
 public:
  /// Functions with more parameters or results cannot be called.
  static constexpr std::size_t kMax = 8;

  std::size_t size() const { return size_; }
  RawValue operator[](std::size_t i) const { return values_[i]; }

 private:
  friend class Call;
  std::array<RawValue, kMax> values_{};
  std::size_t size_ = 0;
};

/// What a host function sees of the guest that called it.
class Call {
 public:
  /// The calling instance's exported memory. Fetch it anew after each call into
  /// the guest. Empty when the guest exports none.
  GuestMemory memory() const;
  Interrupt& interrupt() const;

  /// Calls a function of the guest: by index in its exported funcref table
  /// (whatever its name), or by the name of an export.
  ///
  /// An Error here is final for the guest (it trapped, exited or was stopped):
  /// pass it on as the host function's own Error. The guest ends as it did
  /// here, whatever becomes of that Error, and runs nothing any more. Mistakes
  /// that a guest can be told about come first, from `find_*`.
  /// Errors: kTrap, kInterrupted (exited, stopped), those of a host function.
  Result<Values> call(const GuestFunction& function,
                      std::span<const RawValue> args);

  /// Ends the guest with an exit code, as WASI's proc_exit does: return this
  /// from the host function.
  Error exit(int code);

  /// Errors: kNotFound (no table, index outside it, null entry, no such
  /// export), kInvalidArgument (its type is not `type`), kUnsupported (`type`
  /// has more than Values::kMax parameters or results, or such as are no
  /// numbers).
  Result<GuestFunction> find_in_table(std::uint32_t index,
                                      const FunctionType& type) const;
  Result<GuestFunction> find_export(std::string_view name,
                                    const FunctionType& type) const;

 private:
  friend struct InstanceState;
  Call(InstanceState& instance, void* caller)
      : instance_(instance), caller_(caller) {}
  Result<GuestFunction> check_type(const void* raw_function,
                                   const FunctionType& type) const;
  InstanceState& instance_;
  void* caller_;
};

/// One guest: its memory, its WASI and its host functions.
///
/// Owns everything of the guest; `interrupt` must outlive it. Host functions
/// are destroyed with it.
/// Threads: one at a time; other threads reach it through Interrupt and
/// Engine::tick only. The one that runs it needs 2 MiB of stack: guest code may
/// use up 1 MiB, and calls host functions from there.
class Instance {
 public:
  /// Links the module; nothing of the guest runs yet.
  /// Errors: kNotFound (an import nobody offers: which), kInvalidArgument (an
  /// import of another type: both shown; arguments that are not UTF-8),
  /// kInvalidModule.
  static Result<Instance> create(const Engine& engine, const Module& module,
                                 InstanceOptions options, Interrupt& interrupt);
  Instance(Instance&&) noexcept;
  Instance& operator=(Instance&&) noexcept;
  ~Instance();

  /// Instantiates (which runs the module's start function, if it has one), then
  /// calls `_initialize` if it is exported, then `_start`. Once only.
  /// Errors: kInvalidModule when there is no `_start`, kSystem when there is no
  /// room for its memory or tables.
  Result<Exit> run();

 private:
  explicit Instance(std::unique_ptr<InstanceState> state);
  std::unique_ptr<InstanceState> state_;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_INSTANCE_H_
