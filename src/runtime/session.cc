#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <mutex>

#include "base/interrupt.h"
#include "engine/instance.h"
#include "hostapi/kernel_session.h"
#include "hostapi/v0.h"
#include "policy/policy.h"
#include "runtime/runtime_impl.h"
#include "runtime/stdio.h"
#include "runtime/thread.h"
#include "wasmbpf/runtime.h"

namespace wasmbpf {
namespace {

/// Makes the engine tick while it exists: for a stop or a pause under way.
class TickRequest {
 public:
  explicit TickRequest(Ticker& ticker) : ticker_(ticker) {}
  TickRequest(const TickRequest&) = delete;
  ~TickRequest() { set(false); }
  /// Async-signal-safe.
  void set(bool wanted) noexcept {
    if (wanted_.exchange(wanted) != wanted) {
      wanted ? ticker_.begin() : ticker_.end();
    }
  }

 private:
  Ticker& ticker_;
  std::atomic<bool> wanted_ = false;
};

std::string frame_text(const engine::Frame& frame) {
  const std::string name =
      frame.function.empty()
          ? "function " + std::to_string(frame.function_index)
          : frame.function;
  return name + " (+" + std::to_string(frame.module_offset) + ")";
}

std::vector<BufferSummary> summarize(
    const std::vector<hostapi::BufferReport>& reports) {
  std::vector<BufferSummary> summaries;
  summaries.reserve(reports.size());
  for (const hostapi::BufferReport& report : reports) {
    summaries.push_back({report.map, report.stats.delivered,
                         report.stats.unread, report.truncated, report.lost,
                         report.stats.size_bytes, report.stats.high_water});
  }
  return summaries;
}

EndedBy ended_by(const engine::Exit& exit, bool output_closed) {
  using Kind = engine::Exit::Kind;
  switch (exit.kind) {
    case Kind::kReturned:
    case Kind::kExited: return EndedBy::kGuest;
    case Kind::kTrapped: return EndedBy::kTrap;
    case Kind::kStopped:
      return output_closed ? EndedBy::kOutput : EndedBy::kStop;
    case Kind::kHostError:
      return exit.error && exit.error->code() == Errc::kPolicy
                 ? EndedBy::kPolicy
                 : EndedBy::kRuntime;
  }
  return EndedBy::kRuntime;
}

SessionResult result_of(const Result<engine::Exit>& exit, bool output_closed) {
  SessionResult result;
  if (!exit) {
    result.ended_by = EndedBy::kRuntime;
    result.message = exit.error().message();
    return result;
  }
  result.ended_by = ended_by(*exit, output_closed);
  result.code = exit->code;
  result.message = result.ended_by == EndedBy::kOutput
                       ? "whoever read the guest's output went away"
                   : exit->error ? exit->error->message()
                                 : exit->message;
  for (const engine::Frame& frame : exit->backtrace) {
    result.backtrace.push_back(frame_text(frame));
  }
  return result;
}

}  // namespace

std::string_view ended_by_name(EndedBy ended_by) {
  switch (ended_by) {
    case EndedBy::kGuest: return "guest";
    case EndedBy::kTrap: return "trap";
    case EndedBy::kStop: return "signal";
    case EndedBy::kOutput: return "output";
    case EndedBy::kPolicy: return "policy";
    case EndedBy::kRuntime: return "runtime";
  }
  return "runtime";
}

/// Members die in reverse order: the guest first, then what it had in the
/// kernel, then what both of them use.
struct Session::Impl {
  Module module;
  std::shared_ptr<Ticker> ticker;
  std::unique_ptr<Interrupt> interrupt;
  UniqueFd ended;
  Stdio stdio;
  TickRequest stopping{*ticker};
  TickRequest pausing{*ticker};
  std::atomic<bool> output_closed = false;
  std::atomic<bool> has_ended = false;
  std::unique_ptr<hostapi::KernelSession> kernel;
  std::optional<engine::Instance> instance;

  SessionResult result;  ///< written before `ended` is signalled
  std::once_flag joined;
  Thread thread;

  Impl(Module module_in, std::shared_ptr<Ticker> ticker_in)
      : module(std::move(module_in)), ticker(std::move(ticker_in)) {}

  void stop() noexcept {
    interrupt->request_stop();
    tick_for(stopping);
  }

  /// Ticks for a request, as long as there is a guest to notice.
  void tick_for(TickRequest& request) noexcept {
    request.set(true);
    if (has_ended) {
      request.set(false);
    }
  }

  /// The session's thread.
  void run() {
    const Result<engine::Exit> exit = instance->run();
    result = result_of(exit, output_closed);
    result.buffers = summarize(kernel->finish());
    instance.reset();
    kernel.reset();
    stdio.owned.clear();
    has_ended = true;
    stopping.set(false);
    pausing.set(false);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(ended.get(), &one, sizeof one);
  }

  ~Impl() {
    if (interrupt) {
      stop();
    }
    thread.join();
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

void Session::interrupt() noexcept { impl_->interrupt->interrupt(); }

void Session::stop() noexcept { impl_->stop(); }

void Session::pause() noexcept {
  impl_->interrupt->pause();
  impl_->tick_for(impl_->pausing);
}

void Session::resume() noexcept {
  impl_->pausing.set(false);
  impl_->interrupt->resume();
}

int Session::ended_fd() const noexcept { return impl_->ended.get(); }

const SessionResult& Session::wait() {
  std::call_once(impl_->joined, [this] { impl_->thread.join(); });
  return impl_->result;
}

const SessionResult* Session::wait_for(std::chrono::milliseconds timeout) {
  using Clock = std::chrono::steady_clock;
  using std::chrono::milliseconds;
  // "For ever" is often written as a number that no clock can be added to.
  constexpr milliseconds kForEver = std::chrono::hours(24 * 365);
  constexpr milliseconds kOnePoll = std::chrono::hours(1);
  const bool for_ever = timeout >= kForEver;
  const auto deadline =
      Clock::now() + std::clamp(timeout, milliseconds{0}, kForEver);
  for (;;) {
    const auto left =
        for_ever ? kOnePoll
                 : std::clamp(
                       std::chrono::ceil<milliseconds>(deadline - Clock::now()),
                       milliseconds{0}, kOnePoll);
    pollfd ended{impl_->ended.get(), POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(left.count())) > 0) {
      return &wait();
    }
    if (left == milliseconds{0}) {
      return nullptr;
    }
  }
}

Result<Session> Runtime::start(const Module& module,
                               SessionOptions options) const {
  for (const HostFunction& function : options.functions) {
    if (!function.call) {
      return Error(Errc::kInvalidArgument, "the host function " +
                                               function.module + "." +
                                               function.name + " has no body");
    }
  }
  auto impl = std::make_unique<Session::Impl>(module, impl_->ticker);
  WASMBPF_TRY_ASSIGN(impl->interrupt, Interrupt::create());
  impl->ended.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!impl->ended) {
    return system_error("eventfd", errno);
  }
  WASMBPF_TRY_ASSIGN(impl->stdio, open_stdio(options));
  const std::shared_ptr<const policy::Policy> policy = policy::allow_all();
  options.logger.info("policy profile: " + std::string(policy->profile_name()));
  impl->kernel = std::make_unique<hostapi::KernelSession>(
      hostapi::KernelSession::Options{options.name, policy, options.logger,
                                      std::move(options.on_verifier_log)});

  engine::InstanceOptions instance;
  instance.args = std::move(options.args);
  instance.args.insert(instance.args.begin(), options.name);
  instance.environment = std::move(options.environment);
  instance.stdin_fd = impl->stdio.stdin_fd;
  instance.stdout_to = impl->stdio.stdout_to;
  instance.stderr_to = impl->stdio.stderr_to;
  instance.on_output_closed = [raw = impl.get()] {
    raw->output_closed = true;
    raw->stop();
  };
  instance.functions = hostapi::v0_functions(
      *impl->kernel, {options.go_wrapper_module, options.go_callback_export},
      module.impl().module.imports());
  std::ranges::move(adapt(std::move(options.functions)),
                    std::back_inserter(instance.functions));
  instance.logger = options.logger;
  WASMBPF_TRY_ASSIGN(
      impl->instance,
      engine::Instance::create(module.impl().engine, module.impl().module,
                               std::move(instance), *impl->interrupt));
  WASMBPF_TRY_ASSIGN(impl->thread,
                     Thread::start([raw = impl.get()] { raw->run(); }));
  return Session(std::move(impl));
}

}  // namespace wasmbpf
