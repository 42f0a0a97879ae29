/** `npm run show -- interpreter|tree`: prints what is generated, for eyes: the interpreter's source, the board's device tree as bytes for dtc. */
import { boardTree } from '../emulator/devicetree.ts';
import { interpreterSource } from '../emulator/hart/interpreter.ts';

const THINGS: Readonly<Record<string, () => string | Uint8Array>> = {
  interpreter: () => interpreterSource(true),
  tree: () =>
    boardTree(
      {
        memoryBytes: 64 << 20,
        clock: 'icount',
        seed: new Uint8Array(32),
        bootTimeNs: 0n,
        disk: { sectors: 8192, readOnly: false, id: 'twinhart' },
        net: { mac: Uint8Array.of(0x52, 0x54, 0, 0, 0, 1) },
        virtioConsole: true,
        images: { firmware: undefined, main: new Uint8Array(), initrd: undefined, append: '', dtb: undefined },
      },
      undefined,
    ),
};

const thing = THINGS[process.argv[2] ?? ''];
if (thing === undefined) {
  console.error(`show: want one of ${Object.keys(THINGS).join(', ')}; npm run -s show -- tree | dtc -I dtb reads well`);
  process.exit(64);
}
process.stdout.write(thing());
