#include "bpf/link.h"

#include <bpf/libbpf.h>

#include "bpf/options.h"

namespace wasmbpf::bpf {

void BpfLinkDeleter::operator()(bpf_link* link) const {
  bpf_link__destroy(link);
}

void TcFilterDeleter::operator()(TcFilter* filter) const {
  const std::unique_ptr<TcFilter> owned(filter);
  auto hook = no_options<bpf_tc_hook>();
  hook.ifindex = filter->interface_index;
  hook.attach_point = static_cast<bpf_tc_attach_point>(filter->attach_point);
  auto opts = no_options<bpf_tc_opts>();
  opts.handle = filter->handle;
  opts.priority = filter->priority;
  bpf_tc_detach(&hook, &opts);  // fails when the interface is gone: as good
}

}  // namespace wasmbpf::bpf
