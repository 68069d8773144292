#ifndef WASMBPF_ENGINE_STATE_H_
#define WASMBPF_ENGINE_STATE_H_

// Internal to this folder: what stands behind Engine and Module.

#include <cstddef>
#include <memory>
#include <string>

#include "engine/engine.h"
#include "engine/raw.h"

namespace wasmbpf::engine {

struct EngineState {
  EnginePtr engine;
  std::string fingerprint;
};

struct ModuleState {
  std::shared_ptr<EngineState> engine;
  ModulePtr module;
  bool from_cache = false;
  /// Bytes that the compile cache appended to the image it is mapped from.
  std::size_t trailer_size = 0;
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_STATE_H_
