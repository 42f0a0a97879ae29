/**
 * The outputs that one output entry covers, as a digest: over kind, ordinal, length and payload, disk requests included, each sink
 * by itself (protocol.md, "Outputs"). Console bytes are hashed as a stream, since where a slice ended is nobody's business.
 */
import { type Digest, EXIT_REASONS, type Ordinals, type Output, SINK_OF, type Sink } from '../../emulator/index.ts';
import { Hash64 } from './checksum.ts';

export class OutputRange {
  private readonly made: Record<Sink, number>;
  private hashes = fresh();
  private numbered = 0;
  private requests = 0;

  /** `made`: ordinals of the machine whose next output begins the range. */
  constructor(made: Ordinals) {
    this.made = { ...made };
  }

  /** No output that an entry would have to cover. Disk reads wait for the next entry. */
  get empty(): boolean {
    return this.numbered === 0;
  }

  get untouched(): boolean {
    return this.numbered === 0 && this.requests === 0;
  }

  add(outputs: readonly Output[]): void {
    for (const output of outputs) {
      if (output.kind === 'diskRead') {
        this.requests += 1;
        this.hashes.disk.word(KIND.diskRead).number(output.request).number(output.sector).number(output.sectors);
        continue;
      }
      this.count(output);
      const hash = this.hashes[SINK_OF[output.kind]];
      switch (output.kind) {
        case 'console':
          hash.stream(output.bytes);
          break;
        case 'frame':
          hash.word(KIND.frame).number(output.ordinal).blob(output.bytes);
          break;
        case 'diskWrite':
          hash.word(KIND.diskWrite).number(output.ordinal).number(output.request).number(output.sector).blob(output.data);
          break;
        case 'diskFlush':
          hash.word(KIND.diskFlush).number(output.ordinal).number(output.request);
          break;
        case 'off':
          hash.word(KIND.off).number(output.ordinal).number(output.exit.code).word(EXIT_REASONS.indexOf(output.exit.reason));
          break;
      }
    }
  }

  /** The digest of the range, which ends here; the next begins. */
  close(): Digest {
    const all = new Hash64();
    for (const sink of ['console', 'disk', 'net', 'power'] as const) all.number(this.made[sink]).fold(this.hashes[sink]);
    this.hashes = fresh();
    this.numbered = 0;
    this.requests = 0;
    return all.digest();
  }

  /** Ordinals have no gaps: a machine that skips one would make the pair release or drop the wrong output. */
  private count(output: Exclude<Output, { kind: 'diskRead' }>): void {
    const sink = SINK_OF[output.kind];
    const length = output.kind === 'console' ? output.bytes.length : 1;
    if (output.ordinal !== this.made[sink] + 1)
      throw new Error(`the machine numbered a ${output.kind} output ${output.ordinal}, want ${this.made[sink] + 1}`);
    this.made[sink] += length;
    this.numbered += length;
  }
}

const KIND = { frame: 1, diskWrite: 2, diskFlush: 3, diskRead: 4, off: 5 } as const;

function fresh(): Record<Sink, Hash64> {
  return { console: new Hash64(), disk: new Hash64(), net: new Hash64(), power: new Hash64() };
}
