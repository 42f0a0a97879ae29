# The kernel: everything that kernel.config does not ask for is off.
mkdir -p "$WORK/kernel"
kernel() { make -C "$LINUX" O="$WORK/kernel" ARCH=riscv CROSS_COMPILE=$CROSS "$@"; }
KCONFIG_ALLCONFIG=$RECIPE/kernel.config kernel allnoconfig
holds "$WORK/kernel/.config" "$RECIPE/kernel.config"
kernel Image
install -m 644 "$WORK/kernel/arch/riscv/boot/Image" "$OUT/Image"
