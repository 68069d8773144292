// Loads an object that the verifier refuses, and says so itself.
#include <stdio.h>
#include <wasm_bpf/guest.h>

static const unsigned char kObject[] = {
#embed "refused.bpf.o"
};

int main(void) {
  if (wasm_bpf_object_open(kObject, sizeof kObject) == 0) {
    puts("the guest goes on");
    return 1;
  }
  return 0;
}
