/**
 * Speed of the engines on the guests of bench/guest, each paired in the same run with `qemu-system-riscv32`, plain and with `-icount shift=0`, on
 * the same ELF: steady speed, whole processes, system code, exact stops; then what that is worth (PROMISES.md). Ratios are of processor time of
 * all threads, the compiler's and V8's among them; wall time stands beside.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENGINES } from '../src/world/run-config.ts';
import { flags } from './engine.ts';
import { type FindingName, type Findings, judge } from './goals.ts';
import { type Guest, guests } from './guests.ts';
import { measure, type Paired, ratio, type Speed, speed, speedThere, stopMicroseconds, type Terms, translated } from './pairs.ts';
import { type Asked, geometricMean, percent, type Report, type Rows, short } from './report.ts';
import { type Mode, qemuVersion } from './timed.ts';

const INSTRUCTIONS = 1e9;
/** QEMU does 2 to 20 million of the system guests' instructions a second. */
const SYSTEM_INSTRUCTIONS = 1e8;
const INTERPRETER_INSTRUCTIONS = 2e8;
const QUICK = 2;
/** Less than this share translated is said. */
const SHARE_LOW = 0.95;
/** Whose reference is the interpreter: QEMU does 2 MIPS. */
const AGAINST_INTERPRETER = ['rewrite', 'beside'];
const STOP_GUEST = 'mix-sv32';
const STOP_CUT = 1000;

export async function run(_runs: number | undefined, asked: Asked): Promise<Report> {
  const load = loadavg()[0];
  const version = asked.noQemu ? undefined : qemuVersion();
  const modes: readonly Mode[] = version === undefined ? [] : ['tcg', 'icount'];
  const engine = ENGINES.find((one) => one === (asked.engine ?? 'auto'));
  if (engine === undefined) throw new Error(`no engine is called ${asked.engine}: want one of ${ENGINES.join(', ')}`);
  const wanted = (name: string) => asked.only === undefined || asked.only.includes(name);
  const all = guests();
  const names = [...all.map(({ name }) => name.replace(/-sv32$/, '')), 'interpreter', 'stop'];
  const unknown = asked.only?.filter((name) => !names.includes(name.replace(/-sv32$/, ''))) ?? [];
  if (unknown.length > 0) throw new Error(`no guest is called ${unknown.join(', ')}. There are: ${[...new Set(names)].join(', ')}`);
  const chosen = all.filter(({ name }) => wanted(name) || wanted(name.replace(/-sv32$/, '')));
  const folder = mkdtempSync(join(tmpdir(), 'twinhart-bench-'));
  try {
    const scale = (instructions: number) => (asked.quick ? instructions / QUICK : instructions);
    const terms: Terms = {
      runs: asked.runs ?? (asked.quick ? 1 : 3),
      instructions: asked.instructions ?? scale(INSTRUCTIONS),
      engine,
      modes,
      nodeFlags: asked.nodeFlags,
      folder,
    };
    const few = (most: number): Terms => ({ ...terms, instructions: Math.min(terms.instructions, scale(most)) });
    const paired = chosen.filter(({ family }) => family !== 'system').map((guest) => told(guest, terms));
    const system = chosen.filter(({ family }) => family === 'system').map((guest) => onSystem(guest, few(SYSTEM_INSTRUCTIONS)));
    const alone = wanted('interpreter') ? interpreterAlone(all, few(INTERPRETER_INSTRUCTIONS)) : [];
    const stops = all.filter(({ name }) => wanted('stop') && name === STOP_GUEST);
    const stop = stops.map((guest) => stopMicroseconds(guest, STOP_CUT, few(INTERPRETER_INSTRUCTIONS)));
    const shown = paired.filter(({ guest }) => guest.family === 'tuned' || asked.showHeldBack);
    return {
      rows: shown.map(rowOf),
      more: {
        'sets (geometric means)': setsOf(paired),
        'system code': system.map(({ row }) => row),
        'gates and goals': judge(findings(paired, system, alone, stop[0])),
      },
      notes: [
        ...(load > availableParallelism() / 2 ? [`the host was busy (load ${short(load)}): shared caches and cores cost both sides`] : []),
        ...lowShares(paired),
        `engine ${engine}, ${terms.runs} ${terms.runs === 1 ? 'pair' : 'pairs'}, ${short(terms.instructions / 1e6)} M instructions; V8 flags: ${flags(asked.nodeFlags).join(' ')}`,
        version ?? 'no ratios: qemu-system-riscv32 was not asked, or is not installed (Debian: qemu-system-misc)',
      ],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Minutes of silence look like a hang. */
function told(guest: Guest, terms: Terms): Paired {
  const paired = measure(guest, terms);
  const text = guest.family === 'held-back' ? 'a held-back guest' : `${guest.name}: ${short(speed(paired, 'steady', 'cpu'))} MIPS`;
  console.error(`  ${text}`);
  return paired;
}

const interpreterAlone = (all: readonly Guest[], terms: Terms): Paired[] =>
  all.filter(({ family }) => family === 'tuned').map((guest) => told(guest, { ...terms, engine: 'interpreter', modes: [] }));

function rowOf(paired: Paired) {
  const of = (mode: Mode, when: 'steady' | 'cold') =>
    `${short(ratio(paired, mode, when, 'cpu'))} (${short(ratio(paired, mode, when, 'wall'))})`;
  return {
    guest: paired.guest.name,
    MIPS: short(speed(paired, 'steady', 'cpu')),
    'by wall': short(speed(paired, 'steady', 'wall')),
    TCG: short(speedThere(paired, 'tcg', 'cpu')),
    icount: short(speedThere(paired, 'icount', 'cpu')),
    '/TCG (wall)': of('tcg', 'steady'),
    '/icount (wall)': of('icount', 'steady'),
    'cold MIPS': short(speed(paired, 'cold', 'cpu')),
    'cold /icount (wall)': of('icount', 'cold'),
    translated: percent(translated(paired)),
  };
}

function setsOf(paired: readonly Paired[]): Rows {
  const sets: Readonly<Record<string, (guest: Guest) => boolean>> = {
    'tuned, bare': ({ family, paged }) => family === 'tuned' && !paged,
    'tuned, paged': ({ family, paged }) => family === 'tuned' && paged,
    'held back, bare': ({ family, paged }) => family === 'held-back' && !paged,
    'held back, paged': ({ family, paged }) => family === 'held-back' && paged,
    'all paged': ({ paged }) => paged,
  };
  return Object.entries(sets).flatMap(([set, isIn]) => {
    const those = paired.filter(({ guest }) => isIn(guest));
    if (those.length === 0) return [];
    const mean = (figure: (one: Paired) => number) => short(geometricMean(those.map(figure)));
    const of = (mode: Mode, when: 'steady' | 'cold') =>
      `${mean((one) => ratio(one, mode, when, 'cpu'))} (${mean((one) => ratio(one, mode, when, 'wall'))})`;
    return [
      {
        set,
        guests: those.length,
        MIPS: mean((one) => speed(one, 'steady', 'cpu')),
        'by wall': mean((one) => speed(one, 'steady', 'wall')),
        '/TCG (wall)': of('tcg', 'steady'),
        'worst /TCG': short(Math.min(...those.map((one) => ratio(one, 'tcg', 'steady', 'cpu')))),
        '/icount (wall)': of('icount', 'steady'),
        'cold /icount (wall)': of('icount', 'cold'),
        'least translated': percent(Math.min(...those.map(translated))),
      },
    ];
  });
}

interface SystemFinding {
  readonly guest: Guest;
  readonly row: Rows[number];
  /** By processor time and by wall time: to the faster of QEMU's modes, or to the interpreter. */
  readonly ratio: { readonly value: number; readonly wall: number };
}

function onSystem(guest: Guest, terms: Terms): SystemFinding {
  const toInterpreter = AGAINST_INTERPRETER.includes(guest.name);
  const paired = told(guest, toInterpreter ? { ...terms, modes: [] } : terms);
  const reference = toInterpreter ? measure(guest, { ...terms, engine: 'interpreter', modes: [] }) : undefined;
  const by = (clock: 'cpu' | 'wall') =>
    reference === undefined
      ? Math.min(...terms.modes.map((mode) => ratio(paired, mode, 'steady', clock)))
      : speed(paired, 'steady', clock) / speed(reference, 'steady', clock);
  const found =
    terms.modes.length === 0 && !toInterpreter ? { value: Number.NaN, wall: Number.NaN } : { value: by('cpu'), wall: by('wall') };
  const row = {
    guest: guest.name,
    MIPS: short(speed(paired, 'steady', 'cpu')),
    'by wall': short(speed(paired, 'steady', 'wall')),
    TCG: short(speedThere(paired, 'tcg', 'cpu')),
    icount: short(speedThere(paired, 'icount', 'cpu')),
    interpreter: reference === undefined ? Number.NaN : short(speed(reference, 'steady', 'cpu')),
    'ratio to the faster (wall)': `${short(found.value)} (${short(found.wall)})`,
    translated: percent(translated(paired)),
  };
  return { guest, row, ratio: found };
}

function findings(
  paired: readonly Paired[],
  system: readonly SystemFinding[],
  alone: readonly Paired[],
  stop: Speed | undefined,
): Findings {
  const paged = paired.filter(({ guest }) => guest.paged);
  const mean = (those: readonly Paired[], mode: Mode, when: 'steady' | 'cold') => ({
    value: geometricMean(those.map((one) => ratio(one, mode, when, 'cpu'))),
    wall: geometricMean(those.map((one) => ratio(one, mode, when, 'wall'))),
  });
  const worst = (clock: 'cpu' | 'wall') =>
    paired.length === 0 ? Number.NaN : Math.min(...paired.map((one) => ratio(one, 'tcg', 'steady', clock)));
  return {
    pagedIcount: mean(paged, 'icount', 'steady'),
    pagedTcg: mean(paged, 'tcg', 'steady'),
    worstTcg: { value: worst('cpu'), wall: worst('wall') },
    coldIcount: mean(paged, 'icount', 'cold'),
    ...(Object.fromEntries(system.map((one) => [one.guest.name, one.ratio])) as Partial<
      Record<FindingName, { value: number; wall: number }>
    >),
    ...(stop !== undefined && { stop: { value: stop.cpu, wall: stop.wall } }),
    interpreter: {
      value: geometricMean(alone.map((one) => speed(one, 'steady', 'cpu'))),
      wall: geometricMean(alone.map((one) => speed(one, 'steady', 'wall'))),
    },
  };
}

/** Held-back guests by number only. */
function lowShares(paired: readonly Paired[]): string[] {
  const low = paired.filter((one) => translated(one) < SHARE_LOW);
  if (low.length === 0) return [];
  const names = low.filter(({ guest }) => guest.family === 'tuned').map(({ guest }) => guest.name);
  const hidden = low.length - names.length;
  return [`UNDER 95 % TRANSLATED: ${[...names, ...(hidden > 0 ? [`${hidden} held back`] : [])].join(', ')}`];
}
