/**
 * Outputs on their way to the sinks: the payloads behind the watermarks of `step`. An output stays here until its sink has accepted
 * it, on the primary (for the bound) as on the backup (to be emitted after a takeover).
 */
import { type Ordinals, type Output, SINK_OF, SINKS, type Sink } from '../../emulator/index.ts';

/** Outputs with an ordinal. */
export type Numbered = Exclude<Output, { kind: 'diskRead' }>;

export class HeldOutputs {
  private readonly queues: Readonly<Record<Sink, Queue>> = { console: newQueue(), disk: newQueue(), net: newQueue(), power: newQueue() };
  /** Payload bytes, a little added for each output. */
  bytes = 0;

  /** Outputs that are not released. */
  get held(): number {
    return SINKS.reduce((sum, sink) => sum + this.queues[sink].outputs.length - this.queues[sink].given, 0);
  }

  /** Outputs here, released or not. */
  get size(): number {
    return SINKS.reduce((sum, sink) => sum + this.queues[sink].outputs.length, 0);
  }

  /** In the order of their ordinals, for each sink. What was forgotten beforehand (a backup that lags) is dropped. */
  add(output: Numbered): void {
    const sink = SINK_OF[output.kind];
    const queue = this.queues[sink];
    if (output.ordinal <= queue.last) throw new Error(`output ${sink} ${output.ordinal} comes after ${queue.last}`);
    queue.last = lastOf(output);
    queue.outputs.push(output);
    this.bytes += sizeOf(output);
    if (output.ordinal <= queue.gone) this.forgetOne(sink, queue.gone);
  }

  /** The outputs up to these ordinals that were not given before, in order. A console output that is only partly covered is cut. */
  release(upTo: Ordinals | Readonly<Record<string, number>>): Numbered[] {
    const given: Numbered[] = [];
    for (const sink of SINKS) {
      const queue = this.queues[sink];
      const limit = upTo[sink] ?? 0;
      for (;;) {
        const output = queue.outputs[queue.given];
        if (output === undefined || output.ordinal > limit) break;
        if (output.kind === 'console' && lastOf(output) > limit) {
          const cut = limit - output.ordinal + 1;
          const head = { ...output, bytes: output.bytes.subarray(0, cut) };
          queue.outputs.splice(queue.given, 1, head, { ...output, ordinal: limit + 1, bytes: output.bytes.subarray(cut) });
          this.bytes += OVERHEAD;
          continue;
        }
        queue.given++;
        given.push(output);
      }
    }
    return given;
  }

  /** Drops what these ordinals cover: accepted, or covered by requests that were issued again. */
  forget(upTo: Ordinals | Readonly<Record<string, number>>): void {
    for (const sink of SINKS) this.forgetOne(sink, upTo[sink] ?? 0);
  }

  forgetOne(sink: Sink, upTo: number): void {
    const queue = this.queues[sink];
    queue.gone = Math.max(queue.gone, upTo);
    let whole = 0;
    while (whole < queue.outputs.length && lastOf(queue.outputs[whole]!) <= upTo) {
      this.bytes -= sizeOf(queue.outputs[whole]!);
      whole++;
    }
    queue.outputs.splice(0, whole);
    queue.given = Math.max(0, queue.given - whole);
    const first = queue.outputs[0];
    if (first?.kind === 'console' && first.ordinal <= upTo) {
      const cut = upTo - first.ordinal + 1;
      queue.outputs[0] = { ...first, ordinal: upTo + 1, bytes: first.bytes.subarray(cut) };
      this.bytes -= cut;
    }
  }
}

interface Queue {
  readonly outputs: Numbered[];
  /** How many of them were given to the sink. */
  given: number;
  /** Highest ordinal ever added, and ever forgotten. */
  last: number;
  gone: number;
}

const newQueue = (): Queue => ({ outputs: [], given: 0, last: 0, gone: 0 });

/** An output costs memory even when it carries nothing. */
const OVERHEAD = 64;

function lastOf(output: Numbered): number {
  return output.kind === 'console' ? output.ordinal + output.bytes.length - 1 : output.ordinal;
}

function sizeOf(output: Numbered): number {
  switch (output.kind) {
    case 'console':
    case 'frame':
      return OVERHEAD + output.bytes.length;
    case 'diskWrite':
      return OVERHEAD + output.data.length;
    case 'diskFlush':
    case 'off':
      return OVERHEAD;
  }
}
