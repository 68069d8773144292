#include "bpf/verifier_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace wasmbpf::bpf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kStatistics =
    "processed 12 insns (limit 1000000) max_states_per_insn 0 total_states 1 "
    "peak_states 1 mark_read 1\n";

/// What libbpf prints when `program` was refused with `log`.
std::vector<std::string> refused(const std::string& program,
                                 const std::string& log) {
  return {"prog '" + program + "': BPF program load failed: -EACCES",
          "prog '" + program + "': -- BEGIN PROG LOAD LOG --\n" + log +
              "-- END PROG LOAD LOG --",
          "prog '" + program + "': failed to load: -13",
          "failed to load object 'x'"};
}

TEST(FindRefusal, TakesTheMessagesApart) {
  const auto refusal = find_refusal(refused("on_exec",
                                            "0: R1=ctx() R10=fp0\n"
                                            "; sink = *p; @ x.bpf.c:44\n"
                                            "0: (79) r1 = *(u64 *)(r1 +8)\n"
                                            "1: (79) r1 = *(u64 *)(r1 +0)\n"
                                            "R1 invalid mem access 'scalar'\n" +
                                                std::string(kStatistics)));
  EXPECT_EQ(refusal.program, "on_exec");
  EXPECT_THAT(refusal.log, StartsWith("0: R1=ctx()"));
  EXPECT_THAT(refusal.log, HasSubstr("processed 12 insns"));
  EXPECT_EQ(refusal.last_lines,
            "\n  ; sink = *p; @ x.bpf.c:44"
            "\n  0: (79) r1 = *(u64 *)(r1 +8)"
            "\n  1: (79) r1 = *(u64 *)(r1 +0)"
            "\n  R1 invalid mem access 'scalar'");
}

TEST(FindRefusal, KeepsALogOfAnyLengthWhole) {
  std::string log;
  while (log.size() < 3'000'000) {
    log += std::to_string(log.size()) + ": (bf) r1 = r2\n";
  }
  log += "R1 !read_ok\n";
  const auto refusal = find_refusal(refused("long", log));
  EXPECT_EQ(refusal.log, log);
  EXPECT_THAT(refusal.last_lines, HasSubstr("R1 !read_ok"));
  EXPECT_LT(refusal.last_lines.size(), 1000u);
}

TEST(FindRefusal, ShowsTheSourceLineWhenInstructionsFollowIt) {
  const auto refusal = find_refusal(
      refused("p",
              "; long_expression(); @ x.bpf.c:7\n1: a\n2: b\n3: c\n4: d\n"
              "R1 !read_ok\n"));
  EXPECT_THAT(refusal.last_lines, StartsWith("\n  ; long_expression();"));
}

TEST(FindRefusal, FindsNothingInOtherMessages) {
  EXPECT_EQ(find_refusal({}).program, "");
  EXPECT_EQ(find_refusal({"map 'x': failed to create: -EINVAL"}).log, "");
  // A message that only quotes the marker is none.
  EXPECT_EQ(find_refusal({"elf: ': -- BEGIN PROG LOAD LOG --\n"}).log, "");
}

TEST(FindRefusal, SurvivesALogWithoutAnEnd) {
  const auto refusal =
      find_refusal({"prog 'x': -- BEGIN PROG LOAD LOG --\nR1"});
  EXPECT_EQ(refusal.program, "x");
  EXPECT_EQ(refusal.log, "R1");
}

struct Case {
  const char* name;
  const char* log;      ///< real text: 6.18 where not said otherwise
  const char* meaning;  ///< a part of what is explained
  Errc code;
};

class ExplainLog : public ::testing::TestWithParam<Case> {};

TEST_P(ExplainLog, SaysWhatItMeans) {
  const auto explanation =
      explain_log(std::string(GetParam().log) + std::string(kStatistics));
  ASSERT_TRUE(explanation);
  EXPECT_THAT(explanation->text, HasSubstr(GetParam().meaning));
  EXPECT_EQ(explanation->code, GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    RealLogs, ExplainLog,
    ::testing::Values(
        Case{"UncheckedLookup",
             "7: (79) r1 = *(u64 *)(r0 +0)\n"
             "R0 invalid mem access 'map_value_or_null'\n",
             "without a check for NULL", Errc::kVerifier},
        Case{"UncheckedReserve",
             "6: (7b) *(u64 *)(r0 +0) = r1\n"
             "R0 invalid mem access 'ringbuf_mem_or_null'\n",
             "bpf_ringbuf_reserve", Errc::kVerifier},
        Case{"UncheckedReserveOn510", "R0 invalid mem access 'mem_or_null'\n",
             "without a check for NULL", Errc::kVerifier},
        Case{"NumberAsPointer", "R1 invalid mem access 'scalar'\n",
             "bpf_core_read()", Errc::kVerifier},
        Case{"NumberAsPointerOn510", "R1 invalid mem access 'inv'\n",
             "bpf_core_read()", Errc::kVerifier},
        Case{"IndexOutOfBounds",
             "invalid access to map value, value_size=64 off=120 size=8\n"
             "R0 max value is outside of the allowed memory range\n",
             "an index can leave the map value", Errc::kVerifier},
        Case{"InfiniteLoop",
             "0: (05) goto pc-1\ninfinite loop detected at insn 0\n"
             "cur state: R1=ctx() R10=fp0\nold state: R1=ctx() R10=fp0\n",
             "constant limit", Errc::kVerifier},
        Case{"BackEdge", "back-edge from insn 9 to 3\n", "constant limit",
             Errc::kVerifier},
        Case{"JumpsTooComplex", "The sequence of 8193 jumps is too complex.\n",
             "bpf_loop()", Errc::kVerifier},
        Case{"TooManyInstructions",
             "BPF program is too large. Processed 1000001 insn\n",
             "a million steps", Errc::kVerifier},
        Case{"LeakedRecord",
             "Unreleased reference id=2 alloc_insn=4\n"
             "BPF_EXIT instruction in main prog would lead to reference leak\n",
             "released on every path", Errc::kVerifier},
        Case{"StackOfTwoFunctions",
             "combined stack size of 2 calls is 704. Too large\n",
             "512 bytes of stack", Errc::kVerifier},
        Case{"StackOfOneFunction", "invalid stack off=-528 size=8\n",
             "512 bytes of stack", Errc::kVerifier},
        Case{"UnsetRegister", "0: (bf) r0 = r9\nR9 !read_ok\n",
             "before it was set", Errc::kVerifier},
        Case{"UninitialisedStack",
             "invalid indirect read from stack R2 off -4+0 size 4\n",
             "padding too", Errc::kVerifier},
        Case{"UnboundedSize",
             "R2 unbounded memory access, use 'var &= const' or 'if (var < "
             "const)'\n",
             "upper limit", Errc::kVerifier},
        Case{"NegativeSize",
             "R2 min value is negative, either use unsigned or 'var &= "
             "const'\n",
             "make it unsigned", Errc::kVerifier},
        Case{"PacketUnchecked",
             "invalid access to packet, off=0 size=1, R1(id=0,off=0,r=0)\n"
             "R1 offset is outside of the packet\n",
             "data_end", Errc::kVerifier},
        Case{"WrongReturn",
             "At program exit the register R0 has smin=17 smax=17 should have "
             "been in [0, 3]\n",
             "return value", Errc::kVerifier},
        Case{"MissingField",
             "1: <invalid CO-RE relocation>\n"
             "failed to resolve CO-RE relocation <byte_off> [55] struct "
             "task_struct.no_such_field (0:1 @ offset 4)\n",
             "bpf_core_field_exists()", Errc::kUnsupported},
        Case{"MissingKfunc",
             "1: <invalid kfunc call>\n"
             "kfunc 'bpf_x' is referenced but wasn't resolved\n",
             "bpf_ksym_exists()", Errc::kUnsupported},
        Case{"HelperOfAnotherType",
             "program of this type cannot use helper bpf_d_path#147\n",
             "may not call bpf_d_path", Errc::kVerifier},
        Case{"HelperOfAnotherTypeOn61", "unknown func bpf_d_path#147\n",
             "does not have bpf_d_path (Linux 5.10 and later), or does not "
             "allow it",
             Errc::kVerifier},
        Case{"HelperTooNewFor510",
             "5: (85) call unknown#181\ninvalid func unknown#181\n",
             "does not have bpf_loop (Linux 5.17 and later)",
             Errc::kUnsupported},
        Case{"HelperNobodyKnows", "invalid func unknown#9999\n",
             "helper number 9999", Errc::kUnsupported},
        Case{"CallbacksOn510",
             "number of funcs in func_info doesn't match number of subprogs\n",
             "callbacks", Errc::kUnsupported},
        Case{"NotSleepable", "__x64_sys_unlink is not sleepable\n",
             "drop the .s", Errc::kUnsupported},
        Case{"NotGpl",
             "cannot call GPL-restricted function from non-GPL compatible "
             "program\n",
             "Dual BSD/GPL", Errc::kVerifier},
        Case{"WrongContextField", "invalid bpf_context access off=400 size=4\n",
             "the context", Errc::kVerifier}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ExplainLogs, DoNotListenToTheProgramsOwnSource) {
  EXPECT_FALSE(
      explain_log("; // invalid mem access 'scalar' @ x.bpf.c:1\n"
                  "something nobody has seen before\n"));
}

TEST(ExplainLogs, LookAtTheEndOnly) {
  std::string log = "infinite loop detected at insn 0\n";
  for (int i = 0; i < 100; ++i) {
    log += std::to_string(i) + ": (bf) r1 = r2\n";
  }
  EXPECT_FALSE(explain_log(log));
}

class ExplainMessages : public ::testing::TestWithParam<Case> {};

TEST_P(ExplainMessages, SaysWhatTheyMean) {
  std::vector<std::string> lines{"sec 'x': something harmless"};
  std::istringstream text(GetParam().log);
  for (std::string line; std::getline(text, line);) {
    lines.push_back(line);
  }
  const auto explanation = explain_messages(lines);
  ASSERT_TRUE(explanation);
  EXPECT_THAT(explanation->text, HasSubstr(GetParam().meaning));
  EXPECT_EQ(explanation->code, GetParam().code);
  EXPECT_EQ(explanation->line, lines[1]);
}

INSTANTIATE_TEST_SUITE_P(
    RealMessages, ExplainMessages,
    ::testing::Values(
        Case{"NoBtf",
             "kernel BTF is missing at '/sys/kernel/btf/vmlinux', was "
             "CONFIG_DEBUG_INFO_BTF enabled?\nfailed to find valid kernel "
             "BTF\n",
             "no BTF", Errc::kUnsupported},
        Case{"MissingKfunc",
             "extern (func ksym) 'X': not found in kernel or module BTFs\n",
             "bpf_ksym_exists()", Errc::kUnsupported},
        Case{"OtherKfunc",
             "extern (func ksym) 'bpf_wq_set_callback_impl': func_proto [34] "
             "incompatible with vmlinux [61]\n",
             "other parameters", Errc::kUnsupported},
        Case{"NoSuchHook",
             "prog 'x': failed to find kernel BTF type ID of 'do_unlinkat': "
             "-ESRCH\n",
             "names move", Errc::kUnsupported},
        Case{"NoSchedExt",
             "struct_ops init_kern: struct sched_ext_ops is not found in "
             "kernel BTF\n",
             "struct_ops", Errc::kUnsupported},
        Case{"OldMaps",
             "elf: legacy map definitions in 'maps' section are not supported "
             "by libbpf v1.0+\n",
             "SEC(\".maps\")", Errc::kInvalidArgument},
        Case{"StaticProgram",
             "sec 'kprobe/x': program 'f' is static and not supported\n",
             "drop the word static", Errc::kInvalidArgument},
        Case{"UnknownSection",
             "prog 'x': missing BPF prog type, check ELF section name "
             "'socket1'\n",
             "its section", Errc::kInvalidArgument},
        Case{"NoElf", "elf: 'x' is not a proper ELF object\n", "no eBPF object",
             Errc::kInvalidArgument}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace wasmbpf::bpf
