#include "bpf/log_capture.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>
#include <utility>

#include "base/printable.h"
#include "bpf/errors.h"

namespace wasmbpf::bpf {
namespace {

constexpr std::string_view kPrefix = "libbpf: ";
// Verifier logs travel in the Error; nobody wants a megabyte of them in a log.
constexpr std::size_t kMaxLoggedLine = 1024;

thread_local LogCapture* innermost = nullptr;

/// The whole text, however long: a verifier log can have many megabytes.
std::string format_whole(const char* format, va_list args) {
  va_list again;
  va_copy(again, args);
  const int size = std::vsnprintf(nullptr, 0, format, args);
  std::string text(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  if (size > 0) {
    std::vsnprintf(text.data(), text.size() + 1, format, again);
  }
  va_end(again);
  return text;
}

int on_libbpf_print(libbpf_print_level level, const char* format,
                    va_list args) noexcept {
  LogCapture* const capture = innermost;
  const bool warning = level == LIBBPF_WARN;
  if (capture == nullptr || (!warning && !capture->wants_details())) {
    return 0;
  }
  std::string text = format_whole(format, args);
  if (text.starts_with(kPrefix)) {
    text.erase(0, kPrefix.size());
  }
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  capture->add(warning, printable_lines(text));
  return 0;
}

}  // namespace

LogCapture::LogCapture(Logger logger)
    : logger_(std::move(logger)), outer_(innermost) {
  [[maybe_unused]] static const libbpf_print_fn_t installed =
      libbpf_set_print(on_libbpf_print);
  innermost = this;
}

LogCapture::~LogCapture() {
  innermost = outer_;
  for (const Line& line : lines_) {
    logger_.log(line.warning ? LogLevel::kDebug : LogLevel::kTrace,
                "libbpf: " + line.text);
  }
}

bool LogCapture::wants_details() const {
  return logger_.wants(LogLevel::kTrace);
}

void LogCapture::add(bool warning, std::string text) {
  if (logger_.wants(warning ? LogLevel::kDebug : LogLevel::kTrace)) {
    lines_.push_back({warning, text.substr(0, kMaxLoggedLine)});
  }
  if (warning) {
    warnings_.push_back(std::move(text));
  }
}

std::string LogCapture::last_warning() const {
  if (warnings_.empty()) {
    return "";
  }
  return warnings_.back().substr(0, warnings_.back().find('\n'));
}

}  // namespace wasmbpf::bpf
