/** The reset ROM at 0x1000 (machine.md, "Devices", last rule): a0 = hart id, a1 = device tree, a2 = fw_dynamic_info, then jump. */
import { assemble } from './isa/assemble.ts';
import { ROM_BASE } from './layout.ts';
import type { Placement } from './placement.ts';

const SOURCE = `
    la a2, info
    csrr a0, mhartid
    la t0, tree
    lw a1, 0(t0)
    lw t0, 4(t0)
    jr t0
tree:
    .word TREE
    .word START
info:                   # struct fw_dynamic_info, version 2 (OpenSBI, fw_dynamic.h): six words of the hart's width
    .word 0x4942534f
    .word 2
    .word ENTRY
    .word MODE
    .word 0
    .word 0
`;

/** Bytes of the ROM for these images. `firmware`: what comes next runs in S-mode; without it the image is entered in M-mode. */
export function resetRom({ start, entry, deviceTree }: Placement, firmware: boolean): Uint8Array {
  const symbols = { TREE: deviceTree, START: start, ENTRY: entry, MODE: firmware ? 1 : 3 };
  return assemble(SOURCE, { origin: ROM_BASE, symbols }).bytes;
}
