#ifndef WASMBPF_TESTS_KERNEL_SUPPORT_TEST_OBJECT_H_
#define WASMBPF_TESTS_KERNEL_SUPPORT_TEST_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/object.h"

namespace wasmbpf::testing {

/// The bytes of the object made from tests/kernel/programs/NAME.bpf.c.
std::vector<std::byte> object_bytes(const std::string& name);

/// tests/kernel/programs/NAME.bpf.c, opened. Fails the test and aborts if it
/// cannot be: then the build is broken.
bpf::OpenObject open_object(const std::string& name, Logger logger = {});

/// Loads it with `programs` beside those that load by themselves, and with this
/// process as their target.
Result<bpf::LoadedObject> load_object(const std::string& name,
                                      const std::vector<std::string>& programs);

/// An object whose programs count what they see.
class Counter {
 public:
  /// Fails the test, and is empty, when the object does not load.
  Counter(const std::string& name, const std::string& program);

  explicit operator bool() const { return object_.has_value(); }
  bpf::LoadedObject& object() { return *object_; }

  /// Attaches the program; a failure fails the test.
  void attach(const std::string& target = "");
  Result<std::vector<bpf::Link>> try_attach(const std::string& target);
  /// Destroys the links.
  void detach() { links_.clear(); }

  std::uint64_t hits() const;
  /// The 64-bit global variable in .bss at its start.
  std::uint64_t argument() const;

 private:
  std::string program_;
  std::optional<bpf::LoadedObject> object_;
  std::vector<bpf::Link> links_;
};

/// The first 8 bytes behind key 0 of a map.
std::uint64_t first_value(const bpf::LoadedObject& object,
                          const std::string& map);

}  // namespace wasmbpf::testing

#endif  // WASMBPF_TESTS_KERNEL_SUPPORT_TEST_OBJECT_H_
