#!/usr/bin/env bash
# Runs the project's kernel tests on other kernels, all of them at once, one
# boot each:
#   tests/vm/run.sh [KERNEL...]      default: every kernel a test run needs
# The last line for each kernel is, for example
#   vm 6.12: 31 passed, 0 failed, 2 skipped (14 s)
# Exit code: 0 if nothing failed, 1 if something did, 2 usage, 128+n signal n.
#
# Environment:
#   WASMBPF_BUILD         build folder (default: build/release); which programs
#                         run is listed in its tests/vm-programs.txt
#   WASMBPF_SKIP_LOG      files for the lines that tests write about what was
#   WASMBPF_RAN_LOG       skipped and what ran: the guest's lines are appended
#   WASMBPF_VM_DEADLINE   seconds that a guest may take (600)
# GTEST_*, other WASMBPF_* and *SAN_OPTIONS are handed to the guest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# About 5 times what the tests take on a quiet machine with two cores.
deadline=${WASMBPF_VM_DEADLINE:-600}

say() { printf 'vm: %s\n' "$*" >&2; }

declare -A jobs=()  # process -> kernel
# shellcheck disable=SC2317  # called by trap
stop_jobs() {
  trap '' TERM INT HUP
  local pid
  for pid in "${!jobs[@]}"; do kill "$pid" 2> /dev/null || true; done
  wait
}

# handed_down: the variables, NAME=VALUE and 0-ended, that tests read.
handed_down() {
  local name
  for name in $(compgen -e); do
    case $name in
      WASMBPF_SKIP_LOG | WASMBPF_RAN_LOG) ;;
      GTEST_* | WASMBPF_* | *SAN_OPTIONS) printf '%s\0' "$name=${!name}" ;;
    esac
  done
}

# start KERNEL CPUS: begins the run; its results go to $build/vm/KERNEL.
start() {
  local kernel=$1 cpus=$2 out=$build/vm/$1 lock variables
  mkdir -p "$build/vm"
  exec {lock}> "$build/vm/.$kernel.lock"
  flock -n "$lock" || {
    say "another run is testing kernel $kernel in $build: let it end first"
    exit 1
  }
  rm -rf "$out"
  mkdir "$out"
  sed -E '/^[[:space:]]*(#|$)/d' "$programs" > "$out/programs.txt"
  mapfile -d '' -t variables < <(handed_down)
  # setpriv: no guest outlives this script, even if it is killed outright.
  setpriv --pdeathsig TERM "$here/vmtest.sh" run "$kernel" -t "$deadline" \
    -c "$cpus" -o "$out" -- env "${variables[@]}" \
    WASMBPF_SKIP_LOG="$out/skipped" WASMBPF_RAN_LOG="$out/ran" \
    bash "$here/guest_programs.sh" "$build" "$out/programs.txt" \
    > "$out/vmtest.log" 2>&1 &
  jobs[$!]=$kernel
}

# read_gtest LOG: prints "PASSED FAILED SKIPPED", then what each failed test
# printed: its first and last 30 lines. A program that ended has said the sums
# itself; for one that did not, tests are counted, and the one it was in has
# failed.
read_gtest() {
  awk '
    function sum(line) { sub(/.*\] /, "", line); return line + 0 }
    function block(   i, text) {
      for (i = 1; i <= lines; i++) {
        if (i <= 30 || i > lines - 30)
          text = text line[i] "\n"
        else if (i == 31)
          text = text "[" lines - 60 " lines left out here]\n"
      }
      return text
    }
    /\[ RUN      \] / { running = 1; lines = 0 }
    running { line[++lines] = $0 }
    /\[       OK \] .* ms\)$/ { passed++; running = 0 }
    /\[  SKIPPED \] .* ms\)$/ { skipped++; running = 0 }
    /\[  FAILED  \] .* ms\)$/ {
      failed++; details = details block(); running = 0
    }
    /^\[  PASSED  \] [0-9]+ test/ { ended = 1; all_passed = sum($0) }
    /^\[  SKIPPED \] [0-9]+ test/ { all_skipped = sum($0) }
    /^\[  FAILED  \] [0-9]+ test/ { all_failed = sum($0) }
    END {
      if (ended) {
        passed = all_passed; skipped = all_skipped; failed = all_failed
      } else if (running) {
        failed++
        details = details block() "(the program ended in this test)\n"
      }
      printf "%d %d %d\n%s", passed, failed, skipped, details
    }' "$1"
}

# report KERNEL EXIT_CODE SECONDS: shows what failed, then the closing line.
# Returns 1 if anything failed.
report() {
  local kernel=$1 rc=$2 seconds=$3 out=$build/vm/$1
  local line number=0 status passed=0 failed=0 skipped=0 p f s
  while IFS= read -r line; do
    number=$((number + 1))
    # What did not even start is told of by vmtest's own words below.
    [[ -e $out/$number.log ]] || continue
    status=none
    [[ ! -s $out/$number.status ]] || status=$(< "$out/$number.status")
    read_gtest "$out/$number.log" > "$out/sums"
    read -r p f s < "$out/sums"
    if [[ $((p + f + s)) -eq 0 ]] &&
      ! grep -q '^\[==========\] Running 0 tests' "$out/$number.log"; then
      # Not a gtest program: it is one test.
      [[ $status == 0 ]] && p=1 || f=1
    elif [[ $status != 0 && $f -eq 0 ]]; then
      f=1
    elif [[ $((p + f + s)) -eq 0 ]]; then
      f=1  # a test program that tests nothing
    fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [[ $f -ne 0 ]] || continue
    if [[ $status == none ]]; then
      status='did not end'
    else
      status="exit code $status"
    fi
    printf -- '--- vm %s: %s: %s, log: %s\n' "$kernel" "$line" "$status" \
      "$out/$number.log"
    if [[ $(wc -l < "$out/sums") -gt 1 ]]; then
      sed -n '2,500p' "$out/sums"
    else
      tail -n 40 "$out/$number.log"
    fi
  done < "$out/programs.txt"

  if [[ $rc -ne 0 ]]; then
    printf -- '--- vm %s: the run did not end well (exit code %d), logs: %s\n' \
      "$kernel" "$rc" "$out"
    tail -n 120 "$out/vmtest.log"
    # What broke it may be no test's fault, but it never passes.
    [[ $failed -ne 0 ]] || failed=1
  fi
  rm -f "$out/sums"
  printf 'vm %s: %d passed, %d failed, %d skipped (%d s)\n' "$kernel" \
    "$passed" "$failed" "$skipped" "$seconds"
  [[ $failed -eq 0 ]]
}

# append FROM TO: whole or not at all beside other writers.
append() {
  [[ -n $2 && -e $1 ]] || return 0
  (flock 9 && cat "$1" >&9) 9>> "$2"
}

kernels=("$@")
[[ $# -gt 0 ]] || mapfile -t kernels < <("$here/vmtest.sh" kernels)
case " ${kernels[*]}" in
  *' -'*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    [[ ${kernels[*]} == -h || ${kernels[*]} == --help ]] && exit 0
    exit 2
    ;;
esac
build=${WASMBPF_BUILD:-$here/../../build/release}
programs=$build/tests/vm-programs.txt
if ! grep -qsE '^[[:space:]]*[^#[:space:]]' "$programs"; then
  say "no programs to run: $programs is missing or empty. Build first (make" \
    "build), or set WASMBPF_BUILD to the build folder"
  exit 1
fi
build=$(realpath "$build")
programs=$(realpath "$programs")

trap stop_jobs EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP
# Guests side by side have a core each; one alone also tests for races.
cpus=1
[[ ${#kernels[@]} -gt 1 ]] || cpus=2
declare -A exit_codes=() seconds=()
SECONDS=0
for kernel in "${kernels[@]}"; do start "$kernel" "$cpus"; done
while [[ ${#jobs[@]} -gt 0 ]]; do
  rc=0
  wait -n -p ended "${!jobs[@]}" || rc=$?
  kernel=${jobs[$ended]}
  unset "jobs[$ended]"
  exit_codes[$kernel]=$rc
  seconds[$kernel]=$SECONDS
done

result=0
for kernel in "${kernels[@]}"; do
  report "$kernel" "${exit_codes[$kernel]}" "${seconds[$kernel]}" || result=1
  append "$build/vm/$kernel/skipped" "${WASMBPF_SKIP_LOG:-}"
  append "$build/vm/$kernel/ran" "${WASMBPF_RAN_LOG:-}"
done
exit "$result"
