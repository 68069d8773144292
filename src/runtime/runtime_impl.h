#ifndef WASMBPF_RUNTIME_RUNTIME_IMPL_H_
#define WASMBPF_RUNTIME_RUNTIME_IMPL_H_

#include <memory>
#include <optional>

#include "engine/engine.h"
#include "runtime/ticker.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf {

struct Module::Impl {
  engine::Engine engine;
  engine::Module module;
};

struct Runtime::Impl {
  RuntimeOptions options;
  engine::Engine engine;
  std::shared_ptr<Ticker> ticker;  ///< shared with the sessions
  std::optional<engine::CompileCache> cache;
};

/// Host functions of the embedder as the engine takes them.
std::vector<engine::HostFunction> adapt(std::vector<HostFunction> functions);

}  // namespace wasmbpf

#endif  // WASMBPF_RUNTIME_RUNTIME_IMPL_H_
