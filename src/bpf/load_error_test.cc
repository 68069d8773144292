#include "bpf/load_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

namespace wasmbpf::bpf {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A kernel as the tests want it. The only fake: no kernel without ring buffers
/// can be had any more.
struct FakeKernel {
  std::vector<std::string> lacks = {};
  bool blocked = false;
  std::vector<std::string> asked = {};

  Probe probe() {
    return [this](std::string_view name) -> Result<Feature> {
      asked.emplace_back(name);
      const bool lacking = std::ranges::find(lacks, name) != lacks.end();
      return Feature{.kind = FeatureKind::kOther,
                     .name = std::string(name),
                     .supported = !lacking,
                     .blocked = blocked,
                     .reason = lacking ? "the kernel answers 'no'" : "",
                     .since = "5.8"};
    };
  }
};

LoadFailure failure(int err, std::vector<std::string> warnings) {
  warnings.emplace_back("failed to load object 'tool'");
  return {
      .object = "tool",
      .err = -err,
      .warnings = std::move(warnings),
      .programs = {{"on_exec", "fentry/do_exit", 26, "tracing", "trace_fentry"},
                   {"filter", "netfilter", 32, "netfilter", "netfilter"}},
      .maps = {{"events", 27, "ringbuf", 0, 0, 4096},
               {"counts", 1, "hash", 4, 8, 16}}};
}

TEST(LoadError, NamesTheMapTypeThatTheKernelLacks) {
  FakeKernel kernel{.lacks = {"ringbuf"}};
  const Error error = load_error(
      failure(EINVAL,
              {"Error in bpf_create_map_xattr(events): -EINVAL. Retrying "
               "without BTF.",
               "map 'events': failed to create: -EINVAL"}),
      kernel.probe());
  EXPECT_EQ(error.code(), Errc::kUnsupported);
  EXPECT_EQ(error.message(),
            "map 'events' (ringbuf) needs 'ringbuf', which this kernel does "
            "not offer: the kernel answers 'no' (Linux 5.8 and later)");
  EXPECT_THAT(kernel.asked, ElementsAre("ringbuf"));
}

TEST(LoadError, AMapThatTheKernelKnowsKeepsItsErrno) {
  FakeKernel kernel;
  const Error error =
      load_error(failure(ENOMEM, {"map 'counts': failed to create: -ENOMEM"}),
                 kernel.probe());
  EXPECT_EQ(error.code(), Errc::kSystem);
  EXPECT_EQ(error.sys_errno(), ENOMEM);
  EXPECT_THAT(error.message(), HasSubstr("map 'counts' (hash)"));
}

TEST(LoadError, NamesTheProgramKindThatTheKernelLacks) {
  FakeKernel kernel{.lacks = {"netfilter"}};
  const Error error =
      load_error(failure(EINVAL, {"prog 'filter': BPF program load failed: "
                                  "-EINVAL",
                                  "prog 'filter': failed to load: -22"}),
                 kernel.probe());
  EXPECT_EQ(error.code(), Errc::kUnsupported);
  EXPECT_THAT(error.message(),
              AllOf(StartsWith("program 'filter' (netfilter) needs"),
                    HasSubstr("Linux 5.8 and later")));
}

TEST(LoadError, AVerifierRefusalHasProgramLinesCauseAndTheWholeLog) {
  FakeKernel kernel{.lacks = {"fentry"}};  // must not be asked for
  const std::string log =
      "1: (79) r1 = *(u64 *)(r1 +0)\nR1 invalid mem access 'scalar'\n"
      "processed 2 insns (limit 1000000)\n";
  const Error error = load_error(
      failure(EACCES, {"prog 'on_exec': BPF program load failed: -EACCES",
                       "prog 'on_exec': -- BEGIN PROG LOAD LOG --\n" + log +
                           "-- END PROG LOAD LOG --",
                       "prog 'on_exec': failed to load: -13"}),
      kernel.probe());
  EXPECT_EQ(error.code(), Errc::kVerifier);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("program 'on_exec' was refused"),
                    HasSubstr("R1 invalid mem access 'scalar'"),
                    HasSubstr("likely cause: a number is used as a pointer"),
                    Not(HasSubstr("processed"))));
  EXPECT_EQ(error.log(), log);
  EXPECT_TRUE(kernel.asked.empty());
}

TEST(LoadError, ALogThatNobodyCanReadIsShownAllTheSame) {
  FakeKernel kernel;
  const Error error =
      load_error(failure(EINVAL, {"prog 'on_exec': -- BEGIN PROG LOAD LOG --\n"
                                  "a message of tomorrow's kernel\n"
                                  "-- END PROG LOAD LOG --"}),
                 kernel.probe());
  EXPECT_EQ(error.code(), Errc::kVerifier);
  EXPECT_THAT(error.message(),
              AllOf(HasSubstr("a message of tomorrow's kernel"),
                    Not(HasSubstr("likely cause"))));
}

TEST(LoadError, WhatMayNotBeTriedIsNotCalledMissing) {
  FakeKernel kernel{.lacks = {"fentry"}, .blocked = true};
  const Error error =
      load_error(failure(EPERM, {"prog 'on_exec': BPF program load failed: "
                                 "-EPERM"}),
                 kernel.probe());
  EXPECT_EQ(error.code(), Errc::kPermission);
  EXPECT_EQ(error.sys_errno(), EPERM);
  EXPECT_THAT(error.message(), HasSubstr("program 'on_exec'"));
}

TEST(LoadError, WithoutAProgramItSaysWhatLibbpfSaid) {
  FakeKernel kernel;
  const Error error = load_error(
      failure(ESRCH, {"kernel BTF is missing at '/sys/kernel/btf/vmlinux', was "
                      "CONFIG_DEBUG_INFO_BTF enabled?",
                      "Error loading vmlinux BTF: -ESRCH"}),
      kernel.probe());
  EXPECT_EQ(error.code(), Errc::kUnsupported);
  EXPECT_THAT(error.message(), AllOf(HasSubstr("load object 'tool'"),
                                     HasSubstr("kernel BTF is missing"),
                                     HasSubstr("this kernel offers no BTF")));
}

TEST(LoadError, LibbpfsOwnNumbersAreNoErrno) {
  FakeKernel kernel;
  const Error error = load_error(failure(4003, {}), kernel.probe());
  EXPECT_EQ(error.sys_errno(), 0);
  EXPECT_EQ(error.code(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace wasmbpf::bpf
