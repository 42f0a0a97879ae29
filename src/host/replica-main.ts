/** Entry of a replica's process: `node replica-main.js RUN_JSON primary|backup|solo`, started by the world and ended with it. */
import { newIdentity } from '../world/arbiter-file.ts';
import { connectLink, listenLink } from './link-tcp.ts';
import { type LoadedRun, loadRunFile, RunError } from './load-run.ts';
import { startReplica } from './replica-process.ts';
import { Shared } from './shared.ts';
import { setV8Flags } from './v8-flags.ts';
import { connectWorld } from './world-port.ts';

const USAGE = 64;
const BAD_IMAGE = 65;

const [file, role] = process.argv.slice(2);
if (file === undefined || (role !== 'primary' && role !== 'backup' && role !== 'solo')) {
  fail(USAGE, 'usage: replica-main RUN_JSON primary|backup|solo (the world starts it; see twinhart run --help)');
}

setV8Flags();
const loaded = load(file);
const { linkSocket, heartbeat, worldSocket, run } = loaded.run;
const address = { path: linkSocket };
startReplica({
  loaded,
  role,
  identity: newIdentity(),
  shared: new Shared(),
  world: connectWorld(worldSocket),
  link: role === 'solo' ? undefined : role === 'primary' ? listenLink(address, run) : connectLink(address, run),
  heartbeat:
    role === 'solo'
      ? undefined
      : role === 'primary'
        ? { ownPort: heartbeat.primary, peerPort: heartbeat.backup }
        : { ownPort: heartbeat.backup, peerPort: heartbeat.primary },
  ended: (code, why) => {
    if (code !== 0) process.stderr.write(`${role} ${process.pid}: ${why}\n`);
    process.exit(code);
  },
});

function load(path: string): LoadedRun {
  try {
    return loadRunFile(path);
  } catch (error) {
    if (error instanceof RunError) fail(BAD_IMAGE, error.message);
    throw error;
  }
}

function fail(code: number, why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(code);
}
