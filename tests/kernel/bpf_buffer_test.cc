#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bpf/buffer.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"
#include "kernel/support/wait_until.h"

namespace wasmbpf::testing {
namespace {

using bpf::Buffer;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Le;

enum Request : long { kEmit = 1, kDiscard = 2 };

void request(Request what, std::uint64_t number) {
  ::syscall(SYS_personality, 0xffffffffUL, what, number);
}

void emit(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    request(kEmit, first + i);
  }
}

std::uint64_t number_of(std::span<const std::byte> sample) {
  std::uint64_t number = 0;
  std::memcpy(&number, sample.data(), sizeof number);
  return number;
}

/// Each test runs with a ring buffer and with a perf buffer.
class Buffers : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto object = load_object("buffers", {});
    ASSERT_TRUE(object) << object.error().message();
    object_.emplace(std::move(*object));
    auto interrupt = Interrupt::create();
    ASSERT_TRUE(interrupt);
    interrupt_ = std::move(*interrupt);
    buffer_ = open(GetParam());
    auto links = object_->attach("on_syscall", "");
    ASSERT_TRUE(links) << links.error().message();
    links_ = std::move(*links);
  }

  std::unique_ptr<Buffer> open(const std::string& name) {
    auto buffer = Buffer::open(*object_->map(name));
    EXPECT_TRUE(buffer) << buffer.error().message();
    return std::move(*buffer);
  }

  Result<std::uint32_t> poll(
      const Buffer::OnSample& on_sample,
      std::optional<std::chrono::nanoseconds> timeout = milliseconds(0)) {
    return buffer_->poll(*interrupt_, timeout, on_sample);
  }

  /// Polls until nothing is left.
  std::vector<std::uint64_t> drain() {
    std::vector<std::uint64_t> numbers;
    for (;;) {
      const auto count = poll([&](auto sample) {
        numbers.push_back(number_of(sample));
        return true;
      });
      EXPECT_TRUE(count) << count.error().message();
      if (!count || *count == 0) {
        return numbers;
      }
    }
  }

  std::optional<bpf::LoadedObject> object_;
  std::unique_ptr<Interrupt> interrupt_;
  std::unique_ptr<Buffer> buffer_;
  std::vector<bpf::Link> links_;
};

INSTANTIATE_TEST_SUITE_P(All, Buffers, ::testing::Values("uncounted", "perf"),
                         [](const auto& info) {
                           return std::string(info.param) == "perf" ? "Perf"
                                                                    : "Ring";
                         });

/// Keeps the calling thread on one CPU, so that a perf buffer keeps order.
class OnOneCpu {
 public:
  OnOneCpu() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
  }
  ~OnOneCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

TEST_P(Buffers, DeliverEverySampleInOrder) {
  const OnOneCpu on_one_cpu;
  emit(0, 1000);
  const auto numbers = drain();
  ASSERT_EQ(numbers.size(), 1000u);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(numbers[i], i);
  }
  EXPECT_EQ(buffer_->stats().delivered, 1000u);
  EXPECT_EQ(buffer_->stats().lost, 0u);
}

TEST_P(Buffers, AFalseEndsThePollAfterThatSample) {
  const OnOneCpu on_one_cpu;
  emit(0, 10);
  std::vector<std::uint64_t> numbers;
  const auto count = poll([&](auto sample) {
    numbers.push_back(number_of(sample));
    return numbers.size() < 3;
  });
  EXPECT_EQ(count.value(), 3u);
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2));
  EXPECT_THAT(drain(), ElementsAre(3, 4, 5, 6, 7, 8, 9));
}

TEST_P(Buffers, ATimeoutAnswersZeroAndNotEarly) {
  const auto start = std::chrono::steady_clock::now();
  const auto count = poll([](auto) { return true; }, milliseconds(30));
  EXPECT_EQ(count.value(), 0u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
}

TEST_P(Buffers, AWaitEndsWithTheNextSample) {
  std::jthread producer([&] {
    // The target is the process, so any of its threads is.
    emit(42, 1);
  });
  std::uint64_t number = 0;
  const auto count = poll(
      [&](auto sample) {
        number = number_of(sample);
        return true;
      },
      kDeadline);
  EXPECT_EQ(count.value(), 1u);
  EXPECT_EQ(number, 42u);
}

TEST_P(Buffers, AnInterruptEndsAnEndlessWait) {
  std::jthread other([&] { interrupt_->interrupt(); });
  const auto count = poll([](auto) { return true; }, std::nullopt);
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().code(), Errc::kInterrupted);
}

TEST_P(Buffers, AreBusyInsideTheirOwnCallback) {
  emit(0, 1);
  Errc inner = Errc::kInternal;
  const auto count = poll([&](auto) {
    inner = poll([](auto) { return true; }).error().code();
    return true;
  });
  EXPECT_EQ(count.value(), 1u);
  EXPECT_EQ(inner, Errc::kBusy);
}

TEST_P(Buffers, APollEndsAlthoughItsCallbackFeedsIt) {
  // Each sample causes another one: without a bound the poll would not end.
  emit(0, 1);
  std::uint64_t seen = 0;
  const auto count = poll([&](auto) {
    ++seen;
    emit(seen, 1);
    return true;
  });
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, seen);
  EXPECT_LE(seen * 16, buffer_->stats().size_bytes);
  drain();
}

TEST_P(Buffers, OutliveMapAndObject) {
  emit(0, 3);
  links_.clear();
  object_.reset();
  EXPECT_EQ(drain().size(), 3u);
}

TEST_P(Buffers, EveryLossIsCounted) {
  const OnOneCpu on_one_cpu;
  // More than either holds: 1 MiB of 16 bytes a record, or 64 pages.
  constexpr std::uint64_t kEmitted = 100'000;
  emit(0, kEmitted);
  const std::uint64_t arrived = drain().size();
  EXPECT_LT(arrived, kEmitted);
  EXPECT_EQ(buffer_->stats().delivered, arrived);
  if (std::string(GetParam()) != "perf") {
    EXPECT_FALSE(buffer_->stats().counts_losses);
    return;
  }
  // Kernels before 6.0 tell of losses when the next sample fits only.
  emit(0, 1);
  EXPECT_EQ(drain().size(), 1u);
  EXPECT_TRUE(buffer_->stats().counts_losses);
  EXPECT_EQ(buffer_->stats().lost, kEmitted - arrived);
}

TEST_P(Buffers, WhatIsLeftIsUnread) {
  const OnOneCpu on_one_cpu;
  emit(0, 10);
  EXPECT_EQ(buffer_->stats().unread, 10u);
  int seen = 0;
  EXPECT_EQ(poll([&](auto) { return ++seen < 3; }).value(), 3u);
  EXPECT_EQ(buffer_->stats().delivered, 3u);
  EXPECT_EQ(buffer_->stats().unread, 7u);
  links_.clear();
  request(kEmit, 10);
  EXPECT_EQ(buffer_->stats().unread, 7u);
  drain();
  EXPECT_EQ(buffer_->stats().unread, 0u);
}

TEST_P(Buffers, UnreadOnAllCpusAndAcrossTheEnd) {
  const OnOneCpu restores;
  const int cpus = bpf::possible_cpus().value();
  // Two rounds of two thirds: 1 MiB of 16 bytes a sample, 64 pages of 24.
  const std::uint64_t count =
      std::string(GetParam()) == "perf" ? 7'000 : 40'000;
  emit(0, count);
  EXPECT_EQ(drain().size(), count);
  std::uint64_t on_others = 0;
  emit(0, count);
  for (int cpu = 0; cpu < cpus; ++cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (::sched_setaffinity(0, sizeof one, &one) == 0) {
      emit(0, 5);
      on_others += 5;
    }
  }
  EXPECT_EQ(buffer_->stats().unread, count + on_others);
  EXPECT_EQ(buffer_->stats().lost, 0u);
}

TEST_P(Buffers, SentIsDeliveredAndUnreadAndLost) {
  const OnOneCpu on_one_cpu;
  constexpr std::uint64_t kEmitted = 100'000;  // more than either holds
  emit(0, kEmitted);
  int seen = 0;
  EXPECT_EQ(poll([&](auto) { return ++seen < 50; }).value(), 50u);
  emit(0, 1);  // kernels before 6.0 write their LOST record with it
  links_.clear();
  const bpf::BufferStats stats = buffer_->stats();
  EXPECT_EQ(stats.delivered, 50u);
  EXPECT_GT(stats.unread, 5'000u);
  if (stats.counts_losses) {
    EXPECT_EQ(stats.delivered + stats.unread + stats.lost, kEmitted + 1);
  }
}

class RingBuffer : public Buffers {};
INSTANTIATE_TEST_SUITE_P(All, RingBuffer, ::testing::Values("ring"));

TEST_P(RingBuffer, LossesAreCountedByTheProgramItself) {
  constexpr std::uint64_t kEmitted = 1000;  // of 16 bytes, into 4096
  emit(0, kEmitted);
  const auto lost = object_->counted_losses("ring");
  ASSERT_TRUE(lost) << lost.error().message();
  ASSERT_TRUE(*lost);
  const std::uint64_t arrived = drain().size();
  EXPECT_EQ(arrived, 4096u / 16 - 1);  // the kernel keeps a byte free
  EXPECT_EQ(**lost, kEmitted - arrived);
  EXPECT_EQ(object_->counted_losses("uncounted").value(), std::nullopt);
  EXPECT_EQ(object_->counted_losses("no_such_map").value(), std::nullopt);
}

TEST_P(RingBuffer, TellsHowFullItWas) {
  emit(0, 100);
  EXPECT_EQ(drain().size(), 100u);
  emit(0, 10);
  drain();
  EXPECT_EQ(buffer_->stats().high_water, 1600u);
  EXPECT_EQ(buffer_->stats().size_bytes, 4096u);
}

TEST_P(RingBuffer, TellsHowFullItIsThoughNobodyReads) {
  emit(0, 100);
  request(kDiscard, 1);
  EXPECT_EQ(buffer_->stats().high_water, 1616u);
  EXPECT_EQ(buffer_->stats().unread, 100u);
}

TEST_P(RingBuffer, DiscardedRecordsAreNoSamplesAndEndNoWait) {
  request(kDiscard, 1);
  emit(7, 1);
  request(kDiscard, 2);
  EXPECT_THAT(drain(), ElementsAre(7));
  request(kDiscard, 3);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(poll([](auto) { return true; }, milliseconds(30)).value(), 0u);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(30));
}

TEST_P(RingBuffer, AProducerThatOnlyDiscardsCannotHoldAPoll) {
  std::atomic<bool> done = false;
  std::jthread producer([&] {
    while (!done) {
      request(kDiscard, 1);
    }
  });
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(poll([](auto) { return true; }).value(), 0u);
  }
  done = true;
}

TEST(BufferOfAnotherMap, IsRefused) {
  auto object = load_object("maps", {});
  ASSERT_TRUE(object) << object.error().message();
  const auto buffer = Buffer::open(*object->map("hash"));
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace wasmbpf::testing
