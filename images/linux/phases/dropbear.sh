# SSH, server and client in one file. It keeps no record of logins: there is nowhere to.
mkdir -p "$WORK/dropbear"
cd "$WORK/dropbear"
CC=$HOST-gcc "$SOURCES/dropbear/configure" --host=$HOST --enable-static --enable-bundled-libtom --disable-harden --disable-zlib --disable-pam --disable-syslog \
  --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx CFLAGS=-Os
make PROGRAMS='dropbear dropbearkey dbclient scp' MULTI=1 STATIC=1
$HOST-strip dropbearmulti
install -D -m 755 dropbearmulti "$ROOT/usr/sbin/dropbear"
mkdir -p "$ROOT/usr/bin"
for name in dropbearkey dbclient scp; do ln -sf ../sbin/dropbear "$ROOT/usr/bin/$name"; done
