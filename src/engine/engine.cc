#include "engine/engine.h"

#include "engine/config.h"
#include "engine/state.h"

namespace wasmbpf::engine {

Engine::Engine(std::shared_ptr<EngineState> state) : state_(std::move(state)) {}

Result<Engine> Engine::create() {
  auto state = std::make_shared<EngineState>();
  state->fingerprint = config_fingerprint();
  state->engine.reset(wasm_engine_new_with_config(new_config()));
  if (state->engine == nullptr) {
    return Error(Errc::kInternal, "the Wasm engine does not start");
  }
  return Engine(std::move(state));
}

void Engine::tick() const noexcept {
  wasmtime_engine_increment_epoch(state_->engine.get());
}

const std::string& Engine::fingerprint() const { return state_->fingerprint; }

}  // namespace wasmbpf::engine
