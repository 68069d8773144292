#ifndef WASMBPF_ENGINE_RAW_H_
#define WASMBPF_ENGINE_RAW_H_

// Internal to this folder: the engine's C objects with owners, and its types
// and errors in the project's own terms.

#include <wasmtime.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/types.h"

namespace wasmbpf::engine {

template <auto kDelete>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kDelete(object);
  }
};

template <typename T, auto kDelete>
using Raw = std::unique_ptr<T, Deleter<kDelete>>;

using EnginePtr = Raw<wasm_engine_t, wasm_engine_delete>;
using ModulePtr = Raw<wasmtime_module_t, wasmtime_module_delete>;
using LinkerPtr = Raw<wasmtime_linker_t, wasmtime_linker_delete>;
using StorePtr = Raw<wasmtime_store_t, wasmtime_store_delete>;
using InstancePrePtr =
    Raw<wasmtime_instance_pre_t, wasmtime_instance_pre_delete>;
using FunctypePtr = Raw<wasm_functype_t, wasm_functype_delete>;
using ExterntypePtr = Raw<wasm_externtype_t, wasm_externtype_delete>;
using ErrorPtr = Raw<wasmtime_error_t, wasmtime_error_delete>;
using TrapPtr = Raw<wasm_trap_t, wasm_trap_delete>;

/// One of the engine's vectors; freed at the end of the scope.
template <typename Vec, auto kDelete>
class RawVec {
 public:
  RawVec() = default;
  RawVec(const RawVec&) = delete;
  RawVec& operator=(const RawVec&) = delete;
  ~RawVec() { kDelete(&vec_); }

  Vec* out() { return &vec_; }
  std::size_t size() const { return vec_.size; }
  auto* begin() const { return vec_.data; }
  auto* end() const { return vec_.data + vec_.size; }

 private:
  Vec vec_{};
};
using ByteVec = RawVec<wasm_byte_vec_t, wasm_byte_vec_delete>;

/// An item of a store (function, memory, table ...).
class ExternItem {
 public:
  ExternItem() = default;
  ExternItem(const ExternItem&) = delete;
  ExternItem& operator=(const ExternItem&) = delete;
  ~ExternItem() {
    if (filled_) {
      wasmtime_extern_delete(&item_);
    }
  }

  /// `get` fills the item and answers whether there was one.
  template <typename Get>
  bool fill(Get get) {
    return filled_ = get(&item_);
  }
  const wasmtime_extern_t& get() const { return item_; }

 private:
  wasmtime_extern_t item_{};
  bool filled_ = false;
};

inline std::string_view view(const wasm_name_t& name) {
  return {name.data, name.size};
}

/// What the engine says, on one line, its causes after colons.
std::string message_of(const wasmtime_error_t& error);

/// Only the causes of what the engine says, without the backtrace in it.
std::string cause_of(std::string_view engine_text);

ValueType to_value_type(const wasm_valtype_t& type);
FunctionType to_function_type(const wasm_functype_t& type);
FunctypePtr to_raw(const FunctionType& type);

/// Whether all its values are numbers, the only ones that host and guest pass
/// each other.
bool is_numeric(const FunctionType& type);

/// "memory", "table", ...: as messages name it.
std::string_view kind_name(ExternKind kind);
ExternKind to_extern_kind(const wasm_externtype_t& type);

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_RAW_H_
