#ifndef WASMBPF_TESTS_SUPPORT_GUEST_SESSION_H_
#define WASMBPF_TESTS_SUPPORT_GUEST_SESSION_H_

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "wasmbpf/runtime.h"

namespace wasmbpf::testing {

/// What a guest did, for tests that run one through the public API.
struct GuestRun {
  SessionResult result;
  std::string out;
  std::string err;
  std::string log;                     ///< one line a message
  std::vector<std::int64_t> reported;  ///< values given to `test.report`
};

/// Collects what a session says while it runs; must outlive it.
class Recorder {
 public:
  /// Fills in stdout, stderr, logger and the import `test.report(i64)`.
  SessionOptions options();
  /// After the session's end.
  GuestRun run_of(const SessionResult& result) const;

 private:
  mutable std::mutex mutex_;
  GuestRun run_;
};

/// The runtime that all tests of a process share; no compile cache.
const Runtime& shared_runtime();

/// Compiles .wat text or a .wasm binary; a failure fails the test and aborts.
Module must_load(std::string_view module);
Module must_load_file(const std::string& path);

/// Runs a module to its end with recorded streams.
/// `args` are the guest's own; `functions` join the import `test.report`.
GuestRun run_guest(const Module& module, std::vector<std::string> args = {},
                   std::vector<HostFunction> functions = {});

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_SUPPORT_GUEST_SESSION_H_
