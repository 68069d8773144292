// xdp-drop-counter: counts what an interface receives; drops UDP to one port.
#include "xdp-drop-counter.h"

#include <getopt.h>
#include <wasm_bpf/guest.h>

#include "../common.h"

static const unsigned char kObject[] = {
#embed "xdp-drop-counter.bpf.o"
};
static const char kUsage[] =
    "usage: xdp-drop-counter [-u PORT] INTERFACE [INTERVAL [COUNT]]\n"
    "Counts the packets that INTERFACE receives, and drops those to a port.\n"
    "Prints every INTERVAL (1) seconds, COUNT times (until Ctrl-C).\n\n"
    "  -u PORT  drop UDP packets to this port\n"
    "  -h       this text\n";

static struct settings settings;
static uint32_t interval = 1, count = UINT32_MAX;

static const char* read_options(int argc, char** argv) {
  int letter;
  while ((letter = getopt(argc, argv, "u:h")) > 0) {
    switch (letter) {
      case 'u':
        settings.udp_port = number_argument("-u", optarg, 1, UINT16_MAX);
        break;
      case 'h': fputs(kUsage, stdout); exit(0);
      default: fputs(kUsage, stderr); exit(2);
    }
  }
  const char* const interface = argv[optind];
  if (interface == NULL) {
    fputs(kUsage, stderr);
    exit(2);
  }
  interval_arguments(argv + optind + 1, &interval, &count);
  return interface;
}

/// One counter summed over the CPUs; those that do not exist add zero.
static struct counter read_counter(wasm_bpf_map map, uint32_t verdict) {
  static struct counter cpus[WASM_BPF_MAX_CPUS];
  _Static_assert(sizeof cpus[0] == WASM_BPF_PER_CPU_STRIDE(sizeof cpus[0]),
                 "the host writes values at this distance");
  struct counter sum = {0};
  const int error = wasm_bpf_map_lookup(map, &verdict, cpus);
  if (error != 0) {
    exit(failure("counters", error));
  }
  for (uint32_t i = 0; i < WASM_BPF_MAX_CPUS; i++) {
    sum.packets += cpus[i].packets;
    sum.bytes += cpus[i].bytes;
  }
  return sum;
}

static void print_row(const char* name, const struct counter* now,
                      const struct counter* past) {
  printf("%-8s", name);
  for (int i = 0; i < VERDICT_COUNT; i++) {
    printf(" %12llu %15llu",
           (unsigned long long)(now[i].packets - past[i].packets),
           (unsigned long long)(now[i].bytes - past[i].bytes));
  }
  putchar('\n');
}

int main(int argc, char** argv) {
  const uint32_t zero = 0;
  const char* const interface = read_options(argc, argv);
  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0) {
    return 1;  // the host has said why
  }
  int error = wasm_bpf_map_update(wasm_bpf_find_map(object, "settings"), &zero,
                                  &settings, WASM_BPF_ANY);
  if (error == 0) {
    error = wasm_bpf_attach(object, "count_and_drop", interface);
  }
  if (error != 0) {
    return failure(interface, error);
  }
  const wasm_bpf_map map = wasm_bpf_find_map(object, "counters");
  printf("%21s %15s %12s %15s\n", "PASSED", "BYTES", "DROPPED", "BYTES");
  static const struct counter none[VERDICT_COUNT];
  struct counter now[VERDICT_COUNT] = {0}, past[VERDICT_COUNT];
  do {
    fflush(stdout);
    error = wasm_bpf_sleep(interval);
    for (uint32_t i = 0; i < VERDICT_COUNT; i++) {
      past[i] = now[i];
      now[i] = read_counter(map, i);
    }
    print_row("", now, past);
  } while (error == 0 && --count > 0);
  print_row("total", now, none);
  return 0;
}
