#include "engine/raw.h"

#include <algorithm>
#include <vector>

namespace wasmbpf::engine {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first);
}

/// A cause without its number: "0: reason" becomes "reason".
std::string_view without_number(std::string_view line) {
  const auto digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos ||
      !line.substr(digits).starts_with(": ")) {
    return line;
  }
  return trim(line.substr(digits + 1));
}

/// The engine's lines, joined by colons.
std::string on_one_line(std::string_view text) {
  std::string joined;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line == "Caused by:") {
      continue;
    }
    joined += joined.empty() ? "" : ": ";
    joined += without_number(line);
  }
  return joined;
}

std::vector<ValueType> to_value_types(const wasm_valtype_vec_t& types) {
  std::vector<ValueType> converted;
  converted.reserve(types.size);
  for (std::size_t i = 0; i < types.size; ++i) {
    converted.push_back(to_value_type(*types.data[i]));
  }
  return converted;
}

wasm_valtype_vec_t to_raw(const std::vector<ValueType>& types) {
  wasm_valtype_vec_t converted;
  wasm_valtype_vec_new_uninitialized(&converted, types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    wasm_valkind_t kind = WASM_I32;
    switch (types[i]) {
      case ValueType::kI32: kind = WASM_I32; break;
      case ValueType::kI64: kind = WASM_I64; break;
      case ValueType::kF32: kind = WASM_F32; break;
      case ValueType::kF64: kind = WASM_F64; break;
      case ValueType::kV128:
      case ValueType::kReference: kind = WASM_FUNCREF; break;
    }
    converted.data[i] = wasm_valtype_new(kind);
  }
  return converted;
}

}  // namespace

std::string message_of(const wasmtime_error_t& error) {
  ByteVec text;
  wasmtime_error_message(&error, text.out());
  return on_one_line({text.begin(), text.size()});
}

std::string cause_of(std::string_view engine_text) {
  constexpr std::string_view kCauses = "Caused by:";
  const auto causes = engine_text.find(kCauses);
  return on_one_line(causes == std::string_view::npos
                         ? engine_text
                         : engine_text.substr(causes + kCauses.size()));
}

ValueType to_value_type(const wasm_valtype_t& type) {
  // Not wasm_valtype_kind: it aborts the process on v128 and typed references.
  wasmtime_valtype_t full{};
  wasmtime_valtype_new(&type, &full);
  const auto kind = full.kind;
  wasmtime_valtype_delete(&full);
  switch (kind) {
    case WASMTIME_VALTYPE_KIND_I32: return ValueType::kI32;
    case WASMTIME_VALTYPE_KIND_I64: return ValueType::kI64;
    case WASMTIME_VALTYPE_KIND_F32: return ValueType::kF32;
    case WASMTIME_VALTYPE_KIND_F64: return ValueType::kF64;
    case WASMTIME_VALTYPE_KIND_V128: return ValueType::kV128;
    default: return ValueType::kReference;
  }
}

FunctionType to_function_type(const wasm_functype_t& type) {
  return {to_value_types(*wasm_functype_params(&type)),
          to_value_types(*wasm_functype_results(&type))};
}

FunctypePtr to_raw(const FunctionType& type) {
  wasm_valtype_vec_t params = to_raw(type.params);
  wasm_valtype_vec_t results = to_raw(type.results);
  return FunctypePtr(wasm_functype_new(&params, &results));  // takes both
}

bool is_numeric(const FunctionType& type) {
  const auto numeric = [](ValueType value) {
    return value != ValueType::kV128 && value != ValueType::kReference;
  };
  return std::ranges::all_of(type.params, numeric) &&
         std::ranges::all_of(type.results, numeric);
}

std::string_view kind_name(ExternKind kind) {
  switch (kind) {
    case ExternKind::kFunction: return "function";
    case ExternKind::kMemory: return "memory";
    case ExternKind::kTable: return "table";
    case ExternKind::kGlobal: return "global";
    case ExternKind::kOther: return "item";
  }
  return "item";
}

ExternKind to_extern_kind(const wasm_externtype_t& type) {
  switch (wasm_externtype_kind(&type)) {
    case WASM_EXTERN_FUNC: return ExternKind::kFunction;
    case WASM_EXTERN_MEMORY: return ExternKind::kMemory;
    case WASM_EXTERN_TABLE: return ExternKind::kTable;
    case WASM_EXTERN_GLOBAL: return ExternKind::kGlobal;
    default: return ExternKind::kOther;
  }
}

}  // namespace wasmbpf::engine
