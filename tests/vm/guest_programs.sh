#!/usr/bin/env bash
# guest_programs.sh BUILD LIST: runs each line of LIST in BUILD, inside the
# guest. Line N leaves N.log and N.status (its exit code) in $VMTEST_OUT, so
# that the host can count even if the guest dies half way.
set -euo pipefail
cd "$1"
number=0
while IFS= read -r line <&3; do
  number=$((number + 1))
  status=0
  bash -c "$line" > "$VMTEST_OUT/$number.log" 2>&1 3<&- || status=$?
  echo "$status" > "$VMTEST_OUT/$number.status"
done 3< "$2"
