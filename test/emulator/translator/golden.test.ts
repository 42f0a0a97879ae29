/** What WebAssembly does a region become? A dozen regions and their text, to be read when the emitter changes; `npx vitest -u` blesses it anew. */
import { expect, test } from 'vitest';
import wabt from 'wabt';
import { createMachine } from '../../../emulator/index.ts';
import { assemble } from '../../../emulator/isa/assemble.ts';
import { disassemble } from '../../../emulator/isa/disassemble.ts';
import { compile } from '../../../emulator/translator/compile.ts';
import type { CompileJob, Compiler } from '../../../emulator/translator/compiler.ts';
import { emitModule } from '../../../emulator/translator/emit.ts';
import type { RegionPlan } from '../../../emulator/translator/plan.ts';
import { testConfig } from '../../support/program.ts';

/** The region with `hot` in it is the one that is shown. */
const REGIONS: Readonly<Record<string, string>> = {
  'straight-line': 'hot: addi a0, a0, 1\nxor a1, a1, a0\nslli a2, a1, 3\nsltu a3, a2, a0\nc.mv a4, a3\nj away\naway: sfence.vma\nj hot',
  'self-loop': 'hot: addi a0, a0, 1\nbne a0, a1, hot\nj hot',
  'nested-loops': 'hot: li a1, 7\ninner: add a0, a0, a1\naddi a1, a1, -1\nbnez a1, inner\naddi a2, a2, 1\nj hot',
  'if-else': 'hot: addi a0, a0, 1\nandi a1, a0, 1\nbeqz a1, other\naddi a2, a2, 1\nj hot\nother: addi a3, a3, 1\nj hot',
  'call-inlined': 'hot: jal ra, f\naddi a1, a1, 1\nj hot\nf: addi a0, a0, 1\nret',
  recursion:
    'li sp, 0x80050000\nstart: li a0, 3\njal ra, hot\nj start\nhot: beqz a0, out\naddi a0, a0, -1\naddi sp, sp, -4\nsw ra, 0(sp)\njal ra, hot\nlw ra, 0(sp)\naddi sp, sp, 4\nout: ret',
  'indirect-jump': 'la s0, target\nhot: addi a0, a0, 1\njr s0\nnop\ntarget: addi a1, a1, 1\nj hot',
  'jump-table':
    'la s0, table\nhot: addi a0, a0, 4\nandi a1, a0, 12\nadd a1, a1, s0\nlw a1, 0(a1)\njr a1\none: addi a2, a2, 1\nj hot\ntwo: addi a3, a3, 1\nj hot\n.balign 4\ntable: .word one, two, one, two',
  loads: 'li s0, 0x80040000\nhot: lb a0, 0(s0)\nlbu a1, 1(s0)\nlh a2, 2(s0)\nlhu a3, 4(s0)\nlw a4, 8(s0)\nlw x0, 12(s0)\nj hot',
  stores: 'li s0, 0x80040000\nhot: sb a0, 0(s0)\nsh a1, 2(s0)\nsw a2, 4(s0)\nc.sw a3, 8(s0)\nj hot',
  atomics: 'li s0, 0x80040000\nhot: lr.w a0, (s0)\naddi a0, a0, 1\nsc.w a1, a0, (s0)\namoadd.w a2, a0, (s0)\namomaxu.w x0, a1, (s0)\nj hot',
  'multiply-divide': 'hot: mul a0, a0, a1\nmulh a2, a0, a1\nmulhsu a3, a0, a1\nmulhu a4, a0, a1\ndiv a5, a0, a1\nremu a6, a0, a1\nj hot',
  csr: 'hot: csrrw a0, mscratch, a1\naddi a1, a1, 1\ncsrr a2, mscratch\nj hot',
  'two-pages': 'j hot\n.balign 4096\n.space 4088\nhot: addi a0, a0, 1\naddi a1, a1, 1\naddi a2, a2, 1\naddi a3, a3, 1\nj hot',
};

/** Of these, how they are before V8's optimiser is worth it: registers are words of memory. */
const BASELINE = ['self-loop', 'loads', 'csr', 'call-inlined'];

/** Compiles at once, and keeps what it was asked. */
class Keeping implements Compiler {
  readonly jobs: CompileJob[] = [];
  #taken = 0;
  request(job: CompileJob): void {
    this.jobs.push(job);
  }
  take() {
    const job = this.jobs[this.#taken];
    if (job === undefined) return undefined;
    this.#taken += 1;
    return compile(job, true);
  }
}

/** The last region that was made with a block at `hot`: its instructions and the module's text. */
async function textOf(source: string, optimised: boolean): Promise<string> {
  const assembly = assemble(`.balign 4\n${source}`);
  const compiler = new Keeping();
  const machine = createMachine(testConfig(assembly.bytes), { engine: 'auto', translator: { threshold: 4, compiler } });
  for (let n = 0; n < 40; n++) machine.run(machine.icount + 50);
  const hot = assembly.symbols.get('hot')! | 0;
  const plan = compiler.jobs.flatMap(({ regions }) => regions).findLast(({ blocks }) => blocks.some(({ pc }) => pc === hot));
  if (plan === undefined) throw new Error('no region has a block at hot');
  const { readWasm } = await wabt();
  const module = readWasm(emitModule([{ ...plan, optimised }]), { threads: true });
  module.applyNames();
  const text = module.toText({ foldExprs: true, inlineExport: true });
  module.destroy();
  return `${listing(plan, machine)}\n${text}`;
}

function listing({ blocks, entries }: RegionPlan, machine: { readMemory(address: number, length: number): Uint8Array }): string {
  return blocks
    .map(({ pc, instructions, end }, number) => {
      const lines = instructions.map((instruction) => {
        const bytes = machine.readMemory(instruction.pc >>> 0, instruction.length);
        const bits = bytes.reduce((sum, byte, k) => sum + byte * 2 ** (8 * k), 0);
        return `;;   ${(instruction.pc >>> 0).toString(16)}  ${disassemble(bits, instruction.pc)}`;
      });
      const entry = entries.indexOf(number);
      return [`;; block ${number} at ${(pc >>> 0).toString(16)}${entry < 0 ? '' : `, entry ${entry}`}, ends: ${end.kind}`, ...lines].join(
        '\n',
      );
    })
    .join('\n');
}

test.each(Object.keys(REGIONS))('%s', async (name) => {
  await expect(await textOf(REGIONS[name], true)).toMatchFileSnapshot(`golden/${name}.wat`);
});

test.each(BASELINE)('%s, for the baseline compiler', async (name) => {
  await expect(await textOf(REGIONS[name], false)).toMatchFileSnapshot(`golden/${name}-baseline.wat`);
});
