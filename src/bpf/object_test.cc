// What needs no kernel: objects that are opened and configured, and hostile
// bytes.
#include "bpf/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace wasmbpf::bpf {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;

std::vector<std::byte> sampler() {
  std::ifstream file(BPF_SAMPLER_OBJECT, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(text.empty()) << BPF_SAMPLER_OBJECT;
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

OpenObject open_sampler() {
  auto object = OpenObject::from_bytes(sampler(), "sampler", {});
  EXPECT_TRUE(object) << object.error().message();
  return std::move(*object);
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

TEST(OpenObject, ListsProgramsAndMaps) {
  const OpenObject object = open_sampler();
  EXPECT_THAT(object.programs(),
              Contains(AllOf(Field(&ProgramInfo::name, "on_exec"),
                             Field(&ProgramInfo::section,
                                   "tracepoint/sched/sched_process_exec"),
                             Field(&ProgramInfo::type_name, "tracepoint"),
                             Field(&ProgramInfo::attach_type_name, ""))));
  // The question mark is libbpf's "not by itself", not a part of the section.
  EXPECT_THAT(object.programs(),
              Contains(AllOf(Field(&ProgramInfo::name, "later"),
                             Field(&ProgramInfo::section, "kprobe"))));
  EXPECT_THAT(object.maps(),
              Contains(AllOf(Field(&MapDeclaration::name, "pinned_hash"),
                             Field(&MapDeclaration::type_name, "hash"),
                             Field(&MapDeclaration::key_size, 4u),
                             Field(&MapDeclaration::value_size, 20u),
                             Field(&MapDeclaration::max_entries, 16u))));
}

TEST(OpenObject, BuffersDeclaredWithTheirEventTypeBecomePlain) {
  const OpenObject object = open_sampler();
  EXPECT_THAT(object.maps(),
              Contains(AllOf(Field(&MapDeclaration::name, "typed_ring"),
                             Field(&MapDeclaration::key_size, 0u),
                             Field(&MapDeclaration::value_size, 0u))));
  EXPECT_THAT(object.maps(),
              Contains(AllOf(Field(&MapDeclaration::name, "typed_perf"),
                             Field(&MapDeclaration::key_size, 4u),
                             Field(&MapDeclaration::value_size, 4u))));
}

TEST(OpenObject, APinIsDroppedWithAWarning) {
  std::string log;
  const Logger logger(LogLevel::kWarning,
                      [&](LogLevel, std::string_view text) { log += text; });
  ASSERT_TRUE(OpenObject::from_bytes(sampler(), "sampler", logger));
  EXPECT_THAT(log, AllOf(HasSubstr("'pinned_hash'"), HasSubstr("pinned")));
}

TEST(OpenObject, TakesBytesAtAnyAddress) {
  std::vector<std::byte> shifted(1);
  std::ranges::copy(sampler(), std::back_inserter(shifted));
  EXPECT_TRUE(OpenObject::from_bytes(std::span(shifted).subspan(1), "x", {}));
}

TEST(OpenObject, SizesOfMapsCanBeSet) {
  OpenObject object = open_sampler();
  ASSERT_TRUE(object.set_max_entries("typed_ring", 1 << 20));
  EXPECT_THAT(object.maps(),
              Contains(AllOf(Field(&MapDeclaration::name, "typed_ring"),
                             Field(&MapDeclaration::max_entries, 1u << 20))));
  EXPECT_EQ(object.set_max_entries("nothing", 1).error().code(),
            Errc::kNotFound);
  EXPECT_EQ(object.set_max_entries("pinned_hash", 0).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(object.set_max_entries(".bss", 2).error().code(),
            Errc::kInvalidArgument);
}

TEST(OpenObject, AutoloadCanBeSet) {
  OpenObject object = open_sampler();
  EXPECT_TRUE(object.set_autoload("later", true));
  EXPECT_EQ(object.set_autoload("nothing", true).error().code(),
            Errc::kNotFound);
}

TEST(OpenObject, GlobalsAreSetByNameAndWholeSize) {
  OpenObject object = open_sampler();
  const std::uint32_t four = 7;
  const std::uint64_t eight = 7;
  EXPECT_TRUE(object.set_global("target_pid", bytes_of(four)));
  EXPECT_TRUE(object.set_global("counted", bytes_of(eight)));
  EXPECT_TRUE(object.set_global("started", bytes_of(four)));
  const Status wrong = object.set_global("target_pid", bytes_of(eight));
  EXPECT_EQ(wrong.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(wrong.error().message(), HasSubstr("has 4 bytes, not 8"));
  EXPECT_EQ(object.set_global("nothing", bytes_of(four)).error().code(),
            Errc::kNotFound);
  // A type or a function of that name is no variable.
  EXPECT_EQ(object.set_global("event", bytes_of(four)).error().code(),
            Errc::kNotFound);
}

TEST(OpenObject, SaysWhatIsWrongWithBytesThatAreNoObject) {
  const std::string text =
      "\x7f"
      "ELF, it says";
  const auto object =
      OpenObject::from_bytes(std::as_bytes(std::span(text)), "x", {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(object.error().message(), HasSubstr("not a usable eBPF object"));
  EXPECT_FALSE(OpenObject::from_bytes({}, "x", {}));
}

TEST(OpenObject, NamesWithControlCharactersAreRefused) {
  // A program's name is the author's: here it would turn a terminal red, and a
  // policy would be asked about another name than the kernel is.
  std::vector<std::byte> bytes = sampler();
  const auto name = std::as_bytes(std::span("later", 5));
  for (auto found = std::ranges::search(bytes, name); !found.empty();
       found = std::ranges::search(bytes, name)) {
    found.front() = std::byte{0x1b};
  }
  const auto object = OpenObject::from_bytes(bytes, "x", {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(object.error().message(), HasSubstr("program '?ater'"));
}

/// Whatever the bytes, the answer is an object or an error: everything that can
/// be asked of it without the kernel is asked.
void open_and_look(std::span<const std::byte> bytes) {
  auto object = OpenObject::from_bytes(bytes, "hostile", {});
  if (!object) {
    EXPECT_EQ(object.error().code(), Errc::kInvalidArgument);
    EXPECT_FALSE(object.error().message().empty());
    return;
  }
  (void)object->programs();
  (void)object->maps();
  const std::uint64_t value = 1;
  for (const char* name : {"target_pid", "limits", "counted", "started",
                           "wasm_bpf_lost_typed_ring"}) {
    (void)object->set_global(name, bytes_of(value));
    (void)object->set_global(name, bytes_of(value).first(4));
  }
  (void)object->set_max_entries("typed_ring", 8192);
  (void)object->set_autoload("later", true);
}

TEST(HostileObject, CutAnywhereIsRefusedOrRead) {
  const std::vector<std::byte> whole = sampler();
  for (std::size_t size = 0; size < whole.size(); size += 23) {
    SCOPED_TRACE(size);
    // A copy of just that size, so that AddressSanitizer sees its end.
    open_and_look(std::vector(whole.begin(), whole.begin() + size));
  }
}

TEST(HostileObject, TurnedBitsAreRefusedOrRead) {
  const std::vector<std::byte> whole = sampler();
  for (unsigned seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);  // the same everywhere, unlike distributions
    std::vector<std::byte> bytes = whole;
    const unsigned turns = 1 + random() % 16;
    for (unsigned i = 0; i < turns; ++i) {
      bytes[random() % bytes.size()] ^= std::byte(1u << (random() % 8));
    }
    open_and_look(bytes);
  }
}

TEST(HostileObject, OverwrittenWordsAreRefusedOrRead) {
  // Sizes, offsets and counts are words: the ends of their ranges hurt most.
  const std::vector<std::byte> whole = sampler();
  constexpr std::uint32_t kWords[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
  for (unsigned seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<std::byte> bytes = whole;
    const unsigned words = 1 + random() % 4;
    for (unsigned i = 0; i < words; ++i) {
      const std::uint32_t word = kWords[random() % std::size(kWords)];
      const std::size_t at = random() % (bytes.size() / 4) * 4;
      std::memcpy(bytes.data() + at, &word, sizeof word);
    }
    open_and_look(bytes);
  }
}

}  // namespace
}  // namespace wasmbpf::bpf
