# SQLite's shell and its own benchmark, without threads.
mkdir -p "$WORK/sqlite" "$ROOT/usr/bin"
cd "$WORK/sqlite"
"$SOURCES/sqlite3/configure" --disable-tcl --disable-readline --disable-shared CFLAGS=-O1
make sqlite3.c shell.c
defines='-DSQLITE_THREADSAFE=0 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DEFAULT_MEMSTATUS=0 -DHAVE_USLEEP=1'
$HOST-gcc -Os $defines -c sqlite3.c
$HOST-gcc -Os -s $defines -I. shell.c sqlite3.o -o "$ROOT/usr/bin/sqlite3" -lm
$HOST-gcc -Os -s -I. "$SOURCES/sqlite3/test/speedtest1.c" sqlite3.o -o "$ROOT/usr/bin/speedtest1" -lm
