#include "bpf/buffer_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>

#include <array>
#include <cstring>

namespace wasmbpf::bpf {
namespace {

using ::testing::HasSubstr;

/// A ring of 128 bytes and what would be written into it, in order.
class Ring {
 public:
  explicit Ring(std::uint64_t from) : from_(from), to_(from) {}

  void put_word(std::uint64_t word) {
    words_[to_ / 8 % words_.size()] = word;
    to_ += 8;
  }
  /// A record of a ring buffer: `size` bytes of data and its header's bits.
  void put(std::uint32_t size, std::uint32_t bits = 0) {
    put_word(size | bits);
    for (std::uint32_t i = 0; i < size; i += 8) {
      put_word(~std::uint64_t{0});
    }
  }
  /// A record of a perf ring: its header and then `words`.
  void put_perf(std::uint32_t type, std::initializer_list<std::uint64_t> words,
                std::size_t says_words = 0) {
    perf_event_header header{};
    header.type = type;
    header.size = static_cast<std::uint16_t>(
        8 * (1 + (says_words != 0 ? says_words : words.size())));
    std::uint64_t word = 0;
    std::memcpy(&word, &header, sizeof word);
    put_word(word);
    for (const std::uint64_t value : words) {
      put_word(value);
    }
  }

  std::span<const std::byte> data() const {
    return std::as_bytes(std::span(words_));
  }
  std::uint64_t samples() const {
    return count_ring_samples(data(), from_, to_);
  }
  PerfRecords perf() const { return count_perf_records(data(), from_, to_); }

 private:
  alignas(8) std::array<std::uint64_t, 16> words_{};
  std::uint64_t from_;
  std::uint64_t to_;
};

constexpr std::uint64_t kNearTheEnd = 1024 - 16;

TEST(CountRingSamples, AnEmptyRingHasNone) {
  EXPECT_EQ(Ring(64).samples(), 0u);
}

TEST(CountRingSamples, CountsAcrossTheEnd) {
  Ring ring(kNearTheEnd);
  ring.put(5);
  ring.put(16);
  ring.put(0);
  EXPECT_EQ(ring.samples(), 3u);
}

TEST(CountRingSamples, DiscardedAndUnfinishedOnesAreNone) {
  Ring ring(0);
  ring.put(8, BPF_RINGBUF_DISCARD_BIT);
  ring.put(8);
  ring.put(8, BPF_RINGBUF_BUSY_BIT);
  ring.put(8);
  EXPECT_EQ(ring.samples(), 2u);
}

TEST(CountRingSamples, AFullRingIsCountedOnce) {
  Ring ring(kNearTheEnd);
  for (int i = 0; i < 8; ++i) {
    ring.put(8);
  }
  EXPECT_EQ(ring.samples(), 8u);
}

TEST(CountRingSamples, EndAtARecordThatCannotBe) {
  Ring ring(0);
  ring.put(8);
  ring.put_word(17);
  ring.put_word(0);
  EXPECT_EQ(ring.samples(), 1u);
}

TEST(CountRingSamples, PositionsThatCannotBeCountNothing) {
  const Ring ring(0);
  EXPECT_EQ(count_ring_samples(ring.data(), 0, 136), 0u);
  EXPECT_EQ(count_ring_samples(ring.data(), 64, 0), 0u);
  EXPECT_EQ(count_ring_samples(ring.data(), 4, 64), 0u);
  EXPECT_EQ(count_ring_samples(ring.data(), ~std::uint64_t{0} - 7, 64), 0u);
}

TEST(CountPerfRecords, CountsSamplesAndWhatLostRecordsTell) {
  Ring ring(kNearTheEnd - 16);
  ring.put_perf(PERF_RECORD_SAMPLE, {1, 2});
  ring.put_perf(PERF_RECORD_LOST, {99, 7});  // its count is behind the end
  ring.put_perf(PERF_RECORD_THROTTLE, {0});
  ring.put_perf(PERF_RECORD_SAMPLE, {3});
  EXPECT_EQ(ring.perf().samples, 2u);
  EXPECT_EQ(ring.perf().lost, 7u);
}

TEST(CountPerfRecords, EndAtARecordThatCannotBe) {
  Ring too_long(0);
  too_long.put_perf(PERF_RECORD_SAMPLE, {1});
  too_long.put_perf(PERF_RECORD_SAMPLE, {1}, 3);
  EXPECT_EQ(too_long.perf().samples, 1u);
  Ring empty(0);
  empty.put_word(0);
  EXPECT_EQ(empty.perf().samples, 0u);
  Ring no_count(0);
  no_count.put_perf(PERF_RECORD_LOST, {99});
  EXPECT_EQ(no_count.perf().lost, 0u);
}

TEST(CountPerfRecords, PositionsThatCannotBeCountNothing) {
  const Ring ring(0);
  EXPECT_EQ(count_perf_records(ring.data(), 0, 136).samples, 0u);
  EXPECT_EQ(count_perf_records(ring.data(), 64, 0).samples, 0u);
}

TEST(CheckRingFlags, RefusesWhatTheConsumerDoesNotUnderstand) {
  MapInfo info;
  info.name = "events";
  EXPECT_TRUE(check_ring_flags(info));
  info.flags = BPF_F_NUMA_NODE;
  EXPECT_TRUE(check_ring_flags(info));
  info.flags = 1U << 19;
  const Status overwrites = check_ring_flags(info);
  ASSERT_FALSE(overwrites);
  EXPECT_EQ(overwrites.error().code(), Errc::kUnsupported);
  EXPECT_THAT(overwrites.error().message(), HasSubstr("BPF_F_RB_OVERWRITE"));
  info.flags = 1U << 30;
  EXPECT_EQ(check_ring_flags(info).error().code(), Errc::kUnsupported);
}

}  // namespace
}  // namespace wasmbpf::bpf
