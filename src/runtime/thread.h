#ifndef WASMBPF_RUNTIME_THREAD_H_
#define WASMBPF_RUNTIME_THREAD_H_

#include <functional>
#include <thread>

#include "base/result.h"

namespace wasmbpf {

/// Starts a thread that takes none of the process's signals: they are the
/// embedder's, for its own threads. Faults stay open, since the engine makes
/// traps of them.
/// Errors: kSystem.
Result<std::thread> start_thread(std::function<void()> body);

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_THREAD_H_
