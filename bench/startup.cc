// How long a guest takes to start with a warm cache: from exec of the command
// to the guest's first instruction, and where the time goes.
//
//   startup COMMAND GUEST [RUNS]
//
// The command's figure is taken from outside. The stages are taken in processes
// of their own that do what `wasm-bpf run` does, one call after the other.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "wasmbpf/runtime.h"

extern char** environ;

namespace {

using Nanoseconds = std::uint64_t;

Nanoseconds now(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<Nanoseconds>(time.tv_sec) * 1'000'000'000 +
         static_cast<Nanoseconds>(time.tv_nsec);
}

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "startup: %s\n", why.c_str());
  std::exit(1);
}

/// Runs a command and reads what it prints, at most `size` bytes.
std::size_t run(std::vector<std::string> words, void* into, std::size_t size) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    die("no pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t child = 0;
  if (::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ) !=
      0) {
    die("cannot run " + words[0]);
  }
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::size_t done = 0;
  ssize_t n = 0;
  while (done < size && (n = ::read(ends[0], static_cast<char*>(into) + done,
                                    size - done)) > 0) {
    done += static_cast<std::size_t>(n);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) {
    die(words[0] + " failed");
  }
  return done;
}

constexpr std::array kStages{"engine and cache opened", "module from the cache",
                             "linked, thread started", "instantiated, running"};
using Stages = std::array<Nanoseconds, kStages.size()>;

/// Body of a measuring process: one start, its stages to stdout.
int measure_stages(const char* guest) {
  std::array<Nanoseconds, kStages.size() + 1> at{};
  Nanoseconds first_instruction = 0;
  at[0] = now(CLOCK_REALTIME);
  const auto runtime = wasmbpf::Runtime::create();
  at[1] = now(CLOCK_REALTIME);
  const auto module = runtime->load_file(guest);
  at[2] = now(CLOCK_REALTIME);
  if (!module || !module->from_cache()) {
    die("the module is not in the cache");
  }
  wasmbpf::SessionOptions options;
  options.stdout_to = [&](std::span<const std::byte> bytes) {
    std::memcpy(&first_instruction, bytes.data(),
                std::min(bytes.size(), sizeof first_instruction));
  };
  auto session = runtime->start(*module, std::move(options));
  at[3] = now(CLOCK_REALTIME);
  if (!session) {
    die(session.error().message());
  }
  session->wait();
  at[4] = first_instruction;
  Stages stages{};
  for (std::size_t i = 0; i < stages.size(); ++i) {
    // The guest's thread can be ahead of this one: then the stage is free.
    stages[i] = at[i + 1] > at[i] ? at[i + 1] - at[i] : 0;
  }
  return ::write(STDOUT_FILENO, stages.data(), sizeof stages) ==
                 static_cast<ssize_t>(sizeof stages)
             ? 0
             : 1;
}

void print(const char* what, std::vector<Nanoseconds> times) {
  std::ranges::sort(times);
  std::printf("  %-34s %8.2f ms  (min %.2f, max %.2f)\n", what,
              static_cast<double>(times[times.size() / 2]) / 1e6,
              static_cast<double>(times.front()) / 1e6,
              static_cast<double>(times.back()) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--stages") == 0) {
    return measure_stages(argv[2]);
  }
  if (argc < 3) {
    die("usage: startup COMMAND GUEST [RUNS]");
  }
  const int runs = argc > 3 ? std::atoi(argv[3]) : 50;
  std::vector<Nanoseconds> totals;
  std::array<std::vector<Nanoseconds>, kStages.size()> stages;
  for (int i = -1; i < runs; ++i) {  // the first fills the cache
    Nanoseconds first = 0;
    const Nanoseconds start = now(CLOCK_REALTIME);
    if (run({argv[1], "run", argv[2]}, &first, sizeof first) != sizeof first) {
      die("the guest said nothing");
    }
    Stages one{};
    run({argv[0], "--stages", argv[2]}, one.data(), sizeof one);
    if (i < 0) {
      continue;
    }
    totals.push_back(first - start);
    for (std::size_t s = 0; s < kStages.size(); ++s) {
      stages[s].push_back(one[s]);
    }
  }
  std::printf("start-up with a warm cache, medians of %d runs\n", runs);
  print("exec to first guest instruction", totals);
  std::printf("of which, in a process of its own:\n");
  for (std::size_t s = 0; s < kStages.size(); ++s) {
    print(kStages[s], stages[s]);
  }
  return 0;
}
