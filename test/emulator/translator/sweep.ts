/** Short slices over a hot region, on two engines. */
import type { Machine } from '../../../emulator/index.ts';
import { testConfig } from '../../support/program.ts';
import type { Maker } from './fuzz.ts';
import { compare } from './lockstep.ts';
import { scene } from './scenes.ts';

const WARM = 2000;
/** Lengths of slices: short ones end within a block, long ones after many rounds. */
const LENGTHS = [1, 2, 3, 5, 11, 37, 101];
const ROUNDS = 70;

export interface Sweep {
  readonly difference: string | undefined;
  readonly slices: number;
  /** Exits by budget during the slices. */
  readonly budgets: number;
  readonly translated: number;
  /** Instructions of the loop that no slice ended at. */
  readonly missed: readonly string[];
}

/** `optimised`: regions as they are for V8's optimiser, from the start. */
export function sweep(make: Maker, name: string, optimised: boolean): Sweep {
  const { assembly, pcs } = scene(name, name === 'a wait');
  const config = testConfig(assembly.bytes);
  const reference = make(config, { engine: 'interpreter' });
  const subject: Machine = make(config, { engine: 'translator', translator: { validate: true, ...(optimised && { optimisedAfter: 0 }) } });
  for (const machine of [reference, subject]) machine.run(WARM);
  const before = subject.statistics();
  const stopped = new Set<number>();
  let difference: string | undefined;
  let slices = 0;
  for (const length of LENGTHS) {
    for (let n = 0; n < ROUNDS && difference === undefined; n++) {
      const limit = reference.icount + length;
      for (const machine of [reference, subject]) machine.run(limit);
      const what = compare(reference, subject, n === ROUNDS - 1);
      if (what !== undefined) difference = `${name}: after slice ${n} of ${length}: ${what}`;
      stopped.add(reference.inspect().pc);
      slices += 1;
    }
  }
  const { exits, instructions } = subject.statistics();
  return {
    difference,
    slices,
    budgets: exits.budget - before.exits.budget,
    translated: instructions.translator - before.instructions.translator,
    missed: pcs.filter((pc) => !stopped.has(pc)).map((pc) => pc.toString(16)),
  };
}
