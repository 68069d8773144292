// The only test code that talks to bpf(2) past src/bpf: it counts what src/bpf
// leaves behind, so it must not use it.
#include "kernel/support/kernel_objects.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace wasmbpf::testing {
namespace {

namespace fs = std::filesystem;

std::set<std::uint32_t> ids(bpf_cmd next_command) {
  std::set<std::uint32_t> all;
  bpf_attr attr;
  std::memset(&attr, 0, sizeof attr);
  while (::syscall(SYS_bpf, next_command, &attr, sizeof attr) == 0) {
    all.insert(attr.next_id);
    attr.start_id = attr.next_id;
  }
  return all;
}

std::set<std::uint32_t> left(const std::set<std::uint32_t>& before,
                             const std::set<std::uint32_t>& after) {
  std::set<std::uint32_t> rest;
  for (const std::uint32_t id : after) {
    if (!before.contains(id)) {
      rest.insert(id);
    }
  }
  return rest;
}

void remove_named(std::set<std::uint32_t>& from, const std::string& line,
                  std::string_view key) {
  if (line.starts_with(key)) {
    std::uint32_t id = 0;
    std::istringstream(line.substr(key.size())) >> id;
    from.erase(id);
  }
}

bool is_number(const std::string& name) {
  return !name.empty() &&
         name.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

KernelObjects KernelObjects::now() {
  return {ids(BPF_PROG_GET_NEXT_ID), ids(BPF_MAP_GET_NEXT_ID),
          ids(BPF_LINK_GET_NEXT_ID)};
}

bool KernelObjects::empty() const {
  return programs.empty() && maps.empty() && links.empty();
}

KernelObjects KernelObjects::without(const KernelObjects& before) const {
  return {left(before.programs, programs), left(before.maps, maps),
          left(before.links, links)};
}

void KernelObjects::drop_those_of_others() {
  std::error_code ignored;  // processes end while we look
  for (const auto& process : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = process.path().filename();
    if (!is_number(pid) || pid == std::to_string(::getpid())) {
      continue;
    }
    for (const auto& entry :
         fs::directory_iterator(process.path() / "fdinfo", ignored)) {
      std::ifstream info(entry.path());
      for (std::string line; std::getline(info, line);) {
        remove_named(programs, line, "prog_id:");
        remove_named(maps, line, "map_id:");
        remove_named(links, line, "link_id:");
      }
    }
  }
}

std::string KernelObjects::text() const {
  std::ostringstream text;
  const auto list = [&](const char* what, const auto& set) {
    for (const std::uint32_t id : set) {
      text << " " << what << " " << id;
    }
  };
  list("program", programs);
  list("map", maps);
  list("link", links);
  return text.str();
}

}  // namespace wasmbpf::testing
