#ifndef WASMBPF_ENGINE_TEST_SUPPORT_H_
#define WASMBPF_ENGINE_TEST_SUPPORT_H_

// For the unit tests of this folder: small guests in WebAssembly text.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "engine/engine.h"
#include "engine/instance.h"

namespace wasmbpf::engine::test {

inline constexpr ValueType kI32 = ValueType::kI32;
inline constexpr ValueType kI64 = ValueType::kI64;

using Args = std::span<const RawValue>;
using Results = std::span<RawValue>;

inline const Engine& engine() {
  static const Engine instance = *Engine::create();
  return instance;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline Module compile(std::string_view wat) {
  auto module = Module::compile(engine(), bytes_of(wat), nullptr, Logger());
  EXPECT_TRUE(module) << module.error().message();
  return *module;
}

/// A host function "env" `name` without parameters or results.
inline HostFunction hook(std::string name, std::function<void()> action) {
  return {"env",
          std::move(name),
          {},
          [action = std::move(action)](Call&, Args, Results) -> Status {
            action();
            return {};
          }};
}

/// A guest and what one of its runs needs.
struct Guest {
  explicit Guest(std::string_view wat) : module(compile(wat)) {}

  Result<Exit> try_run() {
    auto instance =
        Instance::create(engine(), module, std::move(options), *interrupt);
    if (!instance) {
      return instance.error();
    }
    return instance->run();
  }

  Exit run() {
    auto exit = try_run();
    EXPECT_TRUE(exit) << exit.error().message();
    return exit ? *exit : Exit();
  }

  void stop() {
    interrupt->request_stop();
    engine().tick();
  }

  Module module;
  InstanceOptions options;
  std::unique_ptr<Interrupt> interrupt = *Interrupt::create();
};

/// A pipe; both ends are closed with it.
struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader;
  UniqueFd writer;
};

}  // namespace wasmbpf::engine::test

#endif  // WASMBPF_ENGINE_TEST_SUPPORT_H_
