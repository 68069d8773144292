#!/usr/bin/env bash
# Builds the engine library (Wasmtime's C API, third_party/engine) once and keeps
# it outside the tree, with its headers and libbpf's source. The last line of
# stdout is the folder; everything else goes to stderr.
#
# Folder: $WASM_BPF_CACHE, else $XDG_CACHE_HOME/wasm-bpf, else ~/.cache/wasm-bpf;
# below it engine-KEY, where KEY is a digest of everything that decides what
# comes out.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
crate=$root/third_party/engine
cache=${WASM_BPF_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/wasm-bpf}

say() { printf '%s\n' "$*" >&2; }

layout=5 # of the folder; one more when this script puts other things into it

key=$({ cat "$crate"/Cargo.{toml,lock} "$crate/src/lib.rs" "$crate"/include/*.h
  echo "$layout $(uname -m)"; } | sha256sum | cut -c1-16)
out=$cache/engine-$key
if [ -e "$out/complete" ]; then
  printf '%s\n' "$out"
  exit 0
fi

# cargo 1.95 or newer: the machine's own, else Debian's packages cargo-web and
# rustc-web, which live beside Debian's rustc under names of their own.
find_cargo() {
  local candidate version
  for candidate in "$(command -v cargo || true)" \
    "$(dpkg -L cargo-web 2>/dev/null | sed -n '/\/bin\/cargo$/{p;q}' || true)"; do
    [ -x "$candidate" ] || continue
    version=$({ "$candidate" --version || true; } 2> /dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge 95 ]; then
      cargo=$candidate
      return
    fi
  done
  say "engine: no cargo 1.95 or newer. Run 'scripts/deps.sh build', or:"
  say "  apt-get install cargo-web rustc-web"
  exit 1
}

# The folder of a crate's source, as cargo knows it.
crate_dir() {
  grep -o "\"manifest_path\":\"[^\"]*/$1-[0-9][^\"]*/Cargo.toml\"" \
    <<< "$metadata" | head -1 | sed 's/.*:"\(.*\)\/Cargo.toml"/\1/'
}

# The licence texts of everything that is linked in, a folder for each crate.
copy_licenses() {
  local name dir
  "$cargo" tree --locked --manifest-path "$crate/Cargo.toml" --target all \
    --edges normal --prefix none --format '{p} {l}' |
    sort -u | grep -v '^wasmbpf-engine ' > "$1/crates.txt"
  cut -d ' ' -f 1 "$1/crates.txt" | sort -u | while read -r name; do
    dir=$(crate_dir "$name")
    [ -n "$dir" ] || continue
    mkdir -p "$1/$name"
    find "$dir" -maxdepth 1 -type f -iname 'licen[sc]e*' \
      -exec cp -t "$1/$name" {} +
  done
  mkdir -p "$1/libbpf"
  cp "$(crate_dir libbpf-sys)"/libbpf/LICENSE* "$1/libbpf/"
}

# conf.h.in has a line "#cmakedefine WASMTIME_FEATURE_X" for each feature.
write_conf_header() {
  local features='wasi cranelift parallel-compilation threads addr2line wat'
  local define='' feature
  for feature in $features; do
    feature=${feature//-/_}
    define+=" ${feature^^}"
  done
  awk -v on="$define " '
    /^#cmakedefine / { name = $2; sub("WASMTIME_FEATURE_", "", name)
      if (index(on, " " name " ")) print "#define " $2
      else print "/* #undef " $2 " */"; next }
    { print }' "$1" > "$2"
}

# Whatever the umask is: the command keeps compiled modules there too, and takes
# no folder that others could write to.
[ -d "$cache" ] || (umask 077 && mkdir -p "$cache")
exec 9> "$cache/engine.lock"
if ! flock -n 9; then
  say "engine: another build is under way, waiting for it"
  flock 9
fi
if [ -e "$out/complete" ]; then
  printf '%s\n' "$out"
  exit 0
fi

find_cargo
case $cargo in
  */cargo-web/* | */rust-web/*) RUSTC=$(dpkg -L rustc-web | sed -n '/\/bin\/rustc$/{p;q}')
    export RUSTC ;;
esac
say "engine: building Wasmtime once, about five minutes on two cores;"
say "engine: it is kept in $out"
work=$cache/engine-build-$key
mkdir -p "$work"
# Paths of this machine are nobody's business.
# They stand in for the user's own RUSTFLAGS, which are not part of the key.
separator=$'\x1f' # spaces may be part of a path
CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$work=engine$separator"
CARGO_ENCODED_RUSTFLAGS+="--remap-path-prefix=${CARGO_HOME:-${HOME:-/root}/.cargo}=cargo"
export CARGO_ENCODED_RUSTFLAGS
"$cargo" build --release --locked --manifest-path "$crate/Cargo.toml" \
  --target-dir "$work" >&2

staged=$(mktemp -d "$cache/engine-staged.XXXXXX")
trap 'rm -rf "$staged"' EXIT
metadata=$("$cargo" metadata --locked --format-version 1 \
  --manifest-path "$crate/Cargo.toml")
wasmtime=$(crate_dir wasmtime-c-api-impl)
libbpf=$(crate_dir libbpf-sys)
mkdir -p "$staged"/{lib,include,libbpf,licenses}
# Nothing unwinds through the engine (panics abort), so its unwind tables, a tenth
# of it, are dead weight.
objcopy --remove-section=.eh_frame --remove-section=.rela.eh_frame \
  "$work/release/libwasmbpf_engine.a" "$staged/lib/libwasmbpf_engine.a"
cp -r "$wasmtime/include/." "$crate/include/." "$staged/include/"
write_conf_header "$wasmtime/include/wasmtime/conf.h.in" \
  "$staged/include/wasmtime/conf.h"
cp -r "$libbpf/libbpf/src" "$libbpf/libbpf/include" "$staged/libbpf/"
# Programs include <bpf/bpf_helpers.h>, as with an installed libbpf.
mkdir -p "$staged/libbpf/headers/bpf"
cp "$libbpf"/libbpf/src/*.h "$staged/libbpf/headers/bpf/"
copy_licenses "$staged/licenses"
touch "$staged/complete"
rm -rf "$out"
mv "$staged" "$out"
trap - EXIT
chmod 755 "$out"
rm -rf "$work"
say "engine: done"
printf '%s\n' "$out"
