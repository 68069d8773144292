# libwasmbpf.a: all layers but the command's, libbpf and the engine library in
# one archive, with a CMake package and a pkg-config file (find_package(wasmbpf)
# -> wasmbpf::wasmbpf, wasmbpf.pc). C++23; the consumer links libelf and zlib.
# LLVM's, because binutils' cannot quote a path with a space in such a script.
find_program(WASMBPF_LLVM_AR NAMES llvm-ar-19 llvm-ar-22 llvm-ar REQUIRED)
set(archive "${PROJECT_BINARY_DIR}/libwasmbpf.a")
set(mri "CREATE \"${archive}\"\n")
set(parts)
foreach(layer IN ITEMS base policy bpf engine hostapi runtime)
  list(APPEND parts wasmbpf_${layer})
  string(APPEND mri "ADDLIB \"$<TARGET_FILE:wasmbpf_${layer}>\"\n")
endforeach()
string(APPEND mri "ADDLIB \"$<TARGET_FILE:libbpf>\"\n"
  "ADDLIB \"$<TARGET_FILE:wasmbpf_wasmtime>\"\nSAVE\nEND\n")
file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/libwasmbpf.mri" CONTENT "${mri}")
add_custom_command(OUTPUT "${archive}"
  COMMAND ${CMAKE_COMMAND} -E rm -f "${archive}"
  COMMAND sh -c "'${WASMBPF_LLVM_AR}' -M < '${PROJECT_BINARY_DIR}/libwasmbpf.mri'"
  DEPENDS ${parts} libbpf "${PROJECT_BINARY_DIR}/libwasmbpf.mri"
  COMMENT "Merging libwasmbpf.a" VERBATIM)
add_custom_target(wasmbpf_archive ALL DEPENDS "${archive}")

include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/wasmbpf")
configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/wasmbpfConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/wasmbpfConfig.cmake"
  INSTALL_DESTINATION "${package_dir}"
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(
  "${PROJECT_BINARY_DIR}/wasmbpfConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
# From where the file is installed, so that any prefix at install time does.
file(RELATIVE_PATH WASMBPF_PC_TO_PREFIX
  "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file("${CMAKE_CURRENT_LIST_DIR}/wasmbpf.pc.in"
  "${PROJECT_BINARY_DIR}/wasmbpf.pc" @ONLY)

install(FILES "${archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/wasmbpf"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES "${PROJECT_BINARY_DIR}/wasmbpfConfig.cmake"
  "${PROJECT_BINARY_DIR}/wasmbpfConfigVersion.cmake"
  DESTINATION "${package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/wasmbpf.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
# What guests are compiled with.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/abi" "${PROJECT_SOURCE_DIR}/sdk"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/wasm-bpf")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  "${PROJECT_SOURCE_DIR}/THIRD_PARTY_NOTICES.md"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
install(DIRECTORY "${WASMBPF_ENGINE_DIR}/licenses"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The manual page is the reference page; completion comes from the command.
find_program(WASMBPF_MD2MAN go-md2man REQUIRED)
set(reference "${PROJECT_SOURCE_DIR}/docs/reference/cli.md")
set(manual "${PROJECT_BINARY_DIR}/wasm-bpf.1")
file(WRITE "${manual}.head" "% WASM-BPF 1 \"\" \"wasm-bpf ${PROJECT_VERSION}\" "
  "\"User Commands\"\n\n# NAME\n\nwasm-bpf - run eBPF programs from WebAssembly "
  "modules\n\n# SYNOPSIS\n")
add_custom_command(OUTPUT "${manual}"
  COMMAND sh -c "{ cat '${manual}.head'; tail -n +2 '${reference}'; } | '${WASMBPF_MD2MAN}' -out '${manual}'"
  DEPENDS "${reference}" "${manual}.head"
  COMMENT "Manual page wasm-bpf.1" VERBATIM)
set(completions)
foreach(shell IN ITEMS bash zsh fish)
  set(script "${PROJECT_BINARY_DIR}/completion.${shell}")
  add_custom_command(OUTPUT "${script}"
    COMMAND sh -c "'$<TARGET_FILE:wasm-bpf>' completion ${shell} > '${script}'"
    DEPENDS wasm-bpf COMMENT "Completion for ${shell}" VERBATIM)
  list(APPEND completions "${script}")
endforeach()
add_custom_target(wasmbpf_manual ALL DEPENDS "${manual}" ${completions})
install(FILES "${manual}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${PROJECT_BINARY_DIR}/completion.bash" RENAME wasm-bpf
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
install(FILES "${PROJECT_BINARY_DIR}/completion.zsh" RENAME _wasm-bpf
  DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES "${PROJECT_BINARY_DIR}/completion.fish" RENAME wasm-bpf.fish
  DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
