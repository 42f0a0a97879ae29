# The C library with the kernel's headers, and a compiler for it.
mkdir -p "$WORK/musl" "$WORK/headers" "$SYSROOT/bin" "$SYSROOT/include"
cd "$WORK/musl"
CC="${CROSS}gcc $ARCH_FLAGS" CROSS_COMPILE=$CROSS LIBCC=$SYSROOT/lib/libgcc.a CFLAGS='-Os -g0' \
  "$SOURCES/musl/configure" --target=$HOST --prefix="$SYSROOT" --disable-shared --enable-wrapper=no
make
make install

# Without headers_install, which wants rsync.
make -C "$LINUX" O="$WORK/headers" ARCH=riscv headers
(cd "$WORK/headers/usr/include" && find . -name '*.h' -exec cp --parents -t "$SYSROOT/include" {} +)

# Debian's compiler makes position-independent executables for a C library of its own unless it is told otherwise in every one of these places.
cat > "$SYSROOT/lib/musl.specs" <<SPECS
%rename cpp_options old_cpp_options
*cpp_options:
-nostdinc -isystem $SYSROOT/include -isystem include%s %(old_cpp_options)

*cc1:
-nostdinc -isystem $SYSROOT/include -isystem include%s

*link_libgcc:
-L$SYSROOT/lib

*libgcc:
$SYSROOT/lib/libgcc.a

*startfile:
$SYSROOT/lib/crt1.o $SYSROOT/lib/crti.o

*endfile:
$SYSROOT/lib/crtn.o

*lib:
-lc

*link:
-melf32lriscv_ilp32 -static -nostdlib -z max-page-size=4096

SPECS
cat > "$SYSROOT/bin/$HOST-gcc" <<WRAPPER
#!/bin/sh
exec ${CROSS}gcc $ARCH_FLAGS -mcmodel=medany -fno-pie -no-pie -static -specs=$SYSROOT/lib/musl.specs -ffile-prefix-map=$WORK=. "\$@"
WRAPPER
chmod 755 "$SYSROOT/bin/$HOST-gcc"
for tool in ar as ld nm objcopy objdump ranlib readelf strip; do ln -sf "$(command -v $CROSS$tool)" "$SYSROOT/bin/$HOST-$tool"; done
