/** Platform-level interrupt controller with level gateways: 31 sources, context 0 = M, context 1 = S of one hart (PLIC 1.0.0; QEMU virt at 0x0c000000). */
import { fieldsOf } from '../snapshot.ts';
import type { Device, Line, State } from './device.ts';

export const PLIC_BASE = 0x0c000000;
export const PLIC_SIZE = 0x600000;
/** Sources 1 to PLIC_SOURCES; 0 means "no interrupt". */
export const PLIC_SOURCES = 31;
const PLIC_CONTEXTS = 2;

/** Three bits of priority, as on QEMU virt; 0 never interrupts. */
const PRIORITY_MASK = 7;
const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x200000;
const CONTEXT_STRIDE = 0x1000;
const THRESHOLD = 0;
const CLAIM = 4;

export class Plic implements Device {
  readonly name = 'plic';
  readonly widths = [4] as const;
  readonly #outputs: readonly [machine: Line, supervisor: Line];
  readonly #priority = new Uint8Array(PLIC_SOURCES + 1);
  readonly #enable = new Int32Array(PLIC_CONTEXTS);
  readonly #threshold = new Uint8Array(PLIC_CONTEXTS);
  /** One bit for each source: the line; forwarded and not claimed (the spec's IP); claimed and not completed. */
  #level = 0;
  #pending = 0;
  #claimed = 0;

  constructor(machineExternal: Line, supervisorExternal: Line) {
    this.#outputs = [machineExternal, supervisorExternal];
  }

  /** The line that source `id` (1 to 31) drives. */
  line(id: number): Line {
    const bit = 1 << id;
    return (high) => {
      const level = high ? this.#level | bit : this.#level & ~bit;
      if (level === this.#level) return;
      this.#level = level;
      this.#forward();
    };
  }

  load(offset: number): number | undefined {
    if (offset < PENDING) return offset <= PLIC_SOURCES * 4 ? this.#priority[offset >> 2] : 0;
    if (offset === PENDING) return this.#pending >>> 0;
    const at = contextOf(offset);
    if (at === undefined) return 0;
    if (at.register === 'enable') return this.#enable[at.context] >>> 0;
    if (at.register === 'threshold') return this.#threshold[at.context];
    return this.#claim(at.context);
  }

  store(offset: number, _width: 1 | 2 | 4, value: number): boolean {
    if (offset < PENDING) {
      // Source 0 does not exist: its priority stays zero.
      if (offset !== 0 && offset <= PLIC_SOURCES * 4) this.#priority[offset >> 2] = value & PRIORITY_MASK;
    } else {
      const at = contextOf(offset);
      if (at?.register === 'enable') this.#enable[at.context] = value & ~1;
      else if (at?.register === 'threshold') this.#threshold[at.context] = value & PRIORITY_MASK;
      else if (at?.register === 'claim') this.#complete(at.context, value);
    }
    this.#drive();
    return true;
  }

  /** The lines are the devices' own: they have been reset before. */
  reset(): void {
    this.#priority.fill(0);
    this.#enable.fill(0);
    this.#threshold.fill(0);
    this.#claimed = 0;
    this.#pending = this.#level;
    this.#drive();
  }

  save(): State {
    return {
      priority: this.#priority.slice(),
      enable: Array.from(this.#enable),
      threshold: this.#threshold.slice(),
      level: this.#level,
      pending: this.#pending,
      claimed: this.#claimed,
    };
  }

  restore(state: State): void {
    const fields = fieldsOf(this.name, state);
    this.#priority.set(fields.bytes('priority', PLIC_SOURCES + 1, true));
    const enable = fields.list('enable', PLIC_CONTEXTS);
    for (let context = 0; context < PLIC_CONTEXTS; context++) this.#enable[context] = Number(enable[context] ?? 0);
    this.#threshold.set(fields.bytes('threshold', PLIC_CONTEXTS, true));
    this.#level = fields.integer('level', -(2 ** 31), 2 ** 31 - 1);
    this.#pending = fields.integer('pending', -(2 ** 31), 2 ** 31 - 1);
    this.#claimed = fields.integer('claimed', -(2 ** 31), 2 ** 31 - 1);
    this.#drive();
  }

  /** §5: a gateway forwards one request and then waits for its completion; a request once forwarded stays when the line falls. */
  #forward(): void {
    this.#pending |= this.#level & ~this.#claimed;
    this.#drive();
  }

  /** §9: the claim takes the best pending source, whatever the threshold; 0 when there is none. */
  #claim(context: number): number {
    const id = this.#best(context, 0);
    if (id !== 0) {
      this.#pending &= ~(1 << id);
      this.#claimed |= 1 << id;
      this.#drive();
    }
    return id;
  }

  /** §10: completion of a source that is not enabled for the context is ignored. */
  #complete(context: number, id: number): void {
    if (id < 1 || id > PLIC_SOURCES || (this.#enable[context] & (1 << id)) === 0) return;
    this.#claimed &= ~(1 << id);
    this.#forward();
  }

  /** The pending, enabled source with the highest priority above `threshold`; the lowest id among equals. */
  #best(context: number, threshold: number): number {
    let candidates = this.#pending & this.#enable[context];
    let best = 0;
    let bestPriority = threshold;
    while (candidates !== 0) {
      const id = 31 - Math.clz32(candidates & -candidates);
      if (this.#priority[id] > bestPriority) {
        best = id;
        bestPriority = this.#priority[id];
      }
      candidates &= candidates - 1;
    }
    return best;
  }

  #drive(): void {
    for (let context = 0; context < PLIC_CONTEXTS; context++) this.#outputs[context](this.#best(context, this.#threshold[context]) !== 0);
  }
}

function contextOf(offset: number): { context: number; register: 'enable' | 'threshold' | 'claim' } | undefined {
  if (offset >= CONTEXT) {
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    const register = (offset - CONTEXT) % CONTEXT_STRIDE;
    if (context >= PLIC_CONTEXTS || (register !== THRESHOLD && register !== CLAIM)) return undefined;
    return { context, register: register === THRESHOLD ? 'threshold' : 'claim' };
  }
  const context = Math.floor((offset - ENABLE) / ENABLE_STRIDE);
  if (offset < ENABLE || context >= PLIC_CONTEXTS || (offset - ENABLE) % ENABLE_STRIDE !== 0) return undefined;
  return { context, register: 'enable' };
}
