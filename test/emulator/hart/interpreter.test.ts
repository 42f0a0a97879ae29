/** Does the generated interpreter stay where V8 can optimise it? (machine.md: above 60 KB of bytecode it never is; keep under half.) */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { interpreterSource } from '../../../emulator/hart/interpreter.ts';

const CLIFF_BYTES = 60 * 1024;

test('the bytecode of execute is under half of what V8 still optimises', () => {
  // A run of no instructions compiles the function, and touches nothing of the hart.
  const script = `
    const words = new Int32Array(64);
    const memory = { bytes: new Uint8Array(8), halves: new Uint16Array(4), words };
    const hart = { words, data: words, fetch: words, code: { records: words }, memory, left: 0 };
    const none = () => 0;
    new Function('hart', 'arithmetic', 'enter', 'fill', 'precisely', 'arrive', ${JSON.stringify(interpreterSource(true))})(hart, {}, none, none, none, none)();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--print-bytecode', '--print-bytecode-filter=execute', '-e', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const length = Number(/Bytecode length: (\d+)/.exec(stdout)?.[1]);
  expect(length, stderr).toBeGreaterThan(1000);
  expect(length).toBeLessThan(CLIFF_BYTES / 2);
});
