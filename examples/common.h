// What the examples share: reading a command line, saying what failed.
#ifndef EXAMPLES_COMMON_H_
#define EXAMPLES_COMMON_H_

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <wasm_bpf/guest.h>

/// The number that `text` is. What is not a number from `min` to `max` ends the
/// program with a message about the argument `name`.
static inline uint32_t number_argument(const char* name, const char* text,
                                       uint32_t min, uint32_t max) {
  char* end = NULL;
  errno = 0;
  const unsigned long long number = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
      number < min || number > max) {
    fprintf(stderr, "%s: '%s' is not a number from %u to %u\n", name, text,
            (unsigned)min, (unsigned)max);
    exit(2);
  }
  return (uint32_t)number;
}

/// Reads [INTERVAL [COUNT]] from `arguments`, which end with a null.
static inline void interval_arguments(char** arguments, uint32_t* interval,
                                      uint32_t* count) {
  if (arguments[0] != NULL) {
    *interval = number_argument("INTERVAL", arguments[0], 1, UINT32_MAX);
    if (arguments[1] != NULL) {
      *count = number_argument("COUNT", arguments[1], 1, UINT32_MAX);
    }
  }
}

/// Says that `what` failed with `error`. Answers the exit code for it.
static inline int failure(const char* what, int error) {
  fprintf(stderr, "%s: %s\n", what, wasm_bpf_strerror(error));
  return 1;
}

#endif  // EXAMPLES_COMMON_H_
