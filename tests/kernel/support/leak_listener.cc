#include "kernel/support/leak_listener.h"

#include <filesystem>

#include "bpf/features.h"
#include "kernel/support/test_log.h"
#include "kernel/support/wait_until.h"

namespace wasmbpf::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDescriptor = 1024;  // as far as any test gets

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> all;
  // One by one: listing the directory would open a descriptor more.
  for (int number = 0; number < kMaxDescriptor; ++number) {
    std::error_code closed;
    const fs::path target =
        fs::read_symlink("/proc/self/fd/" + std::to_string(number), closed);
    if (!closed) {
      all.emplace(number, target);
    }
  }
  return all;
}

}  // namespace

void LeakListener::OnTestStart(const ::testing::TestInfo&) {
  objects_ = KernelObjects::now();
  descriptors_ = open_descriptors();
}

void LeakListener::OnTestEnd(const ::testing::TestInfo& info) {
  for (const auto& [number, target] : open_descriptors()) {
    if (!descriptors_.contains(number)) {
      ADD_FAILURE() << "descriptor " << number << " was left open on "
                    << target;
    }
  }
  KernelObjects rest;
  const bool clean = wait_until([&] {
    rest = KernelObjects::now().without(objects_);
    if (!rest.empty()) {
      rest.drop_those_of_others();
    }
    return rest.empty();
  });
  if (!clean) {
    ADD_FAILURE() << "left in the kernel:" << rest.text();
  }
  if (!info.result()->Skipped()) {
    append_to_log("WASMBPF_RAN_LOG", {"ran", bpf::kernel_facts().release});
  }
}

}  // namespace wasmbpf::testing
