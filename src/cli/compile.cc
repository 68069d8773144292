// wasm-bpf compile: an ahead-of-time image of a module.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "base/printable.h"
#include "cli/verbs.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {
namespace {

// Only the owner may write: 'run' takes no image that others could change.
constexpr mode_t kImageMode = 0644;

/// Whether both names are one file: its image would take the module's place.
bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

Result<std::size_t> compile(const std::string& input, const std::string& output,
                            const Logger& logger) {
  const std::string source = input == "-" ? "/dev/stdin" : input;
  if (is_same_file(source, output)) {
    return Error(Errc::kInvalidArgument,
                 "'" + output + "' is the module itself");
  }
  RuntimeOptions options;
  options.logger = logger;
  WASMBPF_TRY_ASSIGN(const Runtime runtime, Runtime::create(options));
  WASMBPF_TRY_ASSIGN(const Module module, runtime.load_file(source));
  WASMBPF_TRY_ASSIGN(const auto image, runtime.image(module));
  WASMBPF_TRY(replace_file(output, image, kImageMode));
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
    if (flags->input == "-" && flags->output.empty()) {
      return usage_error(output, "a module from stdin needs --output");
    }
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
      fmt::print("{}: {}\n", printable(path), human_size(*size));
    }
    return static_cast<int>(kDone);
  };
}

}  // namespace wasmbpf::cli
