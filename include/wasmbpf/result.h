#ifndef WASMBPF_RESULT_H_
#define WASMBPF_RESULT_H_

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace wasmbpf {

/// What went wrong, as far as a caller can act on it. Closed: a new code needs
/// a row in the tables that map codes to errno (hostapi) and to exit codes
/// (cli).
enum class Errc {
  kInvalidArgument,  ///< The caller's value is wrong; the message says which.
  kNotFound,         ///< No such program, map, file or export.
  kOutOfBounds,      ///< A guest range outside its linear memory.
  kStaleHandle,      ///< The handle was never given out or is closed.
  kBusy,             ///< In use right now, for example inside its own callback.
  kExists,           ///< It is there already.
  kTooLarge,         ///< The caller's buffer or a limit is too small.
  kInterrupted,      ///< A signal or a stop request ended a wait.
  kPermission,       ///< The kernel said EPERM or EACCES.
  kPolicy,           ///< The policy said no; the message names the grant.
  kUnsupported,      ///< This kernel or engine cannot; names the feature.
  kVerifier,         ///< The kernel's verifier refused; `log` has its text.
  kInvalidModule,    ///< Not a Wasm module, or one this engine cannot take.
  kTrap,             ///< The guest trapped; the message has the backtrace.
  kSystem,           ///< Any other failed system call; `sys_errno` has it.
  kInternal,         ///< A bug of this project.
};

/// An error as a value: a code for the program, a message for a person.
class Error {
 public:
  Error(Errc code, std::string message, int sys_errno = 0)
      : code_(code), sys_errno_(sys_errno), message_(std::move(message)) {}

  Errc code() const { return code_; }
  /// The kernel's errno, positive; 0 where no system call was involved.
  int sys_errno() const { return sys_errno_; }
  const std::string& message() const { return message_; }
  /// The full verifier (or linker) log; empty where there is none.
  const std::string& log() const { return log_; }

  /// Puts `what` in front of the message: "what: message".
  Error context(std::string_view what) &&;
  Error with_log(std::string log) &&;

 private:
  Errc code_;
  int sys_errno_;
  std::string message_;
  std::string log_;
};

/// The project's name of a code, for logs and `--json`: "not_found".
std::string_view errc_name(Errc code);

/// A value or an Error. A thin class over std::expected so that the whole type
/// is [[nodiscard]] and an Error converts by itself in a return statement.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using Base = std::expected<T, Error>;
  using Base::Base;
  Result(Error error) : Base(std::unexpect, std::move(error)) {}  // NOLINT
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using Base = std::expected<void, Error>;
  using Base::Base;
  Result(Error error) : Base(std::unexpect, std::move(error)) {}  // NOLINT
};

using Status = Result<void>;

}  // namespace wasmbpf

#endif  // WASMBPF_RESULT_H_
