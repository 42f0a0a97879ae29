/**
 * Virtio block device with bounce buffers (virtio 1.2 §5.2; protocol.md "Disk"). Data to write is copied out when the guest
 * notifies, data read reaches RAM only in `deliver`. A request that overlaps a pending one is held back until that one's completion
 * is delivered, so that issuing a pending request again can never undo a later write.
 */
import type { DiskConfig } from '../../config.ts';
import type { DiskRequest } from '../../io.ts';
import { DISK_PENDING_BYTES_MAX, DISK_PENDING_MAX, DISK_REQUEST_BYTES_MAX, QUEUE_SIZE_MAX } from '../../limits.ts';
import { type Fields, fieldsOf, SnapshotError } from '../../snapshot.ts';
import { utf8 } from '../../text.ts';
import type { Dma, Emit, Line, State, StateValue } from '../device.ts';
import { VirtioMmio } from './mmio.ts';
import { type Chain, gather, type Part, scatter, totalLength } from './queue.ts';

const SECTOR_BYTES = 512;
const F_RO = 1 << 5;
const F_FLUSH = 1 << 9;
const HEADER_BYTES = 16;
const ID_BYTES = 20;
/** struct virtio_blk_config: capacity is its first field, and the others belong to features that are not offered. */
const CONFIG_BYTES = 60;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;
const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

/** A request that was taken from the ring and is not completed. */
interface Request {
  /** Counted from 1; state, so alike on both replicas. */
  readonly request: number;
  readonly kind: 'diskRead' | 'diskWrite' | 'diskFlush';
  readonly sector: number;
  readonly sectors: number;
  /** Of writes. */
  readonly data: Uint8Array;
  /** Where the answer goes; null once the queue has been reset: nobody waits for it, but the disk may still be at it. */
  chain: { readonly head: number; readonly writable: readonly Part[] } | null;
  /** Emitted with this ordinal (0 for reads), or null while it is held back. */
  ordinal: number | null;
}

export class VirtioBlock {
  readonly mmio: VirtioMmio;
  readonly #dma: Dma;
  readonly #emit: Emit;
  readonly #disk: DiskConfig;
  /** Oldest first. */
  #requests: Request[] = [];
  #lastRequest = 0;

  constructor(dma: Dma, line: Line, emit: Emit, disk: DiskConfig) {
    this.#dma = dma;
    this.#emit = emit;
    this.#disk = disk;
    const config = new Uint8Array(CONFIG_BYTES);
    new DataView(config.buffer).setBigUint64(0, BigInt(disk.sectors), true);
    this.mmio = new VirtioMmio(
      'virtio-block',
      {
        deviceId: 2,
        features: F_FLUSH | (disk.readOnly ? F_RO : 0),
        queues: 1,
        config,
        notified: () => this.#serve(),
        forget: () => this.#forget(),
        // Requests that the disk may still be at stay pending, as after a reset of the device.
        reset: () => {},
        save: () => this.#save(),
        restore: (state) => this.#restore(fieldsOf('virtio-block.device', state)),
      },
      dma,
      line,
    );
  }

  /** Requests that were emitted and whose completion has not been delivered, oldest first: what is to be issued again. */
  pending(): DiskRequest[] {
    const found: DiskRequest[] = [];
    for (const { request, kind, sector, sectors, data, ordinal } of this.#requests) {
      if (ordinal === null) continue;
      if (kind === 'diskRead') found.push({ kind, request, sector, sectors });
      else if (kind === 'diskWrite') found.push({ kind, ordinal, request, sector, data });
      else found.push({ kind, ordinal, request });
    }
    return found;
  }

  /** Why this completion cannot be delivered: it was never asked for, or has the wrong length. One that came late or twice can be. */
  refuses(request: number, status: 0 | 1, data: Uint8Array): string | undefined {
    if (!Number.isSafeInteger(request) || request < 1 || request > this.#lastRequest)
      return `disk request ${request} was never issued; the last was ${this.#lastRequest}`;
    const found = this.#find(request);
    if (found === undefined) return undefined;
    if (found.ordinal === null) return `disk request ${request} is held back and was not issued yet`;
    const want = found.kind === 'diskRead' && status === S_OK ? found.sectors * SECTOR_BYTES : 0;
    return data.length === want ? undefined : `disk request ${request} completed with ${data.length} bytes, want ${want}`;
  }

  /** Completes a request: data and status to RAM, used ring, interrupt; then issues what it held back. Throws RangeError for what `refuses`. */
  deliver(request: number, status: 0 | 1, data: Uint8Array): void {
    const why = this.refuses(request, status, data);
    if (why !== undefined) throw new RangeError(`virtio-block: ${why}`);
    const found = this.#find(request);
    if (found === undefined) return;
    this.#requests = this.#requests.filter((other) => other !== found);
    if (found.chain !== null) this.#answer(found.chain, status, data);
    this.#issue(0);
    this.#serve();
  }

  /** Takes requests from the ring while the bounds allow; a completion makes room and comes back here. */
  #serve(): void {
    for (let count = this.mmio.waiting(0); count > 0; count--) {
      if (this.#requests.length >= DISK_PENDING_MAX || this.#pendingBytes() >= DISK_PENDING_BYTES_MAX) return;
      const chain = this.mmio.take(0);
      if (chain === undefined) return;
      this.#begin(chain);
    }
  }

  #begin(chain: Chain): void {
    const writable = totalLength(chain.writable);
    if (totalLength(chain.readable) < HEADER_BYTES || writable < 1) {
      // Without a header or a place for the status there is no way to refuse the request itself.
      this.mmio.fail();
      return;
    }
    const header = gather(this.#dma, chain.readable, 0, HEADER_BYTES);
    const view = new DataView(header.buffer);
    const sector = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
    switch (view.getUint32(0, true)) {
      case T_IN:
        this.#transfer('diskRead', chain, sector, writable - 1);
        break;
      case T_OUT:
        this.#transfer('diskWrite', chain, sector, totalLength(chain.readable) - HEADER_BYTES);
        break;
      case T_FLUSH:
        this.#file({ kind: 'diskFlush', sector: 0, sectors: 0, data: new Uint8Array(0) }, chain);
        break;
      case T_GET_ID: {
        const id = new Uint8Array(ID_BYTES);
        id.set(utf8(this.#disk.id).subarray(0, ID_BYTES));
        this.#answer(chain, S_OK, id.subarray(0, Math.min(ID_BYTES, writable - 1)));
        break;
      }
      default:
        this.#answer(chain, S_UNSUPP, new Uint8Array(0));
    }
  }

  #transfer(kind: 'diskRead' | 'diskWrite', chain: Chain, sector: number, bytes: number): void {
    const sectors = bytes / SECTOR_BYTES;
    const possible = Number.isInteger(sectors) && bytes <= DISK_REQUEST_BYTES_MAX && sector + sectors <= this.#disk.sectors;
    if (!possible || (kind === 'diskWrite' && this.#disk.readOnly)) {
      this.#answer(chain, S_IOERR, new Uint8Array(0));
    } else if (sectors === 0) {
      this.#answer(chain, S_OK, new Uint8Array(0));
    } else {
      const data = kind === 'diskWrite' ? gather(this.#dma, chain.readable, HEADER_BYTES, bytes) : new Uint8Array(0);
      this.#file({ kind, sector, sectors, data }, chain);
    }
  }

  #file(what: Pick<Request, 'kind' | 'sector' | 'sectors' | 'data'>, { head, writable }: Chain): void {
    this.#lastRequest++;
    this.#requests.push({ request: this.#lastRequest, ...what, chain: { head, writable }, ordinal: null });
    this.#issue(this.#requests.length - 1);
  }

  /** Emits each request from index `first` on that overlaps no older one. An older one that is itself held back counts: order is kept. */
  #issue(first: number): void {
    for (let index = first; index < this.#requests.length; index++) {
      const request = this.#requests[index];
      if (request.ordinal !== null) continue;
      let older = 0;
      while (older < index && !overlaps(this.#requests[older], request)) older++;
      if (older === index) request.ordinal = this.#emitRequest(request);
    }
  }

  #emitRequest({ kind, request, sector, sectors, data }: Request): number {
    switch (kind) {
      case 'diskRead':
        return this.#emit({ kind, request, sector, sectors });
      case 'diskWrite':
        return this.#emit({ kind, request, sector, data });
      case 'diskFlush':
        return this.#emit({ kind, request });
    }
  }

  /** Data first, status in the last writable byte. */
  #answer({ head, writable }: { readonly head: number; readonly writable: readonly Part[] }, status: number, data: Uint8Array): void {
    scatter(this.#dma, writable, 0, data);
    scatter(this.#dma, writable, totalLength(writable) - 1, Uint8Array.of(status));
    this.mmio.give(0, head, data.length + 1);
  }

  /** The disk may still be at what was emitted: it stays pending, with nobody to answer. What was held back never happened. */
  #forget(): void {
    this.#requests = this.#requests.filter((request) => request.ordinal !== null);
    for (const request of this.#requests) request.chain = null;
  }

  #find(request: number): Request | undefined {
    return this.#requests.find((other) => other.request === request);
  }

  #pendingBytes(): number {
    return this.#requests.reduce((sum, { sectors }) => sum + sectors * SECTOR_BYTES, 0);
  }

  #save(): State {
    return { lastRequest: this.#lastRequest, requests: this.#requests.map(saveRequest) };
  }

  #restore(fields: Fields): void {
    this.#lastRequest = fields.integer('lastRequest');
    this.#requests = fields.list('requests', DISK_PENDING_MAX).map((value) => restoreRequest(value));
  }
}

function overlaps(a: Request, b: Request): boolean {
  return a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;
}

function saveRequest({ request, kind, sector, sectors, data, chain, ordinal }: Request): State {
  const parts = chain?.writable.map(({ address, length }) => ({ address, length }));
  return {
    request,
    kind,
    sector,
    sectors,
    data: data.slice(),
    ordinal,
    chain: parts === undefined ? null : { head: chain!.head, writable: parts },
  };
}

function restoreRequest(value: StateValue): Request {
  const fields = fieldsOf('virtio-block.device.requests', value);
  const kind = fields.text('kind');
  if (kind !== 'diskRead' && kind !== 'diskWrite' && kind !== 'diskFlush') {
    throw new SnapshotError(
      `the snapshot does not fit this machine: virtio-block.device.requests: a request of kind ${kind}. Restore it with the version that saved it.`,
    );
  }
  return {
    request: fields.integer('request', 1),
    kind,
    sector: fields.integer('sector'),
    sectors: fields.integer('sectors', 0, DISK_REQUEST_BYTES_MAX / SECTOR_BYTES),
    data: fields.bytes('data', DISK_REQUEST_BYTES_MAX),
    chain: fields.state.chain === null ? null : restoreChain(fields.fields('chain')),
    ordinal: fields.state.ordinal === null ? null : fields.integer('ordinal'),
  };
}

function restoreChain(fields: Fields): Request['chain'] {
  const writable = fields.list('writable', QUEUE_SIZE_MAX).map((value) => {
    const part = fieldsOf('virtio-block.device.requests.chain.writable', value);
    return { address: part.integer('address', 0, 0xffff_ffff), length: part.integer('length', 0, 0xffff_ffff) };
  });
  return { head: fields.integer('head', 0, QUEUE_SIZE_MAX - 1), writable };
}
