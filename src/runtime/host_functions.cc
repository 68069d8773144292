#include <algorithm>
#include <iterator>

#include "engine/instance.h"
#include "runtime/runtime_impl.h"

namespace wasmbpf {
namespace {

class GuestCallAdapter final : public GuestCall {
 public:
  explicit GuestCallAdapter(const engine::Call& call) : call_(call) {}

  std::uint64_t memory_size_bytes() const override {
    return call_.memory().size_bytes();
  }
  Result<std::vector<std::byte>> read(std::uint64_t offset,
                                      std::uint64_t size) const override {
    return call_.memory().copy_in({offset, size});
  }
  Status write(std::uint64_t offset,
               std::span<const std::byte> data) const override {
    return call_.memory().copy_out(offset, data);
  }

 private:
  const engine::Call& call_;
};

std::vector<engine::ValueType> adapt_types(
    const std::vector<ValueType>& types) {
  std::vector<engine::ValueType> adapted;
  std::ranges::transform(
      types, std::back_inserter(adapted),
      [](ValueType type) { return static_cast<engine::ValueType>(type); });
  return adapted;
}

static_assert(static_cast<int>(ValueType::kF64) ==
                  static_cast<int>(engine::ValueType::kF64),
              "both enumerations list the four types in one order");

}  // namespace

std::vector<engine::HostFunction> adapt(std::vector<HostFunction> functions) {
  std::vector<engine::HostFunction> adapted;
  adapted.reserve(functions.size());
  for (HostFunction& function : functions) {
    adapted.push_back(
        {function.module,
         function.name,
         {adapt_types(function.params), adapt_types(function.results)},
         [body = std::move(function.call)](
             engine::Call& call, std::span<const engine::RawValue> args,
             std::span<engine::RawValue> results) -> Status {
           GuestCallAdapter guest(call);
           return body(guest, args, results);
         }});
  }
  return adapted;
}

}  // namespace wasmbpf
