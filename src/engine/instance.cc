#include "engine/instance.h"

#include "engine/instance_state.h"

namespace wasmbpf::engine {
namespace {

/// Asked at each tick while guest code runs.
wasmtime_error_t* on_tick(wasmtime_context_t*, void* env,
                          std::uint64_t* next_tick,
                          wasmtime_update_deadline_kind_t* kind) noexcept {
  auto& instance = *static_cast<InstanceState*>(env);
  *next_tick = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  if (instance.interrupt.run_gate()) {
    return nullptr;
  }
  instance.end(stopped());
  return wasmtime_error_new("stopped");
}

Exit take(std::optional<Exit>& ending) { return *std::exchange(ending, {}); }

}  // namespace

Status InstanceState::call_entry(const wasmtime_instance_t& instance,
                                 std::string_view name) {
  ExternItem item;
  item.fill([&](wasmtime_extern_t* out) {
    return wasmtime_instance_export_get(context(), &instance, name.data(),
                                        name.size(), out);
  });
  return call_guest(context(), item.get().of.func, {});
}

/// An Exit when the module's start function did not return.
Result<std::optional<Exit>> InstanceState::instantiate(
    wasmtime_instance_t& instance) {
  Failure failure;
  wasm_trap_t* trap = nullptr;
  failure.error.reset(wasmtime_instance_pre_instantiate(linked.get(), context(),
                                                        &instance, &trap));
  failure.trap.reset(trap);
  if (!failure) {
    return std::optional<Exit>();
  }
  if (!ending && failure.error && backtrace_of(failure).empty()) {
    // Nothing of the guest ran: no memory, or limits of the engine.
    return Error(Errc::kSystem,
                 "set up the guest: " + message_of(*failure.error));
  }
  end(failure);
  return std::optional(take(ending));
}

Result<Exit> InstanceState::run() {
  if (std::exchange(used, true)) {
    return Error(Errc::kInvalidArgument, "an instance runs once");
  }
  if (!has_start) {
    return Error(Errc::kInvalidModule,
                 "the module exports no function '_start': it is a library, "
                 "not a program");
  }
  wasmtime_store_epoch_deadline_callback(store.get(), on_tick, this, nullptr);
  wasmtime_context_set_epoch_deadline(context(), 1);
  // Only now: a stop that came earlier has had its tick already.
  if (!interrupt.run_gate()) {
    return stopped();
  }
  wasmtime_instance_t instance{};
  WASMBPF_TRY_ASSIGN(std::optional<Exit> ended, instantiate(instance));
  if (ended) {
    return *ended;
  }
  if ((has_initialize && !call_entry(instance, kInitialize)) ||
      !call_entry(instance, kStart)) {
    return take(ending);
  }
  return Exit{};
}

Instance::Instance(std::unique_ptr<InstanceState> state)
    : state_(std::move(state)) {}
Instance::Instance(Instance&&) noexcept = default;
Instance& Instance::operator=(Instance&&) noexcept = default;
Instance::~Instance() = default;

Result<Instance> Instance::create(const Engine& engine, const Module& module,
                                  InstanceOptions options,
                                  Interrupt& interrupt) {
  auto state = std::make_unique<InstanceState>(engine, module, interrupt);
  WASMBPF_TRY(state->link(std::move(options)));
  return Instance(std::move(state));
}

Result<Exit> Instance::run() { return state_->run(); }

}  // namespace wasmbpf::engine
