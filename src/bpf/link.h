#ifndef WASMBPF_BPF_LINK_H_
#define WASMBPF_BPF_LINK_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "base/unique_fd.h"

struct bpf_link;

namespace wasmbpf::bpf {

struct BpfLinkDeleter {
  void operator()(bpf_link* link) const;
};

/// A filter of the classic tc kind, for kernels without tcx links (before 6.6)
/// and for priorities. The interface's clsact qdisc is made if it is missing
/// and stays: others may have put filters on it since.
struct TcFilter {
  int interface_index = 0;
  std::uint32_t attach_point = 0;  ///< enum bpf_tc_attach_point
  std::uint32_t handle = 0;
  std::uint32_t priority = 0;
};
struct TcFilterDeleter {
  void operator()(TcFilter* filter) const;  ///< detaches
};

/// Owns one attachment. Destroying it detaches the program at once; it must die
/// before the object it came from.
class Link {
 public:
  explicit Link(bpf_link* link) : link_(link) {}
  /// A link of the kernel's that libbpf has no object for.
  explicit Link(UniqueFd link) : fd_(std::move(link)) {}
  explicit Link(const TcFilter& filter) : filter_(new TcFilter(filter)) {}

 private:
  std::unique_ptr<bpf_link, BpfLinkDeleter> link_;
  UniqueFd fd_;
  std::unique_ptr<TcFilter, TcFilterDeleter> filter_;
};

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_LINK_H_
