# Source packages to $SOURCES/NAME; of the two binary packages, the kernel's source and the one file that we need of the bare-metal compiler: libgcc for rv32.
mkdir -p "$SOURCES" "$SYSROOT/lib"
for dsc in "$WORK"/fetched/*.dsc; do
  # Signatures were checked by apt, against the release file.
  dpkg-source --no-check -x "$dsc" "$SOURCES/$(sed -n 's/^Source: *//p' "$dsc")"
done
# From the archive inside the package straight to files, and without what no configuration of ours can reach: half of it.
dpkg-deb --fsys-tarfile "$WORK"/fetched/linux-source-*.deb | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' | xz -dc |
  tar -x -C "$SOURCES" --transform 's,^linux-source-[^/]*,linux,' --exclude='*/drivers/gpu/drm/amd/include/*' --exclude='*/tools/testing/*'
libgcc=rv32imac/ilp32/libgcc.a
dpkg-deb --fsys-tarfile "$WORK"/fetched/gcc-riscv64-unknown-elf_*.deb | tar -xO --wildcards "./usr/lib/gcc/riscv64-unknown-elf/*/$libgcc" > "$SYSROOT/lib/libgcc.a"
[ -s "$SYSROOT/lib/libgcc.a" ]
