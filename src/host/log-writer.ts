/**
 * The machine thread's end of the log: a whole batch goes onto the link at once, from the thread that made it (protocol.md, "The
 * fast path": writeSync on the link's descriptor costs 2.6 us here, a hop to the event loop 9 to 50).
 */
import { writeSync } from 'node:fs';
import { sleepThread } from './doorbell.ts';
import type { Ring } from './ring.ts';
import { LINK_CLOSED, LINK_CLOSING, LINK_OPEN, LINK_WRITING, type Shared } from './shared.ts';

/** `sent`: on the link, whole. `closed`: the link is not open, nothing is promised. `broken`: it failed; close it. */
export type Written = { readonly kind: 'sent' } | { readonly kind: 'closed' } | { readonly kind: 'broken'; readonly why: string };

/** Waits of a full socket, ms: short at first, since a reader that is alive makes room within microseconds. */
const FIRST_WAIT_MS = 0.05;
const LONGEST_WAIT_MS = 2;

export class LogWriter {
  private readonly shared: Shared;
  /** Where batches go when the link is in memory. */
  private readonly ring: Ring | undefined;
  private fd = -1;
  private frame = Buffer.alloc(64 * 1024);

  constructor(shared: Shared, ring: Ring | undefined) {
    this.shared = shared;
    this.ring = ring;
  }

  /** The link is open; `fd`: see `LinkEvents.opened`. */
  open(fd: number): void {
    this.fd = fd;
  }

  /** Writes one batch. Blocks while the peer takes nothing: that is how a full link stalls the machine; closing the link ends it. */
  write(batch: Uint8Array): Written {
    if (!this.shared.moveLink(LINK_OPEN, LINK_WRITING)) return CLOSED;
    const written = this.ring === undefined ? this.writeSocket(batch) : this.writeRing(this.ring, batch);
    // Whoever wanted to close meanwhile waits for this: only now may the descriptor's number be used again.
    if (!this.shared.moveLink(LINK_WRITING, LINK_OPEN)) {
      this.shared.link = LINK_CLOSED;
      return CLOSED;
    }
    return written;
  }

  private writeRing(ring: Ring, batch: Uint8Array): Written {
    return ring.writeOrWait(this.shared.bell, () => this.shared.link === LINK_WRITING, batch) ? SENT : CLOSED;
  }

  private writeSocket(batch: Uint8Array): Written {
    const length = 4 + batch.length;
    if (length > this.frame.length) this.frame = Buffer.alloc(length);
    this.frame.writeUInt32BE(batch.length, 0);
    this.frame.set(batch, 4);
    let done = 0;
    let wait = FIRST_WAIT_MS;
    while (done < length) {
      try {
        const wrote = writeSync(this.fd, this.frame, done, length - done);
        if (wrote > 0) wait = FIRST_WAIT_MS;
        done += wrote;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code !== 'EAGAIN' && code !== 'EINTR') return { kind: 'broken', why: `the log cannot be written: ${(error as Error).message}` };
        if (this.shared.link === LINK_CLOSING) return CLOSED;
        sleepThread(wait);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      }
    }
    return SENT;
  }
}

const SENT: Written = { kind: 'sent' };
const CLOSED: Written = { kind: 'closed' };
