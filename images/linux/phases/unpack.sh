# Source packages to $SOURCES/NAME; of the two binary packages, the kernel's source and the one file that we need of the bare-metal compiler: libgcc for rv32.
mkdir -p "$SOURCES" "$SYSROOT/lib"
for dsc in "$WORK"/fetch/*.dsc; do
  # Signatures were checked by apt, against the release file.
  dpkg-source --no-check -x "$dsc" "$SOURCES/$(sed -n 's/^Source: *//p' "$dsc")"
done
# From the archive inside the package straight to files, without most of what no configuration of ours can reach: the code of other architectures and of
# large drivers. Kconfig reads the rest.
dpkg-deb --fsys-tarfile "$WORK"/fetch/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dc |
  tar -x -C "$SOURCES" --transform 's,^linux-source-[^/]*,linux,' --exclude='linux-*/tools/testing/*' \
    --exclude='linux-*/arch/[!r]*/*.[chS]' --exclude='linux-*/arch/[!r]*/*.dts*' \
    --exclude='linux-*/sound/*.[ch]' --exclude='linux-*/drivers/gpu/*.[ch]' --exclude='linux-*/drivers/media/*.[ch]' \
    --exclude='linux-*/drivers/net/ethernet/*.[ch]' --exclude='linux-*/drivers/net/wireless/*.[ch]'
libgcc=rv32imac/ilp32/libgcc.a
dpkg-deb --fsys-tarfile "$WORK"/fetch/gcc-riscv64-unknown-elf_*.deb | tar -xO --wildcards "./usr/lib/gcc/riscv64-unknown-elf/*/$libgcc" > "$SYSROOT/lib/libgcc.a"
[ -s "$SYSROOT/lib/libgcc.a" ]
