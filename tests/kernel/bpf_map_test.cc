#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "bpf/map.h"
#include "kernel/support/require_feature.h"
#include "kernel/support/test_object.h"

namespace wasmbpf::testing {
namespace {

using bpf::DescriptorUse;
using bpf::Map;

template <typename T>
std::span<const std::byte> in(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <typename T>
std::span<std::byte> out(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

class Maps : public ::testing::Test {
 protected:
  void SetUp() override {
    auto object = load_object("maps", {});
    ASSERT_TRUE(object) << object.error().message();
    object_.emplace(std::move(*object));
  }
  Map map(const std::string& name) {
    auto map = object_->map(name);
    EXPECT_TRUE(map) << map.error().message();
    return std::move(*map);
  }
  std::optional<bpf::LoadedObject> object_;
};

TEST_F(Maps, HashesKeepLoseAndListKeys) {
  const Map hash = map("hash");
  EXPECT_EQ(hash.info().type_name, "hash");
  EXPECT_EQ(hash.info().transfer_size, 8u);
  std::uint64_t next = 0;
  EXPECT_EQ(hash.next_key(std::nullopt, out(next)).error().sys_errno(), ENOENT);
  for (std::uint64_t key = 1; key <= 4; ++key) {
    ASSERT_TRUE(hash.update(in(key), in(key * 10), 0));
  }
  const std::uint64_t fifth = 5;
  const Status full = hash.update(in(fifth), in(fifth), 0);
  EXPECT_EQ(full.error().code(), Errc::kTooLarge);
  EXPECT_EQ(full.error().sys_errno(), E2BIG);
  EXPECT_EQ(hash.update(in(std::uint64_t{1}), in(fifth), 1 /*NOEXIST*/)
                .error()
                .code(),
            Errc::kExists);

  std::uint64_t sum = 0;
  std::optional<std::uint64_t> key;
  while (
      hash.next_key(key ? std::optional(in(*key)) : std::nullopt, out(next))) {
    std::uint64_t value = 0;
    ASSERT_TRUE(hash.lookup(in(next), out(value), 0));
    sum += value;
    key = next;
  }
  EXPECT_EQ(sum, 100u);
  ASSERT_TRUE(hash.erase(in(std::uint64_t{2})));
  std::uint64_t value = 0;
  EXPECT_EQ(
      hash.lookup(in(std::uint64_t{2}), out(value), 0).error().sys_errno(),
      ENOENT);
}

TEST_F(Maps, QueuesHaveNoKeys) {
  const Map queue = map("queue");
  EXPECT_EQ(queue.info().key_size, 0u);
  for (const std::uint64_t value : {7u, 8u}) {
    ASSERT_TRUE(queue.update({}, in(value), 0));
  }
  std::uint64_t value = 0;
  ASSERT_TRUE(queue.lookup({}, out(value), 0));
  EXPECT_EQ(value, 7u);
  ASSERT_TRUE(queue.lookup_and_delete({}, out(value), 0));
  ASSERT_TRUE(queue.lookup_and_delete({}, out(value), 0));
  EXPECT_EQ(value, 8u);
  EXPECT_EQ(queue.lookup_and_delete({}, out(value), 0).error().sys_errno(),
            ENOENT);
}

TEST_F(Maps, PerCpuValuesAreEightBytesApart) {
  const auto cpus = static_cast<std::size_t>(bpf::possible_cpus().value());
  const Map four = map("percpu_hash");  // values of 4 bytes
  EXPECT_EQ(four.info().value_size, 4u);
  EXPECT_EQ(four.info().transfer_size, 8 * cpus);
  EXPECT_EQ(map("percpu_array").info().transfer_size, 24 * cpus);

  std::vector<std::uint64_t> values(cpus);
  for (std::size_t i = 0; i < cpus; ++i) {
    values[i] = i + 1;
  }
  const std::uint32_t key = 1;
  ASSERT_TRUE(four.update(in(key), std::as_bytes(std::span(values)), 0));
  // What lies behind the real size must not be written.
  std::vector<std::uint64_t> read(cpus + 1, 0x5a5a5a5a5a5a5a5a);
  ASSERT_TRUE(four.lookup(
      in(key), std::as_writable_bytes(std::span(read).first(cpus)), 0));
  for (std::size_t i = 0; i < cpus; ++i) {
    EXPECT_EQ(read[i], i + 1);
  }
  EXPECT_EQ(read[cpus], 0x5a5a5a5a5a5a5a5a);
}

TEST_F(Maps, WrongSizesNeverReachTheKernel) {
  const Map hash = map("hash");
  std::uint32_t small = 0;
  std::uint64_t right = 0;
  EXPECT_EQ(hash.lookup(in(small), out(right), 0).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(hash.lookup(in(right), out(small), 0).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(hash.update(in(right), in(small), 0).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(hash.lookup_and_delete({}, out(right), 0).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(hash.erase(in(small)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(hash.next_key(in(small), out(right)).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(hash.next_key(std::nullopt, out(small)).error().code(),
            Errc::kInvalidArgument);
}

TEST_F(Maps, SayWhereTheKernelExpectsDescriptors) {
  EXPECT_EQ(map("hash").info().descriptor_use, DescriptorUse::kNone);
  EXPECT_EQ(map("outer").info().descriptor_use, DescriptorUse::kMapInValue);
  EXPECT_EQ(map("programs").info().descriptor_use,
            DescriptorUse::kDescriptorInValue);
  EXPECT_EQ(map("sockets").info().descriptor_use,
            DescriptorUse::kDescriptorInValue);
  EXPECT_EQ(map("devices").info().descriptor_use,
            DescriptorUse::kProgramAfterValue);
}

TEST_F(Maps, OutliveTheirObject) {
  const Map array = map("array");
  object_.reset();
  const std::uint32_t key = 1;
  const std::uint64_t value = 7;
  EXPECT_TRUE(array.update(in(key), in(value), 0));
}

TEST_F(Maps, UnknownNamesAreNotFound) {
  EXPECT_EQ(object_->map("no_such_map").error().code(), Errc::kNotFound);
  EXPECT_EQ(object_->map("").error().code(), Errc::kNotFound);
}

TEST(TaskStorage, HasADescriptorForAKey) {
  REQUIRE_FEATURE("task_storage");
  auto object = load_object("task_storage", {});
  ASSERT_TRUE(object) << object.error().message();
  const auto map = object->map("per_task");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->info().descriptor_use, DescriptorUse::kDescriptorInKey);
}

}  // namespace
}  // namespace wasmbpf::testing
