#include "cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace wasmbpf::cli {
namespace {

struct LevelStyle {
  const char* color;
  const char* prefix;
};

LevelStyle style_of(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return {"\x1b[2m", "trace: "};
    case LogLevel::kDebug: return {"\x1b[2m", "debug: "};
    case LogLevel::kInfo: return {"", ""};
    case LogLevel::kWarning: return {"\x1b[33m", "warning: "};
    case LogLevel::kError: return {"\x1b[31m", "error: "};
  }
  return {"", ""};
}

/// One write(2) for each line, so that lines of several threads and of the
/// guest do not mix.
void write_stderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n <= 0) {
      return;
    }
    line.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// Bytes that are not UTF-8 (a guest's or a file's) become U+FFFD.
std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {  // 316: invalid UTF-8
    return false;
  }
  return true;
}

void Output::message(LogLevel at, std::string_view text) const {
  if (at < level) {
    return;
  }
  if (json) {
    const nlohmann::json record = {
        {"type", "log"}, {"level", log_level_name(at)}, {"message", text}};
    write_stderr(dump(record) + "\n");
    return;
  }
  const LevelStyle style = style_of(at);
  const bool colored = color && style.color[0] != '\0';
  write_stderr(fmt::format("{}wasm-bpf: {}{}{}\n", colored ? style.color : "",
                           style.prefix, printable_lines(text),
                           colored ? "\x1b[0m" : ""));
}

Logger Output::logger() const {
  return Logger(level, [output = *this](LogLevel at, std::string_view text) {
    output.message(at, text);
  });
}

int report(const Output& output, const Error& error) {
  const int code = error.code() == Errc::kPolicy        ? kRefused
                   : error.code() == Errc::kUnsupported ? kNotSupported
                                                        : kFailed;
  if (output.json) {
    const nlohmann::json record = {{"type", "error"},
                                   {"code", errc_name(error.code())},
                                   {"errno", error.sys_errno()},
                                   {"message", error.message()},
                                   {"exit_code", code}};
    write_stderr(dump(record) + "\n");
  } else {
    output.message(LogLevel::kError, error.message());
  }
  return code;
}

int usage_error(const Output& output, const std::string& text) {
  if (output.json) {
    const nlohmann::json record = {{"type", "error"},
                                   {"code", "usage"},
                                   {"errno", 0},
                                   {"message", text},
                                   {"exit_code", static_cast<int>(kUsage)}};
    write_stderr(dump(record) + "\n");
  } else {
    output.message(LogLevel::kError, text);
  }
  return kUsage;
}

std::string with_thousands(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  const bool whole =
      size == static_cast<double>(static_cast<std::uint64_t>(size));
  return whole ? fmt::format("{:.0f} {}", size, kUnits[unit])
               : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

}  // namespace wasmbpf::cli
