#include "support/guest_session.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <ranges>

namespace wasmbpf::testing {
namespace {

/// A test cannot go on without its guest.
template <typename T>
T must(Result<T> result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "%s: %s\n", what, result.error().message().c_str());
    std::abort();
  }
  return std::move(*result);
}

}  // namespace

SessionOptions Recorder::options() {
  SessionOptions options;
  options.name = "guest";
  const auto append_to = [this](std::string& text) {
    return [this, &text](std::span<const std::byte> bytes) {
      const std::lock_guard lock(mutex_);
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
  };
  options.stdout_to = append_to(run_.out);
  options.stderr_to = append_to(run_.err);
  options.logger =
      Logger(LogLevel::kTrace, [this](LogLevel level, std::string_view text) {
        const std::lock_guard lock(mutex_);
        run_.log += std::string(log_level_name(level)) + ": " +
                    std::string(text) + "\n";
      });
  options.functions.push_back(
      {"test",
       "report",
       {ValueType::kI64},
       {},
       [this](GuestCall&, std::span<const std::uint64_t> params,
              std::span<std::uint64_t>) -> Status {
         run_.reported.push_back(static_cast<std::int64_t>(params[0]));
         return {};
       }});
  return options;
}

GuestRun Recorder::run_of(const SessionResult& result) const {
  const std::lock_guard lock(mutex_);
  GuestRun run = run_;
  run.result = result;
  return run;
}

const Runtime& shared_runtime() {
  static const Runtime runtime = [] {
    RuntimeOptions options;
    options.compile_cache = false;
    return must(Runtime::create(std::move(options)), "Runtime::create");
  }();
  return runtime;
}

Module must_load(std::string_view module) {
  const auto* bytes = reinterpret_cast<const std::byte*>(module.data());
  return must(shared_runtime().load({bytes, module.size()}), "load");
}

Module must_load_file(const std::string& path) {
  return must(shared_runtime().load_file(path), path.c_str());
}

GuestRun run_guest(const Module& module, std::vector<std::string> args,
                   std::vector<HostFunction> functions) {
  Recorder recorder;
  SessionOptions options = recorder.options();
  options.args = std::move(args);
  std::ranges::move(functions, std::back_inserter(options.functions));
  Session session =
      must(shared_runtime().start(module, std::move(options)), "start");
  return recorder.run_of(session.wait());
}

}  // namespace wasmbpf::testing
