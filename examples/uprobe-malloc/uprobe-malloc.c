// uprobe-malloc: the sizes a program asks malloc for, as a histogram.
#include "uprobe-malloc.h"

#include <unistd.h>
#include <wasm_bpf/guest.h>
#include <wasm_bpf/histogram.h>

#include "../common.h"

static const unsigned char kObject[] = {
#embed "uprobe-malloc.bpf.o"
};
static const char kUsage[] =
    "usage: uprobe-malloc BINARY:SYMBOL[+OFFSET][,pid=PID] [INTERVAL [COUNT]]\n"
    "Shows the first arguments of calls to SYMBOL in BINARY, a size such as\n"
    "malloc's, as a histogram every INTERVAL seconds, COUNT times; by default\n"
    "once, at Ctrl-C.\n\n"
    "  uprobe-malloc /lib/x86_64-linux-gnu/libc.so.6:malloc 1 5\n";

/// What came between two readings of the map, whose counts only grow.
static struct sizes difference(const struct sizes* now,
                               const struct sizes* past) {
  struct sizes new = {.calls = now->calls - past->calls,
                      .bytes = now->bytes - past->bytes};
  for (int i = 0; i < SLOT_COUNT; i++) {
    new.slots[i] = now->slots[i] - past->slots[i];
  }
  return new;
}

int main(int argc, char** argv) {
  static struct sizes now, past;
  const uint32_t zero = 0;
  uint32_t interval = UINT32_MAX, count = UINT32_MAX;
  const int letter = getopt(argc, argv, "h");
  if (letter == 'h') {
    return fputs(kUsage, stdout), 0;
  }
  if (letter != -1 || optind == argc) {
    return fputs(kUsage, stderr), 2;
  }
  const char* const target = argv[optind];
  interval_arguments(argv + optind + 1, &interval, &count);

  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0) {
    return 1;  // the host has said why
  }
  const wasm_bpf_map map = wasm_bpf_find_map(object, "sizes");
  int error = wasm_bpf_attach(object, "on_malloc", target);
  if (error != 0) {
    return failure(target, error);
  }
  printf("Tracing %s... Hit Ctrl-C to end.\n", target);
  do {
    fflush(stdout);
    error = wasm_bpf_sleep(interval);
    past = now;
    const int unread = wasm_bpf_map_lookup(map, &zero, &now);
    if (unread != 0) {
      return failure("sizes", unread);
    }
    const struct sizes new = difference(&now, &past);
    printf("\n%llu calls, %llu bytes\n", (unsigned long long)new.calls,
           (unsigned long long)new.bytes);
    wasm_bpf_print_log2_histogram(new.slots, SLOT_COUNT, "bytes");
  } while (error == 0 && --count > 0);
  return 0;
}
