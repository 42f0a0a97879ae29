/** Can two runs ever hold one disk or one name, and is it free again as soon as its holder is gone, however it went? */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hold } from '../../src/world/exclusive.ts';
import { built } from '../support/dist.ts';

// Elsewhere there is no such lock, and `hold` says yes to all.
describe.runIf(platform() === 'linux')('what only one may hold', () => {
  const thing = `test ${process.pid} ${Math.random()}`;

  it('goes to one of many who ask at once, and after it lets go to the next', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => hold(thing)));
    const [first, ...more] = all.filter((held) => held !== undefined);
    expect(more).toEqual([]);
    expect(await hold(`${thing} not`)).toBeDefined();
    first?.release();
    const next = await hold(thing);
    expect(next).toBeDefined();
    next?.release();
  });

  it('is free again when its holder was killed', async () => {
    const module = fileURLToPath(built('src/world/exclusive.ts'));
    const source = `const { hold } = await import(${JSON.stringify(module)});
      process.stdout.write((await hold(${JSON.stringify(thing)})) === undefined ? 'no' : 'yes');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('yes');
    expect(await hold(thing)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    const held = await hold(thing);
    expect(held).toBeDefined();
    held?.release();
  });
});
