#!/usr/bin/env bash
# Format, shell scripts, layers, clang 19 with warnings as errors, clang-tidy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs=$(nproc)

echo "== clang-format"
git ls-files '*.h' '*.cc' '*.c' | xargs clang-format-19 --dry-run -Werror
echo "== shellcheck"
git ls-files -z | xargs -0 grep -lZE '^#!.*sh$' |
  xargs -0 shellcheck -x -P SCRIPTDIR
echo "== layers"
cmake -D SOURCE_DIR="$PWD" -P cmake/CheckLayers.cmake
echo "== clang 19, -Werror"
cmake --preset clang --log-level=NOTICE
cmake --build build/clang -j "$jobs"
echo "== clang-tidy"
# Tests are for reading: they have the compilers' warnings and the format.
git ls-files 'src/*.cc' ':!src/*_test.cc' |
  xargs -P "$jobs" -n 4 clang-tidy-19 -p build/clang --quiet \
    --warnings-as-errors='*'
