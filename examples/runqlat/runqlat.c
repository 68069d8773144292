// runqlat: how long tasks wait for a CPU, as a histogram.
#include "runqlat.h"

#include <getopt.h>
#include <stdbool.h>
#include <wasm_bpf/guest.h>
#include <wasm_bpf/histogram.h>

#include "../common.h"

static const unsigned char kObject[] = {
#embed "runqlat.bpf.o"
};
static const char kUsage[] =
    "usage: runqlat [-m] [-P] [-p PID] [INTERVAL [COUNT]]\n"
    "Shows how long tasks that could run waited for a CPU, as a histogram\n"
    "every INTERVAL seconds, COUNT times; by default once, at Ctrl-C.\n\n"
    "  -m      milliseconds instead of microseconds\n"
    "  -P      a histogram for each process\n"
    "  -p PID  only this process\n"
    "  -h      this text\n";
static const char* const kPrograms[] = {"on_wakeup", "on_wakeup_new",
                                        "on_switch"};

static struct settings settings = {.unit_ns = 1000};
static uint32_t interval = UINT32_MAX, count = UINT32_MAX;

static void read_options(int argc, char** argv) {
  int letter;
  while ((letter = getopt(argc, argv, "mPp:h")) > 0) {
    switch (letter) {
      case 'm': settings.unit_ns = 1000000; break;
      case 'P': settings.per_process = 1; break;
      case 'p':
        settings.process = number_argument("-p", optarg, 1, INT32_MAX);
        break;
      case 'h': fputs(kUsage, stdout); exit(0);
      default: fputs(kUsage, stderr); exit(2);
    }
  }
  interval_arguments(argv + optind, &interval, &count);
}

/// Takes the histograms out of the map, so that each shows one interval. The
/// next key is asked for before its predecessor goes: afterwards the kernel
/// would start at the first again.
static void print_histograms(wasm_bpf_map map) {
  uint32_t key = 0, next = 0;
  bool more = wasm_bpf_map_next_key(map, NULL, &key) == 0;
  while (more) {
    struct histogram histogram;
    more = wasm_bpf_map_next_key(map, &key, &next) == 0;
    if (wasm_bpf_map_lookup_and_delete(map, &key, &histogram) == 0) {
      if (settings.per_process) {
        printf("\npid = %u %s\n", key, histogram.comm);
      }
      wasm_bpf_print_log2_histogram(
          histogram.slots, SLOT_COUNT,
          settings.unit_ns == 1000 ? "usecs" : "msecs");
    }
    key = next;
  }
}

int main(int argc, char** argv) {
  const uint32_t zero = 0;
  read_options(argc, argv);
  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0) {
    return 1;  // the host has said why
  }
  const wasm_bpf_map map = wasm_bpf_find_map(object, "settings");
  int error = wasm_bpf_map_update(map, &zero, &settings, WASM_BPF_ANY);
  for (int i = 0; i < 3 && error == 0; i++) {
    error = wasm_bpf_attach(object, kPrograms[i], NULL);
  }
  if (error != 0) {
    return failure("runqlat", error);
  }
  puts("Tracing run queue latency... Hit Ctrl-C to end.");
  do {
    fflush(stdout);
    error = wasm_bpf_sleep(interval);
    putchar('\n');
    print_histograms(wasm_bpf_find_map(object, "histograms"));
  } while (error == 0 && --count > 0);
  if (wasm_bpf_map_lookup(map, &zero, &settings) == 0 && settings.missed > 0) {
    printf("\n%llu waits not counted: a map was full\n",
           (unsigned long long)settings.missed);
  }
  return 0;
}
