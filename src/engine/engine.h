#ifndef WASMBPF_ENGINE_ENGINE_H_
#define WASMBPF_ENGINE_ENGINE_H_

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "engine/types.h"

namespace wasmbpf::engine {

struct EngineState;  // the Wasmtime side
struct ModuleState;
struct InstanceState;

/// A compiler and its settings; makes modules and carries the epoch that stops
/// them. Cheap to copy (shared).
/// Threads: any.
class Engine {
 public:
  /// Errors: kInternal with the engine's reason.
  static Result<Engine> create();

  /// Makes every guest of this engine ask its Interrupt soon; comes after the
  /// request. A guest that is about to end its answer to one tick may miss the
  /// next, so tick again until it has done what was asked. Async-signal-safe.
  void tick() const noexcept;

  /// Names everything an image depends on: version, settings, CPU features.
  const std::string& fingerprint() const;

 private:
  friend class Module;
  friend struct InstanceState;
  explicit Engine(std::shared_ptr<EngineState> state);
  std::shared_ptr<EngineState> state_;
};

/// Where compiled images are kept (decisions §7): uncompressed, mapped, each
/// with a digest keyed by a secret of the directory, checked before use.
class CompileCache {
 public:
  /// `directory` is made (0700) if it is missing.
  /// Errors: kPermission when it is not the effective user's own or others may
  /// write to it; kSystem.
  static Result<CompileCache> open(const std::filesystem::path& directory);

  /// /var/cache/wasm-bpf for root, the XDG cache directory for users.
  /// Empty when the user has neither.
  static std::filesystem::path default_directory();

  struct State;

 private:
  friend class Module;
  explicit CompileCache(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// A compiled module. Cheap to copy (shared).
/// Threads: any.
class Module {
 public:
  /// Compiles a .wasm binary (or .wat text), or takes its image from `cache`
  /// (null: no cache). A cache that fails costs a warning to `logger`, never
  /// the run. Errors: kInvalidModule with the engine's reason and offset.
  static Result<Module> compile(const Engine& engine,
                                std::span<const std::byte> wasm,
                                const CompileCache* cache,
                                const Logger& logger);

  /// Maps an ahead-of-time image. An image is native code: the caller has
  /// decided that the file is trusted.
  /// Errors: kInvalidModule (made by another version, for another CPU).
  static Result<Module> from_image_file(const Engine& engine,
                                        const std::filesystem::path& path);

  /// The image of this module, for from_image_file.
  Result<std::vector<std::byte>> image() const;

  std::vector<ImportInfo> imports() const;
  std::vector<ExportInfo> exports() const;
  bool from_cache() const;  ///< no compilation was needed

 private:
  friend struct InstanceState;
  explicit Module(std::shared_ptr<ModuleState> state);
  std::shared_ptr<ModuleState> state_;
};

/// Whether bytes start like an AOT image (an ELF file) and not like Wasm.
bool looks_like_image(std::span<const std::byte> bytes);

}  // namespace wasmbpf::engine

#endif  // WASMBPF_ENGINE_ENGINE_H_
