/**
 * The log with the small OS: boot, a key-value workload on its disk, power-off. Does the whole of it replay, does a backup take over
 * at any batch with nothing lost, and what does the log cost? The host is simulated: 100 MIPS, disk requests answered in 200 us.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import type { DiskRequest } from '../../emulator/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { createMachine } from '../support/engine.ts';
import { Host, LINES, osConfig } from './os-host.ts';
import { bySink, CONFIG, entriesOf, RUN, replayAll } from './session.ts';

function primary() {
  const machine = createMachine(osConfig);
  const driver = createDriver({ machine, run: RUN, config: CONFIG, role: 'primary' });
  driver.protect(1);
  driver.record(1);
  return { machine, driver };
}

function backup() {
  const machine = createMachine(osConfig);
  return { machine, driver: createDriver({ machine, run: RUN, config: CONFIG, role: 'backup' }) };
}

describe('the small OS', () => {
  let one: ReturnType<typeof primary>;
  const host = new Host();

  beforeAll(() => {
    one = primary();
    host.run(one.driver, LINES);
  });

  it('boots, works and powers off under the recorder', () => {
    expect(one.machine.exit).toEqual({ code: 0, reason: 'poweroff' });
    expect(host.console).toContain('one');
    expect(answers(host.console).length).toBe(8);
  });

  it('replays to the same digest and outputs', () => {
    const two = backup();
    const { last, outputs } = replayAll(two.driver, host.batches, 100_000);
    expect(last.report).toBeUndefined();
    expect(two.machine.digest()).toBe(one.machine.digest());
    expect(bySink(outputs)).toEqual(bySink(host.outputs));
    expect(entriesOf(host.batches).filter((entry) => entry.kind === 'checkpoint').length).toBe(1);
  });

  it('is taken over at batches all along its life, and ends as it should', () => {
    for (let part = 1; part <= 4; part += 1) {
      const cut = Math.floor((host.batches.length * part) / 5);
      const two = backup();
      const { last, outputs } = replayAll(two.driver, host.batches.slice(0, cut), 100_000);
      expect(last.report).toBeUndefined();
      const next = new Host();
      for (const output of outputs) if (output.kind === 'console') next.console += String.fromCharCode(...output.bytes);
      // The disk as it stood when the log was cut: completions in it are on the disk, what is pending is asked again.
      const writes = new Map(outputs.filter((output) => output.kind === 'diskWrite').map((output) => [output.request, output]));
      for (const entry of entriesOf(host.batches.slice(0, cut))) {
        if (entry.kind !== 'input' || entry.input.kind !== 'disk') continue;
        const write = writes.get(entry.input.request);
        if (write) next.disk.set(write.data, write.sector * 512);
      }
      next.typed = entriesOf(host.batches.slice(0, cut)).filter((entry) => entry.kind === 'input' && entry.input.kind === 'console').length;
      next.host = two.machine.ticks + 3_000_000n;
      for (const output of two.driver.goLive(2, next.host)) next.ask(output as DiskRequest);
      next.run(two.driver, LINES);
      expect(two.machine.exit, `cut ${cut} of ${host.batches.length}`).toEqual({ code: 0, reason: 'poweroff' });
      expect(answers(next.console), `cut ${cut}`).toEqual(answers(host.console));
    }
  });
});

/** What the shell said to each command, without times. */
const answers = (text: string): string[] => text.split('\n').filter((line) => /^(ok|one|two|alpha|beta|sum|not|\d)/.test(line));
