# wasmbpf_bpf_object(NAME source.bpf.c [INCLUDES dirs])
#   compiles CO-RE eBPF to guests/NAME.bpf.o in the build folder
# wasmbpf_c_guest(NAME SOURCES x.c [BPF_OBJECTS names] [INCLUDES dirs] [OPTIONS])
#   compiles a C guest to guests/NAME.wasm; it takes an object in with
#   #embed "NAME.bpf.o"
find_program(WASMBPF_CLANG NAMES clang-19 clang-22 clang REQUIRED)
find_program(WASMBPF_LLVM_STRIP NAMES llvm-strip-19 llvm-strip-22 llvm-strip
  REQUIRED)
set(WASMBPF_GUEST_DIR "${PROJECT_BINARY_DIR}/guests")
file(MAKE_DIRECTORY "${WASMBPF_GUEST_DIR}")

string(REPLACE ";" "" bpf_arch
  "$<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:x86>$<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},aarch64>:arm64>")

# clang runs wasm-opt by itself when it finds one, and then the same source
# gives other bytes: guests are compiled with a PATH that has only the linker.
find_program(WASMBPF_WASM_LD NAMES wasm-ld-19 wasm-ld-22 wasm-ld REQUIRED)
set(guest_tools "${PROJECT_BINARY_DIR}/guest-tools")
file(MAKE_DIRECTORY "${guest_tools}")
foreach(name wasm-ld wasm-ld-19 wasm-ld-22)
  file(CREATE_LINK "${WASMBPF_WASM_LD}" "${guest_tools}/${name}" SYMBOLIC)
endforeach()

function(wasmbpf_bpf_object name source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "INCLUDES")
  list(TRANSFORM arg_INCLUDES PREPEND -I)
  set(object "${WASMBPF_GUEST_DIR}/${name}.bpf.o")
  cmake_path(ABSOLUTE_PATH source)
  add_custom_command(OUTPUT "${object}"
    COMMAND "${WASMBPF_CLANG}" -target bpf -O2 -g -Wall -Wextra
      -D__TARGET_ARCH_${bpf_arch}
      -isystem "${WASMBPF_LIBBPF_DIR}/headers"
      -isystem "${WASMBPF_LIBBPF_DIR}/include/uapi"
      -isystem "/usr/include/${CMAKE_LIBRARY_ARCHITECTURE}"
      -I "${PROJECT_SOURCE_DIR}/sdk/bpf/include" ${arg_INCLUDES}
      -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.
      -MD -MF "${object}.d" -MT "${object}" -c "${source}" -o "${object}"
    # The debug sections go, BTF stays.
    COMMAND "${WASMBPF_LLVM_STRIP}" -g "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d"
    COMMENT "eBPF ${name}.bpf.o" VERBATIM)
  add_custom_target(${name}_bpf_object ALL DEPENDS "${object}")
endfunction()

function(wasmbpf_c_guest name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" ""
    "SOURCES;BPF_OBJECTS;INCLUDES;OPTIONS")
  list(TRANSFORM arg_INCLUDES PREPEND -I)
  set(sources)
  foreach(source IN LISTS arg_SOURCES)
    cmake_path(ABSOLUTE_PATH source)
    list(APPEND sources "${source}")
  endforeach()
  set(objects ${arg_BPF_OBJECTS})
  list(TRANSFORM objects PREPEND "${WASMBPF_GUEST_DIR}/")
  list(TRANSFORM objects APPEND ".bpf.o")
  set(module "${WASMBPF_GUEST_DIR}/${name}.wasm")
  add_custom_command(OUTPUT "${module}"
    COMMAND ${CMAKE_COMMAND} -E env "PATH=${guest_tools}"
      "${WASMBPF_CLANG}" --target=wasm32-wasi -Oz -Wall -Wextra
      -Wno-c23-extensions
      -I "${PROJECT_SOURCE_DIR}/abi" -I "${PROJECT_SOURCE_DIR}/sdk/c/include"
      ${arg_INCLUDES} "--embed-dir=${WASMBPF_GUEST_DIR}" ${arg_OPTIONS}
      # Function names stay: backtraces and uprobes need them.
      -Wl,--export-table,--strip-debug
      -MD -MF "${module}.d" -MT "${module}" ${sources} -o "${module}"
    DEPENDS ${sources} ${objects} DEPFILE "${module}.d"
    COMMENT "Guest ${name}.wasm" VERBATIM)
  add_custom_target(${name}_guest ALL DEPENDS "${module}")
  foreach(object IN LISTS arg_BPF_OBJECTS)
    add_dependencies(${name}_guest ${object}_bpf_object)
  endforeach()
endfunction()
