#include "package/wasm_file.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace wasmbpf::package {
namespace {

#ifndef EM_BPF
constexpr int EM_BPF = 247;
#endif

constexpr std::array<const char*, 14> kSectionNames{
    "custom", "type",  "import",  "function", "table", "memory",     "global",
    "export", "start", "element", "code",     "data",  "data count", "tag"};

/// Reads forward through bytes and never past their end.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::uint64_t offset() const { return offset_; }
  bool at_end() const { return offset_ == bytes_.size(); }

  std::optional<std::uint8_t> byte() {
    if (at_end()) {
      return std::nullopt;
    }
    return static_cast<std::uint8_t>(bytes_[offset_++]);
  }

  /// An unsigned LEB128 of at most 32 bits.
  std::optional<std::uint32_t> leb32() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto next = byte();
      if (!next) {
        return std::nullopt;
      }
      value |= static_cast<std::uint64_t>(*next & 0x7f) << shift;
      if ((*next & 0x80) == 0) {
        return value <= UINT32_MAX
                   ? std::optional(static_cast<std::uint32_t>(value))
                   : std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::optional<std::span<const std::byte>> take(std::uint64_t size) {
    if (size > bytes_.size() - offset_) {
      return std::nullopt;
    }
    const auto taken = bytes_.subspan(offset_, size);
    offset_ += size;
    return taken;
  }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
};

Error malformed(std::uint64_t offset, const char* what) {
  return Error(Errc::kInvalidModule,
               "not a well-formed Wasm module: " + std::string(what) +
                   " at offset " + std::to_string(offset));
}

/// A custom section begins with its own name.
std::optional<std::string> custom_name(std::span<const std::byte> contents) {
  Reader reader(contents);
  const auto size = reader.leb32();
  const auto name = size ? reader.take(*size) : std::nullopt;
  if (!name) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(name->data()), name->size());
}

/// The ELF file's size as its own header tells it, if that fits into `bytes`.
std::optional<std::uint64_t> elf_size(std::span<const std::byte> bytes) {
  Elf64_Ehdr header;
  if (bytes.size() < sizeof header) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::uint64_t table_size =
      std::uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_BPF ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shoff > bytes.size() ||
      table_size > bytes.size() - header.e_shoff) {
    return std::nullopt;
  }
  std::uint64_t end = header.e_shoff + table_size;
  for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, bytes.data() + header.e_shoff + i * sizeof section,
                sizeof section);
    if (section.sh_type == SHT_NOBITS) {
      continue;
    }
    if (section.sh_offset > bytes.size() ||
        section.sh_size > bytes.size() - section.sh_offset) {
      return std::nullopt;
    }
    end = std::max(end, section.sh_offset + section.sh_size);
  }
  return end;
}

}  // namespace

Result<std::vector<WasmSection>> wasm_sections(
    std::span<const std::byte> wasm) {
  Reader reader(wasm);
  constexpr std::array<unsigned char, 8> kHeader{0, 'a', 's', 'm', 1, 0, 0, 0};
  const auto header = reader.take(kHeader.size());
  if (!header ||
      std::memcmp(header->data(), kHeader.data(), kHeader.size()) != 0) {
    return malformed(0, "no Wasm 1.0 header");
  }
  std::vector<WasmSection> sections;
  while (!reader.at_end()) {
    const std::uint64_t start = reader.offset();
    const auto id = reader.byte();
    const auto size = reader.leb32();
    const std::uint64_t offset = reader.offset();
    const auto contents = size ? reader.take(*size) : std::nullopt;
    if (!contents) {
      return malformed(start, "a section runs past the end");
    }
    std::string name =
        *id < kSectionNames.size() ? kSectionNames[*id] : "unknown";
    if (*id == 0) {
      const auto own = custom_name(*contents);
      if (!own) {
        return malformed(offset, "a custom section's name");
      }
      name = *own;
    }
    sections.push_back({*id, std::move(name), offset, *size});
  }
  return sections;
}

std::vector<EmbeddedObject> find_ebpf_objects(
    std::span<const std::byte> bytes) {
  constexpr std::array kMagic{std::byte{0x7f}, std::byte{'E'}, std::byte{'L'},
                              std::byte{'F'}};
  std::vector<EmbeddedObject> objects;
  auto at = bytes.begin();
  while (true) {
    at = std::search(at, bytes.end(), kMagic.begin(), kMagic.end());
    if (at == bytes.end()) {
      return objects;
    }
    const auto offset = static_cast<std::uint64_t>(at - bytes.begin());
    const auto size = elf_size(bytes.subspan(offset));
    if (size) {
      objects.push_back({offset, *size});
    }
    at += static_cast<std::ptrdiff_t>(size ? *size : kMagic.size());
  }
}

}  // namespace wasmbpf::package
