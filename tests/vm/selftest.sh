#!/usr/bin/env bash
# Tests the VM harness itself: tests/vm/selftest.sh [KERNEL]   (about 40 s)
# Exit code: 0 if all is well.
# shellcheck disable=SC2016,SC2031  # code for other shells; a subshell's own
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=${1:-6.12}
# In the user's cache, as a place that the guest sees and nobody else uses.
mkdir -p "${XDG_CACHE_HOME:-$HOME/.cache}"
dir=$(mktemp -d "${XDG_CACHE_HOME:-$HOME/.cache}/vm-selftest.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export TMPDIR=$dir

failed=0
# check NAME CONDITION...: the condition is a command.
check() {
  local name=$1
  shift
  if "$@"; then
    echo "ok      $name"
  else
    echo "FAILED  $name: $*"
    failed=$((failed + 1))
  fi
}
has() { grep -qE -- "$2" "$1" || { cat "$1"; return 1; }; }
lacks() { ! grep -qE -- "$2" "$1" || { cat "$1"; return 1; }; }

# vm EXIT_CODE ARGS...: runs vmtest.sh; stdout and stderr go to out and err.
vm() {
  local want=$1 rc=0
  shift
  "$here/vmtest.sh" run "$kernel" "$@" > out 2> err || rc=$?
  [[ $rc -ne $want ]] || return 0
  echo "exit code $rc, not $want"
  cat out err
  return 1
}

# Those with our folder in their command line: QEMU, its guards, virtiofsd.
processes() {
  local file
  for file in /proc/[0-9]*/cmdline; do
    if tr '\0' ' ' 2> /dev/null < "$file" | grep -qF -- "$dir"; then
      echo "$file"
    fi
  done
}
gone() {
  local try
  for ((try = 0; try < 200; try++)); do
    [[ -n $(processes) ]] || return 0
    sleep 0.05
  done
  processes
  return 1
}

test_a_command() {
  mkdir results
  cat > guest.sh <<'GUEST'
echo "kernel $(uname -r)"
echo 'to stderr' > /dev/stderr
[[ $* == 'a  b $c' ]] && echo 'arguments are whole'
for want in sysfs:/sys proc:/proc bpf_fs:/sys/fs/bpf debugfs:/sys/kernel/debug \
  tracefs:/sys/kernel/tracing securityfs:/sys/kernel/security \
  cgroup2fs:/sys/fs/cgroup; do
  type=$(stat -f -c %T "${want#*:}")
  [[ $type == "${want%%:*}" ]] || echo "missing: $want (is $type)"
done
[[ $(< /sys/class/net/lo/flags) == 0x9 ]] && echo 'lo is up'
grep -q bpf /sys/kernel/security/lsm && echo 'bpf is an LSM'
modprobe veth && echo 'modules load'
echo changed > tree_file && cat tree_file
mkdir /mnt/share && mount -t virtiofs root /mnt/share
echo changed > "/mnt/share$PWD/tree_file" && echo 'BROKEN OUT'
echo kept > "$VMTEST_OUT/kept"
sleep 1000 &  # holds the output open
exit 7
GUEST
  echo original > tree_file
  check 'exit code is passed on' \
    vm 7 -o results -- bash guest.sh 'a  b $c'
  check 'it is the kernel asked for' has out "^kernel ${kernel//./\\.}\."
  check 'stderr can be opened again' has out '^to stderr'
  check 'arguments' has out '^arguments are whole'
  check 'file systems are mounted' lacks out '^missing'
  check 'lo' has out '^lo is up'
  check 'LSM' has out '^bpf is an LSM'
  check 'modules' has out '^modules load'
  check 'the guest can write to the tree' has out '^changed'
  check 'no way to write to the host' lacks out 'BROKEN OUT'
  check 'the host does not see what it wrote' has tree_file '^original'
  check 'it does see OUTDIR' has results/kept '^kept'
}

test_bad_ends() {
  check 'a crash is 128 + the signal' vm 139 -- bash -c 'kill -SEGV $$'
  check 'a command that is not there' vm 127 -- ./no-such-command
  check 'a panic ends the run' vm 125 -o panic -- bash -c \
    'echo before > $VMTEST_OUT/file; echo c > /proc/sysrq-trigger; sleep 1000'
  check 'what was in OUTDIR before is kept' has panic/file '^before'
  check 'the panic is shown' has err 'sysrq triggered crash'
  check 'the deadline ends the run' \
    vm 124 -t 40 -- bash -c 'echo before; sleep 1000'
  check 'output before the deadline is kept' has out '^before'
  check 'the deadline is told' has err 'deadline of 40 s'
  check 'a kernel that is not in the table' \
    bash -c '! "$1" run 1.0 -- true 2> err' _ "$here/vmtest.sh"
  check 'says which there are' has err '6\.12'
  check 'a folder that the guest cannot see' \
    vm 125 -o /run/vm-selftest -- true
}

# end_by SIGNAL EXIT_CODE FILE SCRIPT...: starts a script of the harness, waits
# until its guest has made FILE, sends it the signal.
end_by() {
  local signal=$1 want=$2 file=$3 pid rc=0 try
  shift 3
  "$here/$1" "${@:2}" > out 2> err &
  pid=$!
  for ((try = 0; try < 1200; try++)); do
    [[ ! -e $file ]] || break
    sleep 0.05
  done
  check "$1: there is a guest to end by $signal" test -e "$file"
  kill -s "$signal" "$pid"
  { wait "$pid" || rc=$?; } 2> /dev/null  # bash would say "Killed"
  check "$1: exit code after $signal" test "$rc" -eq "$want"
  check "$1: no process is left after $signal" gone
}

test_signals() {
  local signal code
  for signal in TERM:143 KILL:137; do
    code=${signal#*:} signal=${signal%:*}
    mkdir "end-$signal"
    end_by "$signal" "$code" "end-$signal/started" \
      vmtest.sh run "$kernel" -o "$dir/end-$signal" -- \
      bash -c 'touch $VMTEST_OUT/started; sleep 1000'
    mkdir -p "build-$signal/tests"
    echo 'touch $VMTEST_OUT/started; sleep 1000' \
      > "build-$signal/tests/vm-programs.txt"
    WASMBPF_BUILD=$dir/build-$signal \
      end_by "$signal" "$code" "build-$signal/vm/$kernel/started" \
      run.sh "$kernel"
  done
  check 'nothing but SIGKILL to vmtest.sh itself leaves its folder' \
    test "$(find "$dir" -maxdepth 1 -name 'vmtest.*' | wc -l)" -eq 1
}

test_fetch() {
  cat > etc.list <<'LIST'
# a comment
deb [ arch=amd64 trusted=yes ] http://one.invalid/debian bookworm main contrib
deb-src http://one.invalid/debian bookworm main
deb http://one.invalid/debian bookworm-updates main
deb http://two.invalid/security bookworm-security main # a comment
deb http://three.invalid/other nodistro main
deb http://four.invalid/other bookworm stable
LIST
  mkdir parts cache
  cat > parts/some.sources <<'SOURCES'
# a comment
Types: deb deb-src
URIs: http://five.invalid/debian
Suites: bookworm bookworm-updates
# another
Components: main non-free
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQENBF

Enabled: no
Types: deb
URIs: http://six.invalid/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://seven.invalid/debian-security
Suites: bookworm-security
Components: main
SOURCES
  cat > apt.conf <<CONF
Dir::Etc::sourcelist "$dir/etc.list";
Dir::Etc::sourceparts "$dir/parts";
Acquire::http::Proxy "http://127.0.0.1:9";
CONF
  cat > os-release <<'OS'
VERSION_CODENAME=bookworm
OS
  (
    export APT_CONFIG=$dir/apt.conf WASM_BPF_CACHE=$dir/cache
    # shellcheck source-path=SCRIPTDIR
    source "$here/kernels.sh"
    mkdir main security
    debian_sources trixie main os-release
    debian_sources bookworm-security security os-release
  )
  cat > want.list <<'WANT'
deb [ arch=amd64 trusted=yes ] http://one.invalid/debian trixie main
deb http://one.invalid/debian trixie main
WANT
  cat > want.sources <<'WANT'
Types: deb
URIs: http://five.invalid/debian
Suites: trixie
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQENBF

WANT
  check 'sources, one-line format' diff want.list main/debian.list
  check 'sources, deb822 format' diff want.sources main/debian.sources
  check 'security, one-line format' diff security/debian.list - \
    <<< 'deb http://two.invalid/security bookworm-security main'
  check 'security, deb822 format' \
    has security/debian.sources '^URIs: http://seven.invalid'
  check 'and only that' lacks security/debian.sources 'five|six'

  local rc=0
  APT_CONFIG=$dir/apt.conf WASM_BPF_CACHE=$dir/cache \
    "$here/vmtest.sh" fetch "$kernel" > out 2> err || rc=$?
  check 'a fetch that fails is an error' test "$rc" -eq 125
  check 'it says what was tried' has err '^  bookworm-security:'
  check 'and what apt said' has err '127\.0\.0\.1'
  check 'and leaves nothing' \
    test -z "$(find cache -mindepth 2 ! -name '.*.lock')"
}

test_run() {
  mkdir -p build/tests
  cat > build/tests/good <<'GOOD'
#!/bin/bash
echo '[==========] Running 3 tests from 1 test suite.'
printf '[ RUN      ] A.one\nnoise[       OK ] A.one (1 ms)\n'
printf '[ RUN      ] A.two\n[  SKIPPED ] A.two (1 ms)\n'
printf '[  PASSED  ] 2 tests.\n[  SKIPPED ] 1 test, listed below:\n'
printf 'A.two\tfeature\t6.x\twhy\n' >> "$WASMBPF_SKIP_LOG"
printf 'A.one\n' >> "$WASMBPF_RAN_LOG"
[[ $GTEST_FILTER == 'A.*' && $1 == 'two words' ]]
GOOD
  cat > build/tests/bad <<'BAD'
#!/bin/bash
echo '[==========] Running 4 tests from 1 test suite.'
printf '[ RUN      ] B.one\n[       OK ] B.one (1 ms)\n'
printf '[ RUN      ] B.two\nwhy it failed\n[  FAILED  ] B.two (1 ms)\n'
printf '[ RUN      ] B.three\nlast words\n'
kill -SEGV $$
BAD
  cat > build/tests/empty <<'EMPTY'
#!/bin/bash
echo '[==========] Running 0 tests from 0 test suites.'
echo '[  PASSED  ] 0 tests.'
EMPTY
  chmod +x build/tests/*
  export WASMBPF_BUILD=$dir/build WASMBPF_SKIP_LOG=$dir/skips
  export WASMBPF_RAN_LOG=$dir/rans GTEST_FILTER='A.*'
  echo 'before' > skips
  local rc=0
  printf '# a comment\n\ntests/good "two words"\ntrue\n' \
    > build/tests/vm-programs.txt
  "$here/run.sh" "$kernel" > out 2> err || rc=$?
  check 'tests that pass' test "$rc" -eq 0
  check 'their sum' \
    has out "^vm ${kernel//./\\.}: 3 passed, 0 failed, 1 skipped \([0-9]+ s\)$"
  check 'nothing else is said' test "$(cat out err | wc -l)" -eq 1
  check 'skips are appended' \
    diff skips <(printf 'before\nA.two\tfeature\t6.x\twhy\n')
  check 'what ran too' diff rans <(printf 'A.one\n')

  printf 'tests/bad\ntests/empty\nfalse\ntests/good\n' \
    > build/tests/vm-programs.txt
  rc=0
  "$here/run.sh" "$kernel" > out 2> err || rc=$?
  check 'tests that fail' test "$rc" -eq 1
  # bad: 1 + 2 (one failed, one crashed); empty, false, and good's own refusal
  check 'their sum' has out ': 3 passed, 5 failed, 1 skipped '
  check 'why it failed is shown' has out '^why it failed$'
  check 'the crash is placed' has out 'the program ended in this test'
  check 'and its code' has out 'tests/bad: exit code 139, log: /.*/1\.log$'

  printf 'tests/good "two words"\necho c > /proc/sysrq-trigger\n' \
    > build/tests/vm-programs.txt
  rc=0
  "$here/run.sh" "$kernel" > out 2> err || rc=$?
  check 'a panic' test "$rc" -eq 1
  check 'what passed before it counts' \
    has out ': 2 passed, 1 failed, 1 skipped '
  check 'the one it was in is named' has out 'sysrq-trigger: did not end'
  check 'with the call trace' has out 'Call Trace'

  rm build/tests/vm-programs.txt
  rc=0
  "$here/run.sh" "$kernel" > out 2> err || rc=$?
  check 'nothing built' test "$rc" -eq 1
  check 'what to do is said' has err 'Build first'
  unset WASMBPF_BUILD WASMBPF_SKIP_LOG WASMBPF_RAN_LOG GTEST_FILTER
}

test_fetch
test_a_command
test_bad_ends
test_signals
test_run
if [[ $failed -ne 0 ]]; then
  echo "vm harness: $failed checks failed"
  exit 1
fi
echo 'vm harness: all is well'
