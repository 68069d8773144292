// allocate SIZE N: calls its own function `allocate` N times, for a uprobe.
#include <stdint.h>
#include <stdlib.h>

__attribute__((noinline)) void* allocate(size_t size) {
  void* memory = malloc(size);
  __asm__ volatile("" : : "r"(memory) : "memory");
  return memory;
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  for (int i = 0; i < atoi(argv[2]); ++i) {
    free(allocate(strtoul(argv[1], NULL, 10)));
  }
  return 0;
}
