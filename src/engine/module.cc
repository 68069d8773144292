#include <algorithm>
#include <string>
#include <string_view>

#include "engine/compile_cache.h"
#include "engine/engine.h"
#include "engine/state.h"

namespace wasmbpf::engine {
namespace {

using Bytes = std::span<const std::byte>;

const std::uint8_t* raw_bytes(Bytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

bool starts_with(Bytes bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() &&
         std::ranges::equal(bytes.first(prefix.size()), prefix, {},
                            [](std::byte b) { return static_cast<char>(b); });
}

/// Text starts with a parenthesis, after blanks and ";;" or "(;" comments.
bool looks_like_text(Bytes bytes) {
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  const std::string_view view(text, bytes.size());
  const auto first = view.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos &&
         (view[first] == '(' || view.substr(first).starts_with(";;"));
}

/// What is wrong with bytes that are neither a binary module nor text.
Error not_a_module(Bytes bytes) {
  std::string what = "it starts with";
  if (bytes.empty()) {
    what = "it is empty";
  } else if (looks_like_image(bytes)) {
    what =
        "it is an ELF file (ahead-of-time images are native code and are "
        "loaded as images only)";
  } else {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const std::byte b :
         bytes.first(std::min<std::size_t>(4, bytes.size()))) {
      const auto value = std::to_integer<unsigned>(b);
      what += {' ', kDigits[value >> 4], kDigits[value & 0xf]};
    }
  }
  return Error(Errc::kInvalidModule, "not a WebAssembly module: " + what);
}

Error invalid(std::string_view what, wasmtime_error_t* error) {
  const ErrorPtr owned(error);
  return Error(Errc::kInvalidModule,
               std::string(what) + ": " + message_of(*owned));
}

Result<ModulePtr> compile_binary(const EngineState& engine, Bytes wasm) {
  wasmtime_module_t* module = nullptr;
  if (auto* const error = wasmtime_module_new(
          engine.engine.get(), raw_bytes(wasm), wasm.size(), &module)) {
    return invalid("not a module this engine can compile", error);
  }
  return ModulePtr(module);
}

Result<ModulePtr> compile_any(const EngineState& engine, Bytes source) {
  // Preamble: magic, version (16 bits), layer (16 bits: 0 module, 1 component).
  using namespace std::string_view_literals;
  if (starts_with(source, "\0asm\x0d\0\x01\0"sv)) {
    return Error(Errc::kInvalidModule,
                 "this is a WebAssembly component; only core modules run here");
  }
  if (starts_with(source, "\0asm"sv)) {
    return compile_binary(engine, source);
  }
  if (!looks_like_text(source)) {
    return not_a_module(source);
  }
  ByteVec wasm;
  if (auto* const error =
          wasmtime_wat2wasm(reinterpret_cast<const char*>(source.data()),
                            source.size(), wasm.out())) {
    return invalid("not valid WebAssembly text", error);
  }
  return compile_binary(engine,
                        std::as_bytes(std::span(wasm.begin(), wasm.size())));
}

std::string copy(const wasm_name_t* name) { return std::string(view(*name)); }

MemoryLimits to_limits(const wasm_memorytype_t& type) {
  MemoryLimits limits{wasmtime_memorytype_minimum(&type), std::nullopt};
  std::uint64_t max = 0;
  if (wasmtime_memorytype_maximum(&type, &max)) {
    limits.max_pages = max;
  }
  return limits;
}

bool holds_functions(const wasm_tabletype_t& type) {
  wasmtime_valtype_t element{};
  wasmtime_valtype_new(wasm_tabletype_element(&type), &element);
  const auto heap = element.reftype.heaptype.kind;
  const bool functions = element.kind == WASMTIME_VALTYPE_KIND_REF &&
                         (heap == WASMTIME_HEAPTYPE_KIND_FUNC ||
                          heap == WASMTIME_HEAPTYPE_KIND_CONCRETE_FUNC);
  wasmtime_valtype_delete(&element);
  return functions;
}

}  // namespace

bool looks_like_image(Bytes bytes) {
  return starts_with(bytes,
                     "\x7f"
                     "ELF");
}

Module::Module(std::shared_ptr<ModuleState> state) : state_(std::move(state)) {}

Result<Module> Module::compile(const Engine& engine, Bytes wasm,
                               const CompileCache* cache,
                               const Logger& logger) {
  auto state = std::make_shared<ModuleState>();
  state->engine = engine.state_;
  if (cache == nullptr) {
    WASMBPF_TRY_ASSIGN(state->module, compile_any(*engine.state_, wasm));
    return Module(std::move(state));
  }
  const std::string name =
      CompileCache::State::image_name(*engine.state_, wasm);
  if (cache->state_->load(*engine.state_, name, logger, *state)) {
    return Module(std::move(state));
  }
  WASMBPF_TRY_ASSIGN(state->module, compile_any(*engine.state_, wasm));
  Module module(std::move(state));
  if (const auto image = module.image(); image) {
    cache->state_->store(name, *image, logger);
  }
  return module;
}

Result<Module> Module::from_image_file(const Engine& engine,
                                       const std::filesystem::path& path) {
  auto state = std::make_shared<ModuleState>();
  state->engine = engine.state_;
  wasmtime_module_t* module = nullptr;
  if (auto* const error = wasmtime_module_deserialize_file(
          engine.state_->engine.get(), path.c_str(), &module)) {
    return invalid("not an image this engine can run", error);
  }
  state->module.reset(module);
  return Module(std::move(state));
}

Result<std::vector<std::byte>> Module::image() const {
  ByteVec bytes;
  if (auto* const error =
          wasmtime_module_serialize(state_->module.get(), bytes.out())) {
    return invalid("make an image", error);
  }
  const auto all = std::as_bytes(std::span(bytes.begin(), bytes.size()));
  const auto image = all.first(all.size() - state_->trailer_size);
  return std::vector<std::byte>(image.begin(), image.end());
}

std::vector<ImportInfo> Module::imports() const {
  RawVec<wasm_importtype_vec_t, wasm_importtype_vec_delete> types;
  wasmtime_module_imports(state_->module.get(), types.out());
  std::vector<ImportInfo> infos;
  infos.reserve(types.size());
  for (const wasm_importtype_t* const type : types) {
    const wasm_externtype_t* const item = wasm_importtype_type(type);
    ImportInfo info{copy(wasm_importtype_module(type)),
                    copy(wasm_importtype_name(type)),
                    to_extern_kind(*item),
                    {}};
    if (info.kind == ExternKind::kFunction) {
      info.type = to_function_type(*wasm_externtype_as_functype_const(item));
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

std::vector<ExportInfo> Module::exports() const {
  RawVec<wasm_exporttype_vec_t, wasm_exporttype_vec_delete> types;
  wasmtime_module_exports(state_->module.get(), types.out());
  std::vector<ExportInfo> infos;
  infos.reserve(types.size());
  for (const wasm_exporttype_t* const type : types) {
    const wasm_externtype_t* const item = wasm_exporttype_type(type);
    ExportInfo info;
    info.name = copy(wasm_exporttype_name(type));
    info.kind = to_extern_kind(*item);
    if (info.kind == ExternKind::kFunction) {
      info.type = to_function_type(*wasm_externtype_as_functype_const(item));
    } else if (info.kind == ExternKind::kMemory) {
      info.memory = to_limits(*wasm_externtype_as_memorytype_const(item));
    } else if (info.kind == ExternKind::kTable) {
      info.is_function_table =
          holds_functions(*wasm_externtype_as_tabletype_const(item));
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

bool Module::from_cache() const { return state_->from_cache; }

}  // namespace wasmbpf::engine
