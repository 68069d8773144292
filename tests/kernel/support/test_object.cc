#include "kernel/support/test_object.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace wasmbpf::testing {

std::vector<std::byte> object_bytes(const std::string& name) {
  const std::string path =
      std::string(KERNEL_PROGRAMS_DIR) + "/test_" + name + ".bpf.o";
  std::ifstream file(path, std::ios::binary);
  const std::string elf{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(elf.empty()) << path;
  const auto bytes = std::as_bytes(std::span(elf));
  return {bytes.begin(), bytes.end()};
}

bpf::OpenObject open_object(const std::string& name, Logger logger) {
  auto object = bpf::OpenObject::from_bytes(object_bytes(name), "test",
                                            std::move(logger));
  if (!object) {
    ADD_FAILURE() << name << ": " << object.error().message();
    std::abort();
  }
  return std::move(*object);
}

Result<bpf::LoadedObject> load_object(
    const std::string& name, const std::vector<std::string>& programs) {
  bpf::OpenObject object = open_object(name);
  for (const std::string& program : programs) {
    WASMBPF_TRY(object.set_autoload(program, true));
  }
  const std::uint32_t process = static_cast<std::uint32_t>(::getpid());
  // Objects whose programs do not ask for the target have no such variable.
  if (const Status set = object.set_global(
          "target_pid", std::as_bytes(std::span(&process, 1)));
      !set && set.error().code() != Errc::kNotFound) {
    return set.error();
  }
  return std::move(object).load();
}

Counter::Counter(const std::string& name, const std::string& program)
    : program_(program) {
  auto object = load_object(name, {program});
  if (!object) {
    ADD_FAILURE() << object.error().message();
    return;
  }
  object_.emplace(std::move(*object));
}

void Counter::attach(const std::string& target) {
  auto links = try_attach(target);
  ASSERT_TRUE(links) << links.error().message();
  ASSERT_FALSE(links->empty());
  links_ = std::move(*links);
}

Result<std::vector<bpf::Link>> Counter::try_attach(const std::string& target) {
  return object_->attach(program_, target);
}

std::uint64_t Counter::hits() const { return first_value(*object_, "hits"); }

std::uint64_t Counter::argument() const {
  return first_value(*object_, ".bss");
}

std::uint64_t first_value(const bpf::LoadedObject& object,
                          const std::string& name) {
  const auto map = object.map(name);
  if (!map) {
    ADD_FAILURE() << map.error().message();
    return 0;
  }
  const std::uint32_t key = 0;
  std::vector<std::byte> value(map->info().transfer_size);
  const Status found = map->lookup(std::as_bytes(std::span(&key, 1)), value, 0);
  EXPECT_TRUE(found) << found.error().message();
  std::uint64_t number = 0;
  std::memcpy(&number, value.data(), std::min(sizeof number, value.size()));
  return number;
}

}  // namespace wasmbpf::testing
