#!/bin/sh
# Makes the guest of demo and tests from Debian's own packages: OUT/vmlinuz (the cloud kernel),
# OUT/initrd.gz (busybox, the virtio modules, `init`), and OUT/dm-crypt.cpio.gz, an addition to the
# initrd that lets the guest read a disk file as Linux would (dmsetup and the kernel's dm-crypt).
#
#   make_guest.sh OUT
#
# The packages are downloaded and unpacked, never installed; no root is needed. A second call does
# nothing.
set -eu

here=$(dirname "$(readlink -f "$0")")
out=${1:?usage: make_guest.sh OUT}
mkdir -p "$out"
out=$(readlink -f "$out")

stamp=$(cat "$here/make_guest.sh" "$here/init" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then exit 0; fi

work=$(mktemp -d "$out/making.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
cd "$work"

kernel=$(apt-cache depends linux-image-cloud-amd64 |
  sed -n 's/^ *Depends: *\(linux-image-[^ ]*\)/\1/p' | head -n 1)
if [ -z "$kernel" ]; then
  echo "apt knows no linux-image-cloud-amd64: run apt-get update first." >&2
  exit 1
fi
echo "Downloading $kernel, busybox-static and dmsetup with its libraries"
apt-get download -q "$kernel" busybox-static \
  dmsetup libdevmapper1.02.1 libselinux1 libudev1 libpcre2-8-0 libc6
mkdir packages
for package in ./*.deb; do dpkg-deb -x "$package" packages; done
cp packages/boot/vmlinuz-* "$out/vmlinuz"
modules=$(echo packages/lib/modules/*/kernel)

pack() { # pack FOLDER ARCHIVE: a compressed cpio archive, all owned by root
  (cd "$1" && find . | LC_ALL=C sort |
    "$work/packages/bin/busybox" cpio -o -H newc -R 0:0 2>/dev/null) | gzip -9n >"$2"
}

add_module() { # add_module ROOT NAME…: modules are loaded in this order, so the needed come first
  root=$1
  shift
  for name; do
    file=$(find "$modules" -name "$name.ko" | head -n 1)
    [ -n "$file" ] || { echo "$kernel has no module $name." >&2; exit 1; }
    cp "$file" "$root/modules/"
    echo "$name" >>"$root/modules/order.${root##*/}"
  done
}

mkdir -p guest/bin guest/dev guest/proc guest/sys guest/tmp guest/modules
cp packages/bin/busybox guest/bin/
ln -s busybox guest/bin/sh
cp "$here/init" guest/init
chmod 755 guest/init
# virtio.ko of this kernel needs virtio_ring.
add_module guest virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci \
  virtio_blk
pack guest "$out/initrd.gz"

mkdir -p crypt/bin crypt/lib64 crypt/modules crypt/sbin
cp packages/sbin/dmsetup crypt/sbin/
cp packages/lib64/ld-linux-x86-64.so.2 crypt/lib64/
for library in libdevmapper.so.1.02.1 libselinux.so.1 libudev.so.1 libpcre2-8.so.0 libm.so.6 \
  libc.so.6; do
  find packages -name "$library" -exec cp -L {} crypt/lib64/ \;
done
add_module crypt dm-mod cryptd crypto_simd aesni-intel ecb xts dm-crypt
pack crypt "$out/dm-crypt.cpio.gz"

echo "$stamp" >"$out/stamp"
ls -l "$out"
