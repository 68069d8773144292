#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_KERNEL_OBJECTS_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_KERNEL_OBJECTS_H_

#include <cstdint>
#include <set>
#include <string>

namespace wasmbpf::testing {

/// Ids of the BPF objects of the whole machine.
struct KernelObjects {
  std::set<std::uint32_t> programs;
  std::set<std::uint32_t> maps;
  std::set<std::uint32_t> links;

  static KernelObjects now();

  bool empty() const;
  KernelObjects without(const KernelObjects& before) const;
  /// Removes what another process has a descriptor of: it is not ours.
  void drop_those_of_others();
  std::string text() const;  ///< " program 17 map 3"
};

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_KERNEL_OBJECTS_H_
