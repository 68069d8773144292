#include <algorithm>
#include <set>
#include <utility>

#include "base/printable.h"
#include "engine/instance_state.h"

namespace wasmbpf::engine {
namespace {

constexpr std::string_view kWasi = "wasi_snapshot_preview1";
constexpr std::string_view kOldWasi = "wasi_unstable";
constexpr std::string_view kMemory = "memory";
constexpr std::string_view kTable = "__indirect_function_table";

// Far more than a program has functions. Without it a guest could make the host
// fill gigabytes in one instruction, which no tick interrupts.
constexpr std::int64_t kMaxTableElements = 4'000'000;
constexpr std::int64_t kUnlimited = -1;

wasm_trap_t* call_bound(void* env, wasmtime_caller_t* caller,
                        wasmtime_val_raw_t* values,
                        std::size_t count) noexcept {
  auto& bound = *static_cast<BoundFunction*>(env);
  return bound.instance->call_host(bound, caller, {values, count});
}

/// A name is better the sooner it is found; the usual one is best.
void prefer(std::string& chosen, const std::string& name,
            std::string_view usual) {
  if (chosen.empty() || name == usual) {
    chosen = name;
  }
}

std::string full_name(const ImportInfo& import) {
  return printable(import.module + "." + import.name);
}

Status check_text(const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    return Error(Errc::kInvalidArgument,
                 "an argument or environment variable of the guest has a NUL "
                 "byte in it");
  }
  return {};
}

Error not_utf8(std::string_view what) {
  return Error(Errc::kInvalidArgument,
               std::string(what) + " of the guest is not valid UTF-8");
}

}  // namespace

Status InstanceState::define(std::vector<HostFunction> host_functions) {
  for (HostFunction& function : host_functions) {
    if (!is_numeric(function.type)) {
      return Error(Errc::kInvalidArgument,
                   "the host function " + function.module + "." +
                       function.name + " takes or gives what is no number");
    }
    const FunctypePtr type = to_raw(function.type);
    auto& bound =
        functions.emplace_back(new BoundFunction{this, std::move(function)});
    const auto& [module_name, name] =
        std::tie(bound->function.module, bound->function.name);
    if (auto* const error = wasmtime_linker_define_func_unchecked(
            linker.get(), module_name.data(), module_name.size(), name.data(),
            name.size(), type.get(), call_bound, bound.get(), nullptr)) {
      return Error(Errc::kInvalidArgument, "offer " + module_name + "." + name +
                                               ": " +
                                               message_of(*ErrorPtr(error)));
    }
  }
  return {};
}

Status InstanceState::make_wasi_context(const InstanceOptions& options) {
  std::vector<const char*> args;
  for (const std::string& arg : options.args) {
    WASMBPF_TRY(check_text(arg));
    args.push_back(arg.c_str());
  }
  std::vector<const char*> names;
  std::vector<const char*> values;
  for (const auto& [name, value] : options.environment) {
    WASMBPF_TRY(check_text(name));
    WASMBPF_TRY(check_text(value));
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  Raw<wasi_config_t, wasi_config_delete> config(wasi_config_new());
  if (!args.empty() &&
      !wasi_config_set_argv(config.get(), args.size(), args.data())) {
    return not_utf8("an argument");
  }
  if (!names.empty() && !wasi_config_set_env(config.get(), names.size(),
                                             names.data(), values.data())) {
    return not_utf8("an environment variable");
  }
  if (auto* const error =
          wasmtime_context_set_wasi(context(), config.release())) {
    return Error(Errc::kInternal, message_of(*ErrorPtr(error)));
  }
  return {};
}

/// The engine's WASI, with our own functions in place of those that block, that
/// know about stdin, stdout and stderr, or that exit.
Status InstanceState::define_wasi(InstanceOptions& options) {
  WASMBPF_TRY(make_wasi_context(options));
  if (auto* const error = wasmtime_linker_define_wasi(linker.get())) {
    return Error(Errc::kInternal, message_of(*ErrorPtr(error)));
  }
  wasi = std::make_unique<Wasi>(
      options.stdin_fd, std::move(options.stdout_to),
      std::move(options.stderr_to),
      [logger = options.logger, tell = std::move(options.on_output_closed)] {
        logger.debug("whoever read the guest's output has closed it");
        if (tell) {
          tell();
        }
      });
  return define(wasi->functions(kWasi));
}

Status InstanceState::examine_exports() {
  for (const ExportInfo& item : module.exports()) {
    if (item.kind == ExternKind::kMemory) {
      prefer(memory_name, item.name, kMemory);
    } else if (item.is_function_table) {
      prefer(table_name, item.name, kTable);
    } else if (item.kind == ExternKind::kFunction &&
               (item.name == kStart || item.name == kInitialize)) {
      if (item.type != FunctionType{}) {
        return Error(Errc::kInvalidModule,
                     "the export '" + printable(item.name) + "' has type " +
                         to_string(item.type) + ", not () -> ()");
      }
      (item.name == kStart ? has_start : has_initialize) = true;
    }
  }
  return {};
}

/// Says which imports nobody offers, or what the two types of one are.
Error InstanceState::explain_link_error(wasmtime_error_t* error) const {
  const ErrorPtr owned(error);
  std::string missing;
  std::string other_type;
  for (const ImportInfo& import : module.imports()) {
    ExternItem item;
    if (!item.fill([&](wasmtime_extern_t* out) {
          return wasmtime_linker_get(linker.get(), context(),
                                     import.module.data(), import.module.size(),
                                     import.name.data(), import.name.size(),
                                     out);
        })) {
      missing += "\n  " + full_name(import) + " " +
                 (import.kind == ExternKind::kFunction
                      ? to_string(import.type)
                      : "(a " + std::string(kind_name(import.kind)) + ")");
      if (import.module == kOldWasi) {
        missing += " (an early form of WASI; build it for preview 1)";
      }
      continue;
    }
    const ExterntypePtr type(wasmtime_extern_type(context(), &item.get()));
    const auto* const function = wasm_externtype_as_functype_const(type.get());
    const std::string offered =
        function != nullptr
            ? to_string(to_function_type(*function))
            : "a " + std::string(kind_name(to_extern_kind(*type)));
    if (import.kind != to_extern_kind(*type) ||
        (function != nullptr && to_function_type(*function) != import.type)) {
      other_type += "\n  " + full_name(import) + ": the module wants " +
                    (import.kind == ExternKind::kFunction
                         ? to_string(import.type)
                         : "a " + std::string(kind_name(import.kind))) +
                    ", the host offers " + offered;
    }
  }
  if (!missing.empty()) {
    return Error(Errc::kNotFound,
                 "the module imports what nobody offers:" + missing);
  }
  if (!other_type.empty()) {
    return Error(Errc::kInvalidArgument,
                 "the module's imports have other types:" + other_type);
  }
  return Error(Errc::kInvalidModule, "link the module: " + message_of(*owned));
}

Status InstanceState::link(InstanceOptions options) {
  const std::vector<ImportInfo> imports = module.imports();
  WASMBPF_TRY(examine_exports());
  store.reset(
      wasmtime_store_new(engine.state_->engine.get(), nullptr, nullptr));
  wasmtime_store_limiter(store.get(), kUnlimited, kMaxTableElements, kUnlimited,
                         kUnlimited, kUnlimited);
  linker.reset(wasmtime_linker_new(engine.state_->engine.get()));
  wasmtime_linker_allow_shadowing(linker.get(), true);

  if (std::ranges::find(imports, kWasi, &ImportInfo::module) != imports.end()) {
    WASMBPF_TRY(define_wasi(options));
  }
  std::set<std::pair<std::string_view, std::string_view>> names;
  for (const HostFunction& function : options.functions) {
    if (!names.emplace(function.module, function.name).second) {
      return Error(Errc::kInvalidArgument, "two host functions are named " +
                                               function.module + "." +
                                               function.name);
    }
  }
  WASMBPF_TRY(define(std::move(options.functions)));

  wasmtime_instance_pre_t* pre = nullptr;
  if (auto* const error = wasmtime_linker_instantiate_pre(
          linker.get(), module.state_->module.get(), &pre)) {
    return explain_link_error(error);
  }
  linked.reset(pre);
  return {};
}

}  // namespace wasmbpf::engine
