#include "kernel/support/probed.h"

extern "C" [[gnu::noinline, gnu::used]] std::uint64_t wasm_bpf_probed(
    std::uint64_t value) {
  asm volatile("" : "+r"(value));  // so that no call of it is left out
  return value + 1;
}

namespace wasmbpf::testing {

[[gnu::noinline]] void pass_usdt_probe(std::uint64_t value) {
  // What <sys/sdt.h> would make of DTRACE_PROBE1(wasm_bpf, tick, value): a nop,
  // and a note that says where it is and what is in which register.
  asm volatile(
      "990: nop\n"
      ".pushsection .note.stapsdt, \"\", %%note\n"
      ".balign 4\n"
      ".4byte 992f - 991f, 994f - 993f, 3\n"
      "991: .asciz \"stapsdt\"\n"
      "992: .balign 4\n"
      "993: .8byte 990b\n"
      ".8byte 0\n"  // no prelinked base
      ".8byte 0\n"  // no semaphore
      ".asciz \"wasm_bpf\"\n"
      ".asciz \"tick\"\n"
      ".asciz \"8@%0\"\n"
      "994: .balign 4\n"
      ".popsection\n"
      :
      : "r"(value));
}

}  // namespace wasmbpf::testing
