#ifndef WASMBPF_BPF_LOG_CAPTURE_H_
#define WASMBPF_BPF_LOG_CAPTURE_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace wasmbpf::bpf {

/// Collects what libbpf says on this thread while it lives. At its end, when no
/// libbpf call is under way any more, the lines go to the logger: warnings as
/// debug (the Error carries what matters of them), the rest as trace.
///
/// libbpf has one print hook for the process, so it is installed once and finds
/// the innermost capture of the calling thread; without one a line is dropped.
/// Threads: one capture belongs to one thread; captures nest.
class LogCapture {
 public:
  explicit LogCapture(Logger logger);
  LogCapture(const LogCapture&) = delete;
  ~LogCapture();

  /// libbpf's warnings so far, whole, without the prefix "libbpf: ".
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// The last warning, on one line; empty if there was none.
  std::string last_warning() const;

  bool wants_details() const;
  void add(bool warning, std::string text);

 private:
  struct Line {
    bool warning;
    std::string text;
  };

  Logger logger_;
  LogCapture* outer_;
  std::vector<std::string> warnings_;
  std::vector<Line> lines_;
};

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_LOG_CAPTURE_H_
