/**
 * One benchmark guest in a process of its own, so that what V8 learnt from one does not help or slow the next:
 * `node dist/bench/one-guest-main.js GUEST [--engine E] [--instructions N]` says how fast it ran and by whom; `--json` says it to the benchmark.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createMachine } from '../emulator/index.ts';
import { ENGINES, type Engine } from '../src/world/run-config.ts';
import { engineOptions, flags } from './engine.ts';
import { configOf, guests, planOf, roundOf, runTo, withRounds } from './guests.ts';
import type { Measured } from './measured.ts';
import { percent, short } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'auto' },
    instructions: { type: 'string', default: '1e9' },
    rounds: { type: 'string' },
    warm: { type: 'string' },
    cut: { type: 'string', default: 'Infinity' },
    threshold: { type: 'string' },
    tlb: { type: 'string' },
    synchronous: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [name] = positionals;
const engine = ENGINES.find((one) => one === values.engine);
if (name === undefined || positionals.length > 1 || engine === undefined) {
  console.error(`one-guest-main: want a guest (a name in images/bench, or an ELF file) and an engine of ${ENGINES.join(', ')}`);
  process.exit(64);
}

const image = name.endsWith('.elf') ? new Uint8Array(readFileSync(name)) : imageOf(name);
const measured = run(engine, image);
console.log(values.json ? JSON.stringify(measured) : text(name, measured));
// The compiler's thread would keep the process.
process.exit(0);

function run(chosen: Engine, elf: Uint8Array): Measured {
  const round = values.rounds === undefined || values.warm === undefined ? roundOf(elf) : 0;
  const plan = planOf(round, Number(values.instructions));
  const rounds = values.rounds === undefined ? plan.rounds : Number(values.rounds);
  const warm = values.warm === undefined ? round * Math.round(rounds / 4) : Number(values.warm);
  const { threshold, tlb, synchronous } = values;
  const options = engineOptions(chosen, { threshold: asNumber(threshold), tlbEntries: asNumber(tlb), synchronous });
  const machine = createMachine(configOf(withRounds(elf, rounds)), options);
  const take = () => ({ icount: machine.icount, cpu: cpuSeconds(), wall: performance.now() / 1000, statistics: machine.statistics() });
  const begun = take();
  runTo(machine, warm, Number(values.cut));
  const warmed = take();
  runTo(machine, undefined, Number(values.cut));
  const ended = take();
  return { begun, warmed, ended };
}

/** Of all threads, V8's own and the compiler's too. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function imageOf(wanted: string): Uint8Array {
  const found = guests().find((guest) => guest.name === wanted);
  if (found !== undefined) return found.image;
  console.error(
    `one-guest-main: no guest is called ${wanted}. There are: ${guests()
      .map((guest) => guest.name)
      .join(', ')}`,
  );
  process.exit(64);
}

function asNumber(given: string | undefined): number | undefined {
  return given === undefined ? undefined : Number(given);
}

function text(guest: string, { begun, warmed, ended }: Measured): string {
  const speed = (from: Measured['begun'], to: Measured['begun']) => {
    const millions = (to.icount - from.icount) / 1e6;
    return `${short(millions)} M: ${short(millions / (to.cpu - from.cpu))} MIPS of processor time, ${short(millions / (to.wall - from.wall))} of wall time`;
  };
  const { instructions, regions, modules, wasmBytes, compileMs, exits } = ended.statistics;
  const share = instructions.translator / (instructions.translator + instructions.interpreter);
  return [
    `${guest}: steady, ${speed(warmed, ended)}`,
    `before, ${speed(begun, warmed)}`,
    `translated: ${percent(share)}; regions ${JSON.stringify(regions)}; modules ${JSON.stringify(modules)}; ${wasmBytes} bytes of Wasm; compiled in ${short(compileMs)} ms`,
    `exits: ${JSON.stringify(exits)}`,
    `V8 flags: ${flags(process.execArgv).join(' ')}`,
  ].join('\n');
}
