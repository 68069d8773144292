# wasmbpf_wasmtime: the engine library, built once outside the tree by
# scripts/engine.sh (about five minutes the first time).
execute_process(
  COMMAND "${PROJECT_SOURCE_DIR}/scripts/engine.sh"
  OUTPUT_VARIABLE WASMBPF_ENGINE_DIR
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE engine_result)
if(NOT engine_result EQUAL 0)
  message(FATAL_ERROR "scripts/engine.sh failed: see its messages above")
endif()
message(STATUS "Engine library: ${WASMBPF_ENGINE_DIR}")
# A change of what decides the library asks for a new configure run.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  scripts/engine.sh
  third_party/engine/Cargo.toml
  third_party/engine/Cargo.lock
  third_party/engine/src/lib.rs
  third_party/engine/include/wasmbpf_engine.h)

find_package(Threads REQUIRED)
add_library(wasmbpf_wasmtime STATIC IMPORTED GLOBAL)
set_target_properties(wasmbpf_wasmtime PROPERTIES
  IMPORTED_LOCATION "${WASMBPF_ENGINE_DIR}/lib/libwasmbpf_engine.a"
  INTERFACE_INCLUDE_DIRECTORIES "${WASMBPF_ENGINE_DIR}/include"
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
