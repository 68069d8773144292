#!/usr/bin/env bash
# run.sh BUILD_DIR: every benchmark, one after the other. Figures depend on the
# machine: compare only what one run prints.
set -euo pipefail
build=$1
"$build/bench/startup" "$build/wasm-bpf" "$build/guests/bench_startup.wasm" 50
"$(dirname "$0")/burst.sh" "$build"
