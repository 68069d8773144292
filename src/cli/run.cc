// wasm-bpf run: runs a guest with the terminal's streams.
#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/printable.h"
#include "cli/signals.h"
#include "cli/verbs.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {
namespace {

struct RunFlags {
  std::string verifier_log;
  bool no_cache = false;
  bool trust_image = false;
  std::string wrapper_module = "callback-wrapper";
  std::string callback_export = "go-callback";
};

constexpr char kFooter[] = R"(What follows FILE belongs to the tool:
  wasm-bpf run tool.wasm --count 3      --count is the tool's
  wasm-bpf run --log-level debug tool.wasm

Ctrl-C ends the tool's wait so that it can finish its work; after two seconds,
or at a second Ctrl-C, it is stopped.

Profile: allow-all. The tool may load, attach and read whatever this user may.)";

/// CLI11 knows nothing of FILE: with it, it would take the tool's options too.
class UsageOfRun final : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: wasm-bpf [run] [OPTIONS] FILE [ARGS...]\n";
  }
};

enum class FileKind { kWasm, kImage, kBpfObject };

/// By the first bytes; anything unknown is left to the Wasm compiler's message.
FileKind kind_of(const std::filesystem::path& path) {
  Elf64_Ehdr header{};
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  constexpr int kEmBpf = 247;
  if (file.gcount() != sizeof header ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return FileKind::kWasm;
  }
  return header.e_machine == kEmBpf ? FileKind::kBpfObject : FileKind::kImage;
}

Result<Module> load(const Runtime& runtime, const std::string& path,
                    bool trust_image) {
  std::error_code unreadable;  // reading says what is wrong
  if (!std::filesystem::is_regular_file(path, unreadable)) {
    // A pipe is read once.
    return runtime.load_file(path == "-" ? "/dev/stdin" : path);
  }
  switch (kind_of(path)) {
    case FileKind::kImage: {
      auto image = runtime.load_image(path, trust_image);
      if (!image && image.error().code() == Errc::kInvalidModule) {
        return std::move(image).error().context(
            "an ELF file, so it is taken for an image of 'wasm-bpf compile'");
      }
      return image;
    }
    case FileKind::kBpfObject:
      return Error(Errc::kInvalidModule,
                   "'" + path +
                       "' is a bare eBPF object: this version runs Wasm "
                       "modules that carry one (see 'wasm-bpf run --help')");
    case FileKind::kWasm: break;
  }
  return runtime.load_file(path);
}

/// "2,000 events, 3 lost": says what is known and never a silent zero.
std::string describe(const BufferSummary& buffer) {
  std::string text = fmt::format("buffer '{}': {} events delivered", buffer.map,
                                 with_thousands(buffer.delivered));
  if (buffer.lost) {
    text += fmt::format(", {} lost", with_thousands(*buffer.lost));
  } else {
    text += fmt::format(
        ", losses unknown (its eBPF side does not count them); at most {} of "
        "{} were waiting",
        human_size(buffer.high_water_bytes), human_size(buffer.size_bytes));
  }
  if (buffer.unread > 0) {
    text += fmt::format(", {} left unread", with_thousands(buffer.unread));
  }
  if (buffer.truncated > 0) {
    text += fmt::format(", {} cut to the guest's buffer",
                        with_thousands(buffer.truncated));
  }
  return text;
}

nlohmann::json to_json(const BufferSummary& buffer) {
  return {{"map", buffer.map},
          {"delivered", buffer.delivered},
          {"lost", buffer.lost ? nlohmann::json(*buffer.lost)
                               : nlohmann::json(nullptr)},
          {"unread", buffer.unread},
          {"truncated", buffer.truncated},
          {"size_bytes", buffer.size_bytes},
          {"high_water_bytes", buffer.high_water_bytes}};
}

/// Whether the guest left samples unread by its own wish, as after its
/// --count, or because its output is not wanted any more.
bool left_by_choice(const SessionResult& result, int signal) {
  return (result.ended_by == EndedBy::kGuest && signal == 0) ||
         result.ended_by == EndedBy::kOutput;
}

/// Losses are a warning, and so are samples that the guest would have read; an
/// unknown number of losses is worth a line, none is only for those who ask.
void print_buffers(const Output& output, const SessionResult& result,
                   bool unread_is_chosen) {
  for (const BufferSummary& buffer : result.buffers) {
    const bool lost = buffer.lost.value_or(0) > 0 || buffer.truncated > 0 ||
                      (buffer.unread > 0 && !unread_is_chosen);
    const bool unknown = !buffer.lost && buffer.delivered > 0;
    output.message(lost || unknown ? LogLevel::kWarning : LogLevel::kInfo,
                   describe(buffer));
  }
}

int exit_code(const SessionResult& result, int signal) {
  switch (result.ended_by) {
    // The system keeps eight bits: a failure may not become a success.
    case EndedBy::kGuest:
      return result.code != 0 && (result.code & 0xff) == 0 ? kFailed
                                                           : result.code & 0xff;
    case EndedBy::kTrap: return kTrapped;
    case EndedBy::kStop: return signal != 0 ? 128 + signal : kFailed;
    case EndedBy::kOutput: return kBrokenPipe;
    case EndedBy::kPolicy: return kRefused;
    case EndedBy::kRuntime: return kFailed;
  }
  return kFailed;
}

void print_end(const Output& output, const std::string& file,
               const SessionResult& result, int code, int signal) {
  if (output.json) {
    // The guest's own code is told whole, not as the system cuts it.
    nlohmann::json record = {
        {"type", "end"},
        {"ended_by", ended_by_name(result.ended_by)},
        {"code", result.ended_by == EndedBy::kGuest ? result.code : code},
        {"message", result.message},
        {"backtrace", result.backtrace},
        {"buffers", nlohmann::json::array()}};
    for (const BufferSummary& buffer : result.buffers) {
      record["buffers"].push_back(to_json(buffer));
    }
    const std::string line =
        record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
        "\n";
    [[maybe_unused]] const ssize_t n =
        ::write(STDERR_FILENO, line.data(), line.size());
    return;
  }
  print_buffers(output, result, left_by_choice(result, signal));
  if (result.ended_by == EndedBy::kTrap) {
    std::string text = fmt::format("{} trapped: {}", file, result.message);
    for (const std::string& frame : result.backtrace) {
      text += "\n    at " + frame;
    }
    output.message(LogLevel::kError, text);
  } else if (result.ended_by == EndedBy::kRuntime ||
             result.ended_by == EndedBy::kPolicy) {
    output.message(LogLevel::kError, file + ": " + result.message);
  }
}

/// Appends verifier logs to `path`, or says how to get them.
std::function<void(std::string_view)> verifier_log_to(const std::string& path,
                                                      const Output& output) {
  if (path.empty()) {
    return [output](std::string_view log) {
      output.message(LogLevel::kWarning,
                     fmt::format("the verifier's whole log ({}) is kept with "
                                 "--verifier-log FILE",
                                 human_size(log.size())));
    };
  }
  return [path, output](std::string_view log) {
    std::ofstream file(path, std::ios::app);
    file << log;
    if (!file.flush()) {
      output.message(LogLevel::kError,
                     "cannot write the verifier log to '" + path + "'");
    } else {
      output.message(LogLevel::kInfo, "verifier log: '" + path + "'");
    }
  };
}

int run(const Output& output, const RunFlags& flags,
        const std::vector<std::string>& words) {
  const std::string& file = words.front();
  const auto signals = TerminationSignals::block();
  if (!signals) {
    return report(output, signals.error());
  }
  RuntimeOptions runtime_options;
  runtime_options.compile_cache = !flags.no_cache;
  runtime_options.logger = output.logger();
  const auto runtime = Runtime::create(std::move(runtime_options));
  if (!runtime) {
    return report(output, runtime.error());
  }
  Result<Module> module = Error(Errc::kInternal, "not loaded");
  if (const auto done = signals->ending_with_them(
          [&] { module = load(*runtime, file, flags.trust_image); });
      !done) {
    return report(output, done.error());
  }
  if (!module) {
    return report(output, module.error());
  }
  SessionOptions options;
  options.name = std::filesystem::path(file).stem().string();
  options.args.assign(words.begin() + 1, words.end());
  options.stdin_from = STDIN_FILENO;
  options.stdout_to = STDOUT_FILENO;
  options.stderr_to = STDERR_FILENO;
  options.logger = output.logger();
  options.on_verifier_log = verifier_log_to(flags.verifier_log, output);
  options.go_wrapper_module = flags.wrapper_module;
  options.go_callback_export = flags.callback_export;
  auto session = runtime->start(*module, std::move(options));
  if (!session) {
    return report(output, std::move(session).error().context("'" + file + "'"));
  }
  const int signal = signals->supervise(*session);
  const SessionResult& result = session->wait();
  const int code = exit_code(result, signal);
  print_end(output, file, result, code, signal);
  return code;
}

/// What is wrong with the command line and only shows later, if anything.
std::optional<std::string> wrong_usage(const RunFlags& flags,
                                       const std::vector<std::string>& words) {
  // Of the file the guest gets its name only.
  std::vector<std::string> given(words.begin() + 1, words.end());
  given.push_back(std::filesystem::path(words[0]).stem().string());
  for (const std::string& word : given) {
    if (!is_utf8(word)) {
      return "'" + printable(word) +
             "' is not UTF-8, and guests take no other "
             "arguments and names";
    }
  }
  if (flags.wrapper_module == "wasm_bpf") {
    return "--wrapper-module-name: 'wasm_bpf' is the interface's own module";
  }
  return std::nullopt;
}

}  // namespace

Action declare_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  app.formatter(std::make_shared<UsageOfRun>());
  app.footer(kFooter);
  app.prefix_command();
  app.add_option("--verifier-log", flags->verifier_log,
                 "Append the kernel verifier's whole log to this file when it "
                 "refuses a program")
      ->type_name("PATH");
  app.add_flag("--no-cache", flags->no_cache,
               "Do not keep or use compiled modules");
  app.add_flag("--trust-image", flags->trust_image,
               "Run an ahead-of-time image that others could have written");
  app.add_option("-m,--wrapper-module-name", flags->wrapper_module,
                 "Import module of the poll without a callback index (Go)")
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("-c,--callback-export-name", flags->callback_export,
                 "Export that such a guest is called back by (Go)")
      ->type_name("NAME")
      ->capture_default_str();
  return [&app, flags](const Output& output) {
    std::vector<std::string> words = app.remaining();
    // "--" ends the runner's flags; FILE may then begin with a dash.
    const bool ended = !words.empty() && words[0] == kEndOfFlags;
    if (ended) {
      words.erase(words.begin());
    }
    std::ranges::replace(words, kEndOfFlags,
                         "--");  // a later one is the tool's
    if (words.empty()) {
      return usage_error(output, "no FILE to run");
    }
    if (!ended && words[0].starts_with('-') && words[0] != "-") {
      return usage_error(output, "unknown option '" + words[0] + "'");
    }
    if (flags->verifier_log == kEndOfFlags) {
      return usage_error(output, "--verifier-log needs a PATH");
    }
    if (const auto wrong = wrong_usage(*flags, words)) {
      return usage_error(output, *wrong);
    }
    return run(output, *flags, words);
  };
}

}  // namespace wasmbpf::cli
