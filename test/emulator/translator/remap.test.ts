/** Does a region know what its pages were mapped to when it was made? */
import { expect, test } from 'vitest';
import { createMachine } from '../../../emulator/index.ts';
import { remapDifference } from './remap.ts';

test('a callee whose page is another one from time to time', () => {
  expect(remapDifference(createMachine)).toBeUndefined();
});
