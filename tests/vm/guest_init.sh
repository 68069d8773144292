#!/bin/busybox sh
# shellcheck shell=dash
# PID 1 of the guest's initramfs: makes the host's root, read-only under a
# layer in memory, the guest's root. Then boot.sh takes over.
fail() {
  echo "vmtest: guest: $*" > /dev/console
  /bin/busybox poweroff -f
}
/bin/busybox mount -t proc proc /proc
/bin/busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev

for module in /vmtest/early/*; do
  [ ! -e "$module" ] || insmod "$module" || fail "cannot load $module"
done
mount -t virtiofs root /share || fail 'cannot mount the root share'
mount -t tmpfs -o size=75% layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/share,upperdir=/layer/upper,workdir=/layer/work \
  overlay /root || fail 'cannot lay a writable layer over the root share'

# modprobe and the kernel's own module loading find this kernel's modules.
mkdir -p /root/lib/modules
mount --bind "/share$(cat /vmtest/kernel)/lib/modules" /root/lib/modules ||
  fail 'cannot see the cached kernel through the root share'
out=$(cat /vmtest/out)
mount --bind "/share$out" "/root$out" || fail "cannot see $out"

mount -t tmpfs run /root/run
cp -r /vmtest /root/run/vmtest
for dir in proc sys dev; do mount --move /$dir /root/$dir; done
exec switch_root /root /bin/bash /run/vmtest/boot.sh
