// The guest of bench/startup: says when its first instruction ran, and is as
// large as a real tool (about 100 KB).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <wasi/api.h>

// Weight: data that the compiler cannot drop or fold.
static volatile const unsigned char weight[72 * 1024] = {1, 2, 3};

int main(int argc, char** argv) {
  __wasi_timestamp_t now = 0;
  (void)__wasi_clock_time_get(__WASI_CLOCKID_REALTIME, 1, &now);
  fwrite(&now, sizeof now, 1, stdout);
  // printf, strtod and sorting come along, as in a real tool.
  return argc > 100 ? printf("%f %d\n", strtod(argv[1], NULL),
                             weight[argc % sizeof weight])
                    : 0;
}
