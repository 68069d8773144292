#include "bpf/verifier_log.h"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <span>

namespace wasmbpf::bpf {
namespace {

struct Pattern {
  std::string_view text;
  std::string_view meaning;
  Errc code = Errc::kVerifier;
};

constexpr std::string_view kCoreMeaning =
    "the program reads a field or type that this kernel does not have; guard "
    "it with bpf_core_field_exists() or bpf_core_type_exists()";
constexpr std::string_view kNumberMeaning =
    "a number is used as a pointer: read kernel memory with bpf_core_read() or "
    "bpf_probe_read_kernel(), user memory with bpf_probe_read_user()";
constexpr std::string_view kKfuncMeaning =
    "the program calls a kernel function (kfunc) or reads a kernel symbol that "
    "this kernel does not have; declare it __weak and ask bpf_ksym_exists() "
    "first";
constexpr std::string_view kLicenseMeaning =
    "the helper is for GPL-compatible programs: declare "
    "char LICENSE[] SEC(\"license\") = \"Dual BSD/GPL\"";
constexpr std::string_view kLoopMeaning =
    "a loop whose end the verifier cannot see: give it a constant limit, or "
    "use bpf_loop() (Linux 5.17) or bpf_for() (6.4)";
constexpr std::string_view kReleaseMeaning =
    "an acquired reference (ring buffer record, socket, task) is not released "
    "on every path: submit, discard or release it before each return";
constexpr std::string_view kStackMeaning =
    "more than 512 bytes of stack: move large variables into a per-CPU array "
    "map";

// What the kernel's verifier.c prints at the end of its log, most telling
// first: one log can match several.
constexpr std::array kLogPatterns{
    Pattern{"<invalid CO-RE relocation>", kCoreMeaning, Errc::kUnsupported},
    Pattern{"failed to resolve CO-RE relocation", kCoreMeaning,
            Errc::kUnsupported},
    Pattern{"<invalid kfunc call>", kKfuncMeaning, Errc::kUnsupported},
    Pattern{"<invalid BPF map reference>",
            "the program uses a map that was not created (its autocreate is "
            "off); guard the use with a constant that the loader sets"},
    Pattern{"is not sleepable",
            "programs of this hook may not sleep on this kernel: drop the .s "
            "of its section (a kernel without CONFIG_FUNCTION_ERROR_INJECTION "
            "lets hardly any function sleep)",
            Errc::kUnsupported},
    Pattern{"number of funcs in func_info doesn't match number of subprogs",
            "this kernel does not know callbacks (bpf_loop, bpf_timer, "
            "bpf_for_each_map_elem): Linux 5.13 to 5.17 and later",
            Errc::kUnsupported},
    Pattern{"cannot call GPL-restricted function", kLicenseMeaning},
    Pattern{"cannot call GPL only", kLicenseMeaning},
    Pattern{"from non-GPL compatible program", kLicenseMeaning},
    Pattern{"back-edge from insn", kLoopMeaning},
    Pattern{"infinite loop detected", kLoopMeaning},
    Pattern{"jumps is too complex",
            "a loop whose end the verifier cannot see, or too many branches in "
            "one: give it a small constant limit, or use bpf_loop() (Linux "
            "5.17) or bpf_for() (6.4)"},
    Pattern{"BPF program is too large",
            "the verifier gave up after a million steps: fewer branches in "
            "loops, bpf_loop() (Linux 5.17) instead of a long loop, or several "
            "programs joined by tail calls"},
    Pattern{"too many states",
            "too many paths through the program: fewer branches in loops"},
    Pattern{"combined stack size of",
            "the functions together need more than 512 bytes of stack: move "
            "large variables into a per-CPU array map"},
    Pattern{"invalid mem access 'map_value_or_null'",
            "the result of a map look-up is used without a check for NULL"},
    Pattern{"invalid mem access 'ringbuf_mem_or_null'",
            "the result of bpf_ringbuf_reserve is used without a check for "
            "NULL"},
    Pattern{"_or_null'",
            "a pointer that can be NULL is used without a check for NULL"},
    Pattern{"invalid mem access 'scalar'", kNumberMeaning},
    Pattern{"invalid mem access 'inv'", kNumberMeaning},
    Pattern{"invalid mem access 'user_",
            "user memory is read directly: use bpf_probe_read_user()"},
    Pattern{"invalid mem access 'fp'", kStackMeaning},
    Pattern{"invalid access to packet",
            "packet data is read without comparing the pointer with data_end "
            "first"},
    Pattern{"invalid access to map value",
            "an index can leave the map value: check it, or mask it, right "
            "before its use"},
    Pattern{"invalid access to memory",
            "an access can leave the memory it points into: check the index, "
            "or mask it, right before its use"},
    Pattern{"invalid indirect read from stack",
            "a variable handed to a helper is not fully initialised: set all "
            "of it, padding too (struct x = {})"},
    Pattern{"invalid read from stack",
            "a variable on the stack is read before it was set: initialise all "
            "of it, padding too (struct x = {})"},
    Pattern{"invalid indirect access to stack", kStackMeaning},
    Pattern{"invalid write to stack", kStackMeaning},
    Pattern{"invalid stack off", kStackMeaning},
    Pattern{"invalid stack type",
            "a size handed to a helper is larger than the variable"},
    Pattern{"unbounded memory access",
            "a size has no upper limit the verifier can see: check it, or mask "
            "it, right before its use"},
    Pattern{"min value is negative",
            "a size or an index may be negative: make it unsigned, or check it "
            "first"},
    Pattern{"makes pkt pointer be out of bounds",
            "a packet offset has no limit the verifier can see: check it, or "
            "mask it, first"},
    Pattern{"Unreleased reference", kReleaseMeaning},
    Pattern{"reference has not been released", kReleaseMeaning},
    Pattern{"that would lead to reference leak", kReleaseMeaning},
    Pattern{"At program exit the register R0",
            "the return value is outside what this type of program may "
            "return"},
    Pattern{"invalid bpf_context access",
            "this field of the context does not exist for this type of "
            "program, or not on this kernel"},
    Pattern{"dereference of modified ctx ptr",
            "the context is indexed with a variable: only constant offsets of "
            "the context may be read"},
    Pattern{"!read_ok",
            "a register is used before it was set: a variable without a value, "
            "or a function without a return value"},
    Pattern{"R0 leaks addr", "a kernel address may not leave the program"},
    Pattern{"leaks addr into",
            "a kernel address may not be stored where user space can read it"},
    Pattern{"arithmetic prohibited",
            "this pointer may not be moved: check it for NULL first, or copy "
            "the data"},
    Pattern{"pointer arithmetic",
            "this calculation with a pointer is not allowed here"},
    Pattern{"cannot pass map_type",
            "this helper does not take maps of this type"},
    Pattern{"unreachable insn", "dead code after the last return"},
    Pattern{"helper call is not allowed in probe",
            "this helper is not allowed in this type of program"},
    Pattern{"helper call might sleep",
            "this helper may sleep: it needs a sleepable program (section name "
            "with .s)"},
};

// What libbpf itself says.
constexpr std::array kMessagePatterns{
    Pattern{"kernel BTF is missing",
            "this kernel offers no BTF (/sys/kernel/btf/vmlinux), which CO-RE "
            "and BTF-based hooks need; it was built without "
            "CONFIG_DEBUG_INFO_BTF: boot one that has it (Debian 11, Fedora "
            "31, Ubuntu 20.10 and their successors do)",
            Errc::kUnsupported},
    Pattern{"failed to find valid kernel BTF",
            "this kernel's BTF (/sys/kernel/btf/vmlinux) cannot be read, and "
            "CO-RE and BTF-based hooks need it",
            Errc::kUnsupported},
    Pattern{"not found in kernel or module BTFs", kKfuncMeaning,
            Errc::kUnsupported},
    Pattern{"incompatible with vmlinux",
            "this kernel has the kfunc with other parameters: declare both "
            "forms __weak and pick one with bpf_ksym_exists()",
            Errc::kUnsupported},
    Pattern{"resolution of kernel symbol", kKfuncMeaning, Errc::kUnsupported},
    Pattern{"is not found in kernel BTF",
            "this kernel does not have that kind of struct_ops",
            Errc::kUnsupported},
    Pattern{"Cannot find member",
            "this kernel's struct_ops lacks a member that the object sets",
            Errc::kUnsupported},
    Pattern{"is not found in vmlinux BTF",
            "the hooked kernel function or type does not exist in this kernel; "
            "function names move between versions",
            Errc::kUnsupported},
    Pattern{"failed to find kernel BTF type ID",
            "the hooked kernel function or type does not exist in this kernel; "
            "function names move between versions",
            Errc::kUnsupported},
    Pattern{"legacy map definitions",
            "the object has maps of the old kind; declare them in "
            "SEC(\".maps\") and compile it again",
            Errc::kInvalidArgument},
    Pattern{"is static and not supported",
            "programs may not be static functions: drop the word static",
            Errc::kInvalidArgument},
    Pattern{"missing BPF prog type, check ELF section name",
            "its section is none that libbpf knows, so the kind of program is "
            "unknown; docs/reference/targets.md has the sections",
            Errc::kInvalidArgument},
    Pattern{"isn't referenced anywhere, did you forget to use it?",
            "no struct_ops map of the object names this program",
            Errc::kInvalidArgument},
    Pattern{
        "BTF is required, but is missing or corrupted",
        "the object was compiled without BTF: compile it with -g, and strip "
        "it with llvm-strip -g only",
        Errc::kInvalidArgument},
    Pattern{
        "no BTF found for map",
        "the object was compiled without BTF: compile it with -g, and strip "
        "it with llvm-strip -g only",
        Errc::kInvalidArgument},
    Pattern{"couldn't find symbol table",
            "the object was stripped too far: use llvm-strip -g, which leaves "
            "the symbols",
            Errc::kInvalidArgument},
    Pattern{"is not a valid eBPF object file",
            "it is an ELF file of another machine: compile with -target bpf",
            Errc::kInvalidArgument},
    Pattern{"is not a proper ELF object",
            "the bytes are no eBPF object (an ELF file that clang -target bpf "
            "wrote)",
            Errc::kInvalidArgument},
    Pattern{"non-native endianness",
            "the object was compiled for the other byte order: compile with "
            "-target bpf",
            Errc::kUnsupported},
};

/// First versions of the helpers that programs miss most.
struct HelperSince {
  std::uint32_t id;
  std::string_view since;
};
constexpr std::array kHelperSince{
    HelperSince{BPF_FUNC_probe_read_user, "5.5"},
    HelperSince{BPF_FUNC_probe_read_kernel, "5.5"},
    HelperSince{BPF_FUNC_probe_read_user_str, "5.5"},
    HelperSince{BPF_FUNC_probe_read_kernel_str, "5.5"},
    HelperSince{BPF_FUNC_get_ns_current_pid_tgid, "5.7"},
    HelperSince{BPF_FUNC_ktime_get_boot_ns, "5.8"},
    HelperSince{BPF_FUNC_ringbuf_output, "5.8"},
    HelperSince{BPF_FUNC_ringbuf_reserve, "5.8"},
    HelperSince{BPF_FUNC_get_task_stack, "5.9"},
    HelperSince{BPF_FUNC_d_path, "5.10"},
    HelperSince{BPF_FUNC_copy_from_user, "5.10"},
    HelperSince{BPF_FUNC_snprintf_btf, "5.10"},
    HelperSince{BPF_FUNC_per_cpu_ptr, "5.10"},
    HelperSince{BPF_FUNC_task_storage_get, "5.11"},
    HelperSince{BPF_FUNC_get_current_task_btf, "5.11"},
    HelperSince{BPF_FUNC_for_each_map_elem, "5.13"},
    HelperSince{BPF_FUNC_snprintf, "5.13"},
    HelperSince{BPF_FUNC_timer_init, "5.15"},
    HelperSince{BPF_FUNC_get_func_ip, "5.15"},
    HelperSince{BPF_FUNC_get_attach_cookie, "5.15"},
    HelperSince{BPF_FUNC_task_pt_regs, "5.15"},
    HelperSince{BPF_FUNC_trace_vprintk, "5.16"},
    HelperSince{BPF_FUNC_find_vma, "5.17"},
    HelperSince{BPF_FUNC_loop, "5.17"},
    HelperSince{BPF_FUNC_strncmp, "5.17"},
    HelperSince{BPF_FUNC_get_func_arg, "5.17"},
    HelperSince{BPF_FUNC_copy_from_user_task, "5.18"},
    HelperSince{BPF_FUNC_map_lookup_percpu_elem, "5.19"},
    HelperSince{BPF_FUNC_ringbuf_reserve_dynptr, "5.19"},
    HelperSince{BPF_FUNC_ktime_get_tai_ns, "6.1"},
    HelperSince{BPF_FUNC_user_ringbuf_drain, "6.1"},
    HelperSince{BPF_FUNC_cgrp_storage_get, "6.2"},
};

#define WASMBPF_HELPER_NAME(name, id) std::string_view("bpf_" #name),
constexpr std::array kHelperNames{___BPF_FUNC_MAPPER(WASMBPF_HELPER_NAME)};
#undef WASMBPF_HELPER_NAME

constexpr std::string_view kBegin = "': -- BEGIN PROG LOAD LOG --\n";
constexpr std::string_view kEnd = "-- END PROG LOAD LOG --";
constexpr std::string_view kProgram = "prog '";
constexpr std::size_t kUsefulLines = 4;
constexpr std::size_t kExplainedLines = 12;
constexpr std::size_t kMaxShownLine = 160;

bool is_statistics(std::string_view line) {
  constexpr std::array<std::string_view, 8> kStarts{
      "processed ", "verification time", "stack depth", "max_states_per_insn",
      "mark_read",  "peak_states",       "cur state:",  "old state:"};
  return line.empty() || std::ranges::any_of(kStarts, [&](auto start) {
           return line.starts_with(start);
         });
}

/// "; x = *p; @ file.c:12": the program's own source, quoted by the kernel.
bool is_source(std::string_view line) { return line.starts_with(';'); }

/// The last lines of `log` that say something, in order.
std::vector<std::string_view> tail_of(std::string_view log, std::size_t count) {
  std::vector<std::string_view> lines;
  while (!log.empty() && lines.size() < count) {
    if (log.back() == '\n') {
      log.remove_suffix(1);
      continue;
    }
    const std::string_view line = log.substr(log.rfind('\n') + 1);
    if (!is_statistics(line)) {
      lines.push_back(line);
    }
    log.remove_suffix(line.size());
  }
  std::ranges::reverse(lines);
  return lines;
}

/// The last source line of `log`, which says more than instructions do.
std::string_view last_source(std::string_view log) {
  std::size_t start = log.rfind("\n;");
  if (start == std::string_view::npos) {
    return is_source(log) ? log.substr(0, log.find('\n')) : "";
  }
  ++start;
  return log.substr(start, log.find('\n', start) - start);
}

std::string useful_lines(std::string_view log) {
  std::vector<std::string_view> lines = tail_of(log, kUsefulLines);
  if (std::ranges::none_of(lines, is_source)) {
    if (const auto source = last_source(log); !source.empty()) {
      lines.insert(lines.begin(), source);
    }
  }
  std::string text;
  for (const std::string_view line : lines) {
    text += "\n  " + std::string(line.substr(0, kMaxShownLine));
  }
  return text;
}

/// The helper's number N behind `lead` in "lead...#N".
std::optional<std::uint32_t> helper_number(std::string_view text,
                                           std::string_view lead) {
  const std::size_t start = text.find(lead);
  const std::size_t hash =
      start == std::string_view::npos ? start : text.find('#', start);
  std::uint32_t id = 0;
  if (hash == std::string_view::npos ||
      std::from_chars(text.data() + hash + 1, text.data() + text.size(), id)
              .ec != std::errc()) {
    return std::nullopt;
  }
  return id;
}

std::string helper_name(std::uint32_t id) {
  return id < kHelperNames.size() ? std::string(kHelperNames[id])
                                  : "helper number " + std::to_string(id);
}

std::string since_text(std::uint32_t id) {
  const auto* const row = std::ranges::find(kHelperSince, id, &HelperSince::id);
  return row == kHelperSince.end()
             ? ""
             : " (Linux " + std::string(row->since) + " and later)";
}

/// Complaints that name a helper by its number.
std::optional<Explanation> explain_helper(std::string_view text) {
  if (const auto id = helper_number(text, "invalid func unknown#")) {
    return Explanation{
        Errc::kUnsupported,
        "this kernel does not have " + helper_name(*id) + since_text(*id)};
  }
  if (const auto id = helper_number(text, "unknown func ")) {
    return Explanation{Errc::kVerifier,
                       "this kernel does not have " + helper_name(*id) +
                           since_text(*id) +
                           ", or does not allow it in this type of program"};
  }
  if (const auto id =
          helper_number(text, "program of this type cannot use helper ")) {
    return Explanation{Errc::kVerifier,
                       "this type of program may not call " + helper_name(*id)};
  }
  return std::nullopt;
}

std::optional<Explanation> first_match(std::string_view text,
                                       std::span<const Pattern> patterns) {
  const auto pattern = std::ranges::find_if(
      patterns, [&](const Pattern& p) { return text.contains(p.text); });
  if (pattern == patterns.end()) {
    return std::nullopt;
  }
  return Explanation{pattern->code, std::string(pattern->meaning)};
}

}  // namespace

std::optional<Explanation> explain_log(std::string_view log) {
  std::string text;
  for (const std::string_view line : tail_of(log, kExplainedLines)) {
    if (!is_source(line)) {
      text += std::string(line) + "\n";
    }
  }
  return first_match(text, kLogPatterns).or_else([&] {
    return explain_helper(text);
  });
}

std::optional<Explanation> explain_messages(
    const std::vector<std::string>& warnings) {
  for (const Pattern& pattern : kMessagePatterns) {
    const auto line = std::ranges::find_if(warnings, [&](const auto& warning) {
      return !warning.contains(kEnd) && warning.contains(pattern.text);
    });
    if (line != warnings.end()) {
      return Explanation{pattern.code, std::string(pattern.meaning),
                         line->substr(0, line->find('\n'))};
    }
  }
  return std::nullopt;
}

VerifierRefusal find_refusal(const std::vector<std::string>& warnings) {
  for (auto line = warnings.rbegin(); line != warnings.rend(); ++line) {
    const std::size_t begin = line->find(kBegin);
    if (begin == std::string::npos || !line->starts_with(kProgram)) {
      continue;
    }
    const std::size_t start = begin + kBegin.size();
    VerifierRefusal refusal;
    refusal.program = line->substr(kProgram.size(), begin - kProgram.size());
    refusal.log = line->substr(start, line->rfind(kEnd) - start);
    refusal.last_lines = useful_lines(refusal.log);
    return refusal;
  }
  return {};
}

}  // namespace wasmbpf::bpf
