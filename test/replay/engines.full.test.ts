/** Recorded on one engine and replayed on the other: are digests equal at every output, for every guest in the repository? */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createMachine, type MachineConfig, type MachineOptions, type Output } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { testConfig } from '../support/program.ts';
import { GUEST_IMAGE, guestConfig } from './guest.ts';
import { Host, LINES, osConfig } from './os-host.ts';
import { bySink, CONFIG, RUN, replayAll } from './session.ts';

const IMAGES = fileURLToPath(new URL('../../images/bench/', import.meta.url));
const INSTRUCTIONS = 3_000_000;
const INTERPRETER: MachineOptions = { engine: 'interpreter' };
/** As in the product but compiled at once, and as eager as can be. */
const AUTO: MachineOptions = { engine: 'auto', translator: { threshold: 20 } };
const EAGER: MachineOptions = { engine: 'translator' };
const WAYS: readonly (readonly [name: string, recorded: MachineOptions, replayed: MachineOptions])[] = [
  ['interpreter to auto', INTERPRETER, AUTO],
  ['auto to interpreter', AUTO, INTERPRETER],
  ['translator to interpreter', EAGER, INTERPRETER],
];

function primary(config: MachineConfig, options: MachineOptions) {
  const machine = createMachine(config, options);
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  driver.protect(1);
  driver.record(1);
  return { machine, driver };
}

function backup(config: MachineConfig, options: MachineOptions) {
  const machine = createMachine(config, options);
  return { machine, driver: createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }) };
}

describe.each(WAYS)('%s', (_, recorded, replayed) => {
  it('the small OS under load', () => {
    const host = new Host();
    const one = primary(osConfig, recorded);
    host.run(one.driver, LINES);
    const two = backup(osConfig, replayed);
    const { last, outputs } = replayAll(two.driver, host.batches, 100_000);
    expect(last.report).toBeUndefined();
    expect(two.machine.digest()).toBe(one.machine.digest());
    expect(bySink(outputs)).toEqual(bySink(host.outputs));
  });

  const guests: (readonly [name: string, config: MachineConfig])[] = readdirSync(IMAGES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.elf'))
    .sort()
    .map((name) => [name, testConfig(Uint8Array.from(readFileSync(IMAGES + name)), { memoryBytes: 64 << 20, config: { clock: 'host' } })]);
  guests.push(['the guest of the replay tests', guestConfig('host', GUEST_IMAGE)]);

  it.each(guests)('%s', (_name, config) => {
    const one = primary(config, recorded);
    const batches: Uint8Array[] = [];
    const outputs: Output[] = [];
    let ticks = 0n;
    while (one.machine.icount < INSTRUCTIONS && one.machine.exit === undefined) {
      const turn = one.driver.turn(ticks, 50_000);
      if (turn.batch) batches.push(turn.batch);
      outputs.push(...turn.outputs);
      if (turn.state === 'off') break;
      ticks = turn.state === 'idle' && turn.deadline !== undefined && turn.deadline > ticks ? turn.deadline : ticks + 5000n;
    }
    const end = one.driver.end(ticks);
    if (end.batch) batches.push(end.batch);
    outputs.push(...end.outputs);
    const two = backup(config, replayed);
    const { last, outputs: again } = replayAll(two.driver, batches, 100_000);
    expect(last.report).toBeUndefined();
    expect(two.machine.icount).toBe(one.machine.icount);
    expect(two.machine.digest()).toBe(one.machine.digest());
    expect(bySink(again)).toEqual(bySink(outputs));
  });
});
