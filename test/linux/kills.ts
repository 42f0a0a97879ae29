/**
 * `kill -9` of a protected Linux guest's primary at random moments of its work, with real processes. A run in which nobody is killed is the oracle and the
 * map: a moment is a time within its work, found again in another run by what the console had said by then and how long ago.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { kill9 } from '../e2e/workload.ts';
import type { Random } from '../support/random.ts';
import { LinuxTwin, onCopy, PROMPT } from './guest.ts';
import { INPUT, INPUT_SHA256 } from './workloads.ts';

export interface Scenario {
  readonly name: string;
  /** Typed before anyone is killed. */
  readonly prepare: readonly string[];
  /** When it may happen: before the first prompt, or while these lines run. Each is typed in two pieces, the second when the first is there. */
  readonly work: 'boot' | readonly string[];
  /** Typed afterwards, with what the guest has to print: whoever was killed when. */
  readonly check: readonly (readonly [line: string, prints: string])[];
  /** Files in the guest's file system and their sha256, which the host reads from the disk after power-off. */
  readonly files: Readonly<Record<string, string>>;
}

/** Of the first 100,000 bytes of the input. */
const PART_SUM = '7e7970088224ef68c7df1dc5e46e55f25dcccc207ebfa62c0ba0fa5eb4d2d2cb';
const ROWS = 40;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'boot',
    prepare: [],
    work: 'boot',
    check: [['cat /proc/uptime >/root/up && sync && echo yes', 'yes']],
    files: {},
  },
  {
    name: 'at the prompt',
    prepare: [],
    work: [
      'echo abcdefghijklmnopqrstuvwxyz >/root/letters',
      'cat /root/letters',
      'sleep 1',
      'i=0; while [ $i -lt 400 ]; do i=$((i+1)); done; echo $i',
    ],
    check: [['md5sum </root/letters', 'e302f9ecd2d189fa80aac1c3392e9b9c  -']],
    files: {},
  },
  {
    name: 'dd and sync',
    prepare: [INPUT],
    work: [`for i in 1 2 3 4 5 6 7 8; do dd if=/tmp/seq of=/root/d$i bs=4k 2>/dev/null; sync; echo written $i; done`],
    check: [[`echo 3 >/proc/sys/vm/drop_caches; sha256sum /root/d* | grep -c ^${INPUT_SHA256}`, '8']],
    files: Object.fromEntries([1, 2, 3, 4, 5, 6, 7, 8].map((i) => [`/root/d${i}`, INPUT_SHA256])),
  },
  {
    name: 'sqlite3',
    prepare: [
      `lua -e 'for k=1,${ROWS} do print("insert into t values("..k..","..k*k.."); select printf(\\"row %d\\",max(a)) from t;") end' >/tmp/rows`,
      `sqlite3 /root/x.db 'create table t(a integer primary key,b)'`,
    ],
    work: ['sqlite3 /root/x.db </tmp/rows'],
    check: [
      [`sqlite3 /root/x.db 'pragma integrity_check; select count(*),sum(a),sum(b) from t'`, `ok\n${ROWS}|820|22140`],
      ['ls /root', 'x.db'],
    ],
    files: {},
  },
  {
    name: 'gzip | sha256sum',
    prepare: [INPUT, 'head -c 100000 /tmp/seq >/tmp/part'],
    work: ['for i in 1 2 3 4 5 6; do gzip -c /tmp/part | sha256sum; done'],
    check: [['gzip -c /tmp/part | gzip -dc | sha256sum', `${PART_SUM}  -`]],
    files: {},
  },
];

/** A run that went to its end. */
export interface Run {
  /** The console, without what tells the time. */
  readonly transcript: string;
  /** How long the console was when, in ms: from the beginning of the work to its end. */
  readonly timeline: readonly { readonly at: number; readonly length: number }[];
  /** Of the kill, when there was one: the survivor's own words on the takeover. */
  readonly takeover: string | undefined;
}

/** So much of the work's time had passed; the console was so long, `after` ms ago. */
export interface Moment {
  readonly share: number;
  readonly length: number;
  readonly afterMs: number;
}

export function someMoment({ timeline }: Run, random: Random): Moment {
  const share = random.word() / 2 ** 32;
  const first = timeline[0]!.at;
  const at = first + share * (timeline.at(-1)!.at - first);
  const last = timeline.findLast((point) => point.at <= at)!;
  return { share, length: last.length, afterMs: at - last.at };
}

/** A run takes seconds. One that hangs is ended, and its console says where it was. */
const PATIENCE_MS = 120_000;

/** Boots, prepares, works, checks, powers off, checks the disk. Throws when anything is not as it has to be. */
export async function play(scenario: Scenario, dir: string, moment?: Moment): Promise<Run> {
  const disk = join(dir, 'disk.img');
  const twin = new LinuxTwin(onCopy(disk));
  const timeline: { at: number; length: number }[] = [];
  let begun: number | undefined;
  let ended: number | undefined;
  const look = () => timeline.push({ at: performance.now(), length: twin.console.length });
  twin.child.stdout?.on('data', look);
  const begin = () => {
    look();
    begun = timeline.length - 1;
  };
  const end = () => {
    look();
    ended = timeline.length;
  };
  const overdue = setTimeout(() => twin.child.kill(), PATIENCE_MS);
  try {
    await twin.note(/PROTECTED/);
    const struck = moment === undefined ? undefined : strike(twin, moment);
    // It is awaited below; until then it must not end the process.
    struck?.catch(() => undefined);
    if (scenario.work === 'boot') begin();
    await twin.see(PROMPT);
    if (scenario.work === 'boot') end();
    // From now on the kernel keeps to itself what it has to say: it would say it in the middle of a line.
    for (const line of ['dmesg -n 1', ...scenario.prepare]) await twin.run(line);
    if (scenario.work !== 'boot') {
      begin();
      for (const line of scenario.work) await inPieces(twin, line);
      end();
    }
    for (const [line, prints] of scenario.check) {
      const said = await twin.run(line);
      if (said !== prints) throw new Error(`${line} says ${JSON.stringify(said)}, want ${JSON.stringify(prints)}`);
    }
    await struck;
    // From here on the shell and init speak at once, in any order.
    const transcript = timeless(twin.console);
    twin.type('poweroff\n');
    const status = await twin.ended;
    if (status !== 0 || !/reboot: Power down\s*$/.test(twin.console)) throw new Error(`the run ended with ${status}`);
    const takeover = /takeover epoch 2.*/.exec(twin.notes)?.[0];
    if (moment !== undefined && takeover === undefined) throw new Error('nobody took over');
    if (/divergence/.test(twin.notes)) throw new Error('a divergence');
    checkDisk(disk, scenario.files);
    return { transcript, timeline: timeline.slice(begun, ended), takeover };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n--- the console's end\n${twin.console.slice(-1500)}\n--- notes\n${twin.notes}`);
  } finally {
    clearTimeout(overdue);
    twin.dispose();
    rmSync(disk, { force: true });
  }
}

async function strike(twin: LinuxTwin, { length, afterMs }: Moment): Promise<void> {
  await twin.until(() => twin.console.length >= length);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  kill9('primary')(twin);
}

/** As a user types: the second half when the first has been echoed. */
async function inPieces(twin: LinuxTwin, line: string): Promise<void> {
  const half = Math.floor(line.length / 2);
  twin.type(line.slice(0, half));
  await twin.see(line.slice(Math.max(0, half - 5), half));
  twin.type(`${line.slice(half)}\n`);
  await twin.see(PROMPT);
}

/** What depends on the host's pace: times, that a timer was late, and the numbers of init's children, between which the kernel starts some of its own. */
const timeless = (text: string): string =>
  text
    .replace(/\[ *\d+\.\d+\] hrtimer: interrupt took \d+ ns\r?\n/g, '')
    .replace(/\[ *\d+\.\d+\]/g, '[time]')
    .replace(/UTC \(\d+\)|\d{4}-\d\d-\d\dT[\d:]+/g, 'date')
    .replace(/starting pid \d+/g, 'starting pid');

/** The first line in which two transcripts differ, in words; undefined: none. */
export function difference(transcript: string, want: string): string | undefined {
  const said = transcript.split('\n');
  const wanted = want.split('\n');
  const at = Array.from({ length: Math.max(said.length, wanted.length) }, (_, i) => i).find((i) => said[i] !== wanted[i]);
  return at === undefined ? undefined : `line ${at + 1} of the console is ${JSON.stringify(said[at])}, want ${JSON.stringify(wanted[at])}`;
}

/** What is on the disk without the guest: the file system is whole, and its files are what they should be. */
function checkDisk(disk: string, files: Scenario['files']): void {
  const { status, stdout, stderr } = spawnSync('e2fsck', ['-fn', disk], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`e2fsck -fn ends with ${status}:\n${stdout}${stderr}`);
  for (const [path, sha256] of Object.entries(files)) {
    const bytes = execFileSync('debugfs', ['-R', `cat ${path}`, disk], { maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'ignore'] });
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== sha256) throw new Error(`${path} has sha256 ${found} on the disk, want ${sha256}`);
  }
}
