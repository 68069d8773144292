#ifndef WASMBPF_BPF_OPTIONS_H_
#define WASMBPF_BPF_OPTIONS_H_

#include <cstring>

namespace wasmbpf::bpf {

/// One of libbpf's structs of options with nothing set: LIBBPF_OPTS is for C.
/// Padding is zero too, because libbpf takes what it does not know for options.
template <typename Options>
Options no_options() {
  Options options;
  std::memset(&options, 0, sizeof options);
  options.sz = sizeof options;
  return options;
}

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_OPTIONS_H_
