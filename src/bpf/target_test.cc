#include "bpf/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter.h>

namespace wasmbpf::bpf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Side = InterfaceTarget::Side;

/// What a parser says about a text that it must not take.
template <typename Parser>
std::string refusal(Parser parse, std::string_view text) {
  const auto target = parse(text);
  EXPECT_FALSE(target) << text;
  if (target) {
    return "";
  }
  EXPECT_EQ(target.error().code(), Errc::kInvalidArgument);
  return target.error().message();
}

TEST(InterfaceTarget, TakesNameSideAndPriority) {
  const auto bare = parse_interface_target("eth0");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->interface, "eth0");
  EXPECT_EQ(bare->side, Side::kNone);
  EXPECT_FALSE(bare->priority);

  const auto all = parse_interface_target("eth0:egress,prio=7");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->interface, "eth0");
  EXPECT_EQ(all->side, Side::kEgress);
  EXPECT_EQ(all->priority, 7u);

  EXPECT_EQ(parse_interface_target("a:ingress")->side, Side::kIngress);
  EXPECT_EQ(parse_interface_target("nk0:primary")->side, Side::kPrimary);
  EXPECT_EQ(parse_interface_target("nk0:peer")->side, Side::kPeer);
  EXPECT_EQ(parse_interface_target("eth0,prio=1")->priority, 1u);
}

TEST(InterfaceTarget, RefusesWhatItCannotRead) {
  for (const char* text :
       {"", ":ingress", "eth0:", "eth0:sideways", "eth0,prio=", "eth0,prio=0",
        "eth0,prio=-1", "eth0,prio=x", "eth0,prio=4294967296", ",prio=1"}) {
    EXPECT_THAT(refusal(parse_interface_target, text),
                AllOf(HasSubstr("'" + std::string(text) + "'"),
                      HasSubstr("IFACE[:ingress|:egress")));
  }
}

TEST(PerfEventTarget, TakesFrequencyCpuAndProcess) {
  const auto bare = parse_perf_event_target("freq=99");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->frequency, 99u);
  EXPECT_FALSE(bare->cpu);
  EXPECT_FALSE(bare->pid);

  const auto all = parse_perf_event_target("freq=1000,cpu=0,pid=12");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->frequency, 1000u);
  EXPECT_EQ(all->cpu, 0);
  EXPECT_EQ(all->pid, 12);
  EXPECT_TRUE(parse_perf_event_target("pid=12,freq=1"));
}

TEST(PerfEventTarget, RefusesWhatItCannotRead) {
  for (const char* text :
       {"", "99", "freq=", "freq=0", "freq=-1", "freq=100001", "cpu=1",
        "freq=99,cpu=-1", "freq=99,cpu=x", "freq=99,pid=0", "freq=99,pid=-1",
        "freq=99,speed=1", "freq=99 ", "freq=9 9", "freq=99,,cpu=1"}) {
    EXPECT_THAT(refusal(parse_perf_event_target, text),
                HasSubstr("freq=N[,cpu=N][,pid=N]"));
  }
}

TEST(KprobeTarget, TakesFunctionAndOffset) {
  EXPECT_EQ(parse_kprobe_target("do_exit")->function, "do_exit");
  EXPECT_EQ(parse_kprobe_target("do_exit")->offset, 0u);
  EXPECT_EQ(parse_kprobe_target("do_exit+0x10")->offset, 16u);
  EXPECT_EQ(parse_kprobe_target("do_exit+10")->offset, 10u);
  EXPECT_EQ(parse_kprobe_target("foo.isra.0")->function, "foo.isra.0");
}

TEST(KprobeTarget, RefusesWhatItCannotRead) {
  // What older hosts were handed for no reason does not parse either.
  for (const char* text :
       {"", "+1", "do_exit+", "do_exit+x", "kprobe/do_exit", "do exit",
        "/bin/sh:main", "a,b", "x@y", "a\nb", "do_exit+18446744073709551616"}) {
    EXPECT_THAT(refusal(parse_kprobe_target, text),
                HasSubstr("FUNCTION[+OFFSET]"));
  }
}

TEST(Target, OptionsAreGivenOnce) {
  const auto twice = HasSubstr("twice");
  EXPECT_THAT(refusal(parse_interface_target, "eth0,prio=1,prio=2"), twice);
  EXPECT_THAT(refusal(parse_uprobe_target, "/bin/x:f,pid=1,pid=2"), twice);
  EXPECT_THAT(refusal(parse_usdt_target, "a:b@/bin/x,pid=1,pid=1"), twice);
  EXPECT_THAT(refusal(parse_netfilter_target, "inet4:local_in,prio=1,prio=1"),
              twice);
  EXPECT_THAT(refusal(parse_perf_event_target, "freq=9,freq=9"),
              HasSubstr("once"));
}

TEST(InterfaceTarget, NamesHaveNoColons) {
  EXPECT_THAT(refusal(parse_interface_target, "eth0:ingress:egress"),
              HasSubstr("no interface"));
}

TEST(UprobeTarget, TakesBinarySymbolOffsetAndProcess) {
  const auto bare = parse_uprobe_target("libc.so.6:malloc");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->binary, "libc.so.6");
  EXPECT_EQ(bare->symbol, "malloc");
  EXPECT_EQ(bare->offset, 0u);
  EXPECT_FALSE(bare->pid);

  const auto all = parse_uprobe_target("/usr/bin/a b:main+0x20,pid=7");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->binary, "/usr/bin/a b");
  EXPECT_EQ(all->symbol, "main");
  EXPECT_EQ(all->offset, 32u);
  EXPECT_EQ(all->pid, 7);
}

TEST(UprobeTarget, OffsetAloneCountsFromTheStartOfTheFile) {
  const auto target = parse_uprobe_target("/bin/x:0x1139");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->symbol, "");
  EXPECT_EQ(target->offset, 0x1139u);
}

TEST(UprobeTarget, NamesMayHaveColonsAndCommas) {
  EXPECT_EQ(parse_uprobe_target("/a:b/c:main")->binary, "/a:b/c");
  EXPECT_EQ(parse_uprobe_target("/a,b/c:main")->binary, "/a,b/c");
  const auto cpp = parse_uprobe_target("/bin/x:ns::f");
  ASSERT_TRUE(cpp);
  EXPECT_EQ(cpp->binary, "/bin/x");
  EXPECT_EQ(cpp->symbol, "ns::f");
}

TEST(UprobeTarget, RefusesWhatItCannotRead) {
  for (const char* text :
       {"", "main", ":main", "/bin/x:", "/bin/x:main+", "/bin/x:main+y",
        "/bin/x:+1", "/bin/x:main,pid=0", "/bin/x:main,pid=x", "::", "::f"}) {
    EXPECT_THAT(refusal(parse_uprobe_target, text),
                HasSubstr("BINARY:SYMBOL[+OFFSET][,pid=N]"));
  }
}

TEST(UsdtTarget, TakesProviderNameBinaryAndProcess) {
  const auto target =
      parse_usdt_target("python:function__entry@/usr/bin/python3,pid=3");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->provider, "python");
  EXPECT_EQ(target->name, "function__entry");
  EXPECT_EQ(target->binary, "/usr/bin/python3");
  EXPECT_EQ(target->pid, 3);
}

TEST(UsdtTarget, RefusesWhatItCannotRead) {
  for (const char* text :
       {"", "a:b", "a@b", ":b@c", "a:@c", "a:b@", "a@b:c", "a:b@c,pid=-3"}) {
    EXPECT_THAT(refusal(parse_usdt_target, text),
                HasSubstr("PROVIDER:NAME@BINARY"));
  }
}

TEST(NetfilterTarget, TakesFamilyHookAndPriority) {
  const auto bare = parse_netfilter_target("inet4:local_in");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->protocol_family, unsigned{NFPROTO_IPV4});
  EXPECT_EQ(bare->hook, unsigned{NF_INET_LOCAL_IN});
  EXPECT_EQ(bare->priority, 0);

  const auto all = parse_netfilter_target("inet6:post_routing,prio=-100");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->protocol_family, unsigned{NFPROTO_IPV6});
  EXPECT_EQ(all->hook, unsigned{NF_INET_POST_ROUTING});
  EXPECT_EQ(all->priority, -100);
}

TEST(NetfilterTarget, RefusesWhatItCannotRead) {
  for (const char* text :
       {"", "inet4", "inet4:", "ipv4:local_in", "inet4:everywhere",
        "inet4:local_in,prio=x", "inet4:local_in,prio=-2147483648",
        "inet4:local_in,prio=2147483647"}) {
    EXPECT_THAT(refusal(parse_netfilter_target, text),
                HasSubstr("inet4|inet6:HOOK[,prio=N]"));
  }
}

}  // namespace
}  // namespace wasmbpf::bpf
