#!/usr/bin/env bash
# Runs the tests of one or more build folders and closes with a count:
#   scripts/test.sh BUILD_DIR...
# A test that its kernel cannot run writes a line into $WASMBPF_SKIP_LOG (name,
# missing feature, kernel, reason), one that ran into $WASMBPF_RAN_LOG; both are
# read here: skips are listed, and a kernel test that no kernel of this run could
# run is a failure.
set -uo pipefail

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
export WASMBPF_SKIP_LOG=$logs/skipped WASMBPF_RAN_LOG=$logs/ran
touch "$WASMBPF_SKIP_LOG" "$WASMBPF_RAN_LOG"

passed=0 failed=0 skipped=0
for build in "$@"; do
  echo "== tests of $build"
  report=$logs/$(basename "$build").xml
  ctest --test-dir "$build" --parallel 2 --output-on-failure \
    --output-junit "$report" 2>&1 |
    grep -vE '^ +Start +[0-9]+:|^Internal ctest changing'
  # The attributes of ctest's own summary.
  count() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -1; }
  if [ ! -s "$report" ] || [ "$(count tests)" = 0 ]; then
    echo "test: ctest ran nothing in $build" >&2
    failed=$((failed + 1))
    continue
  fi
  bad=$(count failures)
  left_out=$(($(count skipped) + $(count disabled)))
  failed=$((failed + bad))
  skipped=$((skipped + left_out))
  passed=$((passed + $(count tests) - bad - left_out))
done

if [ -s "$WASMBPF_SKIP_LOG" ]; then
  echo "== skipped, by what the kernel lacks"
  sort -u "$WASMBPF_SKIP_LOG" |
    awk -F '\t' '{ printf "  %-44s %-18s %-28s %s\n", $1, $2, $3, $4 }'
fi
never=$(comm -23 <(cut -f1 "$WASMBPF_SKIP_LOG" | sort -u) \
  <(cut -f1 "$WASMBPF_RAN_LOG" | sort -u))
if [ -n "$never" ]; then
  echo "== failed: skipped on every kernel of this run"
  awk '{ print "  " $0 }' <<< "$never"
  failed=$((failed + $(wc -l <<< "$never")))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
