#ifndef WASMBPF_ENGINE_INSTANCE_STATE_H_
#define WASMBPF_ENGINE_INSTANCE_STATE_H_

// Internal to this folder: what stands behind Instance and Call.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/exit.h"
#include "engine/instance.h"
#include "engine/raw.h"
#include "engine/state.h"
#include "engine/wasi.h"

namespace wasmbpf::engine {

inline constexpr std::string_view kInitialize = "_initialize";
inline constexpr std::string_view kStart = "_start";

/// What the engine hands back with each call of a host function.
struct BoundFunction {
  InstanceState* instance;
  HostFunction function;
};

struct InstanceState {
  InstanceState(Engine its_engine, Module its_module,
                Interrupt& session_interrupt)
      : engine(std::move(its_engine)),
        module(std::move(its_module)),
        interrupt(session_interrupt) {}

  // Members die in reverse order: the guest first, then what it calls.
  Engine engine;
  Module module;
  Interrupt& interrupt;
  std::unique_ptr<Wasi> wasi;  // none for modules that import none of it
  std::vector<std::unique_ptr<BoundFunction>> functions;
  std::string memory_name;  // of the export that host functions work on
  std::string table_name;   // of the export with the callbacks
  LinkerPtr linker;
  InstancePrePtr linked;
  StorePtr store;
  bool has_initialize = false;
  bool has_start = false;
  bool used = false;
  int nesting = 0;  // calls into the guest that are under way

  // Found at their first use; such items never move or change.
  std::optional<wasmtime_memory_t> memory;
  std::optional<wasmtime_table_t> table;

  /// The first reason why the guest has to end, kept while the engine unwinds
  /// to `run`; nothing of the guest runs once it is set.
  std::optional<Exit> ending;

  Status link(InstanceOptions options);
  Result<Exit> run();

  wasmtime_context_t* context() const {
    return wasmtime_store_context(store.get());
  }

  /// Called by the engine for each import the guest calls.
  wasm_trap_t* call_host(BoundFunction& bound, wasmtime_caller_t* caller,
                         std::span<wasmtime_val_raw_t> values);

  /// Calls guest code; the values are its arguments, then its results.
  /// Errors: kTrap, kInterrupted; `ending` is set.
  Status call_guest(wasmtime_context_t* store_context,
                    const wasmtime_func_t& function,
                    std::span<wasmtime_val_raw_t> values);

  void end(Exit exit) {
    if (!ending) {
      ending = std::move(exit);
    }
  }
  void end(const Failure& failure);

  /// Fetches the export `name` of the instance that calls.
  static bool find_export(wasmtime_caller_t* caller, std::string_view name,
                          ExternItem& item);

 private:
  Status define(std::vector<HostFunction> host_functions);
  Status define_wasi(InstanceOptions& options);
  Status make_wasi_context(const InstanceOptions& options);
  Status examine_exports();
  Error explain_link_error(wasmtime_error_t* error) const;
  Result<std::optional<Exit>> instantiate(wasmtime_instance_t& instance);
  Status call_entry(const wasmtime_instance_t& instance, std::string_view name);
};

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_INSTANCE_STATE_H_
