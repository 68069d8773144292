// A program that embeds the runtime, as one outside this tree would: it runs a
// guest that calls a function of the embedder's.
#include <cstdio>
#include <string_view>

#include "wasmbpf/runtime.h"

namespace {

constexpr std::string_view kGuest = R"((module
  (import "embedder" "add" (func $add (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $exit (call $add (i32.const 40) (i32.const 2))))))";

int fail(const wasmbpf::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main() {
  wasmbpf::RuntimeOptions runtime_options;
  runtime_options.compile_cache = false;
  const auto runtime = wasmbpf::Runtime::create(runtime_options);
  if (!runtime) {
    return fail(runtime.error());
  }
  const auto module = runtime->load(
      {reinterpret_cast<const std::byte*>(kGuest.data()), kGuest.size()});
  if (!module) {
    return fail(module.error());
  }
  wasmbpf::SessionOptions options;
  options.functions.push_back(
      {"embedder",
       "add",
       {wasmbpf::ValueType::kI32, wasmbpf::ValueType::kI32},
       {wasmbpf::ValueType::kI32},
       [](wasmbpf::GuestCall&, std::span<const std::uint64_t> params,
          std::span<std::uint64_t> results) -> wasmbpf::Status {
         results[0] = params[0] + params[1];
         return {};
       }});
  auto session = runtime->start(*module, std::move(options));
  if (!session) {
    return fail(session.error());
  }
  const wasmbpf::SessionResult& result = session->wait();
  std::printf("the guest answered %d\n", result.code);
  return result.code == 42 ? 0 : 1;
}
