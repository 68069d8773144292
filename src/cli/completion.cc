// wasm-bpf completion: a completion script for a shell, made from the options
// that the verbs declare.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/verbs.h"

namespace wasmbpf::cli {
namespace {

std::vector<const CLI::App*> verbs_of(const CLI::App& root) {
  return root.get_subcommands([](const CLI::App*) { return true; });
}

/// Every "-x" and "--word" of a verb, with spaces between.
std::string options_of(const CLI::App& verb) {
  std::string words;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_snames()) {
      words += " -" + name;
    }
    for (const std::string& name : option->get_lnames()) {
      words += " --" + name;
    }
  }
  return words.substr(std::min<std::size_t>(1, words.size()));
}

std::string bash_script(const CLI::App& root) {
  std::string names;
  std::string cases;
  for (const CLI::App* verb : verbs_of(root)) {
    names += verb->get_name() + " ";
    cases += fmt::format("    {}) words='{}' ;;\n", verb->get_name(),
                         options_of(*verb));
  }
  return fmt::format(R"(_wasm_bpf() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words=
  case ${{COMP_WORDS[1]}} in
{}  esac
  [ "$COMP_CWORD" = 1 ] && words='{}--help --version'
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _wasm_bpf wasm-bpf
)",
                     cases, names);
}

/// Works both sourced and as the autoloaded file `_wasm-bpf`.
std::string zsh_script(const CLI::App& root) {
  std::string names;
  std::string cases;
  for (const CLI::App* verb : verbs_of(root)) {
    names += verb->get_name() + " ";
    cases += fmt::format("    {}) list=({}) ;;\n", verb->get_name(),
                         options_of(*verb));
  }
  return fmt::format(R"(#compdef wasm-bpf
compdef _wasm-bpf wasm-bpf
_wasm-bpf() {{
  local -a list
  case $words[2] in
{}  esac
  (( CURRENT == 2 )) && list=({}--help --version)
  compadd -- $list
  _files
}}
[ "$funcstack[1]" != _wasm-bpf ] || _wasm-bpf
)",
                     cases, names);
}

std::string fish_script(const CLI::App& root) {
  std::string script;
  for (const CLI::App* verb : verbs_of(root)) {
    script += fmt::format(
        "complete -c wasm-bpf -n __fish_use_subcommand -a {} -d '{}'\n",
        verb->get_name(), verb->get_description());
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        script += fmt::format(
            "complete -c wasm-bpf -n '__fish_seen_subcommand_from {}' -l {}\n",
            verb->get_name(), name);
      }
    }
  }
  return script;
}

}  // namespace

Action declare_completion(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  app.footer(
      "For example:\n"
      "  wasm-bpf completion bash > /etc/bash_completion.d/wasm-bpf\n"
      "  source <(wasm-bpf completion zsh)\n"
      "  wasm-bpf completion fish > ~/.config/fish/completions/wasm-bpf.fish");
  return [&app, shell](const Output&) {
    const CLI::App& root = *app.get_parent();
    fmt::print("{}", *shell == "fish"  ? fish_script(root)
                     : *shell == "zsh" ? zsh_script(root)
                                       : bash_script(root));
    return static_cast<int>(kDone);
  };
}

}  // namespace wasmbpf::cli
