#include "cli/output.h"

#include <gtest/gtest.h>

namespace wasmbpf::cli {
namespace {

TEST(Output, GroupsThousands) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
}

TEST(Output, SizesForPeople) {
  EXPECT_EQ(human_size(0), "0 bytes");
  EXPECT_EQ(human_size(262144), "256 KiB");
  EXPECT_EQ(human_size(1536), "1.5 KiB");
  EXPECT_EQ(human_size(13ULL << 20), "13 MiB");
}

TEST(Output, EachKindOfErrorHasItsExitCode) {
  Output quiet;
  quiet.level = LogLevel::kError;
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(report(quiet, Error(Errc::kPolicy, "x")), kRefused);
  EXPECT_EQ(report(quiet, Error(Errc::kUnsupported, "x")), kNotSupported);
  EXPECT_EQ(report(quiet, Error(Errc::kVerifier, "x")), kFailed);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "wasm-bpf: error: x\nwasm-bpf: error: x\nwasm-bpf: error: x\n");
}

TEST(Output, JsonErrorsAreOneLineAndValidUtf8) {
  Output output;
  output.json = true;
  ::testing::internal::CaptureStderr();
  report(output, Error(Errc::kNotFound, "no '\xff'", 2));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "{\"code\":\"not_found\",\"errno\":2,\"exit_code\":1,"
            "\"message\":\"no '\xef\xbf\xbd'\",\"type\":\"error\"}\n");
}

}  // namespace
}  // namespace wasmbpf::cli
