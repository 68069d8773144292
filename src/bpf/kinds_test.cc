#include "bpf/kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

#include "bpf/features.h"

namespace wasmbpf::bpf {
namespace {

using ::testing::ContainerEq;
using ::testing::IsEmpty;
using ::testing::Not;

/// The first argument of every SEC_DEF in libbpf's table of sections.
std::set<std::string> sections_of_libbpf() {
  constexpr std::string_view kDefinition = "SEC_DEF(\"";
  std::ifstream source(WASMBPF_LIBBPF_SOURCE);
  std::set<std::string> sections;
  for (std::string line; std::getline(source, line);) {
    const std::size_t found = line.find(kDefinition);
    if (found != std::string::npos) {
      const std::size_t start = found + kDefinition.size();
      sections.insert(line.substr(start, line.find('"', start) - start));
    }
  }
  return sections;
}

TEST(ProgramKinds, AreTheSectionsOfLibbpf) {
  std::set<std::string> ours;
  for (const ProgramKind& kind : program_kinds()) {
    EXPECT_TRUE(ours.insert(std::string(kind.section)).second) << kind.section;
  }
  ASSERT_THAT(sections_of_libbpf(), Not(IsEmpty()));
  EXPECT_THAT(ours, ContainerEq(sections_of_libbpf()));
}

TEST(ProgramKinds, EachSaysHowItIsAttachedOrWhyNot) {
  for (const ProgramKind& kind : program_kinds()) {
    EXPECT_EQ(kind.attach_by == AttachBy::kNever, !kind.never.empty())
        << kind.section;
    const bool takes_target = kind.attach_by != AttachBy::kSection &&
                              kind.attach_by != AttachBy::kStructOps &&
                              kind.attach_by != AttachBy::kNever;
    EXPECT_EQ(target_help(kind.attach_by) != nullptr, takes_target)
        << kind.section;
  }
}

TEST(ProgramKinds, EachNamesAKnownFeature) {
  for (const ProgramKind& kind : program_kinds()) {
    EXPECT_TRUE(is_known_feature(kind.feature))
        << kind.section << " names " << kind.feature;
  }
}

TEST(FindKind, MatchesAsLibbpfDoes) {
  ASSERT_NE(find_kind("kprobe/do_exit"), nullptr);
  EXPECT_EQ(find_kind("kprobe/do_exit")->section, "kprobe+");
  EXPECT_EQ(find_kind("kprobe")->section, "kprobe+");
  EXPECT_EQ(find_kind("kprobe.multi/tcp_*")->section, "kprobe.multi+");
  EXPECT_EQ(find_kind("uprobe//bin/sh:main")->section, "uprobe+");
  EXPECT_EQ(find_kind("xdp")->section, "xdp");
  EXPECT_EQ(find_kind("cgroup/connect4")->attach_by, AttachBy::kCgroup);
  for (const char* unknown :
       {"", "kprobes", "xdp/eth0", "xdp ", "cgroup/unknown", "socket1",
        "classifier/ingress", "Kprobe/x"}) {
    EXPECT_EQ(find_kind(unknown), nullptr) << unknown;
  }
}

TEST(NamesItsHook, IsTrueForFullSections) {
  EXPECT_TRUE(names_its_hook("kprobe/do_exit"));
  EXPECT_FALSE(names_its_hook("kprobe"));
  EXPECT_FALSE(names_its_hook("uprobe/"));
  EXPECT_TRUE(names_its_hook("uprobe//usr/bin/x:main"));
  EXPECT_FALSE(names_its_hook("uprobe//usr/bin/x"));
  EXPECT_FALSE(names_its_hook("usdt/x"));
  EXPECT_TRUE(names_its_hook("tracepoint/sched/sched_switch"));
  EXPECT_FALSE(names_its_hook("tp/sched"));
  EXPECT_TRUE(names_its_hook("raw_tp/sched_switch"));
}

}  // namespace
}  // namespace wasmbpf::bpf
