#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace wasmbpf {

Error Error::context(std::string_view what) && {
  message_ = std::string(what) + ": " + message_;
  return std::move(*this);
}

Error Error::with_log(std::string log) && {
  log_ = std::move(log);
  return std::move(*this);
}

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument: return "invalid_argument";
    case Errc::kNotFound: return "not_found";
    case Errc::kOutOfBounds: return "out_of_bounds";
    case Errc::kStaleHandle: return "stale_handle";
    case Errc::kBusy: return "busy";
    case Errc::kExists: return "exists";
    case Errc::kTooLarge: return "too_large";
    case Errc::kInterrupted: return "interrupted";
    case Errc::kPermission: return "permission";
    case Errc::kPolicy: return "policy";
    case Errc::kUnsupported: return "unsupported";
    case Errc::kVerifier: return "verifier";
    case Errc::kInvalidModule: return "invalid_module";
    case Errc::kTrap: return "trap";
    case Errc::kSystem: return "system";
    case Errc::kInternal: return "internal";
  }
  return "internal";
}

Error system_error(std::string_view what, int err) {
  const Errc code =
      err == EPERM || err == EACCES ? Errc::kPermission : Errc::kSystem;
  return Error(code,
               std::string(what) + ": " + std::generic_category().message(err),
               err);
}

}  // namespace wasmbpf
