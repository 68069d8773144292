#!/usr/bin/env bash
# Runs a command of this machine, unchanged, on another Linux kernel: in a QEMU
# guest (software emulation) whose root is this machine's file tree. How it
# works and what it needs: docs/contributing/vm-tests.md.
set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() {
  cat <<'USAGE'
usage: vmtest.sh kernels         the kernels that every test run needs
       vmtest.sh fetch KERNEL    have a kernel, such as 6.12, in the cache
       vmtest.sh run KERNEL [-t SECS] [-m MEM] [-c CPUS] [-a ARGS] [-o OUTDIR]
                 -- CMD [ARG...]
run fetches the kernel if need be, and runs CMD as root in the same directory.
What CMD writes stays in the guest's memory, but for OUTDIR ($VMTEST_OUT in the
guest). Its stdout and stderr come to stdout.
  -t  deadline in seconds (300)       -m  memory (1G)    -c  CPUs (2)
  -a  more arguments for the kernel   -o  folder for results and console.log
Exit code: that of CMD (128+n: ended by signal n); 124: the deadline passed;
125: the guest died, or could not start, before CMD ended.
USAGE
}

say() { printf 'vmtest: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 125
}

# need_tools TOOL:PACKAGE...
need_tools() {
  local tool missing=()
  for tool in "$@"; do
    command -v "${tool%%:*}" > /dev/null || missing+=("${tool##*:}")
  done
  [[ ${#missing[@]} -ne 0 ]] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  die "not installed: ${missing[*]}. Run: apt-get install ${missing[*]}"
}

# shellcheck source-path=SCRIPTDIR
source "$here/kernels.sh"

work='' fetch_dir='' qemu='' share=''

# On every way out. The guest and its file server end before their folder goes.
clean_up() {
  trap '' TERM INT HUP
  local pid
  for pid in $qemu $share; do kill "$pid" 2> /dev/null || true; done
  wait
  [[ -z $fetch_dir ]] || rm -rf "$fetch_dir"
  # ROOT first, and only if empty: it showed the whole file tree once.
  [[ -z $work ]] || { rmdir "$work/root" && rm -rf "$work"; }
}

check_host() {
  [[ $(uname -m) == x86_64 ]] || die "the kernels are for x86_64 machines only"
  [[ $EUID -eq 0 ]] || die "needs root, to give the guest a read-only view" \
    "of the file tree. Run it through sudo"
  need_tools qemu-system-x86_64:qemu-system-x86 busybox:busybox-static \
    cpio:cpio unshare:util-linux setpriv:util-linux findmnt:util-linux
  [[ -x /usr/libexec/virtiofsd || -x /usr/lib/qemu/virtiofsd ]] ||
    die "not installed: virtiofsd. Run: apt-get install virtiofsd" \
      "(Debian 12: qemu-system-common)"
}

# check_visible DIR: the guest has mounts of its own there.
check_visible() {
  case $1/ in
    /proc/* | /sys/* | /dev/* | /run/*)
      die "the guest has a /proc, /sys, /dev and /run of its own, so $1" \
        "cannot be shared with it. Use another folder"
      ;;
  esac
}

# make_initrd KERNEL_DIR OUT CMD...: prints it. Not compressed: the emulated
# CPU would take longer to unpack it than to read it.
make_initrd() {
  local kernel=$1 out=$2 tree=$work/initrd
  shift 2
  mkdir -p "$tree"/{bin,proc,sys,dev,share,layer,root,vmtest}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp "$here/guest_init.sh" "$tree/init"
  cp "$here/guest_boot.sh" "$tree/vmtest/boot.sh"
  cp -r "$kernel/early" "$tree/vmtest/early"
  chmod +x "$tree/init"
  echo "$kernel" > "$tree/vmtest/kernel"
  echo "$out" > "$tree/vmtest/out"
  {
    printf 'cd %q\nexport PATH=%q HOME=%q VMTEST_OUT=%q\n' \
      "$PWD" "$PATH" "$HOME" "$out"
    printf 'command=('
    printf '%q ' "$@"
    printf ')\n'
  } > "$tree/vmtest/command.sh"
  (cd "$tree" && find . | cpio -o -H newc --quiet)
}

# start_share OUT: serves the file tree at $work/share, sets share.
start_share() {
  local try
  setpriv --pdeathsig KILL \
    unshare -m "$here/share_root.sh" "$work/root" "$1" "$work/share" \
    > "$work/share.log" 2>&1 &
  share=$!
  for ((try = 0; try < 200; try++)); do
    [[ ! -S $work/share ]] || return 0
    kill -0 "$share" 2> /dev/null || break
    sleep 0.05
  done
  tail -n 20 "$work/share.log" >&2
  die "virtiofsd, which gives the guest its root, did not start (above)." \
    "In a container it needs the right to mount (CAP_SYS_ADMIN)"
}

# start_qemu KERNEL_DIR OUT SECONDS MEMORY CPUS ARGS: sets qemu.
start_qemu() {
  local kernel=$1 out=$2 seconds=$3 memory=$4 cpus=$5 args=$6
  # At the end of QEMU's stdin the output port would close and the guest block
  # for ever: it gets a FIFO that never ends.
  mkfifo "$work/stdin"
  # shellcheck disable=SC2054  # the commas are QEMU's
  local machine=(
    -M q35 -accel 'tcg,thread=multi' -cpu max -smp "$cpus" -m "$memory"
    -nodefaults -no-reboot -display none
    # vhost-user needs memory that it can share.
    -object "memory-backend-memfd,id=memory,size=$memory,share=on"
    -numa node,memdev=memory
    -serial "file:$out/console.log"
    -chardev "socket,id=share,path=$work/share"
    -device vhost-user-fs-pci,chardev=share,tag=root
    -chardev stdio,id=output,signal=off
    -device virtio-serial-pci -device virtserialport,chardev=output,nr=1
    -device virtio-rng-pci
    -kernel "$kernel/vmlinux" -initrd "$work/initrd.cpio"
  )
  # Any oops ends the guest at once. The rest is speed: no self-tests of
  # ciphers, no mitigations, and addresses that stay let the emulator reuse
  # what it has translated. eBPF's LSM is not on everywhere by default.
  args="console=ttyS0 quiet panic=-1 oops=panic cryptomgr.notests norandmaps \
mitigations=off lsm=lockdown,capability,landlock,yama,apparmor,bpf $args"
  # setpriv: QEMU does not outlive this script, even if it is killed outright.
  setpriv --pdeathsig TERM timeout -k 5 "$seconds" \
    setpriv --pdeathsig KILL qemu-system-x86_64 "${machine[@]}" \
    -append "$args" <> "$work/stdin" &
  qemu=$!
}

run() {
  local name=$1 kernel out='' seconds=300 memory=1G cpus=2 args='' option
  local rc=0 started
  shift
  while getopts t:m:c:a:o: option; do
    case $option in
      t) seconds=$OPTARG ;;
      m) memory=$OPTARG ;;
      c) cpus=$OPTARG ;;
      a) args=$OPTARG ;;
      o) out=$OPTARG ;;
      *) usage >&2; exit 2 ;;
    esac
  done
  shift $((OPTIND - 1))
  [[ $# -gt 0 ]] || { usage >&2; exit 2; }
  check_host
  fetch_kernel "$name"

  work=$(mktemp -d -t vmtest.XXXXXX)
  mkdir "$work/root"
  [[ ${#work} -lt 90 ]] ||
    die "TMPDIR, $TMPDIR, is too long for the name of a socket"
  out=$(realpath -m "${out:-$work/out}")
  kernel=$(realpath "$cache/$name")
  check_visible "$out"
  check_visible "$kernel"
  check_visible "$PWD"
  mkdir -p "$out"
  rm -f "$out/.status" "$out/console.log"
  make_initrd "$kernel" "$out" "$@" > "$work/initrd.cpio"
  start_share "$out"
  started=$SECONDS
  start_qemu "$kernel" "$out" "$seconds" "$memory" "$cpus" "$args"
  wait "$qemu" || rc=$?
  qemu=''

  if [[ -e $out/.status ]]; then
    rc=$(cat "$out/.status")
    rm "$out/.status"
    return "$rc"
  fi
  if [[ $((SECONDS - started)) -ge $seconds ]]; then
    rc=124
    say "the deadline of $seconds s passed (-t sets another)"
  else
    rc=125
    say "the guest died before the command ended"
  fi
  if [[ -s $out/console.log ]]; then
    say "the last lines of its console:"
    tail -n 100 "$out/console.log" >&2
  fi
  return "$rc"
}

trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
case ${1:-}:$# in
  kernels:1) printf '%s\n' "${kRequired[@]}" ;;
  fetch:2) fetch_kernel "$2" ;;
  run:[0-9]*) [[ $# -ge 2 ]] || { usage >&2; exit 2; }; shift; run "$@" ;;
  -h:1 | --help:1) usage ;;
  *) usage >&2; exit 2 ;;
esac
