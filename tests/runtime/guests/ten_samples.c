// Has ten samples in its buffer and then does what its argument says.
#include <stdio.h>
#include <string.h>
#include <wasm_bpf/guest.h>

static const unsigned char kObject[] = {
#embed "ten_samples.bpf.o"
};

static int take(void* context, void* data, uint32_t size) {
  (void)context, (void)data, (void)size;
  return 0;
}

int main(int argc, char** argv) {
  const char* const what = argc > 1 ? argv[1] : "";
  static uint64_t data;
  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0 || wasm_bpf_attach(object, "on_syscall", NULL) != 0) {
    return 1;
  }
  for (int i = 0; i < 20; ++i) {
    puts("a system call");
    fflush(stdout);
  }
  if (strcmp(what, "read") == 0 &&
      wasm_bpf_poll(object, wasm_bpf_find_map(object, "events"), take, NULL,
                    &data, sizeof data, 0) != 10) {
    return 2;
  }
  if (strcmp(what, "trap") == 0) {
    __builtin_trap();
  }
  puts("ready");
  fflush(stdout);
  if (strcmp(what, "leave") != 0) {
    wasm_bpf_sleep(60);
  }
  return 0;
}
