// The command: picks the verb, parses its options, runs it.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "bpf/features.h"
#include "cli/verbs.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf::cli {
namespace {

constexpr std::array kVerbs{
    Verb{"run", "Run a Wasm module that carries eBPF programs", declare_run},
    Verb{"inspect", "Show what is inside a module, without running it",
         declare_inspect},
    Verb{"features", "Show what this kernel can do, and what is missing",
         declare_features},
    Verb{"compile", "Compile a module ahead of time", declare_compile},
    Verb{"completion", "Print a completion script for a shell",
         declare_completion},
};

constexpr char kExamples[] = R"(Examples:
  wasm-bpf execsnoop.wasm             run a tool (short for "wasm-bpf run")
  wasm-bpf run -v tool.wasm --help    the tool's own help; -v is the runner's
  wasm-bpf inspect execsnoop.wasm     its imports and eBPF objects
  wasm-bpf features                   what this kernel supports

Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 not supported by
this kernel, 130/143 ended by SIGINT/SIGTERM, 134 the guest trapped. A guest's
own exit code is passed on.)";

bool is_verb(std::string_view word) {
  return std::ranges::any_of(
      kVerbs, [&](const Verb& verb) { return word == verb.name; });
}

/// Where the first word stands that is no flag which every verb has.
std::size_t behind_common_flags(const std::vector<std::string>& words) {
  std::size_t at = 0;
  while (at < words.size()) {
    const std::string& word = words[at];
    const bool is_v = word.size() > 1 && word[0] == '-' &&
                      word.find_first_not_of('v', 1) == std::string::npos;
    if (word == "--json" || is_v || word == "--verbose" ||
        word.starts_with("--log-level=")) {
      ++at;
    } else if (word == "--log-level" && at + 1 < words.size()) {
      at += 2;
    } else {
      break;
    }
  }
  return at;
}

/// Puts the verb first: flags that all verbs have may stand before it, and
/// `wasm-bpf X.wasm ...` is short for `wasm-bpf run X.wasm ...`.
void expand(std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 4> kOwn{"-h", "--help", "-V",
                                                 "--version"};
  const std::size_t at = behind_common_flags(words);
  if (at < words.size() && is_verb(words[at])) {
    std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at),
                words.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  } else if (at < words.size() &&
             std::ranges::find(kOwn, words[at]) != kOwn.end()) {
    words = {words[at]};
  } else {
    words.insert(words.begin(), "run");
  }
  if (words[0] == "run") {
    const auto end = std::ranges::find(words, "--");
    if (end != words.end()) {
      *end = kEndOfFlags;
    }
  }
}

struct CommonFlags {
  bool json = false;
  int verbose = 0;
  LogLevel level = LogLevel::kWarning;
};

void add_common_flags(CLI::App& app, CommonFlags& flags) {
  static const std::map<std::string, LogLevel> kLevels{
      {"trace", LogLevel::kTrace},
      {"debug", LogLevel::kDebug},
      {"info", LogLevel::kInfo},
      {"warning", LogLevel::kWarning},
      {"error", LogLevel::kError}};
  app.add_flag("--json", flags.json,
               "Machine-readable output, one JSON object a line; errors too");
  app.add_option("--log-level", flags.level,
                 "trace, debug, info, warning (the default) or error")
      ->transform(CLI::Validator(
          [](std::string& level) -> std::string {
            const auto known = kLevels.find(level);
            if (known == kLevels.end()) {
              return "'" + level +
                     "' is none of trace, debug, info, warning and error";
            }
            level = std::to_string(static_cast<int>(known->second));
            return "";
          },
          ""))
      ->type_name("LEVEL")
      ->default_str("");
  app.add_flag("-v,--verbose", flags.verbose,
               "Say more; -vv for debug messages, with libbpf's own");
}

Output output_of(const CommonFlags& flags) {
  Output output;
  output.json = flags.json;
  const char* const terminal = std::getenv("TERM");
  output.color = ::isatty(STDERR_FILENO) == 1 &&
                 std::getenv("NO_COLOR") == nullptr &&
                 (terminal == nullptr || std::string_view(terminal) != "dumb");
  output.level = flags.verbose >= 2   ? LogLevel::kDebug
                 : flags.verbose == 1 ? std::min(flags.level, LogLevel::kInfo)
                                      : flags.level;
  return output;
}

std::string version_text() {
  return "wasm-bpf " + std::string(version()) + " (libbpf " +
         bpf::libbpf_version() + ")";
}

/// With where to read on.
int usage_error_of(const CLI::App& app, const Output& output,
                   const std::string& text) {
  const int code = usage_error(output, text);
  if (!output.json) {
    const auto verbs = app.get_subcommands();
    std::fprintf(stderr, "See '%s%s --help'.\n", app.get_name().c_str(),
                 verbs.empty() ? "" : (" " + verbs[0]->get_name()).c_str());
  }
  return code;
}

/// How to show what is wrong with `words`, which are not parsed then.
Output before_parsing(const std::vector<std::string>& words) {
  CommonFlags flags;
  flags.json = std::ranges::find(words, "--json") != words.end();
  return output_of(flags);
}

/// Neither a verb nor a file: a typing error, most likely.
bool is_neither(const std::string& word) {
  return !is_verb(word) && !word.starts_with('-') &&
         word.find_first_of("./") == std::string::npos &&
         ::access(word.c_str(), F_OK) != 0;
}

std::string verb_list() {
  std::string list;
  for (const Verb& verb : kVerbs) {
    list += (list.empty() ? "" : ", ") + std::string(verb.name);
  }
  return list;
}

/// Runs `verb` and sees that what it printed arrived.
int run_verb(const Action& verb, const Output& output) {
  std::error_code failure;
  int code = kDone;
  try {
    code = verb(output);
  } catch (const std::system_error& error) {  // fmt::print's
    failure = error.code();
  }
  if (!failure && (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)) {
    failure = std::error_code(errno, std::generic_category());
  }
  if (!failure) {
    return code;
  }
  if (failure.value() == EPIPE) {
    return kBrokenPipe;
  }
  output.message(LogLevel::kError, "write to stdout: " + failure.message());
  return kFailed;
}

int main_with(std::vector<std::string> words) {
  CLI::App app("Run eBPF programs from WebAssembly modules.", "wasm-bpf");
  app.set_version_flag("-V,--version", version_text());
  app.footer(kExamples);
  app.require_subcommand(1);

  CommonFlags flags;
  std::map<const CLI::App*, Action> actions;
  for (const Verb& verb : kVerbs) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.summary);
    add_common_flags(*sub, flags);
    actions[sub] = verb.declare(*sub);
  }
  if (words.empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
  }
  const std::size_t first = behind_common_flags(words);
  if (first < words.size() && is_neither(words[first])) {
    return usage_error_of(
        app, before_parsing(words),
        "'" + words[first] +
            "' is no file and no verb (the verbs: " + verb_list() + ")");
  }
  expand(words);
  const Output asked = before_parsing(words);
  // CLI11 throws; nothing of it passes this function.
  try {
    std::ranges::reverse(words);  // it takes them from the back
    app.parse(std::move(words));
  } catch (const CLI::Success& help_or_version) {
    return run_verb([&](const Output&) { return app.exit(help_or_version); },
                    {});
  } catch (const CLI::ParseError& error) {
    return usage_error_of(app, asked, error.what());
  }
  const CLI::App* verb = app.get_subcommands().front();
  return run_verb(actions.at(verb), output_of(flags));
}

/// Without this the first descriptors that are opened would be a guest's stdin,
/// stdout and stderr, where ours are closed.
void keep_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      // Takes the lowest free number, which is fd. The wrong way round, so that
      // a write to a closed stdout stays an error.
      ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
}

}  // namespace
}  // namespace wasmbpf::cli

int main(int argc, char** argv) {
  wasmbpf::cli::keep_standard_descriptors();
  // A reader of our output that goes away is an error to handle, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  return wasmbpf::cli::main_with({argv + 1, argv + argc});
}
