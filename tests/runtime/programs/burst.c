// burst N [PROGRAM]: starts PROGRAM (default /bin/true) N times, one after the
// other, as fast as it goes.
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const int count = argc > 1 ? atoi(argv[1]) : 1;
  char* program = argc > 2 ? argv[2] : "/bin/true";
  for (int i = 0; i < count; ++i) {
    const pid_t child = vfork();
    if (child == 0) {
      char number[16];
      snprintf(number, sizeof number, "%d", i);
      execl(program, program, "burst", number, (char*)NULL);
      _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      perror("burst");
      return 1;
    }
  }
  return 0;
}
