/** The public face of the package: the machine, and recordings of its runs (protocol.md, "The log"). The pair itself is the CLI's. */
import { createMachine, type MachineConfig } from '../emulator/index.ts';
import type { LogFault } from './replay/codec.ts';
import { describe, type ImageNames } from './replay/description.ts';
import { type Replayed, type ReplayOptions, replayFile } from './replay/verify.ts';

export * from '../emulator/index.ts';
export { bisect, type Difference, evidenceEntries, type MachineFactory, type Suspects } from './replay/bisect.ts';
export { LOG_VERSION, type LogFault } from './replay/codec.ts';
export { configHash, configOf, type Description, describe, difference, type ImageName, type ImageNames } from './replay/description.ts';
export { openRecording, type Recording } from './replay/recording.ts';
export { type Replayed, type ReplayOptions, replayRecording } from './replay/verify.ts';

/** Of the package (package.json). */
export const VERSION = '0.1.0';

/**
 * Replays a recording on a fresh machine of `config`, whose images are `images` (sha256 of each: the log names what it was made
 * from). Returns where that led, with the digest to compare, or why the recording was refused.
 */
export function replay(bytes: Uint8Array, config: MachineConfig, images: ImageNames, options: ReplayOptions = {}): Replayed | LogFault {
  return replayFile(bytes, describe(config, images), () => createMachine(config), options);
}
