#ifndef WASMBPF_BPF_OBJECT_CHECKS_H_
#define WASMBPF_BPF_OBJECT_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

struct bpf_insn;
struct bpf_object;

namespace wasmbpf::bpf {

// What libbpf and the kernel take on trust from an object's author and a guest
// may not have. libbpf is made for objects that the process's owner compiled:
// each of these ended in an endless loop, a read outside of its buffers or
// another's map.

/// Before libbpf opens it: no type of the BTF contains itself by value. libbpf
/// follows such chains (typedef, const, arrays, members) without an end.
/// Anything else that is wrong with the ELF is left for libbpf to say.
/// Errors: kInvalidArgument.
Status check_types(std::span<const std::byte> elf);

/// Between open and load:
/// - the names of programs and maps have no control characters;
/// - an arena has no address of its own (it is taken away): libbpf would map
///   guest memory over whatever the host has there;
/// - the members of a struct_ops map lie inside of it: libbpf copies them by
/// the
///   offsets in the object's BTF.
/// Errors: kInvalidArgument.
Status check_opened(bpf_object* object);

/// Between prepare (maps exist, instructions are final) and load: the programs
/// name maps of this object only. A descriptor written into an instruction
/// would be any of the process's. Errors: kInvalidArgument.
Status check_prepared(const bpf_object* object);

/// The instructions of one program, against the descriptors of the maps it may
/// use. Pure; for check_prepared and its test.
Status check_instructions(std::span<const bpf_insn> code,
                          std::span<const int> maps);

}  // namespace wasmbpf::bpf

#endif  // WASMBPF_BPF_OBJECT_CHECKS_H_
