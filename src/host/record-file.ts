/**
 * A replica's own file of the log (protocol.md, "The log"). A file that can no longer be written (the file system is full) is the world's fault, not the
 * guest's: recording ends there, with a file that replays to its last whole batch, and the guest goes on.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export class RecordFile {
  private fd: number | undefined;
  /** Bytes of whole batches, header included. */
  private length = 0;

  /** Begins the file anew. Throws when it cannot be made: before the guest has run, that is an error of the start. */
  constructor(path: string, header: Uint8Array) {
    this.fd = openSync(path, 'w', 0o600);
    const why = this.add(header);
    if (why !== undefined) throw new Error(`${path} cannot be written: ${why}`);
  }

  /** Adds a whole batch. Returns why the file ends here, the one time that it does. */
  add(batch: Uint8Array): string | undefined {
    const { fd } = this;
    if (fd === undefined) return undefined;
    try {
      for (let done = 0; done < batch.length; ) done += writeSync(fd, batch, done, batch.length - done);
      this.length += batch.length;
      return undefined;
    } catch (error) {
      this.end(fd);
      return (error as Error).message;
    }
  }

  private end(fd: number): void {
    this.fd = undefined;
    try {
      // A part of a batch at the end would be taken for a file that was cut off, which is true, but says less.
      ftruncateSync(fd, this.length);
    } catch {
      // Then it is one.
    }
    closeSync(fd);
  }
}
