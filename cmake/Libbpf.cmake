# libbpf: always the vendored 1.7.0 that came with the engine library's lock
# file, never the system's. Headers: <bpf/libbpf.h>, and the kernel's UAPI of
# the same age.
set(WASMBPF_LIBBPF_DIR "${WASMBPF_ENGINE_DIR}/libbpf")
find_library(WASMBPF_LIBELF NAMES libelf.a elf REQUIRED)
find_library(WASMBPF_ZLIB NAMES libz.a z REQUIRED)

file(GLOB libbpf_sources CONFIGURE_DEPENDS "${WASMBPF_LIBBPF_DIR}/src/*.c")
add_library(libbpf STATIC ${libbpf_sources})
set_target_properties(libbpf PROPERTIES OUTPUT_NAME bpf)
target_compile_definitions(libbpf
  PRIVATE _LARGEFILE64_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(libbpf PRIVATE -w)
target_include_directories(libbpf PRIVATE
  "${WASMBPF_LIBBPF_DIR}/src" "${WASMBPF_LIBBPF_DIR}/include")
target_include_directories(libbpf SYSTEM PUBLIC
  "${WASMBPF_LIBBPF_DIR}/headers" "${WASMBPF_LIBBPF_DIR}/include/uapi")
target_link_libraries(libbpf PUBLIC "${WASMBPF_LIBELF}" "${WASMBPF_ZLIB}")
