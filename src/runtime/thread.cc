#include "runtime/thread.h"

#include <csignal>
#include <memory>

namespace wasmbpf {
namespace {

constexpr std::size_t kStackBytes = std::size_t{4} << 20;

void* run_body(void* context) {
  const std::unique_ptr<std::function<void()>> body(
      static_cast<std::function<void()>*>(context));
  (*body)();
  return nullptr;
}

}  // namespace

Result<Thread> Thread::start(std::function<void()> body) {
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  // A blocked fault would end the process at once.
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) {
    sigdelset(&blocked, fault);
  }
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  auto context = std::make_unique<std::function<void()>>(std::move(body));
  pthread_t id{};
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  const int err = pthread_create(&id, &attributes, run_body, context.get());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (err != 0) {
    return system_error("start a thread", err);
  }
  [[maybe_unused]] const auto* const theirs = context.release();
  return Thread(id);
}

void Thread::join() {
  if (id_) {
    pthread_join(*std::exchange(id_, std::nullopt), nullptr);
  }
}

}  // namespace wasmbpf
