#include "base/printable.h"

#include <gtest/gtest.h>

namespace wasmbpf {
namespace {

TEST(Printable, LeavesNothingThatATerminalObeys) {
  EXPECT_EQ(printable("a\x1b[31mb\rc\x7f"), "a?[31mb?c?");
  // C1 controls, in UTF-8 and bare; a letter that has such a byte stays.
  EXPECT_EQ(printable("a\xc2\x9b"
                      "b\x9b"
                      "c"),
            "a\xc2?b?c");
  EXPECT_EQ(printable("\xc3\x9f \xe2\x82\xac"), "\xc3\x9f \xe2\x82\xac");
  EXPECT_EQ(printable("one\nline\tonly"), "one line only");
  EXPECT_EQ(printable_lines("two\nlines\x1b"), "two\nlines?");
}

}  // namespace
}  // namespace wasmbpf
