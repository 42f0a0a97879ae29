/** What is run in a Linux guest: a line at its prompt, and what it must say. Counts are of the recorded runs on QEMU. */

export interface Work {
  readonly name: string;
  readonly line: string;
  /** All that it says, without carriage returns. */
  readonly says: string | RegExp;
}

const FILE = '/tmp/b/seq.txt';

/** Makes the input: as `seq 1 100000` would, but that one calls the kernel for each of its lines. */
export const PREPARE: Work = {
  name: 'prepare',
  line: `mkdir -p /tmp/b; lua -e 'for i=1,100000 do io.write(i,"\\n") end' > ${FILE}; wc -c ${FILE}`,
  says: `588895 ${FILE}`,
};

/** 48 M instructions (sha256sum) to 619 M (lua sin). */
export const WORK: readonly Work[] = [
  { name: 'sha256sum', line: `sha256sum ${FILE}`, says: `b2bc7d3f8b652d2ec96865b68ad8f80e22cca174abe1aed7889e242a747d590f  ${FILE}` },
  { name: 'md5sum', line: `md5sum ${FILE}`, says: `dea9193b768319cbb4ff1a137ac03113  ${FILE}` },
  { name: 'gzip', line: `gzip -c ${FILE} | md5sum`, says: '468349e8ede4b613111e09b822f85cd6  -' },
  { name: 'bzip2', line: `bzip2 -c ${FILE} | md5sum`, says: 'dd3e4bfc3edb8a7055e21cb439150824  -' },
  {
    name: 'lua-fib',
    line: "lua -e 'local function f(n) if n<2 then return n end return f(n-1)+f(n-2) end print(f(22))'",
    says: '17711',
  },
  { name: 'lua-sin', line: "lua -e 'local s=0.0 for i=1,100000 do s=s+math.sin(i) end print(s)'", says: '1.8477771036304' },
  {
    name: 'speedtest1',
    line: 'speedtest1 --memdb --size 1 --testset main > /tmp/b/st.txt; tail -1 /tmp/b/st.txt',
    says: /^ *TOTAL\.+ +\d+\.\d+s$/,
  },
  { name: 'ash-loop', line: 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo $i', says: '5000' },
  { name: 'fork-exec', line: 'i=0; while [ $i -lt 100 ]; do i=$((i+1)); /bin/busybox true; done; echo $i', says: '100' },
];

/** Long enough that what lies beyond the first 200 M instructions of the machine says something: 480 to 620 M. */
export const SHARE_WORK: readonly Work[] = [
  {
    name: 'sha256sum',
    line: `for i in 1 2 3 4 5 6 7 8 9 10; do sha256sum ${FILE}; done | sort -u`,
    says: WORK[0]!.says,
  },
  { ...WORK.find(({ name }) => name === 'lua-sin')!, name: 'lua' },
  {
    name: 'sqlite3',
    line: 'sqlite3 :memory: "create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<60000) insert into t select x,x*x from c; select sum(b) from t"',
    says: `${(60000n * 60001n * 120001n) / 6n}`,
  },
];

/** Undefined when it said what it must. */
export function complaint(work: Work, said: string): string | undefined {
  const right = typeof work.says === 'string' ? said === work.says : work.says.test(said);
  return right ? undefined : `${work.name} said ${JSON.stringify(said)}, not ${work.says}`;
}
