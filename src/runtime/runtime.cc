#include "wasmbpf/runtime.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <ranges>

#include "base/file.h"
#include "base/unique_fd.h"
#include "runtime/runtime_impl.h"

namespace wasmbpf {
namespace {

// Far more than the largest module, and what devices have no end of.
constexpr std::size_t kMaxModuleBytes = std::size_t{1} << 30;

std::string_view kind_name(engine::ExternKind kind) {
  switch (kind) {
    case engine::ExternKind::kFunction: return "function";
    case engine::ExternKind::kMemory: return "memory";
    case engine::ExternKind::kTable: return "table";
    case engine::ExternKind::kGlobal: return "global";
    case engine::ExternKind::kOther: return "other";
  }
  return "other";
}

std::string memory_text(const engine::MemoryLimits& limits) {
  return std::to_string(limits.min_pages) + ".." +
         (limits.max_pages ? std::to_string(*limits.max_pages) : "") + " pages";
}

/// Whether nobody but the effective user can have written what `fd` names.
bool only_ours(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && info.st_uid == ::geteuid() &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool is_regular(int fd) {
  struct stat info{};
  return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

Result<UniqueFd> open_image(const std::filesystem::path& path, bool trust) {
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : ".";
  const UniqueFd directory(
      ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  UniqueFd file(directory ? ::openat(directory.get(), path.filename().c_str(),
                                     O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                          : -1);
  if (!file) {
    const int err = errno;
    return system_error("open '" + path.string() + "'", err);
  }
  if (!is_regular(file.get())) {
    return Error(Errc::kInvalidModule,
                 "'" + path.string() + "' is no regular file");
  }
  if (!trust && !(only_ours(file.get()) && only_ours(directory.get()))) {
    return Error(Errc::kPermission,
                 "'" + path.string() +
                     "' is native code, and others than you can write to it "
                     "or to its folder: pass --trust-image if you vouch for "
                     "it, or run the .wasm");
  }
  return file;
}

}  // namespace

std::string_view version() { return WASMBPF_VERSION; }

Module::Module(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

bool Module::from_cache() const { return impl_->module.from_cache(); }

std::vector<ModuleItem> Module::imports() const {
  std::vector<ModuleItem> items;
  for (const engine::ImportInfo& import : impl_->module.imports()) {
    const bool function = import.kind == engine::ExternKind::kFunction;
    items.push_back({import.module, import.name,
                     std::string(kind_name(import.kind)),
                     function ? engine::to_string(import.type) : ""});
  }
  return items;
}

std::vector<ModuleItem> Module::exports() const {
  std::vector<ModuleItem> items;
  for (const engine::ExportInfo& item : impl_->module.exports()) {
    std::string type;
    if (item.kind == engine::ExternKind::kFunction) {
      type = engine::to_string(item.type);
    } else if (item.kind == engine::ExternKind::kMemory) {
      type = memory_text(item.memory);
    }
    items.push_back(
        {"", item.name, std::string(kind_name(item.kind)), std::move(type)});
  }
  return items;
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::Runtime(Runtime&&) noexcept = default;
Runtime& Runtime::operator=(Runtime&&) noexcept = default;
Runtime::~Runtime() = default;

Result<Runtime> Runtime::create(RuntimeOptions options) {
  WASMBPF_TRY_ASSIGN(engine::Engine engine, engine::Engine::create());
  WASMBPF_TRY_ASSIGN(std::shared_ptr<Ticker> ticker, Ticker::create(engine));
  std::optional<engine::CompileCache> cache;
  if (options.compile_cache) {
    const std::filesystem::path directory =
        options.compile_cache_directory.empty()
            ? engine::CompileCache::default_directory()
            : options.compile_cache_directory;
    auto opened = engine::CompileCache::open(directory);
    if (opened) {
      cache = std::move(*opened);
    } else {
      options.logger.warning("no compile cache: " + opened.error().message());
    }
  }
  return Runtime(
      std::make_unique<Impl>(Impl{std::move(options), std::move(engine),
                                  std::move(ticker), std::move(cache)}));
}

Result<Module> Runtime::load(std::span<const std::byte> wasm) const {
  WASMBPF_TRY_ASSIGN(
      engine::Module module,
      engine::Module::compile(impl_->engine, wasm,
                              impl_->cache ? &*impl_->cache : nullptr,
                              impl_->options.logger));
  return Module(std::make_shared<const Module::Impl>(
      Module::Impl{impl_->engine, std::move(module)}));
}

Result<Module> Runtime::load_file(const std::filesystem::path& path) const {
  WASMBPF_TRY_ASSIGN(const auto bytes, read_file(path, kMaxModuleBytes));
  auto module = load(bytes);
  if (!module) {
    return std::move(module).error().context("'" + path.string() + "'");
  }
  return module;
}

Result<Module> Runtime::load_image(const std::filesystem::path& path,
                                   bool trust) const {
  WASMBPF_TRY_ASSIGN(const UniqueFd file, open_image(path, trust));
  auto module = engine::Module::from_image_file(
      impl_->engine, "/proc/self/fd/" + std::to_string(file.get()));
  if (!module) {
    return std::move(module).error().context("'" + path.string() + "'");
  }
  return Module(std::make_shared<const Module::Impl>(
      Module::Impl{impl_->engine, std::move(*module)}));
}

Result<std::vector<std::byte>> Runtime::image(const Module& module) const {
  return module.impl().module.image();
}

}  // namespace wasmbpf
