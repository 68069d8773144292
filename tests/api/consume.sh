#!/usr/bin/env bash
# consume.sh cmake|pkg-config BUILD_DIR WORK_DIR CXX
# Installs the package of BUILD_DIR below WORK_DIR and builds and runs
# consumer.cc against nothing else.
set -euo pipefail
way=$1 build=$2 work=$3 cxx=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

rm -rf "$work"
mkdir -p "$work/source"
prefix=$work/prefix
cmake --install "$build" --prefix "$prefix" > "$work/install.log"
cp "$here/consumer.cc" "$work/source/"

# What comes with the command: a manual page that troff takes, and completion.
grep -q '^\.TH' "$prefix/share/man/man1/wasm-bpf.1"
bash -n "$prefix/share/bash-completion/completions/wasm-bpf"
grep -q -- '--verifier-log' "$prefix/share/bash-completion/completions/wasm-bpf"

case $way in
  cmake)
    cat > "$work/source/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES CXX)
find_package(wasmbpf REQUIRED)
add_executable(consumer consumer.cc)
target_link_libraries(consumer PRIVATE wasmbpf::wasmbpf)
CMAKE
    cmake -S "$work/source" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" \
      -DCMAKE_CXX_COMPILER="$cxx" > "$work/configure.log"
    cmake --build "$work/build" > "$work/build.log"
    "$work/build/consumer"
    ;;
  pkg-config)
    pc=$(dirname "$(find "$prefix" -name wasmbpf.pc)")
    flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs wasmbpf)
    # shellcheck disable=SC2086  # flags are words
    "$cxx" -std=c++23 "$work/source/consumer.cc" $flags -o "$work/consumer"
    "$work/consumer"
    ;;
esac
