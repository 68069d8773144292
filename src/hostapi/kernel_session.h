#ifndef WASMBPF_HOSTAPI_KERNEL_SESSION_H_
#define WASMBPF_HOSTAPI_KERNEL_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/result.h"
#include "bpf/buffer.h"
#include "hostapi/buffer_reports.h"
#include "hostapi/resources.h"
#include "policy/policy.h"

namespace wasmbpf::hostapi {

/// Everything one guest has in the kernel: eBPF objects, maps, links and
/// buffers, behind handles. Asks the policy before each action.
///
/// The same code serves every version of the guest interface. Destroying it
/// removes all of it from the kernel, newest object first.
/// Errors of all calls that take a handle: kStaleHandle first, then kPolicy.
/// Threads: the guest's only.
/// Trust: handles, names and bytes are the guest's.
class KernelSession {
 public:
  struct Options {
    std::string name;  ///< of the tool; goes into map names
    std::shared_ptr<const policy::Policy> policy;
    Logger logger;
    /// Gets each verifier log, whole.
    std::function<void(std::string_view)> on_verifier_log;
  };

  explicit KernelSession(Options options);
  KernelSession(KernelSession&&) = delete;
  ~KernelSession();

  Result<Handle> load(std::span<const std::byte> elf);

  /// Hands the verifier's log of a failed `load`, if it has one, to
  /// `Options::on_verifier_log`: after its error was shown.
  void keep_verifier_log(const Error& error) const;

  /// What the handle names, if it is of the kind T.
  template <typename T>
  Result<std::shared_ptr<T>> find(std::uint64_t handle) const {
    return resources_.find<T>(handle);
  }

  /// What is in the object's buffers then counts as unread.
  /// Errors: kBusy while a call uses the object (a callback closes it).
  Status close(std::uint64_t object);

  Status attach(std::uint64_t object, const std::string& program,
                const std::string& target);

  /// One handle for each map, however often and by whatever name it is asked
  /// for. No question for the policy: a handle alone gives nothing.
  Result<Handle> map_by_name(std::uint64_t object, const std::string& name);

  Status allow_read(const GuestMap& map) const;
  Status allow_write(const GuestMap& map) const;

  /// Checks what bpf(2) would take for a file descriptor in `key` or `value` of
  /// an update; a handle of an inner map becomes its descriptor, in place.
  /// Errors: kUnsupported for keys and values that only a descriptor can fill.
  Status translate_key(const GuestMap& map) const;
  Status translate_value(const GuestMap& map, std::span<std::byte> value) const;

  /// Polls the buffer of `map`, which must belong to `object`; opens it at the
  /// first use. The object stays open meanwhile. Adds `truncated` from
  /// `on_sample`'s caller to the report.
  Result<std::uint32_t> poll(std::uint64_t object, std::uint64_t map,
                             Interrupt& interrupt,
                             std::optional<std::chrono::nanoseconds> timeout,
                             const bpf::Buffer::OnSample& on_sample);
  void count_truncated(std::uint64_t map);

  /// Closes every object; answers what passed through all buffers that ever
  /// were. Once the guest has ended.
  std::vector<BufferReport> finish();

  const Logger& logger() const { return options_.logger; }

  /// What is wrong with every call of a guest is said as a warning once, and as
  /// debug messages from then on.
  void warn_once(const std::string& text) {
    options_.logger.log(
        std::exchange(warned_, true) ? LogLevel::kDebug : LogLevel::kWarning,
        text);
  }

 private:
  Status open_buffers(GuestObject& object);
  Result<GuestBuffer*> buffer_of(GuestObject& object, const GuestMap& map);
  void close_all();
  void collect_reports(const GuestObject& object);

  Options options_;
  ResourceTable resources_;
  std::vector<Handle> open_order_;
  BufferReports reports_;
  bool warned_ = false;
};

}  // namespace wasmbpf::hostapi

#endif  // WASMBPF_HOSTAPI_KERNEL_SESSION_H_
