#include "engine/types.h"

#include <string_view>

namespace wasmbpf::engine {
namespace {

std::string_view name_of(ValueType type) {
  switch (type) {
    case ValueType::kI32: return "i32";
    case ValueType::kI64: return "i64";
    case ValueType::kF32: return "f32";
    case ValueType::kF64: return "f64";
    case ValueType::kV128: return "v128";
    case ValueType::kReference: return "ref";
  }
  return "?";
}

/// Adds "i32 i64".
void append(std::string& text, const std::vector<ValueType>& types) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    text += i == 0 ? "" : " ";
    text += name_of(types[i]);
  }
}

}  // namespace

std::string to_string(const FunctionType& type) {
  const bool one = type.results.size() == 1;
  std::string text = "(";
  append(text, type.params);
  text += one ? ") -> " : ") -> (";
  append(text, type.results);
  text += one ? "" : ")";
  return text;
}

}  // namespace wasmbpf::engine
