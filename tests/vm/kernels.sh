# shellcheck shell=bash
# shellcheck disable=SC2034  # what it sets is used by vmtest.sh
# Kernels for the VM tests: which there are, and how one is had. Sourced by
# vmtest.sh. A kernel is a Debian package, unpacked into the cache; nothing is
# installed.
#
# What a cached kernel, $cache/KERNEL, holds:
#   package-vN   the package it came from; written last. N is raised when the
#                layout below changes, so that an older copy is fetched anew.
#   vmlinux      the kernel as ELF, which QEMU starts without a boot loader
#   config       its configuration
#   lib/modules  its modules, ready for modprobe
#   early/*.ko   those it needs before it has a root, in order, uncompressed

# The one table. Kernel -> the Debian suites that have it, best first.
declare -A kSuites=(
  [6.1]='bookworm-security bookworm'
  [6.12]='bookworm-security trixie-security trixie bookworm-backports'
)
# The kernels that every test run needs, in the order they are shown.
readonly kRequired=(6.1 6.12)

readonly kLayout=1
cache=${WASM_BPF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wasm-bpf}/kernels

have_kernel() { [[ -e $cache/$1/package-v$kLayout ]]; }

# fetch_kernel KERNEL: puts it into the cache unless it is there. Another
# process may do the same; the cache never shows half a kernel.
fetch_kernel() {
  local kernel=$1 lock suite name rc=1
  [[ -v kSuites[$kernel] ]] || die "no kernel '$kernel' in the table of" \
    "tests/vm/kernels.sh; it has: ${!kSuites[*]}"
  have_kernel "$kernel" && return
  need_tools apt-get:apt dpkg-deb:dpkg depmod:kmod xz:xz-utils zstd:zstd \
    lz4:lz4
  mkdir -p "$cache"
  exec {lock}> "$cache/.$kernel.lock"
  flock "$lock"
  if ! have_kernel "$kernel"; then
    fetch_dir=$cache/.$kernel.new  # removed at the end, whatever happens
    rm -rf "$fetch_dir"
    for suite in ${kSuites[$kernel]}; do
      mkdir -p "$fetch_dir/$suite"
      say "fetching kernel $kernel from Debian's $suite (20 to 35 MB)"
      # Not 'if fetch_from': inside a condition set -e would not hold.
      set +e
      (set -e; fetch_from "$suite" "$kernel" "$fetch_dir/$suite") \
        > "$fetch_dir/$suite.log" 2>&1
      rc=$?
      set -e
      [[ $rc -ne 0 ]] || break
    done
    if [[ $rc -ne 0 ]]; then
      explain_failed_fetch "$kernel" "$fetch_dir"
      rm -rf "$fetch_dir"
      exit 125
    fi
    rm -rf "${cache:?}/$kernel"
    mv "$fetch_dir/$suite/kernel" "$cache/$kernel"
    rm -rf "$fetch_dir"
    name=$(cat "$cache/$kernel/package-v$kLayout")
    say "kernel $kernel is $name, kept in $cache/$kernel"
  fi
  exec {lock}>&-
}

explain_failed_fetch() {
  local kernel=$1 dir=$2 suite
  say "cannot fetch kernel $kernel. Tried the suites below with this" \
    "machine's own apt sources:"
  for suite in ${kSuites[$kernel]}; do
    printf '  %s:\n' "$suite" >&2
    tail -n 6 "$dir/$suite.log" | sed 's/^/    /' >&2
  done
  say "what to do: see that 'apt-get update' works and that apt's sources" \
    "name a Debian mirror, or copy the folder $cache/$kernel from a machine" \
    "that has it"
}

# fetch_from SUITE KERNEL DIR: leaves the kernel in DIR/kernel.
fetch_from() {
  local suite=$1 kernel=$2 dir=$3 names name options
  mkdir -p "$dir"/apt/{sources,lists/partial,cache/archives/partial}
  debian_sources "$suite" "$dir/apt/sources"
  # A state of its own: the machine's package lists stay as they are.
  options=(-qq -o Dir::Etc::sourcelist=/dev/null
    -o Dir::Etc::sourceparts="$dir/apt/sources"
    -o Dir::State::lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache"
    -o APT::Architecture=amd64 -o APT::Sandbox::User=root)
  # Fails as a whole if one of several sources does not have the suite.
  apt-get "${options[@]}" update || echo 'apt-get update was not clean'
  names=$(apt-cache "${options[@]}" pkgnames "linux-image-$kernel" |
    grep -E "^linux-image-${kernel//./\\.}[.-].*cloud-amd64$" | sort -Vr) || {
    echo "no package linux-image-$kernel*-cloud-amd64 in $suite"
    return 1
  }
  # Debian drops old packages' files before their names.
  for name in $names; do
    if (cd "$dir" && apt-get "${options[@]}" download "$name"); then
      unpack_package "$name" "$dir"
      return
    fi
  done
  return 1
}

# debian_sources SUITE DIR [OS_RELEASE]: writes this machine's own Debian
# sources, of both formats, to DIR with SUITE in the place of theirs. So no host
# is named here, and proxies, mirrors and keys are the machine's.
debian_sources() {
  local suite=$1 dir=$2 os_release=${3:-/etc/os-release} common codename
  # Third parties use names of their own ("nodistro", "bookworm-pgdg") or other
  # components than Debian's. Security suites live in an archive of their own.
  # shellcheck disable=SC2016  # awk's variables
  common='
    function ours(names,   n, i, name, list) {
      n = split(names, list, " ")
      for (i = 1; i <= n; i++) {
        name = list[i]
        if ((name ~ /(-security|\/updates)$/) != (suite ~ /-security$/))
          continue
        sub(/(-(security|updates|proposed-updates|backports)|\/updates)$/, "",
            name)
        if (name == codename ||
            name ~ /^((old)*stable|testing|unstable|sid)$/)
          return 1
      }
      return 0
    }'
  # shellcheck source=/dev/null
  codename=$(. "$os_release" && echo "${VERSION_CODENAME:-none}")
  # shellcheck disable=SC2016
  find_sources list | xargs -0r awk -v suite="$suite" -v codename="$codename" \
    "$common"'
    match($0, /^deb[ \t]+(\[[^]]*\][ \t]+)?/) {
      n = split(substr($0, RLENGTH + 1), field)
      uri = field[1]; components = ""
      for (i = 3; i <= n && field[i] !~ /^#/; i++)
        components = components " " field[i]
      line = substr($0, 1, RLENGTH) uri " " suite " main"
      if (uri !~ /^cdrom:/ && ours(field[2]) && components ~ / main( |$)/ &&
          !seen[line]++)
        print line
    }' > "$dir/debian.list"
  # shellcheck disable=SC2016
  find_sources sources | xargs -0r awk -v suite="$suite" \
    -v codename="$codename" "$common"'
    function finish() {
      if (wanted && in_main && binary && !off && !seen[stanza]++)
        print stanza
      stanza = ""
      wanted = in_main = binary = off = 0
    }
    FNR == 1 || /^[ \t]*$/ { finish() }
    /^#/ || /^[ \t]*$/ { next }
    {
      line = tolower($0)
      value = $0
      sub(/^[^:]*:/, "", value)
      if (line ~ /^types:/) {
        binary = value ~ /(^|[ \t])deb([ \t]|$)/
        $0 = "Types: deb"
      } else if (line ~ /^suites:/) {
        wanted = ours(value)
        $0 = "Suites: " suite
      } else if (line ~ /^components:/) {
        in_main = value ~ /(^|[ \t])main([ \t]|$)/
        $0 = "Components: main"
      } else if (line ~ /^enabled:[ \t]*(no|false|without|off|disable|0)/) {
        off = 1
      }
      stanza = stanza $0 "\n"
    }
    END { finish() }' > "$dir/debian.sources"
  [[ -s $dir/debian.list || -s $dir/debian.sources ]] || {
    echo "apt's sources here have no Debian archive for $suite"
    return 1
  }
}

# find_sources list|sources: apt's own source files of that format, 0-ended.
find_sources() {
  local main='' parts='' files=()
  eval "$(apt-config shell main Dir::Etc::sourcelist/f \
    parts Dir::Etc::sourceparts/d)"
  shopt -s nullglob
  [[ $1 != list || ! -f $main ]] || files=("$main")
  files+=("$parts"/*".$1")
  [[ ${#files[@]} -eq 0 ]] || printf '%s\0' "${files[@]}"
}

# unpack_package NAME DIR: from DIR/NAME_*.deb to DIR/kernel.
unpack_package() {
  local name=$1 dir=$2 release=${1#linux-image-} kernel=$2/kernel modules
  local module file count=0 deb
  deb=$(echo "$dir/${name}_"*.deb)
  dpkg-deb -x "$deb" "$dir/files"
  mkdir -p "$kernel/lib" "$kernel/early"
  modules=$dir/files/lib/modules
  [[ -d $modules ]] || modules=$dir/files/usr/lib/modules  # since trixie
  mv "$modules" "$kernel/lib/modules"
  depmod -b "$kernel" "$release"
  mv "$dir/files/boot/config-$release" "$kernel/config"
  unpack_image "$dir/files/boot/vmlinuz-$release" "$dir/payload" \
    > "$kernel/vmlinux"
  # What reaches the root share, and the port for the output; each kernel has
  # some of them built in.
  for module in virtio_pci virtiofs overlay virtio_console; do
    modprobe -d "$kernel" -S "$release" --show-depends "$module"
  done > "$dir/early"
  sed -n 's/^insmod \([^ ]*\).*/\1/p' "$dir/early" | awk '!seen[$0]++' |
    while IFS= read -r file; do
      module=$(printf '%s/early/%02d-%s' "$kernel" "$count" \
        "$(basename "$file" .xz)")
      case $file in
        *.xz) xz -dc "$file" > "$module" ;;
        *) cp "$file" "$module" ;;
      esac
      count=$((count + 1))
    done
  basename "$deb" .deb > "$kernel/package-v$kLayout"
}

# unpack_image BZIMAGE TEMP: prints the ELF kernel inside, so that the emulated
# CPU need not unpack it at every boot (saves 1 to 2 s). The offsets are those
# of the x86 boot protocol: setup_sects, payload_offset, payload_length.
unpack_image() {
  local image=$1 payload=$2 sectors offset length size
  sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$image")
  read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$image")
  [[ $sectors -ne 0 ]] || sectors=4
  dd if="$image" of="$payload" bs=1M iflag=skip_bytes,count_bytes status=none \
    skip=$(((sectors + 1) * 512 + offset)) count="$length"
  # The size that follows the compressed data is trailing garbage to the tools,
  # which say so by their exit code; it is checked here instead.
  case $(od -An -tx1 -N 2 "$payload") in
    ' fd 37') xz -dcq --single-stream "$payload" ;;
    ' 28 b5') zstd -dcq "$payload" ;;
    ' 02 21') lz4 -dcq "$payload" ;;
    ' 1f 8b') gzip -dcq "$payload" ;;
    *) echo "$image is compressed in an unknown way" >&2 ;;
  esac 2> /dev/null > "$payload.elf" || true
  size=$(od -An -tu4 -j $((length - 4)) -N 4 "$payload")
  [[ $(stat -c %s "$payload.elf") -eq $size ]] || {
    echo "cannot unpack $image" >&2
    return 1
  }
  cat "$payload.elf"
}
