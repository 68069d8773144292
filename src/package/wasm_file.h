#ifndef WASMBPF_PACKAGE_WASM_FILE_H_
#define WASMBPF_PACKAGE_WASM_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace wasmbpf::package {

/// One section of a .wasm binary.
struct WasmSection {
  std::uint8_t id = 0;  ///< 0: custom
  std::string name;     ///< "code", "data", ...; a custom section's own name
  std::uint64_t offset = 0;  ///< of its contents in the file
  std::uint64_t size_bytes = 0;
};

/// Reads the section table. Pure.
/// Errors: kInvalidModule with the offset of what is wrong.
/// Trust: bytes of any origin.
Result<std::vector<WasmSection>> wasm_sections(std::span<const std::byte> wasm);

/// An eBPF ELF object found inside a file.
struct EmbeddedObject {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

/// Finds 64-bit little-endian eBPF objects by their ELF headers, wherever they
/// lie (guests of v0 carry them in their data). Their ends come from the
/// section header table. Pure.
/// Trust: bytes of any origin.
std::vector<EmbeddedObject> find_ebpf_objects(std::span<const std::byte> bytes);

}  // namespace wasmbpf::package

#endif  // WASMBPF_PACKAGE_WASM_FILE_H_
