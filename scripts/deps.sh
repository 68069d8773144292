#!/usr/bin/env bash
# Installs what is missing of Debian's packages, and nothing else.
#   scripts/deps.sh GROUP...     groups: build, test, vm, lint
set -euo pipefail

declare -A packages=(
  [build]="g++ cmake ninja-build pkg-config make libelf-dev zlib1g-dev
    libfmt-dev libcli11-dev nlohmann-json3-dev
    clang-19 lld-19 llvm-19 wasi-libc libclang-rt-19-dev-wasm32 go-md2man"
  [test]="libgtest-dev libgmock-dev libbenchmark-dev iproute2 libbpf-dev"
  [vm]="qemu-system-x86 busybox-static cpio kmod xz-utils zstd lz4 python3"
  [lint]="clang-format-19 clang-tidy-19 shellcheck"
)

say() { printf 'deps: %s\n' "$*" >&2; }

if [ $# = 0 ]; then
  say "usage: scripts/deps.sh GROUP... (${!packages[*]})"
  exit 2
fi

wanted=()
for group in "$@"; do
  if [ -z "${packages[$group]:-}" ]; then
    say "no group '$group' (there are: ${!packages[*]})"
    exit 2
  fi
  read -r -d '' -a names <<< "${packages[$group]}" || true
  wanted+=("${names[@]}")
  # The engine library needs cargo 1.95: the machine's own, else Debian's
  # packages of it, which carry other names than Debian's older one.
  if [ "$group" = build ]; then
    minor=$({ cargo --version 2>/dev/null || true; } | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge 95 ] || wanted+=(cargo-web rustc-web)
  fi
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get > /dev/null; then
  say "this machine has no apt-get. Install what these Debian packages hold:"
  say "  ${missing[*]}"
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo > /dev/null; then
    say "not root and no sudo here. Run as root:"
    say "  apt-get install --no-install-recommends ${missing[*]}"
    exit 1
  fi
  as_root=(sudo)
fi
say "installing (a minute or so): ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q &&
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
    --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  tail -20 "$log" >&2
  say "apt-get failed (its last lines are above)"
  exit 1
fi
