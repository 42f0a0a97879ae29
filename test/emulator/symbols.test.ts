/** Questions to `symbols.ts`: which function is an address in, by the symbol table of the image? */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeSymbols } from '../../emulator/index.ts';
import { elf } from '../support/elf.ts';

const at = (name: string, symbols: ReturnType<typeof codeSymbols>) => symbols.find((symbol) => symbol.name === name);

describe('code symbols', () => {
  it('of the committed guest are its functions and labels, with no two that overlap', () => {
    const symbols = codeSymbols(readFileSync(new URL('../../images/os.elf', import.meta.url)));
    expect(symbols.length).toBeGreaterThan(50);
    for (const [k, { address, end, name }] of symbols.entries()) {
      expect(end, name).toBeGreaterThan(address);
      expect(symbols[k + 1]?.address ?? end, name).toBeGreaterThanOrEqual(end);
    }
    // Assembly: up to the next label. Data, mapping symbols and labels of the compiler are no code.
    expect(at('trap', symbols)?.end).toBe(at('user_return', symbols)?.address);
    expect(at('device', symbols)).toBeUndefined();
    expect(symbols.filter(({ name }) => name.startsWith('$') || name.startsWith('.L'))).toEqual([]);
  });

  it('without sizes reach to the next label, and to the end of what is loaded', () => {
    const labels = new Map([
      ['start', 0x8000_0000],
      ['also_start', 0x8000_0000],
      ['middle', 0x8000_0008],
      ['elsewhere', 0x9000_0000],
    ]);
    const image = elf([{ address: 0x8000_0000, bytes: new Uint8Array(16), memoryBytes: 32 }], 0x8000_0000, labels);
    expect(codeSymbols(image)).toEqual([
      { name: 'start', address: 0x8000_0000, end: 0x8000_0008 },
      { name: 'middle', address: 0x8000_0008, end: 0x8000_0020 },
    ]);
  });

  it('of a raw image, or of one without a symbol table, are none', () => {
    expect(codeSymbols(new Uint8Array(64))).toEqual([]);
    expect(codeSymbols(new Uint8Array(2))).toEqual([]);
  });
});
