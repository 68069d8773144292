#!/usr/bin/env bash
# burst.sh BUILD_DIR [N]: starts N programs (2,000) one after the other, as fast as
# it goes, while execsnoop runs with its 256 KiB ring buffer, and counts its
# lines. Nothing may be missing.
set -euo pipefail
build=$(realpath "$1") count=${2:-2000}
if [ ! -e /sys/kernel/tracing/events ]; then
  exec unshare --mount sh -c \
    'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"' sh "$0" "$@"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkfifo "$work/ready"

"$build/wasm-bpf" run -v "$build/guests/execsnoop.wasm" 2> "$work/err" |
  tee "$work/lines" | { read -r _ && echo > "$work/ready"; cat > /dev/null; } &
read -r _ < "$work/ready"  # the header: it is attached

start=$(date +%s%N)
"$build/tests/runtime/programs/burst" "$count"
end=$(date +%s%N)
pkill -INT -P $$ -x wasm-bpf
wait
printf 'burst of %d programs in %d ms: %d lines\n' "$count" \
  $(((end - start) / 1000000)) "$(grep -c '/bin/true burst ' "$work/lines")"
cat "$work/err"
