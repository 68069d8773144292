#include "kernel/support/private_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace wasmbpf::testing {
namespace {

void must(bool worked, const char* what) {
  if (!worked) {
    ADD_FAILURE() << what << ": " << std::strerror(errno);
    std::abort();
  }
}

sockaddr_in any_port_of_loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket bound to a free port of the loopback, whose address it fills in.
UniqueFd bound_socket(int type, sockaddr_in& address) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  address = any_port_of_loopback();
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  must(fd && ::bind(fd.get(), plain, size) == 0 &&
           ::getsockname(fd.get(), plain, &size) == 0,
       "bind to the loopback");
  return fd;
}

/// A netlink message under construction.
struct Message {
  nlmsghdr header;
  ifinfomsg interface;
  char attributes[256];
};

rtattr* add_attribute(Message& message, std::uint16_t type, const void* data,
                      std::size_t size) {
  auto* const attribute =
      reinterpret_cast<rtattr*>(reinterpret_cast<char*>(&message) +
                                NLMSG_ALIGN(message.header.nlmsg_len));
  attribute->rta_type = type;
  attribute->rta_len = static_cast<std::uint16_t>(RTA_LENGTH(size));
  std::memcpy(RTA_DATA(attribute), data, size);
  message.header.nlmsg_len = static_cast<std::uint32_t>(
      NLMSG_ALIGN(message.header.nlmsg_len) + RTA_ALIGN(attribute->rta_len));
  return attribute;
}

}  // namespace

PrivateNetwork::PrivateNetwork()
    : outside_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
  must(outside_ && ::unshare(CLONE_NEWNET) == 0, "private network namespace");
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  must(socket && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0,
       "loopback up");
}

PrivateNetwork::~PrivateNetwork() {
  must(::setns(outside_.get(), CLONE_NEWNET) == 0, "leave the namespace");
}

int PrivateNetwork::add_interface(const std::string& name,
                                  const std::string& kind) {
  Message message{};
  message.header.nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
  message.header.nlmsg_type = RTM_NEWLINK;
  message.header.nlmsg_flags =
      NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  add_attribute(message, IFLA_IFNAME, name.c_str(), name.size() + 1);
  rtattr* const info = add_attribute(message, IFLA_LINKINFO, "", 0);
  rtattr* const inner =
      add_attribute(message, IFLA_INFO_KIND, kind.c_str(), kind.size() + 1);
  info->rta_len =
      static_cast<std::uint16_t>(info->rta_len + RTA_ALIGN(inner->rta_len));

  const UniqueFd socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  struct {
    nlmsghdr header;
    nlmsgerr error;
    char rest[512];
  } answer{};
  must(socket &&
           ::send(socket.get(), &message, message.header.nlmsg_len, 0) > 0 &&
           ::recv(socket.get(), &answer, sizeof answer, 0) > 0,
       "talk to rtnetlink");
  return -answer.error.error;
}

bool datagram_arrives() {
  sockaddr_in address{};
  const UniqueFd receiver = bound_socket(SOCK_DGRAM, address);
  const UniqueFd sender(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const char byte = 'x';
  // A dropped datagram can be an error here, too (netfilter: EPERM).
  if (::sendto(sender.get(), &byte, 1, 0,
               reinterpret_cast<const sockaddr*>(&address),
               sizeof address) != 1) {
    return false;
  }
  // The loopback has delivered or dropped it before sendto came back.
  char got = 0;
  return ::recv(receiver.get(), &got, 1, MSG_DONTWAIT) == 1;
}

int connect_to_self(const std::string& congestion) {
  sockaddr_in address{};
  const UniqueFd listener = bound_socket(SOCK_STREAM, address);
  must(::listen(listener.get(), 1) == 0, "listen");
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!congestion.empty() &&
      ::setsockopt(client.get(), IPPROTO_TCP, TCP_CONGESTION,
                   congestion.c_str(),
                   static_cast<socklen_t>(congestion.size())) != 0) {
    return errno;
  }
  return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof address) == 0
             ? 0
             : errno;
}

}  // namespace wasmbpf::testing
