# wasmbpf_layer(NAME SOURCES ... [DEPENDS layers] [THIRD_PARTY targets]
#               [UNIT_TESTS x_test.cc ...])
# One static library for each folder of src/, and a test binary for its unit
# tests (ctest label "unit").
include("${CMAKE_CURRENT_LIST_DIR}/LayerTable.cmake")

add_library(wasmbpf_options INTERFACE)
target_compile_options(wasmbpf_options INTERFACE -Wall -Wextra -Wpedantic)
if(WASMBPF_WERROR)
  target_compile_options(wasmbpf_options INTERFACE -Werror)
endif()
if(WASMBPF_SANITIZE)
  # For every target, libbpf included; only the engine library is without.
  add_compile_options(-fsanitize=${WASMBPF_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${WASMBPF_SANITIZE})
  target_compile_options(libbpf PRIVATE
    -fsanitize=${WASMBPF_SANITIZE} -fno-omit-frame-pointer
    # libbpf reads packed data unaligned, and shifts by design.
    -fno-sanitize=undefined)
endif()

# The sanitizers and the engine both handle SIGSEGV: the engine's must win.
set(WASMBPF_TEST_ENVIRONMENT
  "ASAN_OPTIONS=handle_segv=0:detect_leaks=1:use_sigaltstack=0"
  "UBSAN_OPTIONS=print_stacktrace=1")

function(wasmbpf_add_gtest target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LABELS;PROPERTIES")
  gtest_discover_tests(${target}
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60
    TEST_PREFIX "${arg_LABELS}/"
    PROPERTIES
      LABELS "${arg_LABELS}"
      TIMEOUT 120
      ENVIRONMENT "${WASMBPF_TEST_ENVIRONMENT}"
      ${arg_PROPERTIES})
endfunction()

function(wasmbpf_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" ""
    "SOURCES;DEPENDS;THIRD_PARTY;UNIT_TESTS")
  foreach(dependency IN LISTS arg_DEPENDS)
    if(NOT dependency IN_LIST WASMBPF_ALLOWED_${name})
      message(FATAL_ERROR "layer '${name}' may not depend on '${dependency}' "
        "(cmake/LayerTable.cmake)")
    endif()
  endforeach()
  add_library(wasmbpf_${name} STATIC ${arg_SOURCES})
  target_include_directories(wasmbpf_${name} PUBLIC
    "${PROJECT_SOURCE_DIR}/src" "${PROJECT_SOURCE_DIR}/include")
  list(TRANSFORM arg_DEPENDS PREPEND wasmbpf_)
  target_link_libraries(wasmbpf_${name}
    PUBLIC ${arg_DEPENDS}
    PRIVATE wasmbpf_options ${arg_THIRD_PARTY})
  if(arg_UNIT_TESTS AND WASMBPF_BUILD_TESTS)
    add_executable(${name}_unit_tests ${arg_UNIT_TESTS})
    target_link_libraries(${name}_unit_tests PRIVATE
      wasmbpf_${name} wasmbpf_options ${arg_THIRD_PARTY}
      GTest::gtest GTest::gmock GTest::gtest_main)
    wasmbpf_add_gtest(${name}_unit_tests LABELS unit)
  endif()
endfunction()
