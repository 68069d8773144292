// Objects whose author wants more than eBPF: what is not an object's own stays
// out of its reach, and the host lives.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "bpf/object.h"
#include "kernel/support/private_network.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"
#include "kernel/support/wait_until.h"

namespace wasmbpf::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(HostileObject, ADescriptorInAnInstructionIsRefused) {
  REQUIRE_FEATURE("raw_tracepoint");
  auto victim = load_object("maps", {});
  ASSERT_TRUE(victim) << victim.error().message();
  const auto map = victim->map("hash");
  ASSERT_TRUE(map) << map.error().message();
  std::vector<std::byte> bytes = object_bytes("hostile");
  constexpr std::uint32_t kPlaceholder = 0x7eadbeef;
  const auto place =
      std::ranges::search(bytes, std::as_bytes(std::span(&kPlaceholder, 1)));
  ASSERT_FALSE(place.empty());
  const int fd = map->fd();
  std::memcpy(&place.front(), &fd, sizeof fd);
  auto object = bpf::OpenObject::from_bytes(bytes, "hostile", {});
  ASSERT_TRUE(object) << object.error().message();
  ASSERT_TRUE(object->set_autoload("map_by_descriptor", true));
  const auto loaded = std::move(*object).load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(loaded.error().message(),
              AllOf(HasSubstr("'map_by_descriptor'"),
                    HasSubstr("names a map by a descriptor")));
}

TEST(HostileObject, AnArenaDoesNotChooseItsAddress) {
  REQUIRE_FEATURE("arena");
  // The address that programs/arena.bpf.c asks for, taken by the host.
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* const host = static_cast<char*>(::mmap(
      reinterpret_cast<void*>(0x2000'0000'0000), page, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
  ASSERT_NE(host, MAP_FAILED);
  std::memset(host, 'h', page);
  {
    const auto object = load_object("arena", {"uses_arena"});
    ASSERT_TRUE(object) << object.error().message();
    EXPECT_EQ(std::count(host, host + page, 'h'), page);
  }
  EXPECT_EQ(std::count(host, host + page, 'h'), page);
  EXPECT_EQ(::munmap(host, page), 0);
}

TEST(HostileObject, PathsThatAreNoNamespaceAreNotOpened) {
  REQUIRE_FEATURE("sk_lookup");
  // Whoever opens it waits for a writer, for ever.
  const std::string fifo =
      ::testing::TempDir() + "wasm-bpf-fifo-" + std::to_string(::getpid());
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Counter lookup("network", "lookup");
  ASSERT_TRUE(lookup);
  for (const std::string& path : {fifo, std::string("/dev/null")}) {
    const auto links = lookup.try_attach(path);
    ASSERT_FALSE(links);
    EXPECT_EQ(links.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(links.error().message(), HasSubstr("is no network namespace"));
  }
  Counter probe("probes", "on_named_uprobe");
  ASSERT_TRUE(probe);
  for (const std::string& path : {fifo, std::string("/dev/null")}) {
    const auto links = probe.try_attach(path + ":main");
    ASSERT_FALSE(links);
    EXPECT_EQ(links.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(links.error().message(), HasSubstr("is no regular file"));
  }
  std::filesystem::remove(fifo);
}

TEST(HostileObject, TargetsReachMessagesWithoutControlCharacters) {
  REQUIRE_FEATURE("uprobe");
  Counter probe("probes", "on_named_uprobe");
  ASSERT_TRUE(probe);
  for (const char* target :
       {"a\x1b[31m\nforged: error:main", "a\x1b[31m\nforged: error",
        "/a\xc2\x9b\nforged: error:main"}) {
    const auto links = probe.try_attach(target);
    ASSERT_FALSE(links);
    for (const char* bad : {"\x1b", "\nforged", "\xc2\x9b"}) {
      EXPECT_THAT(links.error().message(), ::testing::Not(HasSubstr(bad)));
    }
  }
}

std::string available_congestion_controls() {
  std::ifstream file("/proc/sys/net/ipv4/tcp_available_congestion_control");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(StructOps, IsGoneWhenItsProcessIsKilled) {
  REQUIRE_FEATURE("struct_ops.link");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto object = load_object("congestion", {});
    const bool attached = object && object->attach("counting", "") &&
                          available_congestion_controls().contains("wasm_bpf");
    ::raise(attached ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL) << "the child could not attach";
  // The kernel lets go of a dead process's links in its own time.
  EXPECT_TRUE(wait_until(
      [] { return !available_congestion_controls().contains("wasm_bpf"); }));
}

/// Maps of an object of random bytes could have any size.
bool is_small(const bpf::OpenObject& object) {
  return std::ranges::all_of(object.maps(), [](const auto& map) {
    return map.max_entries <= 65536 && map.key_size <= 4096 &&
           map.value_size <= 4096;
  });
}

class HostileBytes : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileBytes, AreRefusedOrLoaded) {
  const std::vector<std::byte> whole = object_bytes(GetParam());
  // BTF is the last that libbpf looks at before the kernel does.
  constexpr std::array kMagic{std::byte{0x9f}, std::byte{0xeb}, std::byte{1}};
  const auto types = std::ranges::search(whole, kMagic);
  ASSERT_FALSE(types.empty());
  const auto start =
      static_cast<std::size_t>(types.begin() - whole.begin()) + 24;
  constexpr std::uint32_t kWords[] = {0, 1, 8, 0x7fffffff, 0xffffffff};
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<std::byte> bytes = whole;
    const unsigned changes = 1 + random() % 3;
    for (unsigned i = 0; i < changes; ++i) {
      const std::size_t words = (bytes.size() - start - 4) / 4;
      const std::size_t at = start + 4 * (random() % words);
      const std::uint32_t word =
          random() % 2 == 0 ? kWords[random() % std::size(kWords)]
                            : static_cast<std::uint32_t>(random() % 64);
      std::memcpy(bytes.data() + at, &word, sizeof word);
    }
    auto object = bpf::OpenObject::from_bytes(bytes, "hostile", {});
    if (!object || !is_small(*object)) {
      continue;
    }
    const auto loaded = std::move(*object).load();
    EXPECT_TRUE(loaded || !loaded.error().message().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(All, HostileBytes,
                         ::testing::Values("congestion", "maps", "buffers",
                                           "tracing"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

}  // namespace
}  // namespace wasmbpf::testing
