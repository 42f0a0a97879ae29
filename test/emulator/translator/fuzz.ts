/** Hot random programs on two engines: the same at every stop, or the smallest program that is not. */
import type { Machine, MachineConfig, MachineOptions } from '../../../emulator/index.ts';
import { testConfig, wordAt } from '../../support/program.ts';
import { Random } from '../../support/random.ts';
import { buildImage } from './batch.ts';
import { HotGenerator, type HotProgram, type Node, textOf } from './generate.ts';
import { LateCompiler } from './late-compiler.ts';
import { type Difference, here, lockstep, type Pair, randomStop, type Stop } from './lockstep.ts';
import { DESCRIPTOR_WORDS, DESCRIPTORS, NEXT, RAM_BYTES } from './runtime.ts';

/** Makes machines: the emulator's, or a mutant's. */
export type Maker = (config: MachineConfig, options: MachineOptions) => Machine;

export interface Tally {
  programs: number;
  instructions: number;
  stops: number;
  translated: number;
  regions: number;
}

export const newTally = (): Tally => ({ programs: 0, instructions: 0, stops: 0, translated: 0, regions: 0 });

/** Programs of an image: making two machines costs more than a program does. */
const PROGRAMS = 20;
const LIMIT_EACH = 16_000;
/** Tries that making a program smaller may take. */
const TRIES = 400;

interface Round {
  readonly programs: readonly HotProgram[];
  readonly options: MachineOptions;
  readonly stops: number;
  readonly longest: number;
  readonly drops: boolean;
  /** Seed of the compiler's delays; 0: it is done at once. */
  readonly delays: number;
}

/** Images of `seed` from number `first` until `programs` have run; the first failure in words, with what it takes to see it again.
 * `told`: made small and told in full. */
export function fuzz(make: Maker, seed: number, first: number, programs: number, tally: Tally, told = true): string | undefined {
  for (let image = first; tally.programs < programs; image++) {
    const round = roundOf(seed, image);
    const difference = play(make, round, tally);
    if (difference === undefined) continue;
    const started = tally.programs;
    return `SEED=${seed}, image ${image} (npm run fuzz -- --seed ${seed} --image ${image}), program ${started} of it: ${difference.what}${told ? `\n${story(make, round)}` : ''}`;
  }
  return undefined;
}

function roundOf(seed: number, image: number): Round {
  const random = new Random((seed ^ Math.imul(image + 1, 0x9e37_79b1)) >>> 0);
  const generator = new HotGenerator(random);
  const tlbEntries = random.pick([1, 16, 1024, 1024, 1024]);
  // Every block a region of its own takes ten times as long.
  const eager = random.oneIn(12);
  const options: MachineOptions = {
    tlbEntries,
    fetchEntries: Math.min(tlbEntries, 256),
    engine: eager ? 'translator' : 'auto',
    translator: {
      threshold: eager ? 1 : random.pick([4, 12, 12]),
      optimisedAfter: random.pick([0, 100, 1e9]),
      codeBytes: random.oneIn(6) ? 1 << 15 : 1 << 23,
      validate: true,
    },
  };
  return {
    programs: Array.from({ length: PROGRAMS }, () => generator.program()),
    options,
    stops: random.word(),
    longest: random.pick([1000, 5000, 20_000]),
    drops: random.oneIn(6),
    delays: random.oneIn(5) ? random.word() : 0,
  };
}

/** Runs the image on both engines. What is thrown is a difference too. */
function play(
  make: Maker,
  { programs, options, stops, longest, drops, delays }: Round,
  tally?: Tally,
  last?: Stop & { readonly n: number },
): Difference | undefined {
  const { image, count } = buildImage(programs);
  const config = testConfig(image, { memoryBytes: RAM_BYTES });
  const reference = make(config, { ...options, engine: 'interpreter' });
  const random = new Random(stops);
  const limit = count * LIMIT_EACH;
  const stopAt = (n: number): Stop => {
    const stop = randomStop(random, longest, drops);
    return n === last?.n ? { ...stop, ...last } : stop;
  };
  try {
    const translator = delays === 0 ? options.translator! : { ...options.translator, compiler: new LateCompiler(new Random(delays)) };
    const pair: Pair = { reference, subject: make(config, { ...options, translator }) };
    const { difference, icount, stops } = lockstep(pair, stopAt, limit, (seed) => {
      const chooser = new Random(seed);
      const odds = chooser.pick([1, 2, 10]);
      return () => chooser.oneIn(odds);
    });
    if (tally !== undefined) {
      tally.programs += startedOf(reference);
      tally.instructions += icount;
      tally.stops += stops;
      const { instructions, regions } = pair.subject.statistics();
      tally.translated += instructions.translator;
      tally.regions += regions.compiled;
    }
    return difference;
  } catch (error) {
    if (tally !== undefined) tally.programs += startedOf(reference);
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { stop: -1, from: reference.icount, icount: reference.icount, what };
  }
}

const startedOf = (machine: Machine): number => Math.max(0, (wordAt(machine, NEXT) - DESCRIPTORS) / (4 * DESCRIPTOR_WORDS));

/** The failing round made small, and the first instruction after which the machines differ. */
function story(make: Maker, whole: Round): string {
  let round = whole;
  let tries = TRIES;
  const fails = (candidate: Round): boolean => {
    if (tries-- <= 0) return false;
    try {
      return play(make, candidate) !== undefined;
    } catch {
      // A jump to a label that was left out.
      return false;
    }
  };
  // One program alone, with other stops if need be.
  alone: for (const program of [...whole.programs].reverse()) {
    for (const stops of [whole.stops, 1, 2]) {
      const candidate = { ...whole, programs: [program], stops };
      if (!fails(candidate)) continue;
      round = candidate;
      break alone;
    }
  }
  tries = TRIES;
  for (const simpler of [{ drops: false }, { delays: 0 }]) if (fails({ ...round, ...simpler })) round = { ...round, ...simpler };
  if (round.programs.length === 1) {
    for (let n = 0; tries > 0; ) {
      const smaller = without(round.programs[0].root, n);
      if (smaller === undefined) break;
      const candidate = { ...round, programs: [{ ...round.programs[0], root: smaller }] };
      if (fails(candidate)) round = candidate;
      else n += 1;
    }
  }
  return `${located(make, round)}\noptions ${JSON.stringify(round.options)}, stops of seed ${round.stops}, delays ${round.delays}, drops ${round.drops}\n${round.programs.map(describe).join('\n')}`;
}

function describe({ place, alias, root, csrs, registers, timer }: HotProgram): string {
  const set = Object.entries(csrs).map(([name, value]) => `${name}=${(value >>> 0).toString(16)}`);
  const named = registers.map((value, n) => `x${n + 1}=${value.toString(16)}`);
  return `in ${place}, ${alias.toString(16)} from its physical address, timer ${timer}\n${set.join(' ')}\n${named.join(' ')}\n${textOf(root)}`;
}

/** Without its n-th node, in the order of the text; undefined when there are not so many. */
function without(root: Node, n: number): Node | undefined {
  let left = n;
  const visit = (node: Node): Node | undefined => {
    if (left-- === 0) return undefined;
    const body = node.body.flatMap((child) => (left < 0 ? [child] : (visit(child) ?? [])));
    return { ...node, body };
  };
  const body = root.body.flatMap((child) => (left < 0 ? [child] : (visit(child) ?? [])));
  return left < 0 ? { ...root, body } : undefined;
}

/** Cuts the stretch at whose end the difference was seen in halves, as long as it is seen. */
function located(make: Maker, round: Round): string {
  const found = play(make, round);
  if (found === undefined) return 'not seen again';
  if (found.stop < 0) return found.what;
  let [good, bad] = [0, found.icount - found.from];
  let what = found.what;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const difference = play(make, round, undefined, { n: found.stop, after: middle, whole: true, drop: 0, typed: false });
    if (difference !== undefined && difference.stop === found.stop) {
      bad = middle;
      what = difference.what;
    } else good = middle;
  }
  const machine = make(testConfig(buildImage(round.programs).image, { memoryBytes: RAM_BYTES }), {});
  const random = new Random(round.stops);
  lockstep(
    { reference: machine, subject: machine },
    (n) => ({ ...randomStop(random, round.longest, round.drops), ...(n === found.stop && { after: bad - 1 }), drop: 0 }),
    found.from + bad - 1,
    () => () => false,
  );
  return `after ${found.stop} stops, ${bad} instructions after icount ${found.from}: ${what}\nbefore it, ${here(machine)}`;
}
