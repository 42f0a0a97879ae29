/**
 * Work for the guest, and what it prints: sums and counts that follow from the input alone were made by host tools, what depends on the program (how
 * gzip packs, what Lua's sine is in soft-float) was recorded on `qemu-system-riscv32`, which the same suite asks again where it is installed.
 */

export interface Workload {
  readonly name: string;
  readonly command: string;
  readonly prints: string;
}

/** What `seq 1 100000` writes, in a tenth of its instructions: its arithmetic is soft-float, and one number is one write. 588,895 bytes. */
export const INPUT = `lua -e 'l="" for i=0,99 do l=l..("@%02d\\n"):format(i) end for i=1,99 do io.write(i,"\\n") end for i=1,999 do io.write((l:gsub("@",i))) end print(100000)' >/tmp/seq`;
export const INPUT_SHA256 = 'b2bc7d3f8b652d2ec96865b68ad8f80e22cca174abe1aed7889e242a747d590f';

export const WORKLOADS: readonly Workload[] = [
  { name: 'sha256sum', command: 'sha256sum </tmp/seq', prints: `${INPUT_SHA256}  -` },
  { name: 'md5sum', command: 'md5sum </tmp/seq', prints: 'dea9193b768319cbb4ff1a137ac03113  -' },
  { name: 'gzip', command: 'gzip -c /tmp/seq | md5sum', prints: '468349e8ede4b613111e09b822f85cd6  -' },
  { name: 'bzip2', command: 'bzip2 -c /tmp/seq | md5sum', prints: 'dd3e4bfc3edb8a7055e21cb439150824  -' },
  { name: 'grep', command: 'grep -c 77 /tmp/seq', prints: '3691' },
  {
    name: 'lua fib',
    command: `lua -e 'local function f(n) if n<2 then return n end return f(n-1)+f(n-2) end print(f(22))'`,
    prints: '17711',
  },
  { name: 'lua sin', command: `lua -e 'local s=0.0 for i=1,100000 do s=s+math.sin(i) end print(s)'`, prints: '1.8477771036304' },
  { name: 'ash loop', command: 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo $i', prints: '5000' },
  { name: 'fork and exec', command: 'for i in 0 1 2 3 4 5 6 7 8 9; do /bin/busybox echo -n $i; done', prints: '0123456789' },
  {
    name: 'dd and sync',
    command: 'dd if=/dev/zero of=/big bs=4k count=512 2>/dev/null; sync; md5sum </big; rm /big',
    prints: 'b2d1236c286a3c0704224fe4105eca49  -',
  },
  // Its times are the guest's own.
  {
    name: 'speedtest1',
    command: 'speedtest1 --memdb --size 1 --testset main --verify | tail -1',
    prints: 'Verification Hash: 111130 1e792c9db61996c477b8ab5ce2d690052e8dae74824a430a',
  },
  {
    name: 'sqlite3',
    command: `sqlite3 /tmp/x.db 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<2000) insert into t select x,x*x from c; select sum(b) from t; pragma integrity_check'`,
    prints: '2668667000\nok',
  },
];
