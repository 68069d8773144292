#include "hostapi/v0.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/guest_memory.h"
#include "engine/instance.h"
#include "hostapi/guest_errno.h"

namespace wasmbpf::hostapi {
namespace {

using engine::Call;
using engine::FunctionType;
using engine::GuestMemory;
using engine::GuestRange;
using engine::HostFunction;
using engine::RawValue;
using engine::ValueType;
using Args = std::span<const RawValue>;

constexpr ValueType kI32 = ValueType::kI32;
constexpr ValueType kI64 = ValueType::kI64;
constexpr char kModule[] = "wasm_bpf";
// Program and map names end at 15 bytes in the kernel, targets are paths.
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxTarget = 4096;

// bpf(2) command numbers, part of the interface.
enum MapCommand : std::uint32_t {
  kLookup = 1,
  kUpdate = 2,
  kDelete = 3,
  kGetNextKey = 4,
  kLookupAndDelete = 21,
};

RawValue to_raw(std::int32_t value) {
  return static_cast<std::uint32_t>(value);
}

/// The guest's view of an outcome: 0 or a negative errno. The reason goes to
/// the log, because v0 has no other place for it.
std::int32_t answer(const KernelSession& session, LogLevel level,
                    std::string_view call, const Status& status) {
  if (status) {
    return 0;
  }
  session.logger().log(level,
                       std::string(call) + ": " + status.error().message());
  return guest_errno(status.error());
}

std::int32_t answer(const KernelSession& session, LogLevel level,
                    std::string_view call, const Result<Handle>& handle) {
  return handle ? static_cast<std::int32_t>(*handle)
                : answer(session, level, call, Status(handle.error()));
}

// -- pointers ---------------------------------------------------------------

Error null_pointer(const char* what) {
  return Error(Errc::kOutOfBounds, std::string(what) + " is null");
}

/// A range that must not be null, unless it is empty.
Result<std::span<std::byte>> slice_at(const GuestMemory& memory,
                                      const char* what, GuestRange range) {
  if (range.offset == 0 && range.size > 0) {
    return null_pointer(what);
  }
  return memory.slice(range);
}

Result<std::string> string_at(const GuestMemory& memory, const char* what,
                              std::uint64_t pointer, std::size_t max_size) {
  if (pointer == 0) {
    return null_pointer(what);
  }
  return memory.read_string(pointer, max_size);
}

// -- objects ----------------------------------------------------------------

Result<Handle> load_object(KernelSession& session, Call& call, Args args) {
  WASMBPF_TRY_ASSIGN(const auto elf,
                     slice_at(call.memory(), "the object", {args[0], args[1]}));
  return session.load(elf);
}

Status attach_program(KernelSession& session, Call& call, Args args) {
  WASMBPF_TRY(session.find<GuestObject>(args[0]));
  const GuestMemory memory = call.memory();
  WASMBPF_TRY_ASSIGN(
      const std::string name,
      string_at(memory, "the program's name", args[1], kMaxName));
  std::string target;
  if (args[2] != 0) {
    WASMBPF_TRY_ASSIGN(target, memory.read_string(args[2], kMaxTarget));
  }
  return session.attach(args[0], name, target);
}

Result<Handle> map_by_name(KernelSession& session, Call& call, Args args) {
  WASMBPF_TRY(session.find<GuestObject>(args[0]));
  WASMBPF_TRY_ASSIGN(
      const std::string name,
      string_at(call.memory(), "the map's name", args[1], kMaxName));
  return session.map_by_name(args[0], name);
}

// -- maps -------------------------------------------------------------------

/// The guest's key, or none when its pointer is null. Maps without keys
/// (queues, stacks, bloom filters) take null and any pointer alike.
Result<std::optional<std::span<std::byte>>> key_at(const GuestMemory& memory,
                                                   const bpf::MapInfo& info,
                                                   std::uint64_t pointer) {
  const std::uint32_t size = info.key_size;
  if (size == 0) {
    return std::optional(std::span<std::byte>());
  }
  if (pointer == 0) {
    return std::optional<std::span<std::byte>>();
  }
  WASMBPF_TRY_ASSIGN(const auto bytes, memory.slice({pointer, size}));
  return std::optional(bytes);
}

bool is_map_command(std::uint32_t command) {
  switch (command) {
    case kLookup:
    case kUpdate:
    case kDelete:
    case kGetNextKey:
    case kLookupAndDelete: return true;
    default: return false;
  }
}

Status operate(KernelSession& session, Call& call, Args args) {
  const std::uint64_t value_pointer = args[3];
  const std::uint64_t next_pointer = args[4];
  const std::uint64_t flags = args[5];
  const auto command = static_cast<std::uint32_t>(args[1]);

  WASMBPF_TRY_ASSIGN(const auto map, session.find<GuestMap>(args[0]));
  if (!is_map_command(command)) {
    return Error(Errc::kInvalidArgument,
                 "no map command " + std::to_string(command));
  }
  WASMBPF_TRY(session.allow_read(*map));
  if (command != kLookup && command != kGetNextKey) {
    WASMBPF_TRY(session.allow_write(*map));
  }
  WASMBPF_TRY(session.translate_key(*map));

  const GuestMemory memory = call.memory();
  const bpf::MapInfo& info = map->map.info();
  WASMBPF_TRY_ASSIGN(const auto key, key_at(memory, info, args[2]));
  if (command == kGetNextKey) {
    WASMBPF_TRY_ASSIGN(
        const auto next,
        slice_at(memory, "the next key", {next_pointer, info.key_size}));
    return map->map.next_key(key, next);
  }
  if (!key) {
    return null_pointer("the key");
  }
  if (command == kDelete) {
    return map->map.erase(*key);
  }
  WASMBPF_TRY_ASSIGN(
      const auto value,
      slice_at(memory, "the value", {value_pointer, info.transfer_size}));
  if (command == kLookup) {
    return map->map.lookup(*key, value, flags);
  }
  if (command == kLookupAndDelete) {
    return map->map.lookup_and_delete(*key, value, flags);
  }
  std::vector<std::byte> copy(value.begin(), value.end());
  WASMBPF_TRY(session.translate_value(*map, copy));
  return map->map.update(*key, copy, flags);
}

// -- buffers ----------------------------------------------------------------

struct PollArgs {
  std::uint64_t object;
  std::uint64_t map;
  RawValue context;
  GuestRange data;
  std::int32_t timeout_ms;
};

/// What a poll has come to; lives through the callbacks.
struct PollOutcome {
  std::optional<Error> guest_ended;
  std::int32_t callback_result = 0;
};

std::optional<std::chrono::nanoseconds> timeout_of(std::int32_t ms) {
  if (ms < 0) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(ms);
}

/// Hands one sample to the guest; false ends the poll.
bool deliver(KernelSession& session, Call& call, const PollArgs& poll,
             const engine::GuestFunction& callback,
             std::span<const std::byte> sample, PollOutcome& outcome) {
  // An i32 size cannot say more than this; the kernel's samples are smaller.
  const std::size_t size = std::min<std::size_t>(sample.size(), poll.data.size);
  if (size < sample.size()) {
    session.count_truncated(poll.map);
    session.logger().debug("sample of " + std::to_string(sample.size()) +
                           " bytes cut to the guest's buffer of " +
                           std::to_string(size));
  }
  if (const auto copied =
          call.memory().copy_out(poll.data.offset, sample.first(size));
      !copied) {
    outcome.guest_ended = copied.error();  // cannot be: memory never shrinks
    return false;
  }
  const std::array<RawValue, 3> args{poll.context, poll.data.offset, size};
  const auto results = call.call(callback, args);
  if (!results) {
    outcome.guest_ended = results.error();
    return false;
  }
  outcome.callback_result =
      results->size() == 0 ? 0 : static_cast<std::int32_t>((*results)[0]);
  return outcome.callback_result >= 0;
}

/// Answers the guest's result; an Error only when the guest has ended.
Result<std::int32_t> poll_buffer(
    KernelSession& session, Call& call, const PollArgs& poll,
    const Result<engine::GuestFunction>& callback) {
  const char* const kName = "wasm_bpf_buffer_poll";
  const auto refuse = [&](const Error& error) {
    return answer(session, LogLevel::kDebug, kName, Status(error));
  };
  if (const auto map = session.find<GuestMap>(poll.map); !map) {
    return refuse(map.error());
  }
  if (!callback) {
    session.warn_once(std::string(kName) +
                      ": callback: " + callback.error().message());
    return -EINVAL;
  }
  if (const auto range =
          slice_at(call.memory(), "the buffer for samples", poll.data);
      !range) {
    return refuse(range.error());
  }
  PollOutcome outcome;
  const auto delivered = session.poll(
      poll.object, poll.map, call.interrupt(), timeout_of(poll.timeout_ms),
      [&](std::span<const std::byte> sample) {
        return deliver(session, call, poll, *callback, sample, outcome);
      });
  if (outcome.guest_ended) {
    return *outcome.guest_ended;
  }
  if (outcome.callback_result < 0) {
    return outcome.callback_result;
  }
  if (!delivered) {
    return refuse(delivered.error());
  }
  return static_cast<std::int32_t>(*delivered);
}

/// The guest's callback, as `find` looks for it by type. Some published guests
/// have one without a result, which older hosts called all the same.
template <typename Find>
Result<engine::GuestFunction> find_callback(const Find& find) {
  static const FunctionType type{{kI32, kI32, kI32}, {kI32}};
  static const FunctionType without_result{{kI32, kI32, kI32}, {}};
  auto callback = find(type);
  if (!callback) {
    if (auto other = find(without_result)) {
      return other;
    }
  }
  return callback;
}

// -- the table --------------------------------------------------------------

/// The i64 form where the module imports it so, else the i32 form.
FunctionType map_operate_type(const std::vector<engine::ImportInfo>& imports) {
  const FunctionType wide{{kI32, kI32, kI64, kI64, kI64, kI64}, {kI32}};
  const bool is_wide =
      std::ranges::any_of(imports, [&](const engine::ImportInfo& import) {
        return import.module == kModule &&
               import.name == "wasm_bpf_map_operate" && import.type == wide;
      });
  return is_wide ? wide
                 : FunctionType{{kI32, kI32, kI32, kI32, kI32, kI64}, {kI32}};
}

}  // namespace

std::vector<HostFunction> v0_functions(
    KernelSession& session, const V0Dialect& dialect,
    const std::vector<engine::ImportInfo>& imports) {
  KernelSession* const s = &session;
  const std::string callback_export = dialect.callback_export;
  using Results = std::span<RawValue>;
  return {
      {kModule,
       "wasm_load_bpf_object",
       {{kI32, kI32}, {kI64}},
       [s](Call& call, Args args, Results results) -> Status {
         const auto handle = load_object(*s, call, args);
         if (!handle) {
           s->logger().error("load eBPF object: " + handle.error().message());
           s->keep_verifier_log(handle.error());
         }
         results[0] = handle ? *handle : 0;
         return {};
       }},
      {kModule,
       "wasm_close_bpf_object",
       {{kI64}, {kI32}},
       [s](Call&, Args args, Results results) -> Status {
         results[0] = to_raw(answer(*s, LogLevel::kDebug, "close eBPF object",
                                    s->close(args[0])));
         return {};
       }},
      {kModule,
       "wasm_attach_bpf_program",
       {{kI64, kI32, kI32}, {kI32}},
       [s](Call& call, Args args, Results results) -> Status {
         results[0] = to_raw(answer(*s, LogLevel::kError, "attach eBPF program",
                                    attach_program(*s, call, args)));
         return {};
       }},
      {kModule,
       "wasm_bpf_map_fd_by_name",
       {{kI64, kI32}, {kI32}},
       [s](Call& call, Args args, Results results) -> Status {
         results[0] = to_raw(answer(*s, LogLevel::kDebug, "find map",
                                    map_by_name(*s, call, args)));
         return {};
       }},
      {kModule, "wasm_bpf_map_operate", map_operate_type(imports),
       [s](Call& call, Args args, Results results) -> Status {
         results[0] = to_raw(answer(*s, LogLevel::kTrace, "map operation",
                                    operate(*s, call, args)));
         return {};
       }},
      {kModule,
       "wasm_bpf_buffer_poll",
       {{kI64, kI32, kI32, kI32, kI32, kI32, kI32}, {kI32}},
       [s](Call& call, Args args, Results results) -> Status {
         const PollArgs poll{args[0],
                             args[1],
                             args[3],
                             {args[4], args[5]},
                             static_cast<std::int32_t>(args[6])};
         WASMBPF_TRY_ASSIGN(
             const std::int32_t result,
             poll_buffer(*s, call, poll,
                         find_callback([&](const FunctionType& type) {
                           return call.find_in_table(
                               static_cast<std::uint32_t>(args[2]), type);
                         })));
         results[0] = to_raw(result);
         return {};
       }},
      {dialect.wrapper_module,
       "wasm_bpf_buffer_poll",
       {{kI64, kI32, kI32, kI32, kI32, kI32}, {kI32}},
       [s, callback_export](Call& call, Args args, Results results) -> Status {
         const PollArgs poll{args[0],
                             args[1],
                             args[2],
                             {args[3], args[4]},
                             static_cast<std::int32_t>(args[5])};
         WASMBPF_TRY_ASSIGN(
             const std::int32_t result,
             poll_buffer(*s, call, poll,
                         find_callback([&](const FunctionType& type) {
                           return call.find_export(callback_export, type);
                         })));
         results[0] = to_raw(result);
         return {};
       }},
  };
}

}  // namespace wasmbpf::hostapi
