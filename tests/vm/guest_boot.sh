#!/usr/bin/env bash
# PID 1 of the guest on its real root: mounts what eBPF needs, runs the
# command, leaves its exit code for the host and powers off. If anything here
# fails PID 1 ends, so the kernel panics and the host shows why.
set -euo pipefail

# What udev would do: bash's >(...) and many a command need them.
ln -s /proc/self/fd /dev/fd
for fd in 0:stdin 1:stdout 2:stderr; do
  ln -s "/proc/self/fd/${fd%%:*}" "/dev/${fd#*:}"
done

while read -r type where; do
  mkdir -p "$where"
  mount -t "$type" "$type" "$where"
done <<'MOUNTS'
devpts /dev/pts
tmpfs /dev/shm
tracefs /sys/kernel/tracing
debugfs /sys/kernel/debug
securityfs /sys/kernel/security
bpf /sys/fs/bpf
cgroup2 /sys/fs/cgroup
MOUNTS
busybox ip link set lo up
hostname vmtest

# Sets command, changes directory, exports. Written by vmtest.sh.
command=()
# shellcheck source=/dev/null
source /run/vmtest/command.sh

# The output port appears when the host side has answered.
for ((try = 0; try < 100; try++)); do
  port=$(echo /dev/vport*p1)
  [[ ! -c $port ]] || break
  sleep 0.1
done
[[ -c $port ]] || { echo 'vmtest: guest: no port for the output'; exit 1; }

# The port can be opened once only, and a command may well open its /dev/stdout
# again: it gets a pipe.
exec {output}> >(exec cat > "$port")
writer=$!
rc=0
"${command[@]}" < /dev/null >&"$output" 2>&1 {output}>&- || rc=$?
exec {output}>&-

# What the command left running may hold the pipe open.
for process in /proc/[0-9]*; do
  process=${process#/proc/}
  [[ $process -eq 1 || $process -eq $writer ]] ||
    kill -KILL "$process" 2> /dev/null || true
done
wait "$writer"

echo "$rc" > "$VMTEST_OUT/.status.new"
sync "$VMTEST_OUT/.status.new"
mv "$VMTEST_OUT/.status.new" "$VMTEST_OUT/.status"
echo o > /proc/sysrq-trigger  # returns before the power is off
exec sleep infinity
