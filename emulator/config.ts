/** What a machine is made from: the whole of it, so that the same configuration and inputs give the same run. */

export interface MachineConfig {
  /** Guest RAM, bytes: a multiple of 4096, 64 KiB to 1 GiB. */
  readonly memoryBytes: number;
  /** `host`: time follows `clock` inputs; `icount`: the rate is fixed and a wfi with a timer armed moves the anchor. */
  readonly clock: 'host' | 'icount';
  /** 32 bytes: feeds the entropy device and the device tree's rng-seed. Never printed. */
  readonly seed: Uint8Array;
  /** The RTC reads this plus ticks: nanoseconds since 1970 at reset. */
  readonly bootTimeNs: bigint;
  readonly disk: DiskConfig | undefined;
  readonly net: NetConfig | undefined;
  readonly virtioConsole: boolean;
  /** What a reset by the guest does: it starts the machine again, or ends the run (reason `reset`). */
  readonly onReset: 'restart' | 'end';
  readonly images: ImageConfig;
}

export interface DiskConfig {
  /** Capacity in 512-byte sectors. */
  readonly sectors: number;
  readonly readOnly: boolean;
  /** Answer to GET_ID, at most 20 ASCII bytes. */
  readonly id: string;
}

export interface NetConfig {
  /** 6 bytes. */
  readonly mac: Uint8Array;
}

/** Bytes, never paths: the machine opens no files. */
export interface ImageConfig {
  /** M-mode firmware (raw or ELF) at 0x80000000, or undefined: `main` is entered in M-mode. */
  readonly firmware: Uint8Array | undefined;
  /** An ELF (loaded at its physical addresses), or a raw kernel image (at 0x80400000 with firmware, else 0x80000000). */
  readonly main: Uint8Array;
  readonly initrd: Uint8Array | undefined;
  /** Kernel command line: /chosen/bootargs. */
  readonly append: string;
  /** A ready device tree instead of the board's own. */
  readonly dtb: Uint8Array | undefined;
}
