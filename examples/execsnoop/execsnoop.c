// execsnoop: prints a line for every program that is started.
#include "execsnoop.h"

#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <wasm_bpf/guest.h>

#include "../common.h"

static const unsigned char kObject[] = {
#embed "execsnoop.bpf.o"
};
static const char kUsage[] =
    "usage: execsnoop [-t] [-n NAME] [-u UID] [--count N]\n"
    "Prints a line for every program that is started.\n\n"
    "  -t          time, in seconds since the first line\n"
    "  -n NAME     only commands with NAME in their name\n"
    "  -u UID      only this user's\n"
    "  --count N   stop after N lines\n"
    "  -h, --help  this text\n";
static const struct option kLongOptions[] = {
    {"count", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {0}};

static bool show_time;
static const char* only_name = "";
static int64_t only_uid = -1;  // -1: all
static uint32_t lines_left;    // 0: no end

static void read_options(int argc, char** argv) {
  int letter;
  while ((letter = getopt_long(argc, argv, "tn:u:h", kLongOptions, NULL)) > 0) {
    switch (letter) {
      case 't': show_time = true; break;
      case 'n': only_name = optarg; break;
      case 'u': only_uid = number_argument("-u", optarg, 0, UINT32_MAX); break;
      case 'c':
        lines_left = number_argument("--count", optarg, 1, UINT32_MAX);
        break;
      case 'h': fputs(kUsage, stdout); exit(0);
      default: fputs(kUsage, stderr); exit(2);
    }
  }
}

static void print_event(const struct exec_event* event) {
  static uint64_t first_ns;
  first_ns = first_ns ? first_ns : event->time_ns;
  if (show_time) {
    printf("%-8.3f ", (int64_t)(event->time_ns - first_ns) / 1e9);
  }
  printf("%-16s %-7u %-7u ", event->comm, event->pid, event->ppid);
  for (uint32_t i = 0; i + 1 < event->args_size; i++) {
    const unsigned char c = event->args[i];
    // Arguments can hold anything, but a line stays a line.
    putchar(c == '\0' ? ' ' : c < ' ' || c == 0x7f ? '?' : c);
  }
  puts(event->args_size < event->all_args_size ? "..." : "");
}

static int32_t on_event(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)size;
  const struct exec_event* event = data;
  if (strstr(event->comm, only_name) == NULL ||
      (only_uid >= 0 && event->uid != only_uid)) {
    return 0;
  }
  print_event(event);
  const bool last = lines_left > 0 && --lines_left == 0;
  return last ? -WASM_BPF_EINTR : 0;  // ends the poll as a Ctrl-C does
}

int main(int argc, char** argv) {
  static struct exec_event event;
  static char out[1 << 16];
  read_options(argc, argv);
  setvbuf(stdout, out, _IOFBF, sizeof out);
  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0) {
    return 1;  // the host has said why
  }
  const wasm_bpf_map events = wasm_bpf_find_map(object, "events");
  int result = wasm_bpf_attach(object, "handle_exec", NULL);
  if (result == 0) {
    printf("%s%-16s %-7s %-7s %s\n", show_time ? "TIME(s)  " : "", "PCOMM",
           "PID", "PPID", "ARGS");
  }
  while (fflush(stdout) == 0 && result >= 0) {
    result =
        wasm_bpf_poll(object, events, on_event, NULL, &event, sizeof event, -1);
  }
  if (result < 0 && result != -WASM_BPF_EINTR) {
    return failure("execsnoop", result);
  }
  return 0;
}
