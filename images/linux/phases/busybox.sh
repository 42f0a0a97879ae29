# Shell, init and the usual programs, in one file.
mkdir -p "$WORK/busybox"
busybox() { make -C "$SOURCES/busybox" O="$WORK/busybox" ARCH=riscv CROSS_COMPILE=$HOST- "$@"; }
busybox allnoconfig
# Its kconfig has no KCONFIG_ALLCONFIG; of two lines for one symbol the later one counts. It is asked again until it has no question left.
cat "$RECIPE/busybox.config" >> "$WORK/busybox/.config"
(yes '' || true) | busybox oldconfig
holds "$WORK/busybox/.config" "$RECIPE/busybox.config"
busybox busybox busybox.links
install -D -m 755 "$WORK/busybox/busybox" "$ROOT/bin/busybox"
while read -r link; do
  mkdir -p "$ROOT$(dirname "$link")"
  [ "$link" = /bin/busybox ] || ln -sf /bin/busybox "$ROOT$link"
done < "$WORK/busybox/busybox.links"
