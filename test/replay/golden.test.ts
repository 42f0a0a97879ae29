/**
 * Does a recording made on another machine, by another version, still replay to the digests that it had then? `vitest -u` records it
 * anew: only for a change of the log's format, of the guest, or of what is state, and the commit says which.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type ReplayOptions, replay, VERSION } from '../../src/index.ts';
import { createDriver } from '../../src/replay/create-driver.ts';
import { recordingHeader } from '../../src/replay/recording.ts';
import { GUEST_IMAGE, guestConfig, guestDescription, guestHash, makeGuest } from './guest.ts';
import { drainAll, RUN, Session, type Step } from './session.ts';

const FILE = fileURLToPath(new URL('golden/takeover.log.base64', import.meta.url));
const images = {
  firmware: undefined,
  main: { name: 'guest', sha256: createHash('sha256').update(GUEST_IMAGE).digest('hex') },
  initrd: undefined,
  dtb: undefined,
};

/** Two lives: typed input, sleeps and timer interrupts under epoch 1, a takeover in the middle, and a power-off under epoch 2. */
function record(): Uint8Array {
  const type = (text: string): Step => ({ kind: 'type', bytes: Uint8Array.from(text, (char) => char.charCodeAt(0)) });
  const turns = (count: number, dt: number): Step[] =>
    Array.from({ length: count }, (_, i) => ({ kind: 'turn', dt: dt + ((i * 37) % 900), budget: 2000 + ((i * 991) % 7000) }));
  const options = { run: RUN, config: guestHash('host') };
  const first = makeGuest('host');
  const primary = createDriver({ machine: first, role: 'primary', ...options });
  primary.protect(1);
  primary.record(1);
  const one = new Session(primary, first).play([...turns(60, 3000), type('hello'), ...turns(60, 9000), type('twin'), ...turns(40, 2000)]);
  const survived = one.batches.slice(0, Math.ceil(one.batches.length * 0.8));

  const second = makeGuest('host');
  const backup = createDriver({ machine: second, role: 'backup', ...options });
  for (const batch of survived) backup.receive(batch);
  drainAll(backup);
  backup.goLive(2, 9_000_000n);
  const two = new Session(backup, second, 9_000_000n).play([
    ...turns(60, 5000),
    type('heart'),
    ...turns(60, 4000),
    type('q'),
    ...turns(9, 1000),
  ]);
  return Buffer.concat([recordingHeader(guestDescription('host')), ...survived, ...two.batches]);
}

const replayed = (file: Uint8Array, onOutputs: ReplayOptions['onOutputs'] = () => {}) =>
  replay(file, guestConfig('host'), images, { onOutputs });

describe('the golden recording', () => {
  let file = existsSync(FILE) ? Buffer.from(readFileSync(FILE, 'utf8'), 'base64') : Buffer.alloc(0);

  it('replays to the digests that it was blessed with, across its takeover', async () => {
    const old = replayed(file);
    if (old.kind === 'fault' || old.divergence !== undefined) {
      file = Buffer.from(record());
      const why = `the golden recording is no longer replayed: ${old.kind === 'fault' ? old.detail : old.divergence}`;
      await expect(lines(file.toString('base64')), why).toMatchFileSnapshot(FILE);
    }
    let printed = '';
    const now = replayed(file, (outputs) => {
      for (const output of outputs) if (output.kind === 'console') printed += String.fromCharCode(...output.bytes);
    });
    expect(now).toMatchObject({ kind: 'replayed', divergence: undefined, cut: undefined, epochs: [1, 2] });
    expect({ ...now, printed }).toMatchSnapshot('replayed');
  });

  it('is refused on a machine of another configuration or image, with both named', () => {
    expect(replay(file, { ...guestConfig('host'), memoryBytes: 2 << 20 }, images)).toEqual({
      kind: 'fault',
      code: 'configuration',
      offset: 0,
      detail: 'memoryBytes: recorded with 1048576, here is 2097152',
    });
    const other = { ...images, main: { name: 'other.elf', sha256: '00'.repeat(32) } };
    expect(replay(file, guestConfig('host'), other)).toMatchObject({
      detail: `image main: recorded with guest (sha256 ${images.main.sha256}), here is other.elf (sha256 ${other.main.sha256})`,
    });
  });

  it('is small', () => {
    expect(file.length).toBeLessThan(64_000);
  });
});

const lines = (text: string): string => `${text.replace(/.{100}/g, '$&\n')}\n`;

describe('the package', () => {
  it('says the version that package.json says', () => {
    expect(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version).toBe(VERSION);
  });
});
