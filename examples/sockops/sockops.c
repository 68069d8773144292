// sockops: prints each TCP connection that a cgroup's processes establish.
#include "sockops.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <wasm_bpf/guest.h>

#include "../common.h"

static const unsigned char kObject[] = {
#embed "sockops.bpf.o"
};
static const char kUsage[] =
    "usage: sockops [--count N] CGROUP\n"
    "Prints each TCP connection that the processes of CGROUP (a directory of\n"
    "the cgroup2 file system) and of its children establish.\n\n"
    "  --count N   stop after N connections\n"
    "  -h, --help  this text\n";
static const struct option kLongOptions[] = {
    {"count", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {0}};

static uint32_t lines_left;  // 0: no end
static uint32_t seen[SIDE_COUNT];

static const char* read_options(int argc, char** argv) {
  int letter;
  while ((letter = getopt_long(argc, argv, "h", kLongOptions, NULL)) > 0) {
    switch (letter) {
      case 'c':
        lines_left = number_argument("--count", optarg, 1, UINT32_MAX);
        break;
      case 'h': fputs(kUsage, stdout); exit(0);
      default: fputs(kUsage, stderr); exit(2);
    }
  }
  if (optind == argc) {
    fputs(kUsage, stderr);
    exit(2);
  }
  return argv[optind];
}

struct text {
  char chars[INET6_ADDRSTRLEN + 10];
};

static struct text endpoint_text(const struct endpoint* end, uint32_t is_ipv6) {
  char address[INET6_ADDRSTRLEN];
  struct text text;
  inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, end->address, address,
            sizeof address);
  snprintf(text.chars, sizeof text.chars, is_ipv6 ? "[%s]:%u" : "%s:%u",
           address, end->port);
  return text;
}

static int32_t on_connection(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)size;
  const struct connection* connection = data;
  const int passive = connection->side == PASSIVE;
  seen[passive ? PASSIVE : ACTIVE]++;
  printf("%-8s %-25s %s\n", passive ? "passive" : "active",
         endpoint_text(&connection->local, connection->is_ipv6).chars,
         endpoint_text(&connection->remote, connection->is_ipv6).chars);
  const int last = lines_left > 0 && --lines_left == 0;
  return last ? -WASM_BPF_EINTR : 0;  // ends the poll as a Ctrl-C does
}

int main(int argc, char** argv) {
  struct connection connection;
  const char* const cgroup = read_options(argc, argv);
  const wasm_bpf_object object = wasm_bpf_object_open(kObject, sizeof kObject);
  if (object == 0) {
    return 1;  // the host has said why
  }
  const wasm_bpf_map events = wasm_bpf_find_map(object, "events");
  int result = wasm_bpf_attach(object, "on_socket_event", cgroup);
  if (result == 0) {
    printf("%-8s %-25s %s\n", "SIDE", "LOCAL", "REMOTE");
  }
  while (fflush(stdout) == 0 && result >= 0) {
    result = wasm_bpf_poll(object, events, on_connection, NULL, &connection,
                           sizeof connection, -1);
  }
  if (result < 0 && result != -WASM_BPF_EINTR) {
    return failure(cgroup, result);
  }
  printf("%u active, %u passive\n", seen[ACTIVE], seen[PASSIVE]);
  return 0;
}
