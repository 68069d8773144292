#include "bpf/object_checks.h"

#include <bpf/btf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "bpf/object.h"

namespace wasmbpf::bpf {
namespace {

using ::testing::HasSubstr;

// -- instructions -----------------------------------------------------------

constexpr std::uint8_t kLoadImmediate64 = BPF_LD | BPF_IMM | BPF_DW;

std::array<bpf_insn, 2> load_immediate(std::uint8_t kind, std::int32_t value) {
  return {bpf_insn{kLoadImmediate64, 1, kind, 0, value}, bpf_insn{}};
}

constexpr std::array kMaps{5, 7};

TEST(CheckInstructions, OnesOwnMapsAndNumbersAreFine) {
  EXPECT_TRUE(check_instructions(load_immediate(BPF_PSEUDO_MAP_FD, 7), kMaps));
  EXPECT_TRUE(
      check_instructions(load_immediate(BPF_PSEUDO_MAP_VALUE, 5), kMaps));
  EXPECT_TRUE(check_instructions(load_immediate(0, 6), kMaps));
  EXPECT_TRUE(check_instructions(load_immediate(BPF_PSEUDO_FUNC, 6), kMaps));
  EXPECT_TRUE(check_instructions(load_immediate(BPF_PSEUDO_BTF_ID, 6), kMaps));
  EXPECT_TRUE(check_instructions({}, {}));
}

TEST(CheckInstructions, OtherDescriptorsAreRefused) {
  for (const std::uint8_t kind : {BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE}) {
    for (const int fd : {-1, 0, 6}) {
      const Status checked =
          check_instructions(load_immediate(kind, fd), kMaps);
      ASSERT_FALSE(checked) << fd;
      EXPECT_EQ(checked.error().code(), Errc::kInvalidArgument);
      EXPECT_THAT(checked.error().message(), HasSubstr("instruction 0"));
    }
  }
}

TEST(CheckInstructions, IndexesIntoTheHostsMemoryAreRefused) {
  // The kernel would read a descriptor from libbpf's array, at any index.
  for (const std::uint8_t kind :
       {BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE, 7, 15}) {
    EXPECT_FALSE(check_instructions(load_immediate(kind, 0), kMaps))
        << static_cast<int>(kind);
  }
}

TEST(CheckInstructions, ASecondHalfIsNoInstruction) {
  auto load = load_immediate(0, 0);
  load[1].code = kLoadImmediate64;
  load[1].src_reg = BPF_PSEUDO_MAP_FD;
  EXPECT_TRUE(check_instructions(load, kMaps));
  // What follows it is one again.
  const auto forged = load_immediate(BPF_PSEUDO_MAP_FD, 3);
  const std::array code{load[0], load[1], forged[0], forged[1]};
  const Status checked = check_instructions(code, kMaps);
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message(), HasSubstr("instruction 2"));
}

// -- types ------------------------------------------------------------------

/// The sampler's bytes, and its types beside them to know what to change.
class Sampler {
 public:
  Sampler() : types_(btf__parse(BPF_SAMPLER_OBJECT, nullptr), btf__free) {
    std::ifstream file(BPF_SAMPLER_OBJECT, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.assign(bytes.begin(), bytes.end());
    EXPECT_NE(types_, nullptr);
  }

  std::uint32_t id_of(const char* name, std::uint32_t kind) const {
    const int id = btf__find_by_name_kind(types_.get(), name, kind);
    EXPECT_GT(id, 0) << name;
    return static_cast<std::uint32_t>(id);
  }
  const btf_type* type(std::uint32_t id) const {
    return btf__type_by_id(types_.get(), id);
  }

  /// Changes `record`, a part of a type, in the object's bytes.
  template <typename Record>
  void replace(const Record& record, const Record& by) {
    const auto old =
        std::ranges::search(bytes_, std::as_bytes(std::span(&record, 1)));
    ASSERT_FALSE(old.empty());
    std::memcpy(&old.front(), &by, sizeof by);
  }

  Result<OpenObject> open() const {
    return OpenObject::from_bytes(bytes_, "sampler", {});
  }

 private:
  std::unique_ptr<btf, void (*)(btf*)> types_;
  std::vector<std::byte> bytes_;
};

TEST(CheckTypes, ATypedefOfItselfIsRefused) {
  Sampler sampler;
  const std::uint32_t id = sampler.id_of("ticks", BTF_KIND_TYPEDEF);
  btf_type changed = *sampler.type(id);
  changed.type = id;
  sampler.replace(*sampler.type(id), changed);
  const auto object = sampler.open();
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(object.error().message(), HasSubstr("contains itself"));
}

TEST(CheckTypes, AStructInItselfIsRefused) {
  Sampler sampler;
  const std::uint32_t id = sampler.id_of("sampler_ops", BTF_KIND_STRUCT);
  const btf_member member = btf_members(sampler.type(id))[1];
  btf_member changed = member;
  changed.type = id;
  sampler.replace(member, changed);
  const auto object = sampler.open();
  ASSERT_FALSE(object);
  EXPECT_THAT(object.error().message(), HasSubstr("contains itself"));
}

TEST(CheckTypes, APointerToItselfIsNoCycle) {
  // task_struct's real_parent, for one.
  EXPECT_TRUE(Sampler().open());
}

TEST(CheckOpened, AStructOpsMemberOutsideOfItsMapIsRefused) {
  for (const std::uint32_t offset : {72u, 128u, 0x7ffffff8u, 0xfffffff8u}) {
    Sampler sampler;
    const std::uint32_t id = sampler.id_of("sampler_ops", BTF_KIND_STRUCT);
    const btf_member member = btf_members(sampler.type(id))[1];
    btf_member changed = member;
    changed.offset = offset;  // in bits; 64 is where it belongs
    sampler.replace(member, changed);
    const auto object = sampler.open();
    ASSERT_FALSE(object) << offset;
    EXPECT_EQ(object.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(object.error().message(), HasSubstr("'operations'"));
  }
}

}  // namespace
}  // namespace wasmbpf::bpf
