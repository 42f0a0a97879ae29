/** Questions to the guest's profile: do samples say where the time went, whatever ends a slice, and is the file what Chrome opens? */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeSymbols } from '../../emulator/index.ts';
import { cpuProfile } from '../../src/host/cpu-profile.ts';
import { ProfileSamples, SAMPLES_MAX, Sampler } from '../../src/host/profile-samples.ts';

const bytes = readFileSync(new URL('../../images/os.elf', import.meta.url));
const functionsOf = codeSymbols(bytes);

describe('a profile', () => {
  it('has a node for each function below its privilege mode, raw addresses where no symbol is, and all of the time', () => {
    const samples = new ProfileSamples();
    const { name, address, end } = functionsOf.at(-1)!;
    samples.add(address, 1, 100);
    samples.add(end - 2, 1, 50);
    samples.add(0x1234_5678, 0, 7);
    samples.add(end, 0, 2);
    samples.addWait(1000);
    samples.add(address, 3, 1);
    const profile = cpuProfile(samples, [{ name: 'os.elf', bytes }]);
    const named = (id: number) => profile.nodes.find((node) => node.id === id)!.callFrame.functionName;
    expect(profile.samples.map(named)).toEqual([name, name, '0x12345678', `0x${end.toString(16)}`, '(idle)', name]);
    // A sample lasts until the next, the last one until the end.
    expect(profile.timeDeltas).toEqual([0, 100, 50, 7, 2, 1000]);
    expect([profile.startTime, profile.endTime]).toEqual([0, 1160]);
    const root = profile.nodes[0]!;
    expect(root.callFrame.functionName).toBe('(root)');
    expect(root.children.map(named)).toEqual(['S-mode', 'U-mode', '(idle)', 'M-mode']);
    expect(profile.nodes.map(({ hitCount }) => hitCount).reduce((a, b) => a + b)).toBe(6);
    // Every node but the root is somebody's child, once.
    expect(profile.nodes.flatMap(({ children }) => children).sort((a, b) => a - b)).toEqual(profile.nodes.slice(1).map(({ id }) => id));
  });

  it('is read through the shared memory that the machine fills', () => {
    const written = new ProfileSamples();
    written.add(0x8000_0004, 3, 12.4);
    const read = new ProfileSamples(written.buffer);
    expect([...read]).toEqual([{ at: { pc: 0x8000_0004, privilege: 3 }, micros: 12 }]);
  });

  it('takes no more when it is full, and comes slower before', () => {
    const samples = new ProfileSamples();
    const sampler = new Sampler(samples);
    const early = sampler.left(0, 1000);
    expect(early).toBeGreaterThan(500);
    expect(early).toBeLessThan(1500);
    for (let i = 0; i < SAMPLES_MAX + 10; i++) samples.add(0, 0, 1);
    expect(samples.count).toBe(SAMPLES_MAX);
    expect(new Sampler(samples).left(0, 1000)).toBeGreaterThan(1000 * 2 ** 15);
  });

  it('samples at instructions chosen beforehand: a guest that ends slices early is not seen more often', () => {
    const samples = new ProfileSamples();
    const sampler = new Sampler(samples);
    const due = sampler.left(0, 1000);
    let icount = 0;
    // Slices of seven instructions, as of a guest that writes to its console in a loop.
    for (; icount < due; icount += Math.min(7, sampler.left(icount, 1000))) {
      sampler.look(icount, () => ({ pc: 1, privilege: 3 }));
      expect(samples.count).toBe(0);
    }
    expect(icount).toBe(due);
    sampler.look(icount, () => ({ pc: 2, privilege: 0 }));
    expect([...samples].map(({ at }) => at)).toEqual([{ pc: 2, privilege: 0 }]);
    expect(sampler.left(icount, 1000)).toBeGreaterThan(500);
  });
});
