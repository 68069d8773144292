// Programs of interfaces, cgroups, network namespaces and netfilter.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sys/vfs.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "base/printable.h"
#include "base/unique_fd.h"
#include "bpf/attach.h"
#include "bpf/errors.h"
#include "bpf/features.h"
#include "bpf/options.h"
#include "bpf/target.h"

namespace wasmbpf::bpf {
namespace {

using Side = InterfaceTarget::Side;

std::string to(const AttachRequest& request) {
  return " to '" + printable(request.target) + "'";
}

Result<int> interface_index(const std::string& name) {
  const unsigned index = ::if_nametoindex(name.c_str());
  if (index == 0) {
    return Error(
        Errc::kNotFound,
        "no network interface '" + printable(name) + "' (ip link lists them)",
        ENODEV);
  }
  return static_cast<int>(index);
}

/// The side that the section names; kNone where it leaves that open.
Side section_side(std::string_view section) {
  if (section.ends_with("/ingress")) {
    return Side::kIngress;
  }
  if (section.ends_with("/egress")) {
    return Side::kEgress;
  }
  if (section.ends_with("/primary")) {
    return Side::kPrimary;
  }
  return section.ends_with("/peer") ? Side::kPeer : Side::kNone;
}

/// The side of section and target together.
Result<Side> side_of(const AttachRequest& request,
                     const InterfaceTarget& target) {
  const Side named = section_side(request.section);
  if (target.side == Side::kNone) {
    return named;
  }
  if (named != Side::kNone && named != target.side) {
    return target_error(request,
                        "the target names another side than the section");
  }
  return target.side;
}

Result<Links> attach_link(const AttachRequest& request, int interface,
                          bpf_attach_type type) {
  UniqueFd link(bpf_link_create(bpf_program__fd(request.program), interface,
                                type, nullptr));
  if (!link) {
    const int err = errno;
    return attach_error(request, err, to(request));
  }
  Links links;
  links.emplace_back(std::move(link));
  return links;
}

/// The classic way: a filter on the interface's clsact qdisc.
Result<Links> attach_clsact(const AttachRequest& request, int interface,
                            bool egress, std::uint32_t priority) {
  const bpf_tc_attach_point point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
  auto hook = no_options<bpf_tc_hook>();
  hook.ifindex = interface;
  hook.attach_point = point;
  const int created = [&] {
    const LogCapture of_its_own{Logger()};  // that it exists is no reason
    return bpf_tc_hook_create(&hook);
  }();
  if (created != 0 && created != -EEXIST) {
    return attach_error(request, created, to(request) + " (clsact qdisc)");
  }
  auto options = no_options<bpf_tc_opts>();
  options.prog_fd = bpf_program__fd(request.program);
  options.priority = priority;
  const int err = bpf_tc_attach(&hook, &options);
  if (err != 0) {
    if (created == 0) {  // nobody else can have a filter on it yet
      // Both together are how libbpf is told to remove the whole qdisc.
      hook.attach_point = static_cast<bpf_tc_attach_point>(  // NOLINT
          BPF_TC_INGRESS | BPF_TC_EGRESS);
      bpf_tc_hook_destroy(&hook);
    }
    return attach_error(request, err, to(request) + " (clsact filter)");
  }
  Links links;
  links.emplace_back(TcFilter{interface, static_cast<std::uint32_t>(point),
                              options.handle, options.priority});
  return links;
}

}  // namespace

Result<Links> attach_xdp(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const InterfaceTarget target,
                     parse_interface_target(request.target));
  if (target.side != Side::kNone || target.priority) {
    return target_error(request, "XDP has no direction and no priority");
  }
  WASMBPF_TRY_ASSIGN(const int interface, interface_index(target.interface));
  return one_link(request, bpf_program__attach_xdp(request.program, interface),
                  to(request));
}

Result<Links> attach_tc(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const InterfaceTarget target,
                     parse_interface_target(request.target));
  WASMBPF_TRY_ASSIGN(const Side side, side_of(request, target));
  if (side == Side::kPrimary || side == Side::kPeer) {
    return target_error(request, "primary and peer are sides of netkit");
  }
  const bool egress = side == Side::kEgress;
  WASMBPF_TRY_ASSIGN(const int interface, interface_index(target.interface));
  // Only the classic filters have numbered priorities.
  if (target.priority) {
    return attach_clsact(request, interface, egress, *target.priority);
  }
  UniqueFd link(bpf_link_create(bpf_program__fd(request.program), interface,
                                egress ? BPF_TCX_EGRESS : BPF_TCX_INGRESS,
                                nullptr));
  if (link) {
    Links links;
    links.emplace_back(std::move(link));
    return links;
  }
  const int err = errno;
  if (err != EINVAL) {  // what a kernel before 6.6 says
    return attach_error(request, err, to(request));
  }
  return attach_clsact(request, interface, egress, 0);
}

Result<Links> attach_netkit(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const InterfaceTarget target,
                     parse_interface_target(request.target));
  WASMBPF_TRY_ASSIGN(const Side side, side_of(request, target));
  if (side == Side::kIngress || side == Side::kEgress || target.priority) {
    return target_error(request, "netkit has no direction and no priority");
  }
  WASMBPF_TRY_ASSIGN(const int interface, interface_index(target.interface));
  return attach_link(
      request, interface,
      side == Side::kPeer ? BPF_NETKIT_PEER : BPF_NETKIT_PRIMARY);
}

Result<Links> attach_netfilter(const AttachRequest& request) {
  WASMBPF_TRY_ASSIGN(const NetfilterTarget target,
                     parse_netfilter_target(request.target));
  auto options = no_options<bpf_netfilter_opts>();
  options.pf = target.protocol_family;
  options.hooknum = target.hook;
  options.priority = target.priority;
  return one_link(request,
                  bpf_program__attach_netfilter(request.program, &options),
                  to(request));
}

Result<Links> attach_cgroup(const AttachRequest& request) {
  const UniqueFd directory(
      ::open(request.target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) {
    const int err = errno;
    return errno_error("attach program '" + request.name + "' to cgroup '" +
                           printable(request.target) + "'",
                       err);
  }
  struct statfs facts{};
  if (::fstatfs(directory.get(), &facts) == 0 &&
      facts.f_type != CGROUP2_SUPER_MAGIC) {
    const std::string mount = kernel_facts().cgroup2;
    return target_error(
        request,
        "'" + printable(request.target) + "' is no directory of a cgroup2 " +
            (mount.empty() ? "hierarchy, and none is mounted ('mount -t "
                             "cgroup2 none /sys/fs/cgroup')"
                           : "hierarchy, which is mounted on " + mount));
  }
  return one_link(request,
                  bpf_program__attach_cgroup(request.program, directory.get()),
                  to(request));
}

Result<Links> attach_netns(const AttachRequest& request) {
  // The path is the guest's: opening a FIFO waits, opening a device may act.
  const UniqueFd place(::open(request.target.c_str(), O_PATH | O_CLOEXEC));
  struct statfs facts{};
  if (!place || ::fstatfs(place.get(), &facts) != 0) {
    const int err = errno;
    return errno_error("attach program '" + request.name +
                           "' to network namespace '" +
                           printable(request.target) + "'",
                       err);
  }
  if (facts.f_type != NSFS_MAGIC) {
    return target_error(
        request, "'" + printable(request.target) + "' is no network namespace");
  }
  const UniqueFd space(
      ::open(("/proc/self/fd/" + std::to_string(place.get())).c_str(),
             O_RDONLY | O_CLOEXEC));
  if (!space) {
    const int err = errno;
    return attach_error(request, err, to(request));
  }
  return one_link(request,
                  bpf_program__attach_netns(request.program, space.get()),
                  to(request));
}

}  // namespace wasmbpf::bpf
