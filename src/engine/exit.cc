#include "engine/exit.h"

#include <wasmbpf_engine.h>

#include <algorithm>
#include <array>
#include <limits>

namespace wasmbpf::engine {
namespace {

/// What the engine says; it has the address of a memory fault.
std::string text_of(const Failure& failure) {
  ByteVec text;
  if (failure.trap) {
    wasm_trap_message(failure.trap.get(), text.out());
    // The one text of the engine that ends with a NUL.
    return std::string(text.begin(), text.size() > 0 ? text.size() - 1 : 0);
  }
  wasmtime_error_message(failure.error.get(), text.out());
  return std::string(text.begin(), text.size());
}

/// " (address 0x.. of 0x.. bytes)" where the engine names them.
std::string fault_address(const std::string& text) {
  constexpr std::string_view kAddress = "memory fault at wasm address ";
  constexpr std::string_view kSize = " in linear memory of size ";
  const auto start = text.find(kAddress);
  const auto middle = text.find(kSize, start);
  if (start == std::string::npos || middle == std::string::npos) {
    return "";
  }
  const auto address = start + kAddress.size();
  const auto size = middle + kSize.size();
  return " (address " + text.substr(address, middle - address) + ", it has " +
         text.substr(size, text.find('\n', size) - size) + " bytes)";
}

/// Null for codes that core modules do not reach.
const char* sentence_of(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW:
      return "the guest used up its stack (endless recursion?)";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS:
      return "the guest accessed memory outside its linear memory";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED:
      return "the guest made an atomic access to an unaligned address";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS:
      return "the guest used an index outside its function table";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL:
    case WASMTIME_TRAP_CODE_NULL_REFERENCE:
      return "the guest called a null function pointer";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE:
      return "the guest called a function pointer of another type";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW:
      return "the guest overflowed an integer in a division or conversion";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO:
      return "the guest divided by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER:
      return "the guest converted a number that is no integer (NaN)";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED:
      return "the guest aborted (abort(), a failed assertion or a panic)";
    case WASMTIME_TRAP_CODE_INTERRUPT: return "the guest was interrupted";
    case WASMTIME_TRAP_CODE_ATOMIC_WAIT_NON_SHARED_MEMORY:
      return "the guest waited on memory that no other thread can change";
    case WASMTIME_TRAP_CODE_ALLOCATION_TOO_LARGE:
      return "the guest asked for too large an allocation";
    default: return nullptr;
  }
}

/// For a person to read, whatever the module has there: at most 512 bytes of
/// UTF-8 without control characters.
std::string readable_name(const wasm_name_t& name) {
  std::array<char, 512> text{};
  std::size_t size =
      wasmbpf_demangle(name.data, name.size, text.data(), text.size());
  if (size == text.size()) {  // cut, perhaps inside a character
    const auto is_tail = [](char c) { return (c & 0xc0) == 0x80; };
    while (is_tail(text[size - 1])) {
      --size;
    }
    --size;
  }
  std::ranges::replace_if(
      text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return {text.data(), size};
}

}  // namespace

std::vector<Frame> backtrace_of(const Failure& failure) {
  RawVec<wasm_frame_vec_t, wasm_frame_vec_delete> frames;
  if (failure.trap) {
    wasm_trap_trace(failure.trap.get(), frames.out());
  } else if (failure.error) {
    wasmtime_error_wasm_trace(failure.error.get(), frames.out());
  }
  std::vector<Frame> backtrace;
  for (wasm_frame_t* const raw : frames) {
    Frame frame;
    if (const auto* const name = wasmtime_frame_func_name(raw)) {
      frame.function = readable_name(*name);
    }
    frame.function_index = wasm_frame_func_index(raw);
    const std::size_t offset = wasm_frame_module_offset(raw);
    if (offset != std::numeric_limits<std::size_t>::max()) {
      frame.module_offset = offset;
    }
    backtrace.push_back(std::move(frame));
  }
  return backtrace;
}

Exit stopped() {
  Exit exit;
  exit.kind = Exit::Kind::kStopped;
  exit.message = "the guest was stopped";
  return exit;
}

Exit exit_of(const Failure& failure) {
  Exit exit;
  exit.kind = Exit::Kind::kTrapped;
  exit.backtrace = backtrace_of(failure);
  const std::string text = text_of(failure);
  wasmtime_trap_code_t code = 0;
  const char* const sentence =
      failure.trap && wasmtime_trap_code(failure.trap.get(), &code)
          ? sentence_of(code)
          : nullptr;
  exit.message = sentence != nullptr ? sentence + fault_address(text)
                                     : "the guest trapped: " + cause_of(text);
  return exit;
}

}  // namespace wasmbpf::engine
