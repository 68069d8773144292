#include "package/wasm_file.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace wasmbpf::package {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) {
    bytes.push_back(static_cast<std::byte>(value));
  }
  return bytes;
}

/// The smallest eBPF object: a header and one empty section header.
Bytes ebpf_object(std::uint16_t machine = 247) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_machine = machine;
  header.e_shoff = sizeof header;
  header.e_shnum = 1;
  header.e_shentsize = sizeof(Elf64_Shdr);
  Bytes bytes(sizeof header + sizeof(Elf64_Shdr));
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

Bytes surrounded(const Bytes& object) {
  Bytes bytes(100 + object.size() + 50, std::byte{0xaa});
  std::ranges::copy(object, bytes.begin() + 100);
  return bytes;
}

TEST(WasmSections, ListsSectionsAndCustomNames) {
  const Bytes wasm = bytes_of({0, 'a', 's', 'm', 1, 0, 0, 0,  //
                               1, 1, 0,                       // type, empty
                               0, 4, 3, 'b', 'p', 'f'});      // custom "bpf"
  const auto sections = wasm_sections(wasm);
  ASSERT_TRUE(sections) << sections.error().message();
  ASSERT_EQ(sections->size(), 2u);
  EXPECT_EQ((*sections)[0].name, "type");
  EXPECT_EQ((*sections)[0].size_bytes, 1u);
  EXPECT_EQ((*sections)[1].name, "bpf");
  EXPECT_EQ((*sections)[1].offset, 13u);
}

TEST(WasmSections, RefusesWhatIsNotAModule) {
  EXPECT_FALSE(wasm_sections({}));
  EXPECT_FALSE(wasm_sections(bytes_of({0x7f, 'E', 'L', 'F', 1, 0, 0, 0})));
  // A component: version 13, layer 1.
  EXPECT_FALSE(wasm_sections(bytes_of({0, 'a', 's', 'm', 13, 0, 1, 0})));
}

TEST(WasmSections, RefusesSectionsThatRunPastTheEnd) {
  const auto past_end =
      wasm_sections(bytes_of({0, 'a', 's', 'm', 1, 0, 0, 0, 1, 2, 0}));
  ASSERT_FALSE(past_end);
  EXPECT_EQ(past_end.error().code(), Errc::kInvalidModule);
  EXPECT_NE(past_end.error().message().find("offset 8"), std::string::npos);
  // A size of 2^32-1, and one that does not end.
  EXPECT_FALSE(wasm_sections(bytes_of(
      {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f})));
  EXPECT_FALSE(wasm_sections(bytes_of(
      {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})));
}

TEST(FindEbpfObjects, FindsAnObjectInsideAFile) {
  const Bytes object = ebpf_object();
  const auto found = find_ebpf_objects(surrounded(object));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].offset, 100u);
  EXPECT_EQ(found[0].size_bytes, object.size());
}

TEST(FindEbpfObjects, IgnoresOtherElfFilesAndTornHeaders) {
  EXPECT_TRUE(find_ebpf_objects(surrounded(ebpf_object(EM_X86_64))).empty());
  Bytes torn = ebpf_object();
  torn.pop_back();
  EXPECT_TRUE(find_ebpf_objects(torn).empty());
  EXPECT_TRUE(find_ebpf_objects(bytes_of({0x7f, 'E', 'L', 'F'})).empty());
}

TEST(FindEbpfObjects, HugeNumbersInAHeaderDoNotOverflow) {
  Bytes object = ebpf_object();
  const std::uint64_t huge = ~std::uint64_t{0} - 8;
  std::memcpy(object.data() + offsetof(Elf64_Ehdr, e_shoff), &huge,
              sizeof huge);
  EXPECT_TRUE(find_ebpf_objects(object).empty());
}

}  // namespace
}  // namespace wasmbpf::package
