/** 16 MiB without swap: the kernel takes pages back all the time, and what the machine derived from them is dropped behind its back besides. Does anyone notice? */
import { beforeAll, describe, expect, it } from 'vitest';
import type { MachineOptions } from '../../emulator/index.ts';
import { Random, seedFromEnvironment } from '../support/random.ts';
import { LibraryGuest, rootDisk } from './guest.ts';

const seed = seedFromEnvironment(Date.now() % 100_000);

/** The file alone has 13 MB, the guest 9. */
const LINES = [
  'dd if=/dev/zero of=/root/x bs=64k count=200 2>/dev/null; md5sum </root/x',
  'lua -e \'t={} for i=1,40000 do t[i]="k"..i end print(#table.concat(t))\' & cat /root/x >/dev/null; wait $!',
  "sqlite3 /root/x.db 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1 from c where x<2000) insert into t select x,x*x from c; select sum(b) from t'",
  'cat /root/x >/dev/null; sha256sum </bin/busybox >/tmp/a; rm /root/x; sync; sha256sum </bin/busybox | cmp - /tmp/a && echo same',
];
/** `head -c 13107200 /dev/zero | md5sum` */
const ZEROS = '2cf89b9489b2985f59087db9a9817bd9';

/** All that can be seen of a life: what it said, and the machine's digest after each line. */
function life(engine: MachineOptions, cut?: LibraryGuest['cut']): { said: string[]; marks: string[] } {
  const guest = new LibraryGuest({ disk: rootDisk(), memoryBytes: 16 << 20 }, engine);
  if (cut !== undefined) guest.cut = cut;
  const said = [guest.boot()];
  const marks: string[] = [];
  for (const line of LINES) {
    said.push(guest.command(line));
    marks.push(`${guest.machine.icount} ${guest.machine.digest()}`);
  }
  return { said, marks };
}

describe(`Linux in 16 MiB (seed ${seed})`, () => {
  let plain: ReturnType<typeof life>;
  beforeAll(() => {
    plain = life({ engine: 'interpreter' });
  }, 120_000);

  it('does its work', () => {
    expect(plain.said.slice(1)).toEqual([`${ZEROS}  -`, '228894', '2668667000', 'same']);
  });

  it.each(['interpreter', 'auto'] as const)('is the same on %s when what is derived is dropped at random icounts', (engine) => {
    const random = new Random(seed);
    let drops = 0;
    let next = 0;
    const disturbed = life({ engine }, (machine) => {
      // Outputs end slices too, thousands of times.
      if (machine.icount < next) return next;
      drops += 1;
      // All of it is 200 ms: the digest of RAM is derived too.
      if (random.oneIn(20)) machine.dropDerived(() => true);
      else machine.dropDerived(() => random.oneIn(15));
      next = machine.icount + 1 + random.below(random.pick([1000, 100_000, 4_000_000]));
      return next;
    });
    expect(disturbed).toEqual(plain);
    expect(drops).toBeGreaterThan(40);
  });
});
