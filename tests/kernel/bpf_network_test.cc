// Programs of interfaces, cgroups and network namespaces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "kernel/support/private_network.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_cgroup.h"
#include "kernel/support/test_object.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Case {
  const char* name;
  const char* program;
  const char* target;
  const char* feature;
  bool drops;  ///< whether it lets no packet through
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class NetworkProgram : public ::testing::TestWithParam<Case> {};

TEST_P(NetworkProgram, SeesPacketsWhileItIsAttached) {
  REQUIRE_FEATURE(GetParam().feature);
  const PrivateNetwork network;
  Counter counter("network", GetParam().program);
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach(GetParam().target));
  EXPECT_EQ(datagram_arrives(), !GetParam().drops);
  const std::uint64_t hits = counter.hits();
  EXPECT_GT(hits, 0u);
  counter.detach();
  EXPECT_TRUE(datagram_arrives());
  EXPECT_EQ(counter.hits(), hits);
}

INSTANTIATE_TEST_SUITE_P(
    All, NetworkProgram,
    ::testing::Values(
        Case{"Xdp", "xdp_drop", "lo", "xdp", true},
        // A tcx link where the kernel has them, else a filter on clsact.
        Case{"Tc", "tc_any", "lo", "tc", false},
        Case{"TcIngress", "tc_any", "lo:ingress", "tc", false},
        Case{"TcEgress", "tc_any", "lo:egress", "tc", false},
        Case{"TcPriority", "tc_any", "lo:ingress,prio=7", "tc", false},
        Case{"TcxIngress", "tcx_ingress", "lo", "tc", false},
        Case{"TcEgressBySection", "tc_egress", "lo", "tc", false},
        Case{"Netfilter", "netfilter_drop", "inet4:local_in,prio=5",
             "netfilter", true},
        Case{"SkLookup", "lookup", "/proc/thread-self/ns/net", "sk_lookup",
             false}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(NetworkProgram, OfTheFlowDissectorAttachesToItsNamespace) {
  REQUIRE_FEATURE("flow_dissector");
  const PrivateNetwork network;
  Counter counter("network", "dissector");
  ASSERT_TRUE(counter);
  counter.attach("/proc/thread-self/ns/net");
}

TEST(NetworkProgram, OfNetkitAttachesToIt) {
  REQUIRE_FEATURE("netkit");
  PrivateNetwork network;
  ASSERT_EQ(network.add_interface("netkit0", "netkit"), 0);
  Counter counter("network", "netkit_primary");
  ASSERT_TRUE(counter);
  ASSERT_NO_FATAL_FAILURE(counter.attach("netkit0"));
  const auto other_side = counter.try_attach("netkit0:peer");
  ASSERT_FALSE(other_side);
  EXPECT_THAT(other_side.error().message(), HasSubstr("another side"));
}

TEST(XdpProgram, ASecondOneIsToldOfTheFirst) {
  REQUIRE_FEATURE("xdp");
  const PrivateNetwork network;
  Counter first("network", "xdp_drop");
  Counter second("network", "xdp_drop");
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  ASSERT_NO_FATAL_FAILURE(first.attach("lo"));
  const auto links = second.try_attach("lo");
  ASSERT_FALSE(links);
  EXPECT_EQ(links.error().code(), Errc::kBusy);
  EXPECT_THAT(links.error().message(), HasSubstr("another XDP program"));
}

TEST(TcProgram, SeveralShareAnInterface) {
  REQUIRE_FEATURE("tc");
  const PrivateNetwork network;
  Counter first("network", "tc_any");
  Counter second("network", "tc_any");
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  ASSERT_NO_FATAL_FAILURE(first.attach("lo:ingress,prio=1"));
  ASSERT_NO_FATAL_FAILURE(second.attach("lo:egress,prio=1"));
  // The end of one leaves the other alone.
  first.detach();
  EXPECT_TRUE(datagram_arrives());
  EXPECT_EQ(first.hits(), 0u);
  EXPECT_GT(second.hits(), 0u);
}

TEST(NetworkProgram, TargetsThatCannotBeAreRefusedWithTheGrammar) {
  const PrivateNetwork network;
  struct Wrong {
    const char* program;
    const char* feature;
    const char* target;
    Errc code;
    const char* says;
  };
  for (const Wrong& wrong : {
           Wrong{"xdp_drop", "xdp", "", Errc::kInvalidArgument, "'eth0'"},
           Wrong{"xdp_drop", "xdp", "no_such_if", Errc::kNotFound,
                 "'no_such_if'"},
           Wrong{"xdp_drop", "xdp", "lo:ingress", Errc::kInvalidArgument,
                 "no direction"},
           Wrong{"tc_any", "tc", "lo:peer", Errc::kInvalidArgument, "netkit"},
           Wrong{"tcx_ingress", "tc", "lo:egress", Errc::kInvalidArgument,
                 "another side"},
           Wrong{"lookup", "sk_lookup", "/no/such/netns", Errc::kNotFound,
                 "/no/such/netns"},
           Wrong{"message", "sk_msg", "x", Errc::kUnsupported, "sockmap"},
           Wrong{"filter", "socket_filter", "x", Errc::kUnsupported, "socket"},
       }) {
    SCOPED_TRACE(std::string(wrong.program) + " on " + wrong.target);
    REQUIRE_FEATURE(wrong.feature);
    Counter counter("network", wrong.program);
    ASSERT_TRUE(counter);
    const auto links = counter.try_attach(wrong.target);
    ASSERT_FALSE(links);
    EXPECT_EQ(links.error().code(), wrong.code) << links.error().message();
    EXPECT_THAT(links.error().message(), HasSubstr(wrong.says));
  }
}

struct CgroupCase {
  const char* name;
  const char* program;
  const char* feature;
  int (*trigger)();
  int while_attached;  ///< what the trigger answers then; 0 without
};
void PrintTo(const CgroupCase& c, std::ostream* out) { *out << c.name; }

UniqueFd datagram_socket() {
  return UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}
int open_socket() { return datagram_socket() ? 0 : errno; }
int send_datagram() { return datagram_arrives() ? 0 : 1; }
int connect_socket() { return connect_to_self(); }
int set_socket_option() {
  const UniqueFd socket = datagram_socket();
  const int on = 1;
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_BROADCAST, &on, sizeof on) ==
                 0
             ? 0
             : errno;
}
int bind_socket() {
  const UniqueFd socket = datagram_socket();
  const sockaddr any{AF_INET, {}};
  return ::bind(socket.get(), &any, sizeof any) == 0 ? 0 : errno;
}
int open_device() { return std::ifstream("/dev/null") ? 0 : EPERM; }
int read_sysctl() {
  std::string line;
  return std::getline(std::ifstream("/proc/sys/kernel/ostype"), line) ? 0
                                                                      : EPERM;
}

class CgroupProgram : public ::testing::TestWithParam<CgroupCase> {};

TEST_P(CgroupProgram, DecidesForItsCgroupWhileItIsAttached) {
  REQUIRE_FEATURE(GetParam().feature);
  const PrivateNetwork network;
  const TestCgroup cgroup;
  Counter counter("cgroup", GetParam().program);
  ASSERT_TRUE(counter);
  EXPECT_EQ(cgroup.run(GetParam().trigger), 0);
  ASSERT_NO_FATAL_FAILURE(counter.attach(cgroup.path()));
  EXPECT_EQ(cgroup.run(GetParam().trigger), GetParam().while_attached);
  const std::uint64_t hits = counter.hits();
  EXPECT_GT(hits, 0u);
  EXPECT_EQ(GetParam().trigger(), 0) << "outside of the cgroup";
  counter.detach();
  EXPECT_EQ(cgroup.run(GetParam().trigger), 0);
  EXPECT_EQ(counter.hits(), hits);
}

INSTANTIATE_TEST_SUITE_P(
    All, CgroupProgram,
    ::testing::Values(
        CgroupCase{"Egress", "on_egress", "cgroup_skb", send_datagram, 0},
        CgroupCase{"Skb", "on_packet", "cgroup_skb", send_datagram, 0},
        CgroupCase{"SockCreate", "on_socket", "cgroup_sock", open_socket,
                   EPERM},
        CgroupCase{"Connect4", "on_connect", "cgroup_sock_addr", connect_socket,
                   EPERM},
        CgroupCase{"SetSockOpt", "on_setsockopt", "cgroup_sockopt",
                   set_socket_option, EPERM},
        CgroupCase{"Sysctl", "on_sysctl", "cgroup_sysctl", read_sysctl, EPERM},
        CgroupCase{"Device", "on_device", "cgroup_device", open_device, EPERM},
        CgroupCase{"SockOps", "on_tcp", "sockops", connect_socket, 0},
        CgroupCase{"Lsm", "on_bind", "lsm_cgroup", bind_socket, EPERM}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(CgroupProgram, PathsThatAreNoCgroupAreNamed) {
  REQUIRE_FEATURE("sockops");
  Counter counter("cgroup", "on_tcp");
  ASSERT_TRUE(counter);
  const auto missing = counter.try_attach("/no/such/cgroup");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Errc::kNotFound);
  EXPECT_THAT(missing.error().message(), HasSubstr("'/no/such/cgroup'"));
  const auto directory = counter.try_attach("/tmp");
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(directory.error().message(),
              AllOf(HasSubstr("'/tmp'"), HasSubstr("cgroup2")));
  const auto none = counter.try_attach("");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("/sys/fs/cgroup"));
}

TEST(StructOps, ACongestionControlIsUsedAndGone) {
  REQUIRE_FEATURE("struct_ops");
  const PrivateNetwork network;
  auto object = load_object("congestion", {});
  ASSERT_TRUE(object) << object.error().message();
  EXPECT_EQ(connect_to_self("wasm_bpf_test"), ENOENT);
  {
    const auto links = object->attach("counting", "");
    ASSERT_TRUE(links) << links.error().message();
    EXPECT_EQ(connect_to_self("wasm_bpf_test"), 0);
    EXPECT_GT(first_value(*object, "hits"), 0u);
  }
  EXPECT_EQ(connect_to_self("wasm_bpf_test"), ENOENT);
  // Its programs are no programs to attach.
  const auto part = object->attach("on_init", "");
  ASSERT_FALSE(part);
  EXPECT_THAT(part.error().message(), HasSubstr("attach the map"));
}

}  // namespace
}  // namespace wasmbpf::testing
