/** The stamps of the fast path (protocol.md): how long outputs wait, and where: made, on the link, ack read, given to the sink. */
import { Histogram, type Quantiles } from './latency.ts';

interface Range {
  readonly seq: number;
  readonly madeAt: number;
  sentAt: number;
}

/** Ranges of outputs that no ack has released; more than this and the oldest are not measured. */
const RANGES_MAX = 4096;

export class Stages {
  private readonly ranges: Range[] = [];
  private readonly total = new Histogram();
  private readonly flush = new Histogram();
  private readonly ack = new Histogram();
  private readonly release = new Histogram();

  /** All times in microseconds (`clock.ts`). `madeAt` 0: the range has no outputs. */
  appended(seq: number, madeAt: number): void {
    if (madeAt === 0) return;
    if (this.ranges.length >= RANGES_MAX) this.ranges.shift();
    this.ranges.push({ seq, madeAt, sentAt: 0 });
  }

  sent(seq: number, at: number): void {
    for (let i = this.ranges.length - 1; i >= 0; i--) {
      const range = this.ranges[i]!;
      if (range.sentAt !== 0) return;
      if (range.seq <= seq) range.sentAt = at;
    }
  }

  /** Everything up to `seq` was acked at `ackedAt` (0: there was no backup to ask) and given to its sinks at `givenAt`. */
  acked(seq: number, ackedAt: number, givenAt: number): void {
    while (this.ranges.length > 0 && this.ranges[0]!.seq <= seq) {
      const { madeAt, sentAt } = this.ranges.shift()!;
      this.total.add(givenAt - madeAt);
      if (ackedAt === 0 || sentAt === 0) continue;
      this.flush.add(sentAt - madeAt);
      this.ack.add(ackedAt - sentAt);
      this.release.add(givenAt - ackedAt);
    }
  }

  held(): Quantiles | undefined {
    return this.total.quantiles();
  }

  byStage(): Readonly<Record<'flush' | 'ack' | 'release', Quantiles>> | undefined {
    const [flush, ack, release] = [this.flush.quantiles(), this.ack.quantiles(), this.release.quantiles()];
    return flush && ack && release ? { flush, ack, release } : undefined;
  }
}
