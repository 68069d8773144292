#include "engine/guest_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

namespace wasmbpf::engine {
namespace {

constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();

class GuestMemoryTest : public ::testing::Test {
 protected:
  GuestMemoryTest() {
    const std::string_view text("abc\0defg", 8);
    std::ranges::transform(text, bytes_.begin(),
                           [](char c) { return static_cast<std::byte>(c); });
  }

  std::array<std::byte, 8> bytes_{};
  GuestMemory memory_{bytes_};
};

TEST_F(GuestMemoryTest, SlicesWhatIsInside) {
  EXPECT_EQ(memory_.slice({0, 8})->data(), bytes_.data());
  EXPECT_EQ(memory_.slice({8, 0})->size(), 0u);
  EXPECT_EQ(memory_.slice({3, 2})->data(), bytes_.data() + 3);
}

TEST_F(GuestMemoryTest, RefusesWhatIsNot) {
  for (const GuestRange range :
       {GuestRange{0, 9}, GuestRange{9, 0}, GuestRange{8, 1}, GuestRange{1, 8},
        GuestRange{kHuge, 1}, GuestRange{1, kHuge}, GuestRange{kHuge, kHuge},
        GuestRange{0xffff'ffff, 1}, GuestRange{4, kHuge - 3}}) {
    const auto slice = memory_.slice(range);
    ASSERT_FALSE(slice) << range.offset << " " << range.size;
    EXPECT_EQ(slice.error().code(), Errc::kOutOfBounds);
  }
}

TEST_F(GuestMemoryTest, CopiesInAndOut) {
  const auto copy = memory_.copy_in({4, 4});
  ASSERT_TRUE(copy);
  EXPECT_EQ((*copy)[0], std::byte{'d'});
  ASSERT_TRUE(memory_.copy_out(0, *copy));
  EXPECT_EQ(bytes_[0], std::byte{'d'});
  EXPECT_EQ(memory_.copy_out(5, *copy).error().code(), Errc::kOutOfBounds);
  EXPECT_EQ(memory_.copy_in({0, 9}).error().code(), Errc::kOutOfBounds);
}

TEST_F(GuestMemoryTest, ReadsStrings) {
  EXPECT_EQ(*memory_.read_string(0, 3), "abc");
  EXPECT_EQ(*memory_.read_string(1, 100), "bc");
  EXPECT_EQ(*memory_.read_string(3, 0), "");
}

TEST_F(GuestMemoryTest, TellsLongStringsFromThoseThatRunOut) {
  EXPECT_EQ(memory_.read_string(0, 2).error().code(), Errc::kTooLarge);
  EXPECT_EQ(memory_.read_string(4, 3).error().code(), Errc::kTooLarge);
  EXPECT_EQ(memory_.read_string(4, 4).error().code(), Errc::kOutOfBounds);
  EXPECT_EQ(memory_.read_string(8, 4).error().code(), Errc::kOutOfBounds);
  EXPECT_EQ(memory_.read_string(9, 4).error().code(), Errc::kOutOfBounds);
  EXPECT_EQ(memory_.read_string(kHuge, kHuge).error().code(),
            Errc::kOutOfBounds);
}

TEST(EmptyGuestMemoryTest, HasNothing) {
  const GuestMemory memory({});
  EXPECT_EQ(memory.size_bytes(), 0u);
  EXPECT_TRUE(memory.slice({0, 0}));
  EXPECT_FALSE(memory.slice({0, 1}));
  EXPECT_FALSE(memory.read_string(0, 5));
  EXPECT_TRUE(memory.copy_out(0, {}));
}

}  // namespace
}  // namespace wasmbpf::engine
