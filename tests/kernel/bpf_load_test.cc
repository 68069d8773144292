// What the kernel refuses, and what is said about it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "bpf/features.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

struct Case {
  const char* program;
  const char* cause;
  Errc code = Errc::kVerifier;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.program; }

class Refused : public ::testing::TestWithParam<Case> {};

TEST_P(Refused, WithProgramAndCauseAndTheWholeLog) {
  REQUIRE_FEATURE("btf");
  const auto object = load_object("refused", {GetParam().program});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), GetParam().code) << object.error().message();
  EXPECT_THAT(object.error().message(),
              AllOf(HasSubstr("'" + std::string(GetParam().program) + "'"),
                    HasSubstr("likely cause: "), HasSubstr(GetParam().cause)));
  EXPECT_FALSE(object.error().log().empty());
  EXPECT_GT(object.error().sys_errno(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, Refused,
    ::testing::Values(
        Case{"unchecked_lookup", "check for NULL"},
        Case{"unchecked_reserve", "check for NULL"},
        Case{"number_as_pointer", "a number is used as a pointer"},
        Case{"index_out_of_bounds", "can leave the map value"},
        Case{"infinite_loop", "a loop whose end"},
        Case{"endless_loop", "bpf_loop()"},
        Case{"leaked_record", "not released on every path"},
        Case{"stack_too_large", "512 bytes of stack"},
        Case{"unset_register", "before it was set"},
        Case{"unbounded_size", "a size"},
        Case{"missing_field", "bpf_core_field_exists()", Errc::kUnsupported},
        Case{"missing_kfunc", "bpf_ksym_exists()", Errc::kUnsupported},
        Case{"helper_of_another_type", "bpf_d_path"},
        Case{"unknown_helper", "helper number 9999", Errc::kUnsupported},
        Case{"packet_unchecked", "data_end"},
        Case{"wrong_return", "the return value"}),
    [](const auto& info) { return std::string(info.param.program); });

TEST(RefusedProgram, KeepsALogOfMoreThan64KiB) {
  REQUIRE_FEATURE("btf");
  const auto object = load_object("refused", {"long_log"});
  ASSERT_FALSE(object);
  const std::string& log = object.error().log();
  EXPECT_GT(log.size(), 64u * 1024);
  EXPECT_THAT(log.substr(0, 200), HasSubstr("R1=ctx"));
  EXPECT_THAT(log.substr(log.size() - 200), HasSubstr("processed "));
  EXPECT_LT(object.error().message().size(), 2000u);
}

TEST(RefusedProgram, OfAnotherLicenceIsToldSo) {
  const auto object = load_object("not_gpl", {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kVerifier);
  EXPECT_THAT(object.error().message(), HasSubstr("Dual BSD/GPL"));
}

TEST(RefusedObject, OfAMissingKfuncNamesIt) {
  REQUIRE_FEATURE("btf");
  const auto object = load_object("missing_kfunc", {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kUnsupported);
  EXPECT_THAT(object.error().message(),
              HasSubstr("bpf_no_such_kfunc___wasm_bpf"));
}

TEST(RefusedObject, MissingKernelFeaturesAreNamed) {
  // Whatever this kernel lacks of these must be said by name and version.
  struct Kind {
    const char* object;
    const char* program;
    const char* feature;
  };
  for (const Kind& kind : {Kind{"network", "netfilter_drop", "netfilter"},
                           Kind{"tracing", "on_entry", "fentry"},
                           Kind{"cgroup", "on_bind", "lsm_cgroup"}}) {
    const auto feature = bpf::probe_feature(kind.feature);
    ASSERT_TRUE(feature);
    const auto object = load_object(kind.object, {kind.program});
    if (feature->supported || feature->blocked || object) {
      continue;
    }
    EXPECT_EQ(object.error().code(), Errc::kUnsupported);
    EXPECT_THAT(object.error().message(),
                AllOf(HasSubstr(kind.program), HasSubstr(kind.feature),
                      HasSubstr("Linux " + feature->since)));
  }
}

TEST(RefusedObject, WithoutPrivilegesSaysWhatHelps) {
  std::optional<Error> error;
  std::optional<bpf::Feature> feature;
  auto object = open_object("maps");
  // By system call, because libc would change all threads of the process.
  std::thread([&] {
    ASSERT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    auto loaded = std::move(object).load();
    if (!loaded) {
      error = loaded.error();
    }
    feature = bpf::probe_feature("xdp").value();
  }).join();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::kPermission) << error->message();
  EXPECT_THAT(error->message(),
              AllOf(HasSubstr("run as root"), HasSubstr("CAP_BPF")));
  EXPECT_FALSE(feature->supported);
  EXPECT_TRUE(feature->blocked);
  EXPECT_THAT(feature->reason, HasSubstr("run as root"));
}

TEST(LoadedObject, LibbpfsMessagesGoToItsLoggerAndNowhereElse) {
  std::string log;
  const Logger logger(LogLevel::kTrace, [&](LogLevel, std::string_view text) {
    log += std::string(text) + "\n";
  });
  ::testing::internal::CaptureStderr();
  auto object = open_object("maps", logger);
  ASSERT_TRUE(std::move(object).load());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(log, HasSubstr("libbpf: map 'hash': created successfully"));
}

}  // namespace
}  // namespace wasmbpf::testing
