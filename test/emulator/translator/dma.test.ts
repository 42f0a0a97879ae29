/** Does a region hear of what the disk writes: over its code, over a reserved word? */
import { expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { dmaDifference } from './dma.ts';

test('a disk that writes over hot code and a reserved word', () => {
  expect(dmaDifference(createMachine)).toBeUndefined();
});
