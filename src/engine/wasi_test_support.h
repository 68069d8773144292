#ifndef WASMBPF_ENGINE_WASI_TEST_SUPPORT_H_
#define WASMBPF_ENGINE_WASI_TEST_SUPPORT_H_

// For the unit tests of this folder: guests that make WASI calls with any
// numbers at all.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/test_support.h"
#include "engine/wasi_abi.h"

namespace wasmbpf::engine::test {

using wasi_abi::Errno;

/// One call of a guest: the function's name, then its arguments. All are i32
/// but for those of fd_seek and clock_time_get.
struct WasiStep {
  std::string name;
  std::vector<std::uint64_t> args;
};

/// Runs guests that prepare their memory, make some WASI calls, and show what
/// they answered and what is in the memory then.
class WasiGuest {
 public:
  /// Bytes that are in the guest's memory before its first call.
  std::map<std::uint32_t, std::vector<std::byte>> memory;
  bool has_memory = true;
  InstanceOptions options;
  std::unique_ptr<Interrupt> interrupt = *Interrupt::create();
  std::function<void()> before_calls;

  std::vector<Errno> answers;
  std::vector<std::byte> memory_after;
  Exit exit;

  /// The answer of the last call; kSuccess if there was none.
  Errno run(const std::vector<WasiStep>& steps) {
    Guest guest(text(steps));
    answers.clear();
    guest.options = options;
    guest.options.functions = {
        {"env",
         "prepare",
         {},
         [this](Call& call, Args, Results) -> Status {
           for (const auto& [offset, bytes] : memory) {
             WASMBPF_TRY(call.memory().copy_out(offset, bytes));
           }
           if (before_calls) {
             before_calls();
           }
           return {};
         }},
        {"env",
         "answer",
         {{kI32}, {}},
         [this](Call& call, Args args, Results) -> Status {
           answers.push_back(static_cast<Errno>(args[0]));
           memory_after =
               *call.memory().copy_in({0, call.memory().size_bytes()});
           return {};
         }}};
    std::swap(guest.interrupt, interrupt);
    exit = guest.run();
    std::swap(guest.interrupt, interrupt);
    return answers.empty() ? Errno::kSuccess : answers.back();
  }

  Errno call(std::string name, std::vector<std::uint64_t> args) {
    return run({{std::move(name), std::move(args)}});
  }

  /// Puts a value at an address of the guest's memory.
  template <typename T>
  void put(std::uint32_t offset, T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    memory[offset] = {bytes.begin(), bytes.end()};
  }
  void put_text(std::uint32_t offset, std::string_view value) {
    const auto bytes = bytes_of(value);
    memory[offset] = {bytes.begin(), bytes.end()};
  }
  /// Puts a list of buffers (address, size) at an address.
  void put_iovecs(
      std::uint32_t offset,
      const std::vector<std::pair<std::uint32_t, std::uint32_t>>& iovecs) {
    for (const auto& [start, size] : iovecs) {
      put(offset, start);
      put(offset + 4, size);
      offset += 8;
    }
  }

  template <typename T>
  T get(std::uint32_t offset) const {
    return wasi_abi::load<T>(memory_after, offset);
  }
  std::string get_text(std::uint32_t offset, std::size_t size) const {
    return {reinterpret_cast<const char*>(memory_after.data()) + offset, size};
  }

 private:
  static const char* type_of(const WasiStep& step, std::size_t arg) {
    const bool wide =
        (step.name == "fd_seek" || step.name == "clock_time_get") && arg == 1;
    return wide ? "i64" : "i32";
  }

  std::string text(const std::vector<WasiStep>& steps) const {
    std::string imports;
    std::string calls;
    for (const WasiStep& step : steps) {
      std::string params;
      std::string args;
      for (std::size_t i = 0; i < step.args.size(); ++i) {
        const std::string type = type_of(step, i);
        params += " " + type;
        args += " (" + type + ".const " + std::to_string(step.args[i]) + ")";
      }
      const bool answers = step.name != "proc_exit";
      const std::string import = "(import \"wasi_snapshot_preview1\" \"" +
                                 step.name + "\" (func $" + step.name +
                                 " (param" + params + ")" +
                                 (answers ? " (result i32)" : "") + "))\n";
      if (imports.find(import) == std::string::npos) {
        imports += import;
      }
      const std::string call = "(call $" + step.name + args + ")";
      calls += answers ? "(call $answer " + call + ")\n" : call + "\n";
    }
    return "(module " + imports +
           "(import \"env\" \"prepare\" (func $prepare))"
           "(import \"env\" \"answer\" (func $answer (param i32)))" +
           (has_memory ? "(memory (export \"memory\") 1)" : "") +
           "(func (export \"_start\") (call $prepare) " + calls + "))";
  }
};

}  // namespace wasmbpf::engine::test

#endif  // WASMBPF_ENGINE_WASI_TEST_SUPPORT_H_
