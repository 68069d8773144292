// One guest, many scenarios of the v0 interface: the name is the argument. A
// check that fails is printed; the exit code is the number of failures.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define IMPORT(module, name) \
  __attribute__((import_module(module), import_name(name)))

typedef int32_t (*callback_t)(void* ctx, void* data, uint32_t size);

IMPORT("wasm_bpf", "wasm_load_bpf_object")
uint64_t load(const void* elf, uint32_t size);
IMPORT("wasm_bpf", "wasm_close_bpf_object") int32_t close_object(uint64_t obj);
IMPORT("wasm_bpf", "wasm_attach_bpf_program")
int32_t attach(uint64_t obj, const char* name, const char* target);
IMPORT("wasm_bpf", "wasm_bpf_map_fd_by_name")
int32_t find_map(uint64_t obj, const char* name);
#ifndef OTHER_DIALECT
IMPORT("wasm_bpf", "wasm_bpf_buffer_poll")
int32_t poll_buffer(uint64_t obj, int32_t map, callback_t callback, void* ctx,
                    void* data, int32_t max_size, int32_t timeout_ms);
IMPORT("wasm_bpf", "wasm_bpf_map_operate")
int32_t operate(int32_t map, int32_t command, void* key, void* value,
                void* next_key, uint64_t flags);
#else
// The same guest as older toolchains make it: Go's way to be called back, by an
// export instead of a table index, and 64-bit pointers for maps.
IMPORT(WRAPPER_MODULE, "wasm_bpf_buffer_poll")
int32_t poll_buffer_go(uint64_t obj, int32_t map, void* ctx, void* data,
                       int32_t max_size, int32_t timeout_ms);
IMPORT("wasm_bpf", "wasm_bpf_map_operate")
int32_t operate_wide(int32_t map, int32_t command, uint64_t key, uint64_t value,
                     uint64_t next_key, uint64_t flags);

static callback_t called_back;
__attribute__((export_name(CALLBACK_EXPORT))) int32_t
go_callback(void* ctx, void* data, uint32_t size) {
  return called_back(ctx, data, size);
}
static int32_t poll_buffer(uint64_t obj, int32_t map, callback_t callback,
                           void* ctx, void* data, int32_t max_size,
                           int32_t timeout_ms) {
  called_back = callback;
  return poll_buffer_go(obj, map, ctx, data, max_size, timeout_ms);
}
static uint64_t wide(void* pointer) { return (uintptr_t)pointer; }
static int32_t operate(int32_t map, int32_t command, void* key, void* value,
                       void* next_key, uint64_t flags) {
  return operate_wide(map, command, wide(key), wide(value), wide(next_key),
                      flags);
}
#endif
// Given by the test: marked system calls, our process, "I wait now".
IMPORT("test", "emit") void emit(uint64_t first, uint64_t count, uint64_t size);
IMPORT("test", "process_id") uint32_t process_id(void);
IMPORT("test", "cpus") uint32_t cpus(void);
IMPORT("test", "ready") void ready(void);

enum { LOOKUP = 1, UPDATE = 2, DELETE = 3, NEXT_KEY = 4, TAKE = 21 };
// Linux's numbers; wasi-libc's differ.
enum {
  kNoEntry = -2,
  kInterrupted = -4,
  kBadHandle = -9,
  kFault = -14,
  kBusy = -16,
  kInvalid = -22,
  kTooBig = -7,
  kUnsupported = -95,
};
enum { kSmall = 16, kLarge = 256 };

static const unsigned char elf[] = {
#embed "v0_events.bpf.o"
};

struct sample {
  uint64_t sequence;
  uint64_t size;
};

static int failures;
static uint64_t object;
static _Alignas(8) unsigned char buffer[1024];

static void check_eq(const char* what, int64_t got, int64_t want) {
  if (got != want) {
    printf("%s: got %lld, want %lld\n", what, (long long)got, (long long)want);
    ++failures;
  }
}
#define CHECK_EQ(got, want) check_eq(#got, (int64_t)(got), (int64_t)(want))

static int32_t map(const char* name) {
  const int32_t handle = find_map(object, name);
  if (handle <= 0) {
    printf("no map %s: %d\n", name, handle);
    ++failures;
  }
  return handle;
}

static void open_and_attach(void) {
  object = load(elf, sizeof elf);
  CHECK_EQ(object != 0, 1);
  uint32_t key = 0, process = process_id();
  CHECK_EQ(operate(map("config"), UPDATE, &key, &process, NULL, 0), 0);
  CHECK_EQ(attach(object, "on_syscall", NULL), 0);
}

// -- buffers ------------------------------------------------------------------

struct seen {
  uint64_t count, next, out_of_order, wrong_size, expected_size;
};

static int32_t in_order(void* ctx, void* data, uint32_t size) {
  struct seen* seen = ctx;
  const struct sample* sample = data;
  seen->out_of_order += sample->sequence != seen->next;
  seen->next = sample->sequence + 1;
  seen->wrong_size += size != seen->expected_size;
  ++seen->count;
  return 1;  // positive: ignored
}

static uint64_t drain(const char* name, struct seen* seen) {
  const uint64_t before = seen->count;
  uint64_t total = 0;
  int32_t n;
  while ((n = poll_buffer(object, map(name), in_order, seen, buffer,
                          sizeof buffer, 0)) > 0) {
    total += n;
  }
  CHECK_EQ(n, 0);
  CHECK_EQ(total, seen->count - before);
  return total;
}

static void ring_delivers_all_in_order(void) {
  struct seen seen = {.expected_size = kSmall};
  emit(0, 1000, kSmall);
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, &seen, buffer,
                       sizeof buffer, -1),
           1000);
  CHECK_EQ(seen.count, 1000);
  CHECK_EQ(seen.out_of_order, 0);
  CHECK_EQ(seen.wrong_size, 0);
}

static void perf_delivers_all(void) {
  struct seen seen = {.expected_size = 20};  // perf pads: 4 + size is 8-aligned
  emit(0, 1000, kSmall);
  CHECK_EQ(drain("perf", &seen), 1000);
  CHECK_EQ(seen.wrong_size, 0);
}

static void two_buffers_of_one_object(void) {
  struct seen ring = {.expected_size = kSmall}, perf = {.expected_size = 20};
  emit(0, 100, kSmall);
  CHECK_EQ(drain("ring", &ring), 100);
  CHECK_EQ(drain("perf", &perf), 100);
}

static void large_samples_are_cut_with_their_real_size(void) {
  struct seen seen = {.expected_size = 64};
  memset(buffer, 0x5a, sizeof buffer);
  emit(0, 3, kLarge);
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, &seen, buffer, 64, 0), 3);
  CHECK_EQ(seen.wrong_size, 0);
  CHECK_EQ(buffer[64], 0x5a);
}

static void overflow_is_counted(void) {
  struct seen counted = {0}, perf = {0};
  emit(0, 20000, kSmall);
  drain("perf", &perf);
  emit(0, 1, kSmall);  // with room again the kernel writes its LOST record
  drain("perf", &perf);
  drain("counted", &counted);
}

static int32_t stop_at_third(void* ctx, void* data, uint32_t size) {
  (void)data, (void)size;
  return ++*(int*)ctx == 3 ? -7 : 0;
}

static void a_negative_result_stops_the_poll(void) {
  int calls = 0;
  struct seen rest = {.expected_size = kSmall, .next = 3};
  emit(0, 10, kSmall);
  CHECK_EQ(
      poll_buffer(object, map("ring"), stop_at_third, &calls, buffer, 64, 0),
      -7);
  CHECK_EQ(calls, 3);
  CHECK_EQ(drain("ring", &rest), 7);
  CHECK_EQ(rest.out_of_order, 0);
}

static void leave_seven_of_ten(void) {
  static const char* const names[] = {"ring", "counted", "perf"};
  emit(0, 10, kSmall);
  for (int i = 0; i < 3; ++i) {
    int calls = 0;
    CHECK_EQ(poll_buffer(object, map(names[i]), stop_at_third, &calls, buffer,
                         64, 0),
             -7);
  }
}

static void samples_are_left_unread(void) {
  leave_seven_of_ten();  // in an object that is closed,
  CHECK_EQ(close_object(object), 0);
  emit(0, 10, kSmall);
  open_and_attach();
  leave_seven_of_ten();  // and in one that stays open
}

static void one_object_after_the_other(void) {
  for (int i = 0; i < 20; ++i) {
    CHECK_EQ(close_object(object), 0);
    open_and_attach();
  }
}

static int32_t close_and_poll_inside(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)data, (void)size;
  CHECK_EQ(close_object(object), kBusy);
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, NULL, buffer, 64, 0),
           kBusy);
  return 0;
}

static void an_object_is_busy_in_its_own_callback(void) {
  emit(0, 1, kSmall);
  CHECK_EQ(poll_buffer(object, map("ring"), close_and_poll_inside, NULL, buffer,
                       64, 0),
           1);
  CHECK_EQ(close_object(object), 0);
  CHECK_EQ(close_object(object), kBadHandle);
}

static void polls_refuse_what_is_wrong(void) {
  const int32_t ring = map("ring");
  struct seen seen = {0};
  emit(0, 1, kSmall);
#ifndef OTHER_DIALECT  // which has no index
  CHECK_EQ(poll_buffer(object, ring, (callback_t)9999, NULL, buffer, 64, 0),
           kInvalid);
  CHECK_EQ(poll_buffer(object, ring, (callback_t)0, NULL, buffer, 64, 0),
           kInvalid);
  CHECK_EQ(poll_buffer(object, ring, (callback_t)-1, NULL, buffer, 64, 0),
           kInvalid);
#endif
  CHECK_EQ(poll_buffer(object, ring, in_order, &seen, buffer, -1, 0), kFault);
  CHECK_EQ(poll_buffer(object, ring, in_order, &seen, (void*)-8, 64, 0),
           kFault);
  CHECK_EQ(poll_buffer(object, ring, in_order, &seen, NULL, 64, 0), kFault);
  CHECK_EQ(poll_buffer(object, map("hash"), in_order, &seen, buffer, 64, 0),
           kInvalid);
  CHECK_EQ(poll_buffer(object, 0, in_order, &seen, buffer, 64, 0), kBadHandle);
  CHECK_EQ(seen.count, 0);
  CHECK_EQ(poll_buffer(object, ring, in_order, &seen, buffer, 64, 0),
           1);  // still there
}

static void a_timeout_answers_zero(void) {
  struct seen seen = {0};
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, &seen, buffer, 64, 0), 0);
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, &seen, buffer, 64, 20),
           0);
  CHECK_EQ(poll_buffer(object, map("perf"), in_order, &seen, buffer, 64, 20),
           0);
}

static void an_interrupt_ends_an_endless_wait(void) {
  struct seen seen = {0};
  ready();
  CHECK_EQ(poll_buffer(object, map("ring"), in_order, &seen, buffer, 64, -1),
           kInterrupted);
}

static int32_t traps(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)data, (void)size;
  __builtin_trap();
}
static void a_callback_traps(void) {
  emit(0, 2, kSmall);
  poll_buffer(object, map("ring"), traps, NULL, buffer, 64, 0);
  printf("came back\n");
}

static int32_t loops(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)data, (void)size;
  ready();
  for (volatile int forever = 1; forever;) {
  }
  return 0;
}
static void a_callback_loops(void) {
  emit(0, 1, kSmall);
  poll_buffer(object, map("ring"), loops, NULL, buffer, 64, 0);
}

// -- maps ---------------------------------------------------------------------

static void hash_operations(void) {
  const int32_t hash = map("hash");
  uint64_t key = 1, value = 10, next = 0, sum = 0;
  CHECK_EQ(operate(hash, LOOKUP, &key, &value, NULL, 0), kNoEntry);
  CHECK_EQ(operate(hash, NEXT_KEY, NULL, NULL, &next, 0), kNoEntry);
  for (key = 1; key <= 3; ++key) {
    value = key * 10;
    CHECK_EQ(operate(hash, UPDATE, &key, &value, NULL, 0), 0);
  }
  CHECK_EQ(operate(hash, UPDATE, &(uint64_t){1}, &value, NULL, 1 /*NOEXIST*/),
           -17);
  void* from = NULL;  // a null key asks for the first
  while (operate(hash, NEXT_KEY, from, NULL, &next, 0) == 0) {
    CHECK_EQ(operate(hash, LOOKUP, &next, &value, NULL, 0), 0);
    sum += value;
    key = next;
    from = &key;
  }
  CHECK_EQ(sum, 60);
  CHECK_EQ(operate(hash, DELETE, &(uint64_t){2}, NULL, NULL, 0), 0);
  CHECK_EQ(operate(hash, DELETE, &(uint64_t){2}, NULL, NULL, 0), kNoEntry);
  CHECK_EQ(operate(hash, TAKE, &(uint64_t){3}, &value, NULL, 0), 0);
  CHECK_EQ(value, 30);
  CHECK_EQ(operate(hash, TAKE, &(uint64_t){3}, &value, NULL, 0), kNoEntry);
}

static void queue_operations(void) {
  const int32_t queue = map("queue");
  uint64_t value = 5;
  CHECK_EQ(operate(queue, UPDATE, NULL, &value, NULL, 0), 0);
  value = 0;
  CHECK_EQ(operate(queue, TAKE, NULL, &value, NULL, 0), 0);
  CHECK_EQ(value, 5);
  CHECK_EQ(operate(queue, TAKE, NULL, &value, NULL, 0), kNoEntry);
}

static void per_cpu_values_have_the_real_stride(void) {
  static _Alignas(8) unsigned char values[8 * 1024 + 8];
  uint32_t key = 0;
  uint64_t sum = 0;
  const uint32_t bytes = cpus() * 8;
  memset(values, 0x5a, sizeof values);
  emit(0, 100, kSmall);
  CHECK_EQ(operate(map("per_cpu"), LOOKUP, &key, values, NULL, 0), 0);
  for (uint32_t cpu = 0; cpu < cpus(); ++cpu) {
    uint32_t calls;
    memcpy(&calls, values + cpu * 8, sizeof calls);
    sum += calls;
  }
  CHECK_EQ(sum, 100);
  CHECK_EQ(values[bytes], 0x5a);
  CHECK_EQ(operate(map("per_cpu"), UPDATE, &key, values, NULL, 0), 0);
}

static void map_operations_refuse_what_is_wrong(void) {
  const int32_t hash = map("hash");
  uint64_t key = 1, value = 1;
  void* const end = (void*)(__builtin_wasm_memory_size(0) * 65536 - 4);
  for (int command = 0; command < 30; ++command) {
    const int known = command == LOOKUP || command == UPDATE ||
                      command == DELETE || command == NEXT_KEY ||
                      command == TAKE;
    if (!known) {
      CHECK_EQ(operate(hash, command, &key, &value, &key, 0), kInvalid);
    }
  }
#ifdef OTHER_DIALECT  // what only 64 bits can say
  CHECK_EQ(
      operate_wide(hash, UPDATE, wide(&key) | 1ULL << 32, wide(&value), 0, 0),
      kFault);
  CHECK_EQ(operate_wide(hash, UPDATE, wide(&key), -8ULL, 0, 0), kFault);
#endif
  CHECK_EQ(operate(hash, LOOKUP, end, &value, NULL, 0), kFault);
  CHECK_EQ(operate(hash, LOOKUP, &key, end, NULL, 0), kFault);
  CHECK_EQ(operate(hash, LOOKUP, &key, (void*)-1, NULL, 0), kFault);
  CHECK_EQ(operate(hash, LOOKUP, NULL, &value, NULL, 0), kFault);
  CHECK_EQ(operate(hash, LOOKUP, &key, NULL, NULL, 0), kFault);
  CHECK_EQ(operate(hash, UPDATE, &key, end, NULL, 0), kFault);
  CHECK_EQ(operate(hash, DELETE, end, NULL, NULL, 0), kFault);
  CHECK_EQ(operate(hash, NEXT_KEY, &key, NULL, end, 0), kFault);
  CHECK_EQ(operate(hash, UPDATE, &key, &value, NULL, 0), 0);
  CHECK_EQ(operate(hash, NEXT_KEY, NULL, NULL, NULL, 0), kFault);
  CHECK_EQ(operate(hash, 99, NULL, NULL, NULL, 0), kInvalid);
  CHECK_EQ(operate(hash, UPDATE, &key, &value, NULL, ~0ULL), kInvalid);
}

static void descriptors_cannot_be_smuggled_in(void) {
  uint32_t key = 0;
  for (int32_t forged = -1; forged < 64; ++forged) {
    CHECK_EQ(operate(map("programs"), UPDATE, &key, &forged, NULL, 0),
             kUnsupported);
    CHECK_EQ(operate(map("maps_of_maps"), UPDATE, &key, &forged, NULL, 0),
             kBadHandle);
  }
  int32_t inner = map("hash");  // the same shape: a handle is welcome
  CHECK_EQ(operate(map("maps_of_maps"), UPDATE, &key, &inner, NULL, 0), 0);
}

static void names_and_stale_handles(void) {
  const int32_t hash = map("hash");
  uint64_t key = 1, value = 1;
  CHECK_EQ(find_map(object, "hash"), hash);  // one handle a map
  CHECK_EQ(find_map(object, "no_such_map"), kNoEntry);
  CHECK_EQ(find_map(object, (const char*)-1), kFault);
  CHECK_EQ(find_map(object, NULL), kFault);
  CHECK_EQ(attach(object, NULL, NULL), kFault);
  CHECK_EQ(attach(object, "no_such_program", NULL), kNoEntry);
  CHECK_EQ(attach(object, "on_syscall", (const char*)-1), kFault);
  memset(buffer, 'x', sizeof buffer);
  buffer[sizeof buffer - 1] = 0;
  CHECK_EQ(find_map(object, (const char*)buffer), kTooBig);
  CHECK_EQ(close_object(object), 0);
  CHECK_EQ(operate(hash, LOOKUP, &key, &value, NULL, 0), kBadHandle);
  CHECK_EQ(poll_buffer(object, hash, in_order, NULL, buffer, 64, 0),
           kBadHandle);
  CHECK_EQ(attach(object, "on_syscall", NULL), kBadHandle);
  const uint64_t old = object;
  object = load(elf, sizeof elf);
  CHECK_EQ(object != 0 && object != old, 1);
  CHECK_EQ(close_object(old), kBadHandle);
}

static void a_handle_of_another_kind_names_nothing(void) {
  const int32_t hash = map("hash");
  uint64_t key = 1, value = 1;
  CHECK_EQ(close_object((uint64_t)hash), kBadHandle);
  CHECK_EQ(attach((uint64_t)hash, "on_syscall", NULL), kBadHandle);
  CHECK_EQ(find_map((uint64_t)hash, "hash"), kBadHandle);
  CHECK_EQ(operate((int32_t)object, LOOKUP, &key, &value, NULL, 0), kBadHandle);
  CHECK_EQ(poll_buffer(object, (int32_t)object, in_order, NULL, buffer, 64, 0),
           kBadHandle);
  CHECK_EQ(poll_buffer((uint64_t)hash, hash, in_order, NULL, buffer, 64, 0),
           kBadHandle);
  CHECK_EQ(operate(hash, UPDATE, &key, &value, NULL, 0), 0);  // it lives
}

static int without_result_calls;
static void without_result(void* ctx, void* data, uint32_t size) {
  (void)ctx, (void)data, (void)size;
  ++without_result_calls;
}

static void a_callback_without_a_result(void) {
  emit(0, 5, kSmall);
  CHECK_EQ(poll_buffer(object, map("ring"), (callback_t)without_result, NULL,
                       buffer, 64, 0),
           5);
  CHECK_EQ(without_result_calls, 5);
}

static void an_automatic_program_takes_any_target(void) {
  static const char* const targets[] = {"", "sys_enter", "lo:egress", "?"};
  for (int i = 0; i < 4; ++i) {
    const uint64_t other = load(elf, sizeof elf);
    CHECK_EQ(attach(other, "on_syscall", targets[i]), 0);
    CHECK_EQ(close_object(other), 0);
  }
}

static void leaves_everything_open(void) {
  for (int i = 0; i < 3; ++i) {
    CHECK_EQ(attach(load(elf, sizeof elf), "on_syscall", NULL), 0);
  }
}

static const struct {
  const char* name;
  void (*run)(void);
} scenarios[] = {
#define SCENARIO(name) {#name, name}
    SCENARIO(ring_delivers_all_in_order),
    SCENARIO(perf_delivers_all),
    SCENARIO(two_buffers_of_one_object),
    SCENARIO(large_samples_are_cut_with_their_real_size),
    SCENARIO(overflow_is_counted),
    SCENARIO(a_negative_result_stops_the_poll),
    SCENARIO(samples_are_left_unread),
    SCENARIO(one_object_after_the_other),
    SCENARIO(an_object_is_busy_in_its_own_callback),
    SCENARIO(polls_refuse_what_is_wrong),
    SCENARIO(a_timeout_answers_zero),
    SCENARIO(an_interrupt_ends_an_endless_wait),
    SCENARIO(a_callback_traps),
    SCENARIO(a_callback_loops),
    SCENARIO(hash_operations),
    SCENARIO(queue_operations),
    SCENARIO(per_cpu_values_have_the_real_stride),
    SCENARIO(map_operations_refuse_what_is_wrong),
    SCENARIO(descriptors_cannot_be_smuggled_in),
    SCENARIO(names_and_stale_handles),
    SCENARIO(a_handle_of_another_kind_names_nothing),
    SCENARIO(a_callback_without_a_result),
    SCENARIO(an_automatic_program_takes_any_target),
    SCENARIO(leaves_everything_open),
};

int main(int argc, char** argv) {
  for (unsigned i = 0; argc > 1 && i < sizeof scenarios / sizeof *scenarios;
       ++i) {
    if (strcmp(argv[1], scenarios[i].name) == 0) {
      open_and_attach();
      scenarios[i].run();
      return failures;
    }
  }
  printf("no such scenario\n");
  return 100;
}
