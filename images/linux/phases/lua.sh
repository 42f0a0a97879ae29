# Lua's interpreter, without its libraries for other programs.
mkdir -p "$WORK/lua" "$ROOT/usr/bin"
cd "$WORK/lua"
# Debian's patch includes this header for a search path.
echo "#define DEB_HOST_MULTIARCH \"$HOST\"" > lua5.4-deb-multiarch.h
sources=$(cd "$SOURCES/lua5.4/src" && ls -- *.c | grep -vx luac.c)
for source in $sources; do
  printf '%s: %s\n\t%s-gcc -O2 -I. -DLUA_USE_POSIX -c $< -o $@\n' "${source%.c}.o" "$SOURCES/lua5.4/src/$source" $HOST
done > Makefile
objects=$(printf '%s\n' $sources | sed 's/c$/o/')
make $objects
$HOST-gcc -s $objects -o "$ROOT/usr/bin/lua" -lm
