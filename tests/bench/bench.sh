#!/usr/bin/env bash
# The figures of the README, measured on this machine: bench.sh BUILD_FOLDER [--peers] [--large] [arguments of
# log_bench]. Nothing here is a test. Everything is written below TMPDIR, or /var/tmp: on a disk, never in memory.
set -euo pipefail
build=$(readlink -f "$1")
shift
export TMPDIR=${TMPDIR:-/var/tmp}

run_bench() { # run_bench FOLDER/NAME [argument…]
  local program=$build/tests/bench/$1
  shift
  [ -x "$program" ] || {
    printf 'bench.sh: %s is not there; ./run bench builds it first\n' "$program" >&2
    exit 1
  }
  "$program" "$@"
}

printf 'Machine: %s, %s cores, %s, %s on %s, load %s, %s\n\n' \
  "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)" \
  "$TMPDIR" "$(findmnt -n -o FSTYPE,SOURCE -T "$TMPDIR" | tr -s ' ')" "$(cut -d ' ' -f 1 /proc/loadavg)" \
  "$(date -u +%F)"
run_bench log/log_bench "$@"
for bench in kms/kmip_bench disk/disk_bench; do
  printf '\n== %s\n' "${bench##*/}"
  run_bench "$bench"
done
