/**
 * The link inside one process, for tests and embedding: the same roles, the same rings (protocol.md, "Proof": deadlocks live in the
 * host). The primary's machine thread writes batches into a ring that the backup's event loop reads; control goes by turn of the loop.
 */
import type { Link, LinkEvents } from './link.ts';
import { Ring } from './ring.ts';
import type { Shared } from './shared.ts';

/** `primary` is the shared words of the replica that writes the log: its machine thread waits there while the ring is full. */
export interface MemoryLinks {
  readonly primary: Link;
  readonly backup: Link;
  /** For the primary's machine thread. */
  readonly ring: SharedArrayBuffer;
}

export function memoryLinks(ringBytes: number, primary: Shared): MemoryLinks {
  const ring = Ring.create(ringBytes);
  const ends = [new MemoryEnd(), new MemoryEnd()] as const;
  ends[0].pair(ends[1], undefined);
  ends[1].pair(ends[0], () => {
    const batch = ring.read();
    if (ring.takeStalled()) primary.bell.ring();
    return batch;
  });
  return { primary: ends[0], backup: ends[1], ring: ring.shared };
}

class MemoryEnd implements Link {
  readonly unsent = 0;
  private events: LinkEvents | undefined;
  private peer!: MemoryEnd;
  private readBatch: (() => Uint8Array | undefined) | undefined;
  private open = false;
  private paused = false;

  pair(peer: MemoryEnd, readBatch: (() => Uint8Array | undefined) | undefined): void {
    this.peer = peer;
    this.readBatch = readBatch;
  }

  start(events: LinkEvents): void {
    this.events = events;
    const { peer } = this;
    if (peer.events === undefined) return;
    for (const end of [this, peer]) {
      end.open = true;
      setImmediate(() => end.open && end.events?.opened(-1));
    }
  }

  send(body: Uint8Array): void {
    const { peer } = this;
    if (this.open) setImmediate(() => peer.open && peer.events?.control(body));
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    const { peer } = this;
    setImmediate(() => {
      if (!peer.open) return;
      // As with a socket: what was written before the close is still read, unless the reader closed it.
      peer.drain();
      peer.events?.closed('the peer closed the link');
      peer.open = false;
    });
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    setImmediate(() => this.drain());
  }

  wake(): void {
    this.peer.drain();
  }

  private drain(): void {
    while (this.open && !this.paused && this.readBatch !== undefined) {
      const batches: Uint8Array[] = [];
      while (batches.length < BURST) {
        const batch = this.readBatch();
        if (batch === undefined) break;
        batches.push(batch);
      }
      if (batches.length === 0) return;
      this.events?.batches(batches);
    }
  }
}

/** Batches given at once, so that a pause is heeded before the receiver has taken a whole ring. */
const BURST = 32;
