#ifndef WASMBPF_LOG_H_
#define WASMBPF_LOG_H_

#include <functional>
#include <string_view>

namespace wasmbpf {

/// Ordered: a sink that shows kInfo shows everything above it too.
enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError };

std::string_view log_level_name(LogLevel level);

/// Where a session's messages go. Cheap to copy; an empty Logger drops all.
/// Threads: the sink must be callable from every thread that uses the logger.
class Logger {
 public:
  using Sink = std::function<void(LogLevel, std::string_view)>;

  Logger() = default;
  Logger(LogLevel threshold, Sink sink)
      : threshold_(threshold), sink_(std::move(sink)) {}

  bool wants(LogLevel level) const { return sink_ && level >= threshold_; }
  void log(LogLevel level, std::string_view text) const {
    if (wants(level)) {
      sink_(level, text);
    }
  }
  void trace(std::string_view text) const { log(LogLevel::kTrace, text); }
  void debug(std::string_view text) const { log(LogLevel::kDebug, text); }
  void info(std::string_view text) const { log(LogLevel::kInfo, text); }
  void warning(std::string_view text) const { log(LogLevel::kWarning, text); }
  void error(std::string_view text) const { log(LogLevel::kError, text); }

 private:
  LogLevel threshold_ = LogLevel::kInfo;
  Sink sink_;
};

}  // namespace wasmbpf

#endif  // WASMBPF_LOG_H_
