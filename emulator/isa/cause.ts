/** Trap causes (Privileged 20211203 table 3.6) and interrupt bits (§3.1.9, in the order in which they are taken). */

export const CAUSES = {
  instructionMisaligned: 0,
  instructionAccess: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallU: 8,
  ecallS: 9,
  ecallM: 11,
  instructionPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** Bit numbers in mip and mie, and codes of the interrupts in mcause (with bit 31 set). */
export const INTERRUPTS = { SSI: 1, MSI: 3, STI: 5, MTI: 7, SEI: 9, MEI: 11 } as const;

export type InterruptName = keyof typeof INTERRUPTS;

/** Highest first (§3.1.9). */
export const INTERRUPT_ORDER: readonly InterruptName[] = ['MEI', 'MSI', 'MTI', 'SEI', 'SSI', 'STI'];

/** mcause for an interrupt: bit 31 and its code, as a signed word. */
export const interruptCause = (code: number): number => code | 0x80000000 | 0;
