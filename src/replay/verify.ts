/** Runs a recording again to its end, or to an icount, and says where that led: what `twinhart replay` and the golden test stand on. */
import type { Digest, Exit, Icount, Machine, Ordinals, Output } from '../../emulator/index.ts';
import type { LogFault } from './codec.ts';
import { type Description, difference } from './description.ts';
import { divergenceReport } from './divergence.ts';
import type { Seq } from './entry.ts';
import { openRecording, type Recording } from './recording.ts';
import { Replayer } from './replayer.ts';

export interface Replayed {
  readonly kind: 'replayed';
  readonly icount: Icount;
  /** Last entry replayed, and so how many there were. */
  readonly seq: Seq;
  /** Of the whole machine, at `icount`. */
  readonly digest: Digest;
  readonly exit: Exit | undefined;
  readonly made: Ordinals;
  /** Epochs in the log: one more than there were takeovers. */
  readonly epochs: readonly number[];
  /** Checkpoints compared: full digests, not outputs alone. */
  readonly checkpoints: number;
  /** The file ends in the middle of a batch: replayed up to the last whole one. */
  readonly cut: LogFault | undefined;
  /** Undefined when replay agrees with the log all the way. */
  readonly divergence: string | undefined;
}

export interface ReplayOptions {
  /** Stop at this icount instead of the end of the log. */
  readonly to?: Icount;
  /** Outputs as they are made. */
  readonly onOutputs?: (outputs: readonly Output[]) => void;
}

const SLICE = 1_000_000;

/**
 * A file, on a machine that `make` makes fresh from reset. A recording of another version, configuration or image, and one that is
 * damaged, is refused with what differs; one that was cut off is replayed to its last whole batch.
 */
export function replayFile(bytes: Uint8Array, present: Description, make: () => Machine, options: ReplayOptions = {}): Replayed | LogFault {
  const recording = openRecording(bytes);
  if (recording.kind === 'fault') return recording;
  const other = difference(recording.description, present);
  if (other !== undefined) return { kind: 'fault', code: 'configuration', offset: 0, detail: other };
  return replayRecording(recording, make(), options);
}

/** `machine`: fresh from reset, of the recording's configuration and images. */
export function replayRecording(recording: Recording, machine: Machine, options: ReplayOptions = {}): Replayed {
  const to = options.to ?? Number.MAX_SAFE_INTEGER;
  const replayer = new Replayer(machine);
  let checkpoints = 0;
  replayer.onEntry = (entry) => {
    if (entry.kind === 'checkpoint') checkpoints += 1;
  };
  const epochs: number[] = [];
  for (const { bytes, header } of recording.batches) {
    if (machine.icount >= to || replayer.divergence !== undefined) break;
    if (epochs.at(-1) !== header.epoch) epochs.push(header.epoch);
    replayer.receive(bytes);
    let state: ReturnType<Replayer['advance']>;
    do {
      state = replayer.advance(Math.min(SLICE, to - machine.icount));
      const outputs = replayer.takeOutputs();
      if (outputs.length > 0) options.onOutputs?.(outputs);
    } while (state === 'ran' && machine.icount < to);
  }
  return {
    kind: 'replayed',
    icount: machine.icount,
    seq: replayer.seq,
    digest: machine.digest(),
    exit: machine.exit,
    made: { ...machine.made },
    epochs,
    checkpoints,
    cut: recording.cut,
    divergence: replayer.divergence && divergenceReport(machine, replayer.divergence),
  };
}
