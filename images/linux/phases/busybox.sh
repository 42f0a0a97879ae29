# Shell, init and the usual programs, in one file.
mkdir -p "$WORK/busybox"
busybox() { make -C "$SOURCES/busybox" O="$WORK/busybox" ARCH=riscv CROSS_COMPILE=$HOST- "$@"; }
busybox allnoconfig
# Its kconfig has no KCONFIG_ALLCONFIG, and of two lines for one symbol takes the first: what we ask for goes in place of what is there.
awk 'match($0, /CONFIG_[A-Z0-9_]+/) { symbol = substr($0, RSTART, RLENGTH) } NR == FNR { ours[symbol] } NR == FNR || !(symbol in ours)' \
  "$RECIPE/busybox.config" "$WORK/busybox/.config" > "$WORK/busybox/merged"
mv "$WORK/busybox/merged" "$WORK/busybox/.config"
# Asked again until it has no question left.
(yes '' || true) | busybox oldconfig
holds "$WORK/busybox/.config" "$RECIPE/busybox.config"
busybox busybox busybox.links
install -D -m 755 "$WORK/busybox/busybox" "$ROOT/bin/busybox"
while read -r link; do
  mkdir -p "$ROOT$(dirname "$link")"
  [ "$link" = /bin/busybox ] || ln -sf /bin/busybox "$ROOT$link"
done < "$WORK/busybox/busybox.links"
