// Programs of tracepoints, functions and security hooks: each is attached,
// runs, and is gone when its link is.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/unique_fd.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void fork_once() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

/// 0 or the errno.
int open_once() {
  const UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fd ? 0 : errno;
}

struct Case {
  const char* program;
  const char* target;
  const char* feature;
  void (*trigger)();
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.program; }

class TracingProgram : public ::testing::TestWithParam<Case> {};

TEST_P(TracingProgram, RunsWhileItIsAttached) {
  REQUIRE_FEATURE(GetParam().feature);
  Counter counter("tracing", GetParam().program);
  ASSERT_TRUE(counter);
  GetParam().trigger();
  EXPECT_EQ(counter.hits(), 0u);
  ASSERT_NO_FATAL_FAILURE(counter.attach(GetParam().target));
  GetParam().trigger();
  const std::uint64_t hits = counter.hits();
  EXPECT_GT(hits, 0u);
  counter.detach();
  GetParam().trigger();
  EXPECT_EQ(counter.hits(), hits);
}

INSTANTIATE_TEST_SUITE_P(
    All, TracingProgram,
    ::testing::Values(
        Case{"on_tracepoint", "", "tracepoint", fork_once},
        Case{"on_named_tracepoint", "sched:sched_process_fork", "tracepoint",
             fork_once},
        Case{"on_raw_tracepoint", "", "raw_tp", fork_once},
        Case{"on_named_raw_tracepoint", "sched_process_fork", "raw_tp",
             fork_once},
        Case{"on_btf_tracepoint", "", "tp_btf", fork_once},
        Case{"on_entry", "", "fentry", [] { EXPECT_EQ(open_once(), 0); }},
        Case{"on_exit", "", "fexit", [] { EXPECT_EQ(open_once(), 0); }},
        Case{"on_sleepable_open", "", "lsm.s",
             [] { EXPECT_EQ(open_once(), 0); }}),
    [](const auto& info) { return std::string(info.param.program); });

TEST(TracingProgram, OfAReturnValueChangesIt) {
  REQUIRE_FEATURE("fmod_ret");
  Counter counter("tracing", "on_return");
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach());
  const int err = open_once();
  counter.detach();
  EXPECT_EQ(err, EACCES);
  EXPECT_EQ(open_once(), 0);
}

TEST(LsmProgram, Denies) {
  REQUIRE_FEATURE("lsm");
  Counter counter("tracing", "deny_socket");
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach());
  const UniqueFd denied(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int err = errno;
  counter.detach();
  EXPECT_FALSE(denied);
  EXPECT_EQ(err, EPERM);
  EXPECT_TRUE(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
}

TEST(Iterator, Attaches) {
  REQUIRE_FEATURE("iter");
  Counter counter("tracing", "each_task");
  ASSERT_TRUE(counter);
  counter.attach();
}

TEST(TracingProgram, ATargetItHasNoUseForIsIgnored) {
  REQUIRE_FEATURE("raw_tp");
  Counter counter("tracing", "on_raw_tracepoint");
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach("eth0:ingress"));
  fork_once();
  EXPECT_GT(counter.hits(), 0u);
}

TEST(TracingProgram, WithoutAHookAndATargetSaysWhatToGive) {
  Counter counter("tracing", "on_named_tracepoint");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("");
  ASSERT_FALSE(links);
  EXPECT_EQ(links.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(
      links.error().message(),
      AllOf(HasSubstr("'on_named_tracepoint' (tp)"), HasSubstr("CATEGORY:NAME"),
            HasSubstr("'sched:sched_process_exec'")));
}

TEST(TracingProgram, OfAMissingTracepointSaysSo) {
  REQUIRE_FEATURE("tracepoint");
  Counter counter("tracing", "on_missing_tracepoint");
  ASSERT_TRUE(counter);
  const auto links = counter.try_attach("");
  ASSERT_FALSE(links);
  EXPECT_EQ(links.error().code(), Errc::kNotFound);
  EXPECT_EQ(links.error().sys_errno(), ENOENT);
  EXPECT_THAT(links.error().message(),
              AllOf(HasSubstr("tracepoint/wasm_bpf/no_such_event"),
                    HasSubstr("no such tracepoint")));
}

TEST(TracingProgram, OfAMissingFunctionDoesNotLoad) {
  REQUIRE_FEATURE("btf");
  const auto object = load_object("tracing", {"on_missing_function"});
  ASSERT_FALSE(object);
  EXPECT_THAT(object.error().message(),
              AllOf(HasSubstr("on_missing_function"),
                    HasSubstr("no_such_function___wasm_bpf"),
                    HasSubstr("names move between versions")));
  EXPECT_EQ(object.error().code(), Errc::kUnsupported);
}

TEST(TracingProgram, ThatMayNotSleepSaysSo) {
  REQUIRE_FEATURE("fentry");
  const auto object = load_object("tracing", {"on_sleepless_function"});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kUnsupported);
  EXPECT_THAT(object.error().message(),
              AllOf(HasSubstr("hrtimer_nanosleep is not sleepable"),
                    HasSubstr("drop the .s")));
}

TEST(Attach, UnknownAndUnloadedProgramsAreNamed) {
  auto object = load_object("tracing", {"on_raw_tracepoint"});
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(object->attach("no_such_program", "").error().code(),
            Errc::kNotFound);
  const auto unloaded = object->attach("on_tracepoint", "");
  EXPECT_EQ(unloaded.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(unloaded.error().message(), HasSubstr("was not loaded"));
}

}  // namespace
}  // namespace wasmbpf::testing
