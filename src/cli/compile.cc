// wasm-bpf compile: an ahead-of-time image of a module.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/verbs.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {
namespace {

/// Writes beside `path` and renames, so that a running image is never torn.
Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  const std::string temporary = path + fmt::format(".{}.tmp", ::getpid());
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(temporary, path, error);
  }
  if (!file || error) {
    const int err = error ? error.value() : errno;
    std::filesystem::remove(temporary, error);
    return system_error("write '" + path + "'", err);
  }
  return {};
}

Result<std::size_t> compile(const std::string& input, const std::string& output,
                            const Logger& logger) {
  RuntimeOptions options;
  options.logger = logger;
  WASMBPF_TRY_ASSIGN(const Runtime runtime, Runtime::create(options));
  WASMBPF_TRY_ASSIGN(const Module module, runtime.load_file(input));
  WASMBPF_TRY_ASSIGN(const auto image, runtime.image(module));
  WASMBPF_TRY(write_file(output, image));
  return image.size();
}

}  // namespace

Action declare_compile(CLI::App& app) {
  struct Flags {
    std::string input;
    std::string output;
  };
  auto flags = std::make_shared<Flags>();
  app.add_option("FILE", flags->input, "The module")->required();
  app.add_option("-o,--output", flags->output,
                 "Where the image goes (default: FILE with .cwasm)")
      ->type_name("PATH");
  app.footer(
      "The image runs with 'wasm-bpf run' on this version and this kind of "
      "CPU, and starts\nwithout compiling. It is native code: keep it where "
      "only you can write.");
  return [flags](const Output& output) {
    const std::string path = flags->output.empty()
                                 ? std::filesystem::path(flags->input)
                                       .replace_extension(".cwasm")
                                       .string()
                                 : flags->output;
    const auto size = compile(flags->input, path, output.logger());
    if (!size) {
      return report(output, size.error());
    }
    if (output.json) {
      const nlohmann::json json = {{"image", path}, {"size_bytes", *size}};
      fmt::print("{}\n", json.dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{}: {}\n", path, human_size(*size));
    }
    return static_cast<int>(kDone);
  };
}

}  // namespace wasmbpf::cli
