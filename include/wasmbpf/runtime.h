#ifndef WASMBPF_RUNTIME_H_
#define WASMBPF_RUNTIME_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wasmbpf/host_function.h"
#include "wasmbpf/log.h"
#include "wasmbpf/result.h"

namespace wasmbpf {

struct RuntimeOptions {
  /// Keeps compiled modules between runs. A cache that cannot be used costs a
  /// warning, never a run.
  bool compile_cache = true;
  /// Empty: /var/cache/wasm-bpf for root, the XDG cache directory for users.
  std::filesystem::path compile_cache_directory;
  Logger logger;
};

/// One import or export of a module.
struct ModuleItem {
  std::string module;  ///< empty for exports
  std::string name;
  std::string kind;  ///< "function", "memory", "table", "global", "other"
  std::string type;  ///< "(i32 i64) -> i32" for functions, "2.. pages" for
                     ///< memories, else empty
};

/// A compiled guest. Cheap to copy; outlives the Runtime it came from.
/// Threads: any.
class Module {
 public:
  std::vector<ModuleItem> imports() const;
  std::vector<ModuleItem> exports() const;
  /// Whether the compile cache had it.
  bool from_cache() const;

  struct Impl;
  explicit Module(std::shared_ptr<const Impl> impl);
  const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// Where a guest reads: nothing, a descriptor (borrowed: keep it open until the
/// session has ended), a file, or bytes in memory.
using Input = std::variant<std::monostate, int, std::filesystem::path,
                           std::vector<std::byte>>;

/// Where a guest writes: nowhere, a descriptor (borrowed), a file (created or
/// truncated), or a function that gets every byte on the session's thread.
using Output = std::variant<std::monostate, int, std::filesystem::path,
                            std::function<void(std::span<const std::byte>)>>;

/// Functions in it are called on the session's thread and must not throw.
struct SessionOptions {
  /// The tool's name: its args[0], and a prefix of its maps' names.
  std::string name = "guest";
  std::vector<std::string> args;  ///< without the name
  std::vector<std::pair<std::string, std::string>> environment;
  Input stdin_from;
  Output stdout_to;
  Output stderr_to;
  std::vector<HostFunction> functions;
  Logger logger;
  /// Gets each verifier log whole, on the session's thread.
  std::function<void(std::string_view)> on_verifier_log;
  /// Names that Go guests use for polling (abi/wasm_bpf_v0.md).
  std::string go_wrapper_module = "callback-wrapper";
  std::string go_callback_export = "go-callback";
};

/// Who ended a session.
enum class EndedBy {
  kGuest,    ///< it returned or called exit: `code`
  kTrap,     ///< `message` and `backtrace`
  kStop,     ///< Session::stop
  kOutput,   ///< whoever read its output went away
  kPolicy,   ///< a refusal that ends a guest
  kRuntime,  ///< an embedder's function answered an Error, or ours
};

/// "guest", "trap", ...: as `--json` names them.
std::string_view ended_by_name(EndedBy ended_by);

/// What went through the ring or perf buffers of one map name: a guest may have
/// loaded its object more than once. Beyond 256 names they are one, "(others)".
struct BufferSummary {
  std::string map;
  std::uint64_t delivered = 0;
  /// Still in the buffer when its object was closed or the session ended.
  std::uint64_t unread = 0;
  std::uint64_t truncated = 0;  ///< larger than the guest's buffer
  /// None: nobody counts (a ring buffer whose eBPF side does not).
  std::optional<std::uint64_t> lost;
  std::uint64_t size_bytes = 0;
  std::uint64_t high_water_bytes = 0;
};

struct SessionResult {
  EndedBy ended_by = EndedBy::kGuest;
  int code = 0;         ///< the guest's exit code
  std::string message;  ///< why, for a person; empty after a normal end
  std::vector<std::string> backtrace;  ///< innermost first
  std::vector<BufferSummary> buffers;
};

/// One guest at work. Destroying it stops it and waits.
///
/// At its end, whatever ended it, its links, programs, maps and descriptors are
/// gone from the kernel and from this process.
/// Threads: all members may be called from any thread, but `wait`, `wait_for`
/// and destruction not from the session's own (its host functions, output
/// functions and loggers); `interrupt` and `stop` are async-signal-safe.
class Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Ends the wait the guest is in, or its next one, with EINTR: what a Ctrl-C
  /// means. The guest goes on.
  void interrupt() noexcept;
  /// Ends the guest soon, also in an endless loop or in a callback.
  void stop() noexcept;
  /// Holds the guest at its next loop, call or wait. Its eBPF programs run on.
  void pause() noexcept;
  void resume() noexcept;

  /// Readable once the session has ended; for event loops. Borrowed.
  int ended_fd() const noexcept;

  /// Waits for the end; the result stays readable.
  const SessionResult& wait();
  /// Null when the session has not ended within `timeout`; a year or more is
  /// for ever.
  const SessionResult* wait_for(std::chrono::milliseconds timeout);

 private:
  friend class Runtime;
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Compiles modules and runs them, any number at once.
///
/// Must outlive its sessions. Changes nothing of the process (no signal handler
/// but the engine's own fault handlers, no capability, no directory). Its
/// threads take no signals, so that a guest's write to a closed pipe is an
/// error of the guest's and no SIGPIPE.
///
/// Threads: any.
class Runtime {
 public:
  /// Errors: kInternal, kSystem.
  static Result<Runtime> create(RuntimeOptions options = {});
  Runtime(Runtime&&) noexcept;
  Runtime& operator=(Runtime&&) noexcept;
  ~Runtime();

  /// Compiles a .wasm binary (or .wat text).
  /// Errors: kInvalidModule.
  Result<Module> load(std::span<const std::byte> wasm) const;
  /// Errors: also kNotFound, kPermission, kSystem for the file; an
  /// ahead-of-time image is native code and needs `load_image`.
  Result<Module> load_file(const std::filesystem::path& path) const;
  /// Maps an ahead-of-time image, which runs as native code of this process:
  /// `trust` says that the caller vouches for it. Without it the file and its
  /// directory must be writable by the effective user only (decided on the open
  /// file, so that it cannot be changed in between).
  /// Errors: kPermission, kInvalidModule (other version or CPU, no regular
  /// file), kSystem.
  Result<Module> load_image(const std::filesystem::path& path,
                            bool trust) const;
  /// The image of `module`, to be written to a file.
  Result<std::vector<std::byte>> image(const Module& module) const;

  /// Starts `module` on a thread of its own. Opens the files of the options
  /// first: a FIFO among them waits for its other end, and nothing ends that
  /// wait. A module without `_start` ends at once (ended_by: runtime).
  /// Errors: kNotFound (an import nobody offers), kInvalidArgument,
  /// kInvalidModule (`_start` of another type), kSystem.
  Result<Session> start(const Module& module, SessionOptions options) const;

 private:
  struct Impl;
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// "0.1.0", of this library.
std::string_view version();

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_H_
