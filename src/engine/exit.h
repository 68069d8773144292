#ifndef WASMBPF_ENGINE_EXIT_H_
#define WASMBPF_ENGINE_EXIT_H_

// Internal to this folder: why guest code stopped, from what the engine says.

#include "engine/raw.h"
#include "engine/types.h"

namespace wasmbpf::engine {

/// Exactly one of the two is set.
struct Failure {
  TrapPtr trap;
  ErrorPtr error;
  explicit operator bool() const { return trap || error; }
};

/// A trap as an Exit, with backtrace.
Exit exit_of(const Failure& failure);

/// As Interrupt::request_stop ends a guest.
Exit stopped();

std::vector<Frame> backtrace_of(const Failure& failure);

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_EXIT_H_
