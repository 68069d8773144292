// wasm-bpf inspect: what is inside a module, without running it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/printable.h"
#include "bpf/object.h"
#include "cli/verbs.h"
#include "package/wasm_file.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {
namespace {

using Bytes = std::vector<std::byte>;

struct ObjectReport {
  package::EmbeddedObject place;
  std::vector<bpf::ProgramInfo> programs;
  std::vector<bpf::MapDeclaration> maps;
  std::string error;  ///< why libbpf cannot read it; empty if it can
};

struct ModuleReport {
  std::uint64_t size_bytes = 0;
  std::vector<package::WasmSection> sections;
  std::vector<ModuleItem> imports;
  std::vector<ModuleItem> exports;
  std::vector<ObjectReport> objects;
};

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

ObjectReport inspect_object(std::span<const std::byte> file,
                            const package::EmbeddedObject& place,
                            const Logger& logger) {
  ObjectReport report{place, {}, {}, ""};
  const auto object = bpf::OpenObject::from_bytes(
      file.subspan(place.offset, place.size_bytes), "inspect", logger);
  if (object) {
    report.programs = object->programs();
    report.maps = object->maps();
  } else {
    report.error = object.error().message();
  }
  return report;
}

Result<ModuleReport> inspect(const std::string& path, const Logger& logger) {
  WASMBPF_TRY_ASSIGN(const Bytes bytes,
                     read_file(path == "-" ? "/dev/stdin" : path, kMaxBytes));
  ModuleReport report;
  report.size_bytes = bytes.size();
  WASMBPF_TRY_ASSIGN(report.sections, package::wasm_sections(bytes));
  RuntimeOptions options;
  options.logger = logger;
  WASMBPF_TRY_ASSIGN(const Runtime runtime, Runtime::create(options));
  WASMBPF_TRY_ASSIGN(const Module module, runtime.load(bytes));
  report.imports = module.imports();
  report.exports = module.exports();
  for (const auto& place : package::find_ebpf_objects(bytes)) {
    report.objects.push_back(inspect_object(bytes, place, logger));
  }
  return report;
}

nlohmann::json to_json(const ObjectReport& object) {
  nlohmann::json json = {{"offset", object.place.offset},
                         {"size_bytes", object.place.size_bytes},
                         {"programs", nlohmann::json::array()},
                         {"maps", nlohmann::json::array()}};
  if (!object.error.empty()) {
    json["error"] = object.error;
  }
  for (const auto& program : object.programs) {
    json["programs"].push_back({{"name", program.name},
                                {"section", program.section},
                                {"type", program.type_name}});
  }
  for (const auto& map : object.maps) {
    json["maps"].push_back({{"name", map.name},
                            {"type", map.type_name},
                            {"key_size", map.key_size},
                            {"value_size", map.value_size},
                            {"max_entries", map.max_entries}});
  }
  return json;
}

nlohmann::json to_json(const std::string& path, const ModuleReport& report) {
  nlohmann::json json = {{"file", path},
                         {"size_bytes", report.size_bytes},
                         {"sections", nlohmann::json::array()},
                         {"imports", nlohmann::json::array()},
                         {"exports", nlohmann::json::array()},
                         {"objects", nlohmann::json::array()}};
  for (const auto& section : report.sections) {
    json["sections"].push_back({{"name", section.name},
                                {"custom", section.id == 0},
                                {"size_bytes", section.size_bytes}});
  }
  for (const ModuleItem& item : report.imports) {
    json["imports"].push_back({{"module", item.module},
                               {"name", item.name},
                               {"kind", item.kind},
                               {"type", item.type}});
  }
  for (const ModuleItem& item : report.exports) {
    json["exports"].push_back(
        {{"name", item.name}, {"kind", item.kind}, {"type", item.type}});
  }
  for (const ObjectReport& object : report.objects) {
    json["objects"].push_back(to_json(object));
  }
  return json;
}

void print_object(const ObjectReport& object) {
  fmt::print("\neBPF object at offset {}, {}\n", object.place.offset,
             human_size(object.place.size_bytes));
  if (!object.error.empty()) {
    fmt::print("  not readable: {}\n", object.error);
  }
  for (const auto& program : object.programs) {
    fmt::print("  program  {:<24} {:<16} SEC(\"{}\")\n", program.name,
               program.type_name, program.section);
  }
  for (const auto& map : object.maps) {
    fmt::print("  map      {:<24} {:<16} key {} B, value {} B, {} entries\n",
               map.name, map.type_name, map.key_size, map.value_size,
               with_thousands(map.max_entries));
  }
}

void print_text(const std::string& path, const ModuleReport& report) {
  fmt::print("{}: Wasm module, {}\n", printable(path),
             human_size(report.size_bytes));
  fmt::print("\nImports\n");
  for (const ModuleItem& item : report.imports) {
    fmt::print("  {:<24} {:<28} {}\n", printable(item.module),
               printable(item.name), item.type.empty() ? item.kind : item.type);
  }
  fmt::print("\nExports\n");
  for (const ModuleItem& item : report.exports) {
    fmt::print("  {:<24} {}\n", printable(item.name),
               item.type.empty() ? item.kind : item.type);
  }
  fmt::print("\nSections\n");
  for (const auto& section : report.sections) {
    fmt::print("  {:<24} {:>12}\n", printable(section.name),
               human_size(section.size_bytes));
  }
  for (const ObjectReport& object : report.objects) {
    print_object(object);
  }
  if (report.objects.empty()) {
    fmt::print(
        "\nNo eBPF object found (it may be compressed or made at run "
        "time).\n");
  }
}

}  // namespace

Action declare_inspect(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  app.add_option("FILE", *path, "The module")->required();
  app.footer(
      "Shows size, imports, exports and sections of a .wasm file, and the "
      "eBPF objects\nfound in it with their programs and maps. Runs nothing "
      "and needs no privileges.");
  return [path](const Output& output) {
    auto report = inspect(*path, output.logger());
    if (!report) {
      const bool names_it =
          report.error().message().contains("'" + *path + "'");
      return cli::report(output, names_it ? std::move(report).error()
                                          : std::move(report).error().context(
                                                "'" + *path + "'"));
    }
    if (output.json) {
      fmt::print("{}\n", to_json(*path, *report)
                             .dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace));
    } else {
      print_text(*path, *report);
    }
    return static_cast<int>(kDone);
  };
}

}  // namespace wasmbpf::cli
