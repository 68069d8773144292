#include "hostapi/buffer_reports.h"

#include <gtest/gtest.h>

namespace wasmbpf::hostapi {
namespace {

BufferReport report(std::string map, std::optional<std::uint64_t> lost) {
  BufferReport report;
  report.map = std::move(map);
  report.stats = {
      .delivered = 10, .size_bytes = 4096, .high_water = 100, .unread = 3};
  report.lost = lost;
  report.truncated = 2;
  return report;
}

TEST(BufferReports, OfOneNameAddUp) {
  BufferReports reports;
  reports.add(report("events", 5));
  BufferReport larger = report("events", 1);
  larger.stats.size_bytes = 8192;
  larger.stats.high_water = 50;
  reports.add(larger);
  ASSERT_EQ(reports.all().size(), 1u);
  const BufferReport& sum = reports.all()[0];
  EXPECT_EQ(sum.map, "events");
  EXPECT_EQ(sum.stats.delivered, 20u);
  EXPECT_EQ(sum.stats.unread, 6u);
  EXPECT_EQ(sum.stats.size_bytes, 8192u);
  EXPECT_EQ(sum.stats.high_water, 100u);
  EXPECT_EQ(sum.lost, 6u);
  EXPECT_EQ(sum.truncated, 4u);
}

TEST(BufferReports, OtherNamesStayApartInOrder) {
  BufferReports reports;
  reports.add(report("b", 0));
  reports.add(report("a", 0));
  ASSERT_EQ(reports.all().size(), 2u);
  EXPECT_EQ(reports.all()[0].map, "b");
  EXPECT_EQ(reports.all()[1].map, "a");
}

TEST(BufferReports, UnknownLossesDoNotBecomeKnown) {
  BufferReports reports;
  reports.add(report("events", 5));
  reports.add(report("events", std::nullopt));
  reports.add(report("events", std::nullopt));
  ASSERT_EQ(reports.all().size(), 2u);
  EXPECT_EQ(reports.all()[0].lost, 5u);
  EXPECT_EQ(reports.all()[1].lost, std::nullopt);
  EXPECT_EQ(reports.all()[1].stats.delivered, 20u);
}

TEST(BufferReports, TooManyNamesBecomeOne) {
  BufferReports reports;
  constexpr std::size_t kMany = 10'000;
  for (std::size_t i = 0; i < kMany; ++i) {
    reports.add(report("map" + std::to_string(i), 1));
  }
  reports.add(report("map0", 1));
  ASSERT_EQ(reports.all().size(), BufferReports::kMaxNames + 1);
  EXPECT_EQ(reports.all().front().lost, 2u);
  EXPECT_EQ(reports.all().back().map, "(others)");
  EXPECT_EQ(reports.all().back().lost, kMany - BufferReports::kMaxNames);
}

}  // namespace
}  // namespace wasmbpf::hostapi
