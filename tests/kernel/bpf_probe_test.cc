// Kernel probes, user probes, USDT and perf events: by section, and by targets
// that are named at run time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "kernel/support/probed.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"
#include "kernel/support/wait_until.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t kValue = 0x1234567890;

void sleep_briefly() {
  const timespec nanosecond{0, 1};
  // The system call itself: libc's may use another one.
  ::syscall(SYS_nanosleep, &nanosecond, nullptr);
}
void call_probed() { EXPECT_EQ(wasm_bpf_probed(kValue), kValue + 1); }
void pass_usdt() { pass_usdt_probe(kValue); }

struct Case {
  const char* program;
  const char* target;
  const char* feature;
  void (*trigger)();
  std::uint64_t argument = 0;  ///< what the program must have read
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.program; }

class ProbeProgram : public ::testing::TestWithParam<Case> {};

TEST_P(ProbeProgram, RunsWhileItIsAttached) {
  REQUIRE_FEATURE(GetParam().feature);
  Counter counter("probes", GetParam().program);
  ASSERT_TRUE(counter);
  GetParam().trigger();
  EXPECT_EQ(counter.hits(), 0u);
  ASSERT_NO_FATAL_FAILURE(counter.attach(GetParam().target));
  GetParam().trigger();
  EXPECT_EQ(counter.hits(), 1u);
  EXPECT_EQ(counter.argument(), GetParam().argument);
  counter.detach();
  GetParam().trigger();
  EXPECT_EQ(counter.hits(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    All, ProbeProgram,
    ::testing::Values(
        Case{"on_kprobe", "", "kprobe", sleep_briefly},
        Case{"on_kretprobe", "", "kretprobe", sleep_briefly},
        Case{"on_named_kprobe", "hrtimer_nanosleep", "kprobe", sleep_briefly},
        Case{"on_kprobe_multi", "", "kprobe.multi", sleep_briefly},
        Case{"on_named_kprobe_multi", "hrtimer_nanosl*", "kprobe.multi",
             sleep_briefly},
        Case{"on_ksyscall", "", "ksyscall", sleep_briefly},
        Case{"on_named_ksyscall", "nanosleep", "ksyscall", sleep_briefly},
        Case{"on_uprobe", "", "uprobe", call_probed, kValue},
        Case{"on_named_uprobe", "/proc/self/exe:wasm_bpf_probed", "uprobe",
             call_probed, kValue},
        Case{"on_named_uretprobe", "/proc/self/exe:wasm_bpf_probed",
             "uretprobe", call_probed, kValue + 1},
        Case{"on_uprobe_multi", "", "uprobe.multi", call_probed},
        Case{"on_named_uprobe_multi", "/proc/self/exe:wasm_bpf_probe*",
             "uprobe.multi", call_probed},
        Case{"on_usdt", "", "usdt", pass_usdt, kValue},
        Case{"on_named_usdt", "wasm_bpf:tick@/proc/self/exe", "usdt", pass_usdt,
             kValue}),
    [](const auto& info) { return std::string(info.param.program); });

TEST(UprobeProgram, CanFollowOneProcess) {
  REQUIRE_FEATURE("uprobe");
  Counter counter("probes", "on_named_uprobe");
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach("/proc/self/exe:wasm_bpf_probed,pid=" +
                                         std::to_string(::getpid())));
  call_probed();
  EXPECT_EQ(counter.hits(), 1u);
}

TEST(UprobeProgram, ATargetGoesBeforeTheSection) {
  REQUIRE_FEATURE("uprobe");
  Counter counter("probes", "on_uprobe");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("/proc/self/exe:no_such_symbol");
  ASSERT_FALSE(links);
  EXPECT_EQ(links.error().code(), Errc::kNotFound);
}

TEST(UprobeProgram, OfAMissingFileOrSymbolSaysSo) {
  REQUIRE_FEATURE("uprobe");
  Counter counter("probes", "on_named_uprobe");
  ASSERT_TRUE(counter);
  for (const char* target :
       {"/no/such/file:malloc", "/proc/self/exe:no_such_symbol"}) {
    const auto links = counter.try_attach(target);
    ASSERT_FALSE(links);
    EXPECT_EQ(links.error().code(), Errc::kNotFound) << target;
    EXPECT_THAT(links.error().message(),
                AllOf(HasSubstr(target), HasSubstr("no such symbol")));
  }
}

TEST(KprobeProgram, OfAMissingFunctionSaysSo) {
  REQUIRE_FEATURE("kprobe");
  Counter counter("probes", "on_named_kprobe");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("no_such_function___wasm_bpf");
  ASSERT_FALSE(links);
  EXPECT_THAT(links.error().message(),
              AllOf(HasSubstr("'no_such_function___wasm_bpf'"),
                    HasSubstr("no such function in this kernel")));
}

TEST(UsdtProgram, OfAMissingProbeSaysSo) {
  REQUIRE_FEATURE("usdt");
  Counter counter("probes", "on_named_usdt");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("wasm_bpf:tock@/proc/self/exe");
  ASSERT_FALSE(links);
  EXPECT_THAT(links.error().message(), HasSubstr("no such probe in it"));
}

TEST(ProbeProgram, WithoutAHookAndATargetSaysWhatToGive) {
  Counter counter("probes", "on_named_uprobe");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("");
  ASSERT_FALSE(links);
  EXPECT_EQ(links.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(links.error().message(),
              AllOf(HasSubstr("BINARY:SYMBOL[+OFFSET][,pid=N]"),
                    HasSubstr("'libc.so.6:malloc'")));
}

/// How many CPUs run now.
std::size_t online_cpus() {
  return static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN));
}

TEST(PerfEventProgram, SamplesEveryCpu) {
  REQUIRE_FEATURE("perf_event");
  Counter counter("probes", "on_sample");
  ASSERT_TRUE(counter);
  auto links = counter.try_attach("freq=1000");
  ASSERT_TRUE(links) << links.error().message();
  EXPECT_EQ(links->size(), online_cpus());
  EXPECT_TRUE(wait_until([&] { return counter.hits() > 3; }));
}

TEST(PerfEventProgram, SamplesOneCpuOrOneProcess) {
  REQUIRE_FEATURE("perf_event");
  Counter counter("probes", "on_sample");
  ASSERT_TRUE(counter);
  const auto one_cpu = counter.try_attach("freq=1000,cpu=0");
  ASSERT_TRUE(one_cpu) << one_cpu.error().message();
  EXPECT_EQ(one_cpu->size(), 1u);
  ASSERT_NO_FATAL_FAILURE(
      counter.attach("freq=1000,pid=" + std::to_string(::getpid())));
  EXPECT_TRUE(wait_until([&] { return counter.hits() > 3; }));
}

TEST(PerfEventProgram, OfACpuThatIsNotThereSaysWhich) {
  REQUIRE_FEATURE("perf_event");
  Counter counter("probes", "on_sample");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("freq=99,cpu=4000");
  ASSERT_FALSE(links);
  EXPECT_THAT(links.error().message(), HasSubstr("CPU 4000"));
}

}  // namespace
}  // namespace wasmbpf::testing
