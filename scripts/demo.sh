#!/usr/bin/env bash
# Runs the execsnoop example: prints every process that starts on this machine.
# Tracepoints need tracefs; where it is not mounted it is mounted for this
# command alone, in a mount namespace of its own.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${WASMBPF_BUILD:-$root/build/release}

as_root=()
if [ "$(id -u)" != 0 ]; then
  as_root=(sudo)
  echo "demo: loading eBPF programs needs root: asking sudo" >&2
fi
if [ -t 1 ]; then
  echo "demo: start something in another terminal; Ctrl-C ends" >&2
fi
# shellcheck disable=SC2016  # $1 belongs to the inner shell
exec "${as_root[@]}" unshare --mount sh -c '
  if [ ! -e /sys/kernel/tracing/events ] &&
     [ ! -e /sys/kernel/debug/tracing/events ]; then
    mount -t tracefs tracefs /sys/kernel/tracing
  fi
  exec "$@"' demo "$build/wasm-bpf" run "$build/guests/execsnoop.wasm" "$@"
