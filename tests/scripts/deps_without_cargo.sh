#!/usr/bin/env bash
# scripts/deps.sh on a machine without cargo asks for Debian's packages of it:
# deps_without_cargo.sh SOURCE_DIR
set -euo pipefail
source=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
for command in bash sed env id mktemp rm tail; do
  ln -s "$(command -v "$command")" "$work/bin/"
done
# Every package is there; which ones were asked for is noted.
cat > "$work/bin/dpkg-query" <<E2
#!/bin/sh
for package; do :; done
echo "\$package" >> "$work/asked"
printf installed
E2
chmod +x "$work/bin/dpkg-query"
PATH=$work/bin "$source/scripts/deps.sh" build
grep -qx cargo-web "$work/asked"
grep -qx rustc-web "$work/asked"
