#!/usr/bin/env bash
# The figures of the README, measured on this machine: bench.sh BUILD_FOLDER. The bare sync rate is printed beside
# what it bounds; nothing here is a test.
set -euo pipefail
build=$(readlink -f "$1")

printf 'Machine: %s, %s cores, %s\n\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
for bench in log/append_bench kms/kmip_bench disk/disk_bench; do
  program=$build/tests/bench/$bench
  [ -x "$program" ] || {
    printf 'bench.sh: %s is not there; ./run bench builds it first\n' "$program" >&2
    exit 1
  }
  printf '== %s\n' "${bench##*/}"
  "$program"
  printf '\n'
done
