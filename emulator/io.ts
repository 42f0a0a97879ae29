/**
 * The machine's two doors: everything that goes in is an `Input`, everything that comes out is an `Output`.
 * Whatever the guest can observe is a function of the configuration and of the inputs, each at its icount.
 */

/** Instructions begun plus interrupts taken since reset: the log's coordinate. A safe integer. */
export type Icount = number;

/** 16 lower-case hex digits: a 64-bit digest (not cryptographic; it finds accidents, not attackers). */
export type Digest = string;

/** Where outputs go. Each sink has its own ordinals, counted from 1 by the machine. */
export type Sink = 'console' | 'disk' | 'net' | 'power';
export const SINKS: readonly Sink[] = ['console', 'disk', 'net', 'power'];

/** For each sink the ordinal of the last output made (or released, or accepted): 0 when there is none. */
export type Ordinals = Readonly<Record<Sink, number>>;

/** time(i) = ticks + floor((i - icount) * num / den), in exact integers; 0 <= num, 0 < den, both < 2^31. */
export interface Anchor {
  readonly icount: Icount;
  readonly ticks: bigint;
  readonly num: number;
  readonly den: number;
}

/** Ticks of `time` a second (QEMU virt's timebase-frequency). */
export const TICKS_PER_SECOND = 10_000_000;

/** Port 0 is the UART, port 1 the virtio console. */
export type ConsolePort = 0 | 1;

export type Input =
  /** A new anchor at the present icount; `ticks` is never below the present time. */
  | { readonly kind: 'clock'; readonly ticks: bigint; readonly num: number; readonly den: number }
  | { readonly kind: 'console'; readonly port: ConsolePort; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly bytes: Uint8Array }
  /** Completion of disk request `request`: virtio status 0 (OK) or 1 (IOERR); `data` is empty but for reads. */
  | { readonly kind: 'disk'; readonly request: number; readonly status: 0 | 1; readonly data: Uint8Array };

export type Output =
  /** `ordinal` is that of the first byte; the last byte's is ordinal + bytes.length - 1. */
  | { readonly kind: 'console'; readonly ordinal: number; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly ordinal: number; readonly bytes: Uint8Array }
  /** A request, not an output proper: unnumbered, issued at once. Sectors are 512 bytes. */
  | { readonly kind: 'diskRead'; readonly request: number; readonly sector: number; readonly sectors: number }
  | { readonly kind: 'diskWrite'; readonly ordinal: number; readonly request: number; readonly sector: number; readonly data: Uint8Array }
  | { readonly kind: 'diskFlush'; readonly ordinal: number; readonly request: number }
  /** The last output of a machine: it will run no further instruction. */
  | { readonly kind: 'off'; readonly ordinal: number; readonly exit: Exit };

/** The sink whose ordinals an output counts; a disk read counts none. */
export const SINK_OF = {
  console: 'console',
  frame: 'net',
  diskRead: undefined,
  diskWrite: 'disk',
  diskFlush: 'disk',
  off: 'power',
} as const satisfies Readonly<Record<Output['kind'], Sink | undefined>>;

/** How a guest ended: by the finisher, SBI SRST (through the finisher), or HTIF `tohost`. */
export interface Exit {
  readonly code: number;
  readonly reason: (typeof EXIT_REASONS)[number];
}
/** In an order that does not change: digests and the wire say them by index. */
export const EXIT_REASONS = ['poweroff', 'reset', 'fail', 'tohost'] as const;

/** The disk requests among the outputs: what is pending until its completion is delivered. */
export type DiskRequest = Extract<Output, { kind: 'diskRead' | 'diskWrite' | 'diskFlush' }>;
