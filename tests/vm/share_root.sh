#!/usr/bin/env bash
# share_root.sh ROOT OUTDIR SOCKET: serves this machine's file tree to a guest
# by virtiofs, read-only but for OUTDIR. To be run in a mount namespace of its
# own (unshare -m): ROOT is an empty folder that shows the tree there, so that
# nothing the guest's root does can reach the host.
set -euo pipefail
root=$1 out=$2 socket=$3

mount --rbind / "$root"
for dir in proc sys dev run; do  # the guest has its own
  ! mountpoint -q "$root/$dir" || umount -lR "$root/$dir"
done
while IFS= read -r target; do
  target=$(printf '%b' "$target")
  # What cannot be made read-only (autofs, some FUSE) is not shown at all.
  mount -o remount,bind,ro "$target" || umount -lR "$target"
done < <(findmnt -nro TARGET -R "$root")
mount --bind "$out" "$root$out"

cd /
if [[ -x /usr/libexec/virtiofsd ]]; then  # the Rust one, Debian 13 and later
  exec /usr/libexec/virtiofsd --socket-path "$socket" --shared-dir "$root" \
    --cache always --sandbox chroot
fi
exec /usr/lib/qemu/virtiofsd --socket-path="$socket" -o source="$root" \
  -o cache=always -o sandbox=chroot
