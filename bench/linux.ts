/**
 * Linux here and on QEMU (plain, and with `-icount shift=0`), in turns, on the same firmware, kernel and disk: from the start of the process to
 * the shell's prompt; lines typed there; then what a protected pair costs while it idles, and in memory. PROMISES.md has the goals.
 */
import { existsSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findLinux } from '../src/cli/image-cache.ts';
import type { ReplicaStatus } from '../src/world/wire.ts';
import { type Findings, judge } from './goals.ts';
import { bundle, hereLinux, type LinuxFiles, qemuLinux, type Running } from './linux-boot.ts';
import type { Mark } from './linux-guest.ts';
import { PREPARE, SHARE_WORK, WORK, type Work } from './linux-work.ts';
import { cpuSeconds, memoryOf, ramTouched } from './processes.ts';
import { type Asked, geometricMean, median, percent, type Report, type Rows, short } from './report.ts';
import type { Mode } from './timed.ts';

const MEMORY_MIB = 64;
const APPEND = 'console=ttyS0 root=/dev/vda rw';
/** Translation has begun in earnest by then. */
const SHARE_FROM = 200e6;
/** Of the same line again in the same guest: the second time its code has been translated. */
const TIMES = 3;
const IDLE_WINDOW_MS = 10_000;
/** After the prompt the guest still ends what it had begun (daemons, its shell). */
const SETTLE_MS = 3_000;

const SIDES = ['solo', 'pair', 'tcg', 'icount'] as const;
type Side = (typeof SIDES)[number];
const NAMES: Readonly<Record<Side, string>> = { solo: 'here, solo', pair: 'here, protected', tcg: 'QEMU', icount: 'QEMU -icount shift=0' };
const PARTS = ['boot', 'share', 'idle'];

interface Session {
  readonly boot: Mark;
  readonly firstByte: number;
  /** By name of the work: each time that the line was typed. */
  readonly works: ReadonlyMap<string, readonly Mark[]>;
  readonly memory: Rows;
  readonly beyondMib: number;
}

/** A round has one session of each side. */
type Round = Readonly<Partial<Record<Side, Session>>>;

export async function run(_runs: number | undefined, asked: Asked): Promise<Report> {
  const load = loadavg()[0] ?? 0;
  const files = filesOf(asked);
  bundle();
  const wanted = (name: string) => asked.only === undefined || asked.only.includes(name);
  const known = [...PARTS, ...WORK.map(({ name }) => name)];
  const unknown = asked.only?.filter((name) => !known.includes(name)) ?? [];
  if (unknown.length > 0) throw new Error(`nothing is called ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  const works = WORK.filter(({ name }) => wanted(name));
  const runs = asked.runs ?? (asked.quick ? 1 : 3);
  const sides = SIDES.filter((side) => !(asked.noQemu && (side === 'tcg' || side === 'icount')));
  const rounds: Round[] = [];
  if (wanted('boot') || works.length > 0) {
    for (let round = 0; round < runs; round++) rounds.push(await oneRound(files, sides, works, asked));
  }
  const shares = wanted('share') ? await translatedShares(files, asked) : [];
  const idle = wanted('idle') ? await idlePair(files, asked) : undefined;
  return {
    rows: rounds.length === 0 ? [] : bootRows(rounds, sides),
    more: {
      'at the prompt: seconds of processor time (wall), the first time that a line is typed; ratios above 1: faster here': workRows(
        rounds,
        works,
      ),
      'translated after the first 200 M instructions': shares.map(({ name, share, millions }) => ({
        work: name,
        'M instructions': short(millions),
        translated: percent(share),
      })),
      'idle at the prompt, protected': idle?.rows ?? [],
      'memory, MiB': [...(rounds.at(-1)?.solo?.memory ?? []), ...(rounds.at(-1)?.pair?.memory ?? [])],
      goals: judge(findings(rounds, works, shares, idle)),
    },
    notes: [
      ...(load > availableParallelism() / 2 ? [`the host was busy (load ${short(load)}): shared caches and cores cost both sides`] : []),
      `engine ${asked.engine ?? 'auto'}, ${runs} ${runs === 1 ? 'round' : 'rounds'} (medians); ${files.kernel}, ${files.disk}, ${MEMORY_MIB} MiB`,
    ],
  };
}

function filesOf(asked: Asked): LinuxFiles {
  const firmware = fileURLToPath(new URL('../../images/sbi.elf', import.meta.url));
  const built = findLinux();
  const [kernel, disk] = [asked.kernel ?? built?.kernel, asked.disk ?? built?.disk];
  if (kernel === undefined || disk === undefined) {
    throw new Error('linux: there is no Linux image here: twinhart image build linux, or give --kernel FILE and --disk FILE');
  }
  for (const file of [kernel, disk]) if (!existsSync(file)) throw new Error(`linux: ${file}: no such file`);
  return { firmware, kernel, disk, append: asked.append ?? APPEND, memoryMib: MEMORY_MIB };
}

async function oneRound(files: LinuxFiles, sides: readonly Side[], works: readonly Work[], asked: Asked): Promise<Round> {
  const round: Partial<Record<Side, Session>> = {};
  for (const side of sides) {
    const running = side === 'tcg' || side === 'icount' ? qemuLinux(files, side) : hereLinux(files, side, asked);
    try {
      // The pair is compared by its boot alone.
      round[side] = await session(running, side === 'pair' ? [] : works, asked.quick ? 1 : TIMES);
      console.error(`  ${NAMES[side]}: prompt after ${short(round[side].boot.wall)} s`);
    } finally {
      running.dispose();
    }
  }
  return round;
}

async function session(running: Running, works: readonly Work[], times: number): Promise<Session> {
  const { guest } = running;
  const boot = await guest.prompt();
  const marks = new Map<string, Mark[]>();
  if (works.length > 0) await guest.run(PREPARE);
  for (const work of works) {
    const all: Mark[] = [];
    for (let time = 0; time < times; time++) all.push(await guest.run(work));
    marks.set(work.name, all);
  }
  const memory =
    running.status === undefined ? [] : (await running.status()).map(({ pid, status }) => memoryRow(pid, status, works.length > 0));
  await guest.off();
  return {
    boot,
    firstByte: guest.firstByte,
    works: marks,
    memory: memory.map(({ row }) => row),
    beyondMib: Math.max(...memory.map(({ beyond }) => beyond)),
  };
}

function memoryRow(pid: number, status: ReplicaStatus | undefined, worked: boolean) {
  const { resident, proportional } = memoryOf(pid);
  const touched = ramTouched(pid, MEMORY_MIB);
  const beyond = resident - touched;
  const row = {
    replica: status?.role ?? 'unknown',
    after: worked ? 'the workloads' : 'the boot',
    resident: short(resident),
    proportional: short(proportional),
    'guest RAM touched': short(touched),
    beyond: short(beyond),
  };
  return { row, beyond };
}

function bootRows(rounds: readonly Round[], sides: readonly Side[]): Rows {
  const of = (side: Side, figure: (session: Session) => number) =>
    short(median(rounds.map((round) => (round[side] === undefined ? Number.NaN : figure(round[side])))));
  return sides.map((side) => ({
    'boot to the prompt': NAMES[side],
    'wall s': of(side, ({ boot }) => boot.wall),
    'first byte s': of(side, ({ firstByte }) => firstByte),
    'processor s': of(side, ({ boot }) => boot.cpu),
    'wall /TCG': short(bootRatio(rounds, side, 'tcg')),
    'wall /icount': short(bootRatio(rounds, side, 'icount')),
  }));
}

/** Wall time of one side over that of another: the median over rounds, whose sides had the same minute. */
const bootRatio = (rounds: readonly Round[], side: Side, reference: Side): number =>
  median(rounds.map((round) => (round[side]?.boot.wall ?? Number.NaN) / (round[reference]?.boot.wall ?? Number.NaN)));

/** How many times the speed of QEMU in `mode`, the `time`-th time that the line was typed (from 0; -1: the last). */
const workRatio = (rounds: readonly Round[], { name }: Work, mode: Mode, time: number, clock: keyof Mark): number =>
  median(rounds.map((round) => markOf(round[mode], name, time)[clock] / markOf(round.solo, name, time)[clock]));

const markOf = (session: Session | undefined, name: string, time: number): Mark =>
  session?.works.get(name)?.at(time) ?? { wall: Number.NaN, cpu: Number.NaN };

function workRows(rounds: readonly Round[], works: readonly Work[]): Rows {
  const rows = works.map((work) => {
    const took = (side: Side) => {
      const of = (clock: keyof Mark) => short(median(rounds.map((round) => markOf(round[side], work.name, 0)[clock])));
      return `${of('cpu')} (${of('wall')})`;
    };
    const ratio = (mode: Mode, time: number) =>
      `${short(workRatio(rounds, work, mode, time, 'cpu'))} (${short(workRatio(rounds, work, mode, time, 'wall'))})`;
    return {
      work: work.name,
      here: took('solo'),
      TCG: took('tcg'),
      icount: took('icount'),
      '/TCG (wall)': ratio('tcg', 0),
      '/icount (wall)': ratio('icount', 0),
      'again /TCG (wall)': ratio('tcg', -1),
      'again /icount (wall)': ratio('icount', -1),
    };
  });
  if (rows.length < 2) return rows;
  const mean = (mode: Mode, time: number) =>
    `${short(workMean(rounds, works, mode, time, 'cpu'))} (${short(workMean(rounds, works, mode, time, 'wall'))})`;
  return [
    ...rows,
    {
      work: 'geometric mean',
      here: '',
      TCG: '',
      icount: '',
      '/TCG (wall)': mean('tcg', 0),
      '/icount (wall)': mean('icount', 0),
      'again /TCG (wall)': mean('tcg', -1),
      'again /icount (wall)': mean('icount', -1),
    },
  ];
}

const workMean = (rounds: readonly Round[], works: readonly Work[], mode: Mode, time: number, clock: keyof Mark): number =>
  geometricMean(works.map((work) => workRatio(rounds, work, mode, time, clock)));

interface Share {
  readonly name: string;
  readonly share: number;
  readonly millions: number;
}

/** Each in a guest of its own, which has translated nothing else before. */
async function translatedShares(files: LinuxFiles, asked: Asked): Promise<Share[]> {
  const shares: Share[] = [];
  for (const work of SHARE_WORK) {
    const running = hereLinux(files, 'solo', asked);
    try {
      await running.guest.prompt();
      await running.guest.run(PREPARE);
      const ran = async () => (await running.status())[0]?.status?.engine?.instructions ?? { interpreter: 0, translator: 0 };
      const done = running.guest.run(work);
      let ended = false;
      void done.finally(() => {
        ended = true;
      });
      let begun = await ran();
      while (!ended && begun.interpreter + begun.translator < SHARE_FROM) begun = await ran();
      await done;
      // What a replica says of its engine is a little old; at a prompt it changes no more, except for a line that wakes it.
      await settled(running, SETTLE_MS / 4);
      const end = await ran();
      const [translated, interpreted] = [end.translator - begun.translator, end.interpreter - begun.interpreter];
      shares.push({ name: work.name, share: translated / (translated + interpreted), millions: (translated + interpreted) / 1e6 });
      console.error(`  ${work.name}: ${percent(translated / (translated + interpreted))} translated`);
      await running.guest.off();
    } finally {
      running.dispose();
    }
  }
  return shares;
}

async function settled(running: Running, ms: number): Promise<void> {
  await pause(ms);
  running.guest.child.stdin?.write('\n');
  await running.guest.prompt();
  await pause(ms);
}

interface Idle {
  readonly rows: Rows;
  /** Of a core, in percent. */
  readonly busiest: number;
  readonly logBytes: number;
}

async function idlePair(files: LinuxFiles, asked: Asked): Promise<Idle> {
  const running = hereLinux(files, 'pair', asked);
  try {
    await running.guest.prompt();
    await pause(SETTLE_MS);
    const replicas = await running.status();
    const all = [
      { pid: running.guest.pid, role: 'the world' },
      ...replicas.map(({ pid, status }) => ({ pid, role: status?.role ?? 'unknown' })),
    ];
    const look = async () => ({
      at: performance.now(),
      cpu: all.map(({ pid }) => cpuSeconds(pid)),
      log: (await running.status()).find(({ live }) => live)?.status?.logBytes ?? Number.NaN,
    });
    const before = await look();
    await pause(IDLE_WINDOW_MS);
    const after = await look();
    const seconds = (after.at - before.at) / 1000;
    const shares = all.map((_, index) => (100 * ((after.cpu[index] ?? Number.NaN) - (before.cpu[index] ?? Number.NaN))) / seconds);
    const logBytes = (after.log - before.log) / seconds;
    await running.guest.off();
    return {
      rows: all.map(({ role }, index) => ({
        process: role,
        '% of a core': short(shares[index] ?? Number.NaN),
        'log B/s': role === 'primary' ? short(logBytes) : '',
      })),
      busiest: Math.max(...shares.slice(1)),
      logBytes,
    };
  } finally {
    running.dispose();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function findings(rounds: readonly Round[], works: readonly Work[], shares: readonly Share[], idle: Idle | undefined): Findings {
  const whole = works.length === WORK.length;
  const mean = (mode: Mode) => ({ value: workMean(rounds, works, mode, 0, 'cpu'), wall: workMean(rounds, works, mode, 0, 'wall') });
  const beyond = rounds.flatMap(({ solo, pair }) => [solo?.beyondMib ?? 0, pair?.beyondMib ?? 0]);
  return {
    ...(shares.length > 0 && { linuxShare: { value: 100 * Math.min(...shares.map(({ share }) => share)) } }),
    ...(rounds.length > 0 && {
      linuxBoot: { value: bootRatio(rounds, 'solo', 'tcg') },
      linuxBootSeconds: { value: median(rounds.map(({ solo }) => solo?.boot.wall ?? Number.NaN)) },
      linuxProtected: { value: bootRatio(rounds, 'pair', 'solo') },
      linuxMemory: { value: Math.max(...beyond) },
    }),
    ...(whole && { linuxIcount: mean('icount'), linuxTcg: mean('tcg') }),
    ...(idle !== undefined && { linuxIdle: { value: idle.busiest }, linuxLog: { value: idle.logBytes } }),
  };
}
