#include "base/printable.h"

namespace wasmbpf {

std::string printable_lines(std::string_view text) {
  std::string result(text);
  int expected = 0;   // bytes that the UTF-8 sequence under way still has
  int first_low = 0;  // the lowest value that the next of them may have
  for (char& c : result) {
    const auto byte = static_cast<unsigned char>(c);
    if (expected > 0 && byte >= 0x80 && byte < 0xc0) {
      if (byte < first_low) {
        c = '?';
      }
      first_low = 0;
      --expected;
      continue;
    }
    expected = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc2 ? 1 : 0;
    // U+0080 to U+009F are 0xc2 0x80 to 0x9f.
    first_low = byte == 0xc2 ? 0xa0 : 0;
    const bool bare_c1 = byte >= 0x80 && byte < 0xa0;
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f || bare_c1) {
      c = '?';
    }
  }
  return result;
}

std::string printable(std::string_view text) {
  std::string result = printable_lines(text);
  for (char& c : result) {
    if (c == '\n' || c == '\t') {
      c = ' ';
    }
  }
  return result;
}

}  // namespace wasmbpf
