#ifndef WASMBPF_BASE_PRINTABLE_H_
#define WASMBPF_BASE_PRINTABLE_H_

#include <string>
#include <string_view>

namespace wasmbpf {

/// `text` as one line without anything that a terminal obeys: '?' for control
/// characters (C0, DEL, and C1 in UTF-8 or bare), space for a newline or tab.
/// What modules, objects and guests call things ends on terminals and in logs.
std::string printable(std::string_view text);

/// The same for text that has lines, as a verifier's log: they stay.
std::string printable_lines(std::string_view text);

}  // namespace wasmbpf

#endif  // WASMBPF_BASE_PRINTABLE_H_
