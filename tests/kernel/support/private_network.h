#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_PRIVATE_NETWORK_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_PRIVATE_NETWORK_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace wasmbpf::testing {

/// Puts the calling thread into a network namespace of its own, whose loopback
/// is up, until its end.
class PrivateNetwork {
 public:
  PrivateNetwork();
  PrivateNetwork(const PrivateNetwork&) = delete;
  ~PrivateNetwork();

  /// Makes an interface of the kernel's `kind` ("veth", "netkit"); its peer
  /// gets a name of the kernel's choice. 0 or the kernel's errno.
  int add_interface(const std::string& name, const std::string& kind);

 private:
  UniqueFd outside_;
};

/// Sends one datagram to this host and answers whether it came.
bool datagram_arrives();

/// Connects over TCP to a listener of this host; 0 or the errno. The connection
/// is closed again. `congestion` names the congestion control to ask for first.
int connect_to_self(const std::string& congestion = "");

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_PRIVATE_NETWORK_H_
