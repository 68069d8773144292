#include "hostapi/buffer_reports.h"

#include <algorithm>
#include <utility>

namespace wasmbpf::hostapi {
namespace {

constexpr char kOthers[] = "(others)";

void merge(BufferReport& into, const BufferReport& from) {
  into.stats.delivered += from.stats.delivered;
  into.stats.lost += from.stats.lost;
  into.stats.counts_losses =
      into.stats.counts_losses && from.stats.counts_losses;
  into.stats.size_bytes =
      std::max(into.stats.size_bytes, from.stats.size_bytes);
  into.stats.high_water =
      std::max(into.stats.high_water, from.stats.high_water);
  into.stats.unread += from.stats.unread;
  if (into.lost && from.lost) {
    *into.lost += *from.lost;
  }
  into.truncated += from.truncated;
}

}  // namespace

void BufferReports::add(BufferReport report) {
  BufferReport* known = find(report);
  if (known == nullptr && reports_.size() >= kMaxNames) {
    report.map = kOthers;
    known = find(report);
  }
  if (known != nullptr) {
    merge(*known, report);
  } else {
    reports_.push_back(std::move(report));
  }
}

BufferReport* BufferReports::find(const BufferReport& like) {
  const auto found =
      std::ranges::find_if(reports_, [&](const BufferReport& report) {
        return report.map == like.map &&
               report.lost.has_value() == like.lost.has_value();
      });
  return found == reports_.end() ? nullptr : &*found;
}

}  // namespace wasmbpf::hostapi
