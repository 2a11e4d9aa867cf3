#!/usr/bin/env bash
# The demo: an installation from nothing, a VM encrypted, and what the log says of it. Twelve steps; each shows the
# command that a user would type and checks its own outcome. A failed check ends it with exit code 1.
#   demo.sh KEYTRAIL GUEST_FOLDER [DATA]
# KEYTRAIL_DEMO_KEEP=no removes what it made if all went well: for a test.
set -euo pipefail

keytrail=$(readlink -f "$1")
guest=$(readlink -f "$2")
scan=$(readlink -f "$(dirname "$keytrail")/../tests/leak_scan/leak_scan")
work=${3:-$(mktemp -d "${TMPDIR:-/tmp}/keytrail-demo.XXXXXX")}
export KEYTRAIL_DATA=$work/data
base=${KEYTRAIL_DEMO_PORT_BASE:-15690}
store=$KEYTRAIL_DATA/datastore/ds-1
seed=4711 lines=400
began=$SECONDS

bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
[ -t 1 ] || bold='' dim='' plain=''

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
ok() { printf '  ok: %s\n' "$*"; }
fail() {
  printf '\n  FAILED: %s\n  The data of this run are kept in %s; logs of the parts: %s/log\n' "$*" "$work" "$KEYTRAIL_DATA" >&2
  exit 1
}
# kt ARGUMENT…: shows the command and runs it; it must succeed.
kt() {
  printf '  %s$ keytrail %s%s\n' "$dim" "$*" "$plain"
  "$keytrail" "$@" 2>&1 | sed 's/^/    /' || fail "'keytrail $*' did not succeed"
}
quiet() { "$keytrail" "$@"; }
# refused ARGUMENT…: like kt, for a command that must be refused (exit code 1).
refused() {
  printf '  %s$ keytrail %s%s\n' "$dim" "$*" "$plain"
  local code=0
  "$keytrail" "$@" >"$work/refused.txt" 2>&1 || code=$?
  sed 's/^/    /' "$work/refused.txt"
  [ "$code" -eq 1 ] || fail "'keytrail $*' ended with $code, not with 1 (refused)"
}
# until_true SECONDS TEXT COMMAND…: waits for a condition, with a bound.
until_true() {
  local deadline=$((SECONDS + $1)) text=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || fail "$text"
    read -r -t 0.2 <> <(:) || true
  done
}
head_position() { quiet --json log info | grep -o '"head": *"\?[0-9]*' | grep -o '[0-9]*$'; }
# The lines that the guest writes, computed from the seed as the guest does: keytrail-SHA-256("SEED:I").
guest_lines() {
  local i
  for i in $(seq "$lines"); do printf '%s:%s' "$seed" "$i" | sha256sum; done | sed 's/^/keytrail-/; s/ .*//'
}
lines_on_disk() { # how many of the guest's lines are in any file of the datastore
  [ -s "$work/lines.txt" ] || guest_lines >"$work/lines.txt"
  { grep -rhaoFf "$work/lines.txt" "$store" || true; } | sort -u | wc -l
}
console_says() { grep -qa "$2" "$store/$1/console.log" || fail "the console of $1 does not say '$2' (see $store/$1/console.log)"; }
times_matched() { grep -ac "matched $lines of $lines" "$store/vm-1/console.log" || true; } # over all its boots
# encryption_key VM: the id of the key that the VM is encrypted with
encryption_key() { quiet --json vm list "$1" | grep -o '"id":"[^"]*"' | head -n 1 | cut -d'"' -f4; }
boot() { # boot VM: powers on, waits until the guest has powered itself off
  kt vm power-on "$1" --wait off --timeout 120
}

up=
follow=
recorder=
finish() {
  local code=$?
  [ -n "$follow" ] && kill "$follow" 2>/dev/null
  [ -n "$recorder" ] && kill "$recorder" 2>/dev/null
  if [ -n "$up" ] && kill -0 "$up" 2>/dev/null; then
    kill -TERM "$up" 2>/dev/null
    wait "$up" 2>/dev/null
  fi
  exit "$code"
}
trap finish EXIT

title "1. An installation: event store, three key servers, a vCenter, two hosts"
printf '  %s$ keytrail up --port-base %s%s\n' "$dim" "$base" "$plain"
mkdir -p "$work"
"$keytrail" up --port-base "$base" >"$work/up.log" 2>&1 &
up=$!
until_true 60 "the installation is not up, see $work/up.log" test -s "$KEYTRAIL_DATA/endpoints.json"
kt status | tee "$work/status.txt"
[ "$(grep -cE '^ *((eventstore|vc-1) .* live |kms-[1-3] .* serving |host-[12] .* started,)' "$work/status.txt")" -eq 7 ] || fail "not all seven parts serve"
[ "$(quiet --json status | grep -o '"pid":[1-9][0-9]*' | sort -u | wc -l)" -eq 7 ] || fail "not all seven parts run"
ok "seven parts serve, each a process of its own"

title "2. Everything that happens from here on appears below as it happens"
printf '  %s$ keytrail events follow &%s\n' "$dim" "$plain"
"$keytrail" events follow --from end > >(tee "$work/followed.txt" | sed -u 's/^/      | /') 2>"$work/follow.err" &
follow=$!
until_true 10 "'events follow' does not reach the end of the log" grep -q 'caught up' "$work/follow.err"
# Step 12 searches all that the bus says from here on, and what it says of the past. kms.sealed, the sealed keys, is
# for key servers: so this identity of the demo alone is named as one. It may append nothing.
kt subscribers add kms/leak-scan --key-file "$work/leak-scan.key" --topics kms.change kms.note kms.sealed \
  vcenter.change vcenter.note esxi.change esxi.note eventstore.change eventstore.note head
printf '  %s$ leak_scan record … &%s\n' "$dim" "$plain"
"$scan" record --data "$KEYTRAIL_DATA" --key-file "$work/leak-scan.key" "$work/bus" >"$work/record.txt" 2>&1 &
recorder=$!
until_true 15 "the bus is not recorded: see $work/record.txt" test -e "$work/bus/ready"
until_true 10 "'events follow' does not show what happens" grep -q 'IdentityGranted .*kms/leak-scan' "$work/followed.txt"
ok "what was just granted stands above"

title "3. Key providers: three replicas as one, trusted in both directions, proven with a probe key"
servers=()
for i in 0 1 2; do servers+=(--server "kms-$((i + 1))=127.0.0.1:$((base + 6 + i))"); done
kt provider add prod "${servers[@]}" --enrol
quiet --json provider list | grep -q '"provider":"prod","is_default":true' || fail "'prod' is not the default provider"
kt provider add lab "${servers[0]}" "${servers[1]}" --enrol
quiet --json provider list | grep -q '"provider":"lab","is_default":false' || fail "a second provider became the default"
ok "the first provider is the default, the second is not"

title "4. A plain VM: a real guest writes $lines lines computed from a seed"
kt vm create vm-1 --host host-1 --size 64M --guest "$guest/vmlinuz" "$guest/initrd.gz" "seed=$seed lines=$lines mode=auto"
boot vm-1
console_says vm-1 "wrote $lines"
[ "$(lines_on_disk)" -eq "$lines" ] || fail "the control failed: the plain disk does not hold the guest's lines"
ok "control: all $lines lines can be read in the disk file"
before=$(head_position)

title "5. The VM is encrypted: no line is in any file of the datastore, and the guest reads all of them"
kt vm encrypt vm-1
[ "$(lines_on_disk)" -eq 0 ] || fail "lines of the guest are still in the datastore"
ok "0 of $lines lines are in any file of the datastore"
after=$(head_position)
vm_1_key=$(encryption_key vm-1)
boot vm-1
console_says vm-1 "matched $lines of $lines"
ok "the guest read $lines of $lines lines back"

title "6. bob may administer, but not decrypt: the refusal says which role, which entry, inherited from where"
head -c 18 /dev/urandom | base64 >"$work/bob.password"
chmod 600 "$work/bob.password"
kt user add bob --password-file "$work/bob.password"
kt group add operators
kt group join operators bob
kt permission set operators "No cryptography administrator" --group --entity dc-1
refused --user bob --password-file "$work/bob.password" vm decrypt vm-1
grep -q 'Cryptographer.Decrypt' "$work/refused.txt" || fail "the refusal does not name the privilege"
kt audit --user bob --outcome refused
quiet --json events read --type PrivilegeChecked --user bob >"$work/bob.jsonl"
for word in '"Cryptographer.Decrypt"' '"NoCryptoAdmin"' '"dc-1"' '"operators"'; do
  grep -q "$word" "$work/bob.jsonl" || fail "the log does not say $word of the refusal"
done
ok "the log names privilege, role, entry and where it was inherited from"

title "7. A key server dies: the next one serves; when it is back it has caught up"
kt part kill kms-1
kt vm create vm-2 --host host-2 --size 16M
kt vm encrypt vm-2
kt part start kms-1
key=$(encryption_key vm-2)
fingerprints=$(for r in kms-1 kms-2 kms-3; do
  quiet --json kms keys --replica $r | grep -o "\"key\":\"$key\"[^}]*" | grep -o '"fingerprint":"[0-9a-f]*"'
done | sort -u)
[ "$(grep -c . <<<"$fingerprints")" -eq 1 ] || fail "the replicas do not agree on the key of vm-2: $fingerprints"
auditor=$work/auditor
"$scan" make-client "$auditor"
kt kms client add auditor --group vcenter --certificate "$auditor/auditor.pem"
ca=$KEYTRAIL_DATA/ca.pem
as_auditor=(--cert "$auditor/auditor.pem" --key "$auditor/auditor.key" --ca "$ca")
kt kmip get "$key" --server "127.0.0.1:$((base + 6))" "${as_auditor[@]}" --out "$work/key.from-1"
kt kmip get "$key" --server "127.0.0.1:$((base + 7))" "${as_auditor[@]}" --out "$work/key.from-2"
cmp -s "$work/key.from-1" "$work/key.from-2" || fail "kms-1 serves another key than kms-2"
rm -f "$work"/key.from-*
ok "kms-1 serves the key of vm-2 that was made while it was dead, with the same ${fingerprints}"

title "8. A host dies: it comes back with an empty key cache, asks, gets its keys, and the VM boots"
alive_at=$(head_position) matched=$(times_matched)
kt part kill host-1
kt part start host-1
# The new boot says that it holds no key; then vm-1's is given to it; then it says that it has it.
got_keys() {
  quiet events read --from "$((alive_at + 1))" --host host-1 | awk -v key="key=prod/$vm_1_key" '
    / HostStarted .*with no key in memory/ { step = 1 }
    step == 1 && / KeyPushed / && index($0, key) { step = 2 }
    step == 2 && / KeyReceived / && index($0, key) { step = 3 }
    END { exit step != 3 }'
}
until_true 20 "host-1 did not start without keys and get that of vm-1 again" got_keys
ok "host-1 started with no key in memory, and was given that of vm-1 again"
boot vm-1
[ "$(times_matched)" -eq $((matched + 1)) ] || fail "the guest did not read its lines back"
ok "vm-1 booted, and read its lines back"

title "9. A key is destroyed: afterwards no replica can derive it any more"
client=(--server "127.0.0.1:$((base + 7))" --cert "$KEYTRAIL_DATA/client/kmip.pem" --key "$KEYTRAIL_DATA/client/kmip.key" --ca "$ca")
doomed=$(quiet --json kmip create "${client[@]}" | grep -o '"id":"[^"]*"' | cut -d'"' -f4)
kt kmip activate "$doomed" "${client[@]}"
kt kmip revoke "$doomed" --reason CessationOfOperation "${client[@]}"
kt kmip destroy "$doomed" "${client[@]}"
kt kms shredded "$doomed" --wait
[ "$(quiet kms shredded "$doomed" | grep -c '^kms-[1-3] *yes')" -eq 3 ] || fail "not all three replicas say that they cannot derive it"
refused kmip get "$doomed" "${client[@]}" --out "$work/doomed"
ok "key $doomed is gone although the log is kept"

title "10. The audit trail, and what changed when vm-1 was encrypted"
kt audit --from -30 | cut -c1-230
quiet audit >"$work/audit.txt"
in_trail() { grep -qE "$1" "$work/audit.txt" || fail "the trail does not say: $2"; }
in_trail " bob .* Decrypt VM: refused +refused .* vm-1 " "bob was refused to decrypt vm-1"
in_trail " Encrypt VM: completed +succeeded .*$vm_1_key .* vm-1 " "vm-1 was encrypted with key $vm_1_key"
in_trail " vc-1 .* Release key +succeeded .*$vm_1_key " "key $vm_1_key was released to vc-1"
in_trail " kmip_client .* Destroy key +succeeded .*$doomed " "who destroyed $doomed"
ok "the trail has bob's refusal, and by its id each key that was made, released, destroyed"
for moment in "$before" "$after"; do
  kt state --at "$moment" | tee "$work/state-$moment.txt" | grep -E '^ *\$|keytrail state|vm-1' || fail "the state at $moment does not know vm-1"
done
grep -q 'vm vm-1 .*encryption key none' "$work/state-$before.txt" || fail "vm-1 was not plain at $before"
grep -q 'vm vm-1 .*encryption key prod/'"$vm_1_key" "$work/state-$after.txt" || fail "vm-1 was not encrypted at $after"
kt diff "$before" "$after" | tee "$work/diff.txt"
grep -q 'vm vm-1 .*encryption key: none -> prod/'"$vm_1_key" "$work/diff.txt" || fail "the difference does not say what was done to vm-1"
ok "plain before, encrypted after, and the difference says so"

title "11. The log proves that it is whole, and a copy that was changed is found out"
kt log verify
copy_log() { # copy_log NAME: a copy of the running event store's folder
  rm -rf "${work:?}/$1"
  mkdir "$work/$1"
  cp -r "$KEYTRAIL_DATA/eventstore/db" "$KEYTRAIL_DATA/eventstore/checkpoint" "$work/$1/"
}
# The file of a copy that holds the latest facts, and where in it a word of theirs stands.
wal_of() { ls -S "$work/$1"/db/*.log | head -n 1; }
copy_log flipped
# The fact of step 2 that named the recorder: a batch of its own, for nothing else happened then.
flipped=$(quiet --json events read --type IdentityGranted | grep '"object":"identity/kms/leak-scan"' | grep -o '^{"position":"[0-9]*' | grep -o '[0-9]*$')
at=$(grep -abo 'kms/leak-scan' "$(wal_of flipped)" | tail -n 1 | cut -d: -f1)
printf 'X' | dd of="$(wal_of flipped)" bs=1 seek="$at" conv=notrunc status=none
printf '  one byte of a copy is flipped\n'
refused log verify --log "$work/flipped"
grep -q "position $flipped:" "$work/refused.txt" || fail "the damage is not named by its position, $flipped"
copy_log cut
truncate -s -3000 "$(wal_of cut)"
printf '  the tail of another copy is cut off\n'
refused log verify --log "$work/cut"
grep -qE 'cut: (the checkpoint|kms-[1-3]) saw [0-9]+, the head is [0-9]+' "$work/refused.txt" || fail "nobody is named who knows more of the log"
ok "both were found out: the flipped byte by its position, $flipped; the cut tail by who saw more"

title "12. No key is anywhere where it must not be"
printf '  %s$ kill -TERM $recorder  # reads from position 1 to the head, and ends%s\n' "$dim" "$plain"
kill -TERM "$recorder"
wait "$recorder" || fail "the bus was not recorded whole: $(cat "$work/record.txt")"
recorder=
sed 's/^/    /' "$work/record.txt"
pids=() kept=()
for pid in $(quiet --json status | grep -o '"pid":[0-9]*' | cut -d: -f2); do pids+=(--pid "$pid"); done
for file in "$KEYTRAIL_DATA"/{unlock/*,client/{admin.password,*.key}} "$work/bob.password"; do kept+=(--kept "$file"); done
printf '  %s$ leak_scan search …  (every KEK over KMIP, every DEK from the descriptors, what key files hold)%s\n' "$dim" "$plain"
"$scan" search --server "127.0.0.1:$((base + 6))" "${as_auditor[@]}" --datastore "$store" "${kept[@]}" "${pids[@]}" \
  "$KEYTRAIL_DATA" "$work/bus" "$work/followed.txt" "$work/up.log" | sed 's/^/    /' || fail "a secret was found where it must not be"
ok "0 hits, and all that was planted was found"
kt subscribers revoke kms/leak-scan

title "Done in $((SECONDS - began)) s."
kill "$follow" 2>/dev/null || true
follow=
kill -TERM "$up"
wait "$up" || fail "the installation did not stop in order"
up=
if [ "${KEYTRAIL_DEMO_KEEP:-yes}" = no ]; then
  rm -rf "$work"
  exit 0
fi
cat <<END
  The data are in $KEYTRAIL_DATA. To go on with them:
    export KEYTRAIL_DATA=$KEYTRAIL_DATA PATH=$(dirname "$keytrail"):\$PATH
    keytrail up &
    keytrail events follow --from -20
    keytrail vm recrypt vm-1 --deep
END
