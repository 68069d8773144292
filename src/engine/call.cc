#include <wasmbpf_engine.h>

#include <algorithm>
#include <array>
#include <bit>

#include "engine/instance.h"
#include "engine/instance_state.h"

namespace wasmbpf::engine {
namespace {

/// Room for a call's values without an allocation, as far as it goes.
template <typename T, std::size_t kInline>
class Scratch {
 public:
  explicit Scratch(std::size_t size) : size_(size) {
    if (size > kInline) {
      more_.resize(size);
    }
  }
  std::span<T> values() {
    return {size_ > kInline ? more_.data() : few_.data(), size_};
  }

 private:
  std::size_t size_;
  std::array<T, kInline> few_;  // not initialised: it is filled anyway
  std::vector<T> more_;
};

bool is_narrow(ValueType type) {
  return type == ValueType::kI32 || type == ValueType::kF32;
}

/// The engine leaves the upper half of narrow values undefined.
RawValue read(const wasmtime_val_raw_t& value, bool narrow) {
  const auto bits = static_cast<std::uint64_t>(value.i64);
  return narrow ? bits & 0xffff'ffff : bits;
}

void write(wasmtime_val_raw_t& value, RawValue bits) {
  value.i64 = static_cast<std::int64_t>(bits);
}

Exit host_error(const Error& error) {
  Exit exit;
  exit.kind = Exit::Kind::kHostError;
  exit.message = error.message();
  exit.error = error;
  return exit;
}

Error error_of(const Exit& exit) {
  switch (exit.kind) {
    case Exit::Kind::kHostError: return *exit.error;
    case Exit::Kind::kTrapped: return Error(Errc::kTrap, exit.message);
    default: return Error(Errc::kInterrupted, exit.message);
  }
}

static_assert(Values::kMax <= 8);  // GuestFunction has a bit for each

// Guest code watches its stack, but a callback may be a host function that
// calls it again: without a limit that would use up the thread's own stack.
constexpr int kMaxNesting = 64;

}  // namespace

// -- the guest calls the host -----------------------------------------------

wasm_trap_t* InstanceState::call_host(BoundFunction& bound,
                                      wasmtime_caller_t* caller,
                                      std::span<wasmtime_val_raw_t> values) {
  const FunctionType& type = bound.function.type;
  const std::size_t params = type.params.size();
  Scratch<RawValue, 16> scratch(params + type.results.size());
  const std::span<RawValue> args = scratch.values().first(params);
  const std::span<RawValue> results = scratch.values().subspan(params);
  for (std::size_t i = 0; i < params; ++i) {
    args[i] = read(values[i], is_narrow(type.params[i]));
  }
  std::ranges::fill(results, 0);

  Call call(*this, caller);
  const Status status = bound.function.call(call, args, results);
  if (interrupt.stop_requested() &&
      (status || status.error().code() == Errc::kInterrupted)) {
    end(stopped());
  } else if (!status) {
    end(host_error(status.error()));
  }
  if (ending) {
    constexpr std::string_view kText = "ended in a host call";
    return wasmtime_trap_new(kText.data(), kText.size());
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    write(values[i], results[i]);
  }
  return nullptr;
}

// -- the host calls the guest -----------------------------------------------

void InstanceState::end(const Failure& failure) {
  if (!ending) {
    ending = exit_of(failure);
  } else if (ending->backtrace.empty() && ending->kind != Exit::Kind::kExited) {
    ending->backtrace = backtrace_of(failure);
  }
}

Status InstanceState::call_guest(wasmtime_context_t* store_context,
                                 const wasmtime_func_t& function,
                                 std::span<wasmtime_val_raw_t> values) {
  if (nesting == kMaxNesting) {
    Exit exit;
    exit.kind = Exit::Kind::kTrapped;
    exit.message = "the guest's callbacks nest too deeply (endless recursion?)";
    end(std::move(exit));
  }
  if (ending) {
    return error_of(*ending);
  }
  Failure failure;
  wasm_trap_t* trap = nullptr;
  ++nesting;
  failure.error.reset(wasmtime_func_call_unchecked(
      store_context, &function, values.data(), values.size(), &trap));
  --nesting;
  failure.trap.reset(trap);
  if (!failure) {
    return {};
  }
  end(failure);
  return error_of(*ending);
}

Result<Values> Call::call(const GuestFunction& function,
                          std::span<const RawValue> args) {
  if (function.raw_.store_id == 0 || args.size() != function.param_count_) {
    return Error(Errc::kInternal,
                 "no guest function, or the wrong number of arguments for it");
  }
  const auto raw = std::bit_cast<wasmtime_func_t>(function.raw_);
  const std::size_t count =
      std::max<std::size_t>(function.param_count_, function.result_count_);
  std::array<wasmtime_val_raw_t, Values::kMax> values;
  for (std::size_t i = 0; i < args.size(); ++i) {
    write(values[i], args[i]);
  }
  auto* const context =
      wasmtime_caller_context(static_cast<wasmtime_caller_t*>(caller_));
  WASMBPF_TRY(
      instance_.call_guest(context, raw, std::span(values).first(count)));
  Values results;
  results.size_ = function.result_count_;
  for (std::size_t i = 0; i < results.size_; ++i) {
    results.values_[i] =
        read(values[i], (function.narrow_results_ >> i & 1) != 0);
  }
  return results;
}

Error Call::exit(int code) {
  Exit exit;
  exit.kind = Exit::Kind::kExited;
  exit.code = code;
  exit.message = "the guest exited with code " + std::to_string(code);
  Error error = error_of(exit);
  instance_.end(std::move(exit));
  return error;
}

// -- what the guest exports -------------------------------------------------

bool InstanceState::find_export(wasmtime_caller_t* caller,
                                std::string_view name, ExternItem& item) {
  return item.fill([&](wasmtime_extern_t* out) {
    return wasmtime_caller_export_get(caller, name.data(), name.size(), out);
  });
}

Interrupt& Call::interrupt() const { return instance_.interrupt; }

GuestMemory Call::memory() const {
  auto* const caller = static_cast<wasmtime_caller_t*>(caller_);
  if (!instance_.memory) {
    ExternItem item;
    if (instance_.memory_name.empty() ||
        !InstanceState::find_export(caller, instance_.memory_name, item) ||
        item.get().kind != WASMTIME_EXTERN_MEMORY) {
      return GuestMemory({});
    }
    instance_.memory = item.get().of.memory;
  }
  auto* const context = wasmtime_caller_context(caller);
  return GuestMemory({reinterpret_cast<std::byte*>(
                          wasmtime_memory_data(context, &*instance_.memory)),
                      wasmtime_memory_data_size(context, &*instance_.memory)});
}

Result<GuestFunction> Call::check_type(const void* raw_function,
                                       const FunctionType& type) const {
  const auto& raw = *static_cast<const wasmtime_func_t*>(raw_function);
  if (std::max(type.params.size(), type.results.size()) > Values::kMax ||
      !is_numeric(type)) {
    return Error(Errc::kUnsupported,
                 "functions of type " + to_string(type) + " cannot be called");
  }
  const FunctypePtr raw_type(wasmtime_func_type(
      wasmtime_caller_context(static_cast<wasmtime_caller_t*>(caller_)), &raw));
  if (const FunctionType actual = to_function_type(*raw_type); actual != type) {
    return Error(Errc::kInvalidArgument, "the function has type " +
                                             to_string(actual) + ", not " +
                                             to_string(type));
  }
  GuestFunction function;
  function.raw_ = std::bit_cast<GuestFunction::Raw>(raw);
  function.param_count_ = static_cast<std::uint8_t>(type.params.size());
  function.result_count_ = static_cast<std::uint8_t>(type.results.size());
  for (std::size_t i = 0; i < type.results.size(); ++i) {
    function.narrow_results_ |=
        static_cast<std::uint8_t>(is_narrow(type.results[i]) << i);
  }
  return function;
}

Result<GuestFunction> Call::find_in_table(std::uint32_t index,
                                          const FunctionType& type) const {
  auto* const caller = static_cast<wasmtime_caller_t*>(caller_);
  if (!instance_.table) {
    ExternItem item;
    if (instance_.table_name.empty() ||
        !InstanceState::find_export(caller, instance_.table_name, item) ||
        item.get().kind != WASMTIME_EXTERN_TABLE) {
      return Error(Errc::kNotFound,
                   "the guest exports no function table (link it with "
                   "--export-table)");
    }
    instance_.table = item.get().of.table;
  }
  auto* const context = wasmtime_caller_context(caller);
  wasmtime_func_t raw{};
  if (wasmbpf_table_get_func(context, &*instance_.table, index, &raw)) {
    return check_type(&raw, type);
  }
  const std::uint64_t size = wasmtime_table_size(context, &*instance_.table);
  return Error(Errc::kNotFound,
               index < size ? "entry " + std::to_string(index) +
                                  " of the guest's function table is null"
                            : "index " + std::to_string(index) +
                                  " is outside the guest's function table of " +
                                  std::to_string(size));
}

Result<GuestFunction> Call::find_export(std::string_view name,
                                        const FunctionType& type) const {
  ExternItem item;
  if (!InstanceState::find_export(static_cast<wasmtime_caller_t*>(caller_),
                                  name, item) ||
      item.get().kind != WASMTIME_EXTERN_FUNC) {
    return Error(Errc::kNotFound,
                 "the guest exports no function '" + std::string(name) + "'");
  }
  return check_type(&item.get().of.func, type);
}

}  // namespace wasmbpf::engine
