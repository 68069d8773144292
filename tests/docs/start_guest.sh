#!/usr/bin/env bash
# Runs the commands of docs/start.md, "Write a guest", as they stand there, and
# the guest they make: start_guest.sh SOURCE_DIR WASM_BPF
set -euo pipefail
source=$1 wasm_bpf=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$source"/{abi,sdk,examples} .
awk '/^## Write a guest/ { here = 1 }
     here && /^```/ { code = !code; if (!code) exit; next }
     here && code' "$source/docs/start.md" > commands
[ -s commands ]
bash -euo pipefail commands
"$wasm_bpf" run build/guest/execsnoop.wasm --help | grep -q '^usage: execsnoop'
"$wasm_bpf" inspect build/guest/execsnoop.wasm | grep -q handle_exec
