/**
 * Rules of the translator switched off, one at a time: a line of the compiled emulator is changed in a copy of it. Production code knows
 * nothing of this. Each mutation says which proof finds it.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createMachine as original } from '../../../emulator/index.ts';
import { built } from '../../support/dist.ts';
import { dmaDifference } from './dma.ts';
import { fuzz, type Maker, newTally } from './fuzz.ts';
import { remapDifference } from './remap.ts';
import { SCENES } from './scenes.ts';
import { sweep } from './sweep.ts';

const PROGRAMS = 1000;

/** The first difference that a proof finds, in words. */
export const PROOFS = {
  fuzz: (make: Maker) => fuzz(make, 1, 0, PROGRAMS, newTally(), false),
  stops: (make: Maker) =>
    [false, true]
      .flatMap((optimised) => SCENES.map((name) => attempt(() => sweep(make, name, optimised).difference)))
      .find((difference) => difference !== undefined),
  remap: (make: Maker) => attempt(() => remapDifference(make)),
  dma: (make: Maker) => attempt(() => dmaDifference(make)),
} as const;

export interface Mutation {
  /** Under emulator/, without its ending. */
  readonly file: string;
  /** In the compiled file; changed wherever it occurs. */
  readonly from: string;
  readonly to: string;
  readonly foundBy: keyof typeof PROOFS;
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'the granule check: a store to hot code drops no region': {
    file: 'translator/cache',
    from: 'if (granule === undefined || (bits[granule >> 5] & (1 << (granule & 31))) !== 0)',
    to: 'if (granule === undefined)',
    foundBy: 'stops',
  },
  '`next` of a compressed row is four bytes on': {
    file: 'translator/rows',
    from: 'next: constant(pc + length)',
    to: 'next: constant(pc + 4)',
    foundBy: 'stops',
  },
  'a miss does not give the budget back': {
    file: 'translator/frame',
    from: 'LEFT.slow, unbegun)',
    to: 'LEFT.slow, 0)',
    foundBy: 'stops',
  },
  'an optimised region does not write back the first register that it changed': {
    file: 'translator/frame',
    from: '.sort((a, b) => a - b)',
    to: '.sort((a, b) => a - b).slice(1)',
    foundBy: 'stops',
  },
  'a block that the budget does not reach gives too much back': {
    file: 'translator/emit',
    from: 'frame.setSite(pc, LEFT.budget, count)',
    to: 'frame.setSite(pc, LEFT.budget, count + 1)',
    foundBy: 'stops',
  },
  'the watch in DMA: code that the disk writes over stays': {
    file: 'physical',
    from: 'this.onWatchedWrite(frame, offset, length)',
    to: 'void length',
    foundBy: 'dma',
  },
  'the reservation outlives DMA to its word': {
    file: 'machine',
    from: 'hart.dmaWritten(address, bytes.length);',
    to: '',
    foundBy: 'dma',
  },
  'SC leaves the reservation': {
    file: 'translator/rows',
    from: 'frame.storeWord(WORD.reserved, () => code.constant(0));',
    to: '',
    foundBy: 'stops',
  },
  'LR reserves the word that was reserved before': {
    file: 'translator/rows',
    from: 'frame.storeWord(WORD.reservedWord, () => physicalWord(frame));',
    to: '',
    foundBy: 'stops',
  },
  'regions are found whatever their pages are mapped to now': {
    file: 'translator/cache',
    from: 'if (!region.pages.every((span) => span.frame === hart.mmu.translateCode(span.page, privilege)))',
    to: 'if (region === undefined)',
    foundBy: 'remap',
  },
  'the jump cache outlives a change of the page tables': {
    file: 'hart/banks',
    from: 'dropJumps(space) {',
    to: 'dropJumps(space) { return;',
    foundBy: 'remap',
  },
  'an access across two pages is one of the first': {
    file: 'translator/access',
    from: '.constant(-4096 + width - 1)',
    to: '.constant(-4096)',
    foundBy: 'fuzz',
  },
  'a store asks for leave to read': {
    file: 'translator/access',
    from: 'const WRITE_TAG = 4;',
    to: 'const WRITE_TAG = 0;',
    foundBy: 'fuzz',
  },
  'an arithmetic shift is a logical one': {
    file: 'translator/nodes',
    from: 'sra: simple(OP.i32ShrS)',
    to: 'sra: simple(OP.i32ShrU)',
    foundBy: 'fuzz',
  },
  'a region that is dropped stays in the jump cache': {
    file: 'translator/jumps',
    from: 'forget(pc, slot) {',
    to: 'forget(pc, slot) { return;',
    foundBy: 'stops',
  },
};

/** An emulator whose translator's machines have the mutation, and what removes it. Throws when what is to be changed is not there. */
export async function mutant({ file, from, to }: Mutation): Promise<{ make: Maker; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'twinhart-mutant-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(fileURLToPath(new URL('.', built('emulator/index.ts'))), folder, { recursive: true, filter: (path) => !path.endsWith('.map') });
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (name.endsWith('.js'))
        writeFileSync(join(folder, name), readFileSync(join(folder, name), 'utf8').replace(/^\/\/# sourceMappingURL.*$/m, ''));
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const path = join(folder, `${file}.js`);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`${file}.js does not say what the mutation changes: ${from}`);
    writeFileSync(
      path,
      text.replaceAll(from, () => to),
    );
    const { createMachine } = (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'index.js')).href)) as { createMachine: Maker };
    return {
      make: (config, options) => (options.engine === 'interpreter' ? original(config, options) : createMachine(config, options)),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

/** What is thrown is a difference too. */
function attempt(proof: () => string | undefined): string | undefined {
  try {
    return proof();
  } catch (error) {
    return String(error);
  }
}
