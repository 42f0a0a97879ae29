// Types at `npm start` as a person would: boots, stores a key, kills the primary with -9, reads the key from the survivor, powers off.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const state = mkdtempSync(join(tmpdir(), 'twinhart-start-'));
const child = spawn('npm', ['start', '--', '--name', 'readme', '--state', state], { stdio: ['pipe', 'pipe', 'pipe'] });
let seen = '';
let mark = 0;
let wake = () => {};
for (const stream of [child.stdout, child.stderr]) {
  stream.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    seen += text;
    wake();
  });
}
const deadline = setTimeout(() => fail('no answer within 120 s'), 120_000);

/** Resolves when `text` appears after what was found last. */
async function expect(text) {
  for (;;) {
    const at = seen.indexOf(text, mark);
    if (at >= 0) {
      mark = at + text.length;
      return;
    }
    await new Promise((resolve) => {
      wake = resolve;
    });
  }
}

function fail(why) {
  console.error(`\nstart-and-kill: ${why}`);
  child.kill('SIGKILL');
  process.exit(1);
}

const ended = new Promise((resolve) => child.on('close', resolve));
await expect('twin> ');
child.stdin.write('kv set city lisbon\n');
await expect('ok');
await expect('twin> ');
const kill = spawnSync(process.execPath, ['dist/src/cli/main.js', 'kill', 'readme', '--primary', '--state', state], { encoding: 'utf8' });
process.stdout.write(kill.stdout + kill.stderr);
if (kill.status !== 0) fail(`twinhart kill ended with ${kill.status}`);
child.stdin.write('kv get city\n');
await expect('lisbon');
await expect('twin> ');
child.stdin.write('poweroff\n');
const code = await ended;
clearTimeout(deadline);
rmSync(state, { recursive: true, force: true });
if (code !== 0) fail(`npm start ended with ${code}, want the guest's 0`);
console.log('\nstart-and-kill: the guest outlived its primary');
