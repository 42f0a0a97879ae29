/**
 * `npm run show -- interpreter|tree|region …`: prints what is generated, for eyes: the interpreter's source, the board's device tree as bytes
 * for dtc, the regions of a run of an image (`show-region.ts`).
 */
import { boardTree } from '../emulator/devicetree.ts';
import { interpreterSource } from '../emulator/hart/interpreter.ts';
import { showRegion } from './show-region.ts';

const THINGS: Readonly<Record<string, (args: readonly string[]) => string | Uint8Array | Promise<string>>> = {
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
        onReset: 'end',
        images: { firmware: undefined, main: new Uint8Array(), initrd: undefined, append: '', dtb: undefined },
      },
      undefined,
    ),
  region: showRegion,
};

const thing = THINGS[process.argv[2] ?? ''];
if (thing === undefined) {
  console.error(`show: want one of ${Object.keys(THINGS).join(', ')}; npm run -s show -- tree | dtc -I dtb reads well`);
  process.exit(64);
}
try {
  process.stdout.write(await thing(process.argv.slice(3)));
} catch (error) {
  console.error(`show: ${(error as Error).message}`);
  process.exit(1);
}
