#include "base/handle_table.h"

#include <gtest/gtest.h>

#include <string>

namespace wasmbpf {
namespace {

TEST(HandleTable, GivesPositiveThirtyOneBitHandles) {
  HandleTable<std::string> table;
  const Handle handle = *table.insert(std::make_shared<std::string>("a"));
  EXPECT_GT(handle, 0u);
  EXPECT_LE(handle, 0x7fffffffu);
  EXPECT_EQ(**table.find(handle), "a");
}

TEST(HandleTable, RefusesForgedNumbers) {
  HandleTable<std::string> table;
  const Handle handle = *table.insert(std::make_shared<std::string>("a"));
  const std::uint64_t real = handle;
  const std::uint64_t one = 1;
  for (const std::uint64_t forged :
       {one - 1, one * 0xffff, real + 1, real + (one << 16), real | (one << 31),
        real | (one << 32), ~(one - 1)}) {
    EXPECT_EQ(table.find(forged).error().code(), Errc::kStaleHandle) << forged;
  }
}

TEST(HandleTable, ClosedHandleStaysStaleWhenItsSlotIsReused) {
  HandleTable<std::string> table;
  const Handle first = *table.insert(std::make_shared<std::string>("a"));
  EXPECT_EQ(**table.remove(first), "a");
  const Handle second = *table.insert(std::make_shared<std::string>("b"));
  EXPECT_NE(first, second);
  EXPECT_FALSE(table.find(first));
  EXPECT_FALSE(table.remove(first));
  EXPECT_EQ(**table.find(second), "b");
}

TEST(HandleTable, NeverGivesOneHandleOutTwice) {
  HandleTable<int> table;
  const Handle first = *table.insert(std::make_shared<int>(0));
  ASSERT_TRUE(table.remove(first));
  for (int i = 0; i < 40'000; ++i) {
    const Handle handle = *table.insert(std::make_shared<int>(i));
    ASSERT_NE(handle, first) << "after " << i << " reuses";
    ASSERT_TRUE(table.remove(handle));
  }
}

TEST(HandleTable, AFoundObjectOutlivesItsHandle) {
  HandleTable<std::string> table;
  const Handle handle = *table.insert(std::make_shared<std::string>("a"));
  const auto pinned = *table.find(handle);
  ASSERT_TRUE(table.remove(handle));
  EXPECT_EQ(*pinned, "a");
}

TEST(HandleTable, IsFullAtItsLimit) {
  HandleTable<int> table;
  const auto object = std::make_shared<int>(1);
  for (std::size_t i = 0; i < HandleTable<int>::kMaxSlots; ++i) {
    ASSERT_TRUE(table.insert(object));
  }
  EXPECT_EQ(table.insert(object).error().code(), Errc::kTooLarge);
  EXPECT_EQ(table.size(), HandleTable<int>::kMaxSlots);
}

}  // namespace
}  // namespace wasmbpf
