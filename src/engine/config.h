#ifndef WASMBPF_ENGINE_CONFIG_H_
#define WASMBPF_ENGINE_CONFIG_H_

// Internal to this folder.

#include <string>

struct wasm_config_t;

namespace wasmbpf::engine {

/// The one configuration of the engine (decisions §9): whoever compiles and
/// whoever runs must agree on it. The caller owns it.
wasm_config_t* new_config();

/// Names all that an image depends on: engine version, settings, CPU.
std::string config_fingerprint();

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_CONFIG_H_
