#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "bpf/features.h"

namespace wasmbpf::testing {
namespace {

using bpf::Feature;
using bpf::FeatureKind;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// "6.12.117+deb12" is (6, 12).
std::pair<int, int> version(const std::string& text) {
  int major = 0;
  int minor = 0;
  char dot = 0;
  std::istringstream(text) >> major >> dot >> minor;
  return {major, minor};
}

TEST(Features, EachIsThereOrSaysWhyNot) {
  const auto features = bpf::probe_features();
  std::set<std::pair<FeatureKind, std::string>> names;
  for (const Feature& feature : features) {
    EXPECT_TRUE(names.emplace(feature.kind, feature.name).second)
        << feature.name;
    EXPECT_EQ(feature.supported, feature.reason.empty()) << feature.name;
    EXPECT_FALSE(feature.supported && feature.blocked) << feature.name;
  }
  EXPECT_THAT(names, SizeIs(::testing::Gt(100u)));
  EXPECT_TRUE(names.contains({FeatureKind::kMapType, "ringbuf"}));
  EXPECT_TRUE(names.contains({FeatureKind::kAttachKind, "fentry"}));
  EXPECT_TRUE(names.contains({FeatureKind::kProgramType, "xdp"}));
}

TEST(Features, NoneIsOlderThanItsFirstVersion) {
  const auto running = version(bpf::kernel_facts().release);
  for (const Feature& feature : bpf::probe_features()) {
    if (feature.supported && !feature.since.empty()) {
      EXPECT_LE(version(feature.since), running) << feature.name;
    }
  }
}

TEST(Features, WhatEveryKernelOfTheMatrixHasIsThere) {
  // Probes that break show here: these have been there since 5.9.
  for (const char* name :
       {"hash", "ringbuf", "percpu_array", "raw_tp", "tracepoint", "xdp",
        "perf_event", "cgroup_skb", "sockops", "sk_lookup", "uprobe",
        "bounded_loops", "mmapable_array", "jit"}) {
    const auto feature = bpf::probe_feature(name);
    ASSERT_TRUE(feature) << name;
    EXPECT_TRUE(feature->supported) << name << ": " << feature->reason;
  }
}

TEST(Features, UnknownNamesAreNotFound) {
  EXPECT_EQ(bpf::probe_feature("telepathy").error().code(), Errc::kNotFound);
}

TEST(KernelFacts, AreThoseOfThisMachine) {
  const bpf::KernelFacts facts = bpf::kernel_facts();
  EXPECT_THAT(facts.release, Not(IsEmpty()));
  EXPECT_GT(facts.possible_cpus, 0);
  EXPECT_TRUE(facts.effective_root);
  // main() has mounted what was missing.
  EXPECT_THAT(facts.tracefs, Not(IsEmpty()));
  EXPECT_THAT(facts.bpffs, Not(IsEmpty()));
  EXPECT_THAT(facts.cgroup2, Not(IsEmpty()));
  EXPECT_THAT(facts.security_modules, Not(IsEmpty()));
  EXPECT_THAT(facts.capabilities, ::testing::Contains("cap_sys_admin"));
}

}  // namespace
}  // namespace wasmbpf::testing
