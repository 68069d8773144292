#ifndef WASMBPF_BASE_RESULT_H_
#define WASMBPF_BASE_RESULT_H_

#include <string_view>

#include "wasmbpf/result.h"  // Result and Error are public types

namespace wasmbpf {

/// An Error from a plain system call's errno (libbpf's own numbers from 4000
/// up are translated in src/bpf only). EPERM and EACCES become kPermission.
Error system_error(std::string_view what, int err);

}  // namespace wasmbpf

#define WASMBPF_CONCAT_INNER_(a, b) a##b
#define WASMBPF_CONCAT_(a, b) WASMBPF_CONCAT_INNER_(a, b)

/// Returns the error of `expr` (a Result) to the caller; drops a value.
#define WASMBPF_TRY(expr)                                       \
  do {                                                          \
    if (auto wasmbpf_try_ = (expr); !wasmbpf_try_) {            \
      return ::wasmbpf::Error(std::move(wasmbpf_try_).error()); \
    }                                                           \
  } while (false)

/// Like WASMBPF_TRY, then binds the value: WASMBPF_TRY_ASSIGN(auto x, f());
#define WASMBPF_TRY_ASSIGN(var, expr) \
  WASMBPF_TRY_ASSIGN_(WASMBPF_CONCAT_(wasmbpf_try_, __LINE__), var, expr)
#define WASMBPF_TRY_ASSIGN_(tmp, var, expr)          \
  auto tmp = (expr);                                 \
  if (!tmp) {                                        \
    return ::wasmbpf::Error(std::move(tmp).error()); \
  }                                                  \
  var = std::move(*tmp)

#endif  // WASMBPF_BASE_RESULT_H_
