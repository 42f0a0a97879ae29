# The rest of the root file system, then both forms of it: an archive that the kernel unpacks into memory, and a disk.
mkdir -p "$ROOT"/{dev,etc/dropbear,mnt,proc,root,run,sys,tmp,usr/bin,var,www}
cp -R "$RECIPE/overlay/." "$ROOT/"
ln -sf /sbin/init "$ROOT/init"
ln -sf /run/resolv.conf "$ROOT/etc/resolv.conf"
$HOST-gcc -Os -s "$RECIPE/userland/instret.c" -o "$ROOT/usr/bin/instret"
gcc -O1 -o "$WORK/gen_init_cpio" "$LINUX/usr/gen_init_cpio.c"
bash -euo pipefail "$RECIPE/list.sh" "$ROOT" > "$WORK/list"
bash -euo pipefail "$RECIPE/disk.sh" "$WORK/list" "$OUT/disk.img"
# The archive takes the files' own times. No device nodes: the kernel brings /dev/console, and /etc/rc mounts the rest.
find "$ROOT" -type f -exec touch -d @$SOURCE_DATE_EPOCH {} +
"$WORK/gen_init_cpio" -t $SOURCE_DATE_EPOCH "$WORK/list" | gzip -9n > "$OUT/initramfs.cpio.gz"
