#ifndef WASMBPF_BASE_HANDLE_TABLE_H_
#define WASMBPF_BASE_HANDLE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"

namespace wasmbpf {

/// Names a host object to a guest: 31 bits, never 0, so that every handle is a
/// positive i32 and an error can be a negative one.
using Handle = std::uint32_t;

/// Maps handles to shared objects of one kind.
///
/// A handle is an index (low 16 bits, plus one) and the slot's generation
/// (15 bits). Closing a slot moves its generation on, so an old handle stays
/// stale until that slot was reused 32,766 times. A slot whose generations are
/// used up is retired, so that no handle is ever given out twice.
///
/// `find` hands out a shared_ptr: what a call uses stays alive through it, even
/// when the guest closes the handle in a callback (decisions: objects are
/// pinned while a call uses them).
/// Threads: none; one table belongs to one session.
template <typename T>
class HandleTable {
 public:
  static constexpr std::size_t kMaxSlots = 0xffff;

  /// Errors: kTooLarge when every slot is taken or retired.
  Result<Handle> insert(std::shared_ptr<T> object) {
    std::size_t index = 0;
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else if (slots_.size() < kMaxSlots) {
      index = slots_.size();
      slots_.emplace_back();
    } else {
      return Error(Errc::kTooLarge, "too many open handles of one kind");
    }
    slots_[index].object = std::move(object);
    return make_handle(index, slots_[index].generation);
  }

  /// Errors: kStaleHandle for a number that was never given out or is closed.
  Result<std::shared_ptr<T>> find(std::uint64_t handle) const {
    const Slot* slot = lookup(handle);
    if (slot == nullptr) {
      return Error(Errc::kStaleHandle, "no open object has this handle");
    }
    return slot->object;
  }

  /// Takes the object out; its handle is stale from here on.
  Result<std::shared_ptr<T>> remove(std::uint64_t handle) {
    Slot* slot = const_cast<Slot*>(std::as_const(*this).lookup(handle));
    if (slot == nullptr) {
      return Error(Errc::kStaleHandle, "no open object has this handle");
    }
    const auto index = static_cast<std::size_t>(slot - slots_.data());
    std::shared_ptr<T> object = std::move(slot->object);
    slot->object = nullptr;
    if (slot->generation < kMaxGeneration) {
      ++slot->generation;
      free_.push_back(index);
    }
    return object;
  }

  /// Calls `visit(handle, object)` for each open handle.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].object != nullptr) {
        visit(make_handle(i, slots_[i].generation), slots_[i].object);
      }
    }
  }

  std::size_t size() const {
    std::size_t open = 0;
    for_each([&](Handle, const auto&) { ++open; });
    return open;
  }

 private:
  static constexpr std::uint32_t kMaxGeneration = 0x7fff;
  struct Slot {
    std::shared_ptr<T> object;
    std::uint32_t generation = 1;  // no handle looks like a descriptor
  };

  static Handle make_handle(std::size_t index, std::uint32_t generation) {
    return (generation << 16) | static_cast<std::uint32_t>(index + 1);
  }

  const Slot* lookup(std::uint64_t handle) const {
    const std::uint64_t index = (handle & 0xffff) - 1;  // 0 wraps: too large
    if (handle > 0x7fffffff || index >= slots_.size()) {
      return nullptr;
    }
    const Slot& slot = slots_[index];
    return slot.object != nullptr && slot.generation == handle >> 16 ? &slot
                                                                     : nullptr;
  }

  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
};

}  // namespace wasmbpf

#endif  // WASMBPF_BASE_HANDLE_TABLE_H_
