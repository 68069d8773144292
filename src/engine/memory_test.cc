#include "engine/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/test_support.h"

namespace wasmbpf::engine {
namespace {

using test::Guest;
using test::Pipe;

constexpr std::size_t kPage = 65536;
constexpr std::size_t kCapacity = std::size_t{1} << 32;
constexpr std::size_t kGuard = 32 << 20;

/// Whether the byte can be read, asked of the kernel so that a fault is no
/// crash.
bool readable(const std::byte* address) {
  const Pipe pipe;
  return write(pipe.writer.get(), address, 1) == 1;
}

bool mapped(std::byte* address) {
  unsigned char state = 0;
  return mincore(address, 1, &state) == 0;
}

TEST(LinearMemoryTest, LiesAtA4GiBBoundary) {
  const auto memory = LinearMemory::reserve(kCapacity, kGuard);
  ASSERT_TRUE(memory);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->base()) % kCapacity, 0u);
  EXPECT_EQ(memory->capacity(), kCapacity);
  EXPECT_EQ(memory->size(), 0u);
}

TEST(LinearMemoryTest, GrowsInPlaceWithZeroes) {
  auto memory = LinearMemory::reserve(kCapacity, kGuard);
  ASSERT_TRUE(memory);
  std::byte* const base = memory->base();
  EXPECT_FALSE(readable(base));
  ASSERT_TRUE(memory->grow_to(kPage));
  base[0] = std::byte{7};
  ASSERT_TRUE(memory->grow_to(3 * kPage));
  EXPECT_EQ(memory->base(), base);
  EXPECT_EQ(base[0], std::byte{7});
  EXPECT_TRUE(std::all_of(base + 1, base + 3 * kPage,
                          [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_FALSE(readable(base + 3 * kPage));
}

TEST(LinearMemoryTest, EndsAtItsCapacityAndGuard) {
  auto memory = LinearMemory::reserve(4 * kPage, kPage);
  ASSERT_TRUE(memory);
  ASSERT_TRUE(memory->grow_to(4 * kPage));
  EXPECT_TRUE(readable(memory->base() + 4 * kPage - 1));
  EXPECT_FALSE(readable(memory->base() + 4 * kPage));
  EXPECT_TRUE(mapped(memory->base() + 5 * kPage - 4096));  // the guard is ours
  EXPECT_EQ(memory->grow_to(4 * kPage + 1).error().code(), Errc::kTooLarge);
}

TEST(LinearMemoryTest, IsGivenBack) {
  std::byte* base = nullptr;
  {
    auto memory = LinearMemory::reserve(kCapacity, kGuard);
    ASSERT_TRUE(memory);
    base = memory->base();
    EXPECT_TRUE(mapped(base));
  }
  EXPECT_FALSE(mapped(base));
  EXPECT_FALSE(mapped(base + kCapacity));
}

TEST(LinearMemoryTest, RefusesWhatTheAddressSpaceCannotHold) {
  const auto memory = LinearMemory::reserve(std::size_t{1} << 47, kGuard);
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code(), Errc::kSystem);
  EXPECT_EQ(memory.error().sys_errno(), ENOMEM);
}

constexpr std::string_view kGrowing = R"((module
  (import "env" "look" (func $look (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (call $look (i32.const 1))
    (drop (memory.grow (i32.const 9)))
    (call $look (i32.const 10))))
)";

TEST(LinearMemoryTest, IsWhatGuestsGet) {
  Guest guest(kGrowing);
  std::vector<const std::byte*> bases;
  guest.options.functions.push_back(
      {"env",
       "look",
       {{test::kI32}, {}},
       [&](Call& call, test::Args args, test::Results) -> Status {
         const auto memory = call.memory();
         EXPECT_EQ(memory.size_bytes(), args[0] * kPage);
         bases.push_back((*memory.slice({0, 1})).data());
         return {};
       }});
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
  ASSERT_EQ(bases.size(), 2u);
  EXPECT_EQ(bases[0], bases[1]);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bases[0]) % kCapacity, 0u);
}

TEST(LinearMemoryTest, GrowsToTheModulesMaximumOnly) {
  Guest guest(R"((module
    (memory (export "memory") 1 2)
    (func (export "_start")
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const 1)) (then unreachable))
      (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
        (then unreachable))
      (i32.store (i32.const 131068) (i32.const 1)))))");
  EXPECT_EQ(guest.run().kind, Exit::Kind::kReturned);
}

}  // namespace
}  // namespace wasmbpf::engine
