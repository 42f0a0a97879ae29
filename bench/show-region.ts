/**
 * `npm run show -- region IMAGE [ADDRESS|SYMBOL] [--instructions N] [--threshold N] [--bios FILE]`: runs an image on the engine `auto` and lists
 * the regions that it asked for, or prints one: its blocks as assembly, then its WebAssembly as text (docs/translator.md).
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { codeSymbols, createMachine } from '../emulator/index.ts';
import { disassemble } from '../emulator/isa/disassemble.ts';
import { BASE, type FieldName, FORMATS, insert } from '../emulator/isa/index.ts';
import { compile } from '../emulator/translator/compile.ts';
import type { CompileJob, Compiler } from '../emulator/translator/compiler.ts';
import { emitModule } from '../emulator/translator/emit.ts';
import type { PlanBlock, PlanInstruction, RegionPlan, Target } from '../emulator/translator/plan.ts';
import { configOf, guests } from './guests.ts';

/** Enough for what a small guest does all the time to be asked for, grown and asked for again. */
const INSTRUCTIONS = 50e6;

export async function showRegion(args: readonly string[]): Promise<string> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      instructions: { type: 'string', default: String(INSTRUCTIONS) },
      threshold: { type: 'string' },
      bios: { type: 'string' },
    },
  });
  const [name, place] = positionals;
  const known = guests();
  const image = known.find((guest) => guest.name === name)?.image ?? fileOf(name);
  if (name === undefined || image === undefined || positionals.length > 2) {
    throw new Error(`region: want an ELF file, or one of ${known.map((guest) => guest.name).join(', ')}; then an address, or nothing`);
  }
  const firmware = values.bios === undefined ? undefined : new Uint8Array(readFileSync(values.bios));
  const threshold = values.threshold === undefined ? undefined : Number(values.threshold);
  const plans = plansOf(image, firmware, Number(values.instructions), threshold);

  const symbols = [...codeSymbols(image), ...(firmware === undefined ? [] : codeSymbols(firmware))];
  const nameOf = (pc: number): string => {
    const symbol = symbols.find(({ address, end }) => pc >>> 0 >= address && pc >>> 0 < end);
    return symbol === undefined ? '' : `${symbol.name}+0x${((pc >>> 0) - symbol.address).toString(16)}`;
  };
  if (place === undefined) return plans.map((plan) => `${summary(plan, nameOf)}\n`).join('');
  const address = Number(place.startsWith('0x') ? place : `0x${place}`);
  const wanted = symbols.find((symbol) => symbol.name === place) ?? { address, end: address + 1 };
  const isWanted = ({ pc }: PlanInstruction): boolean => pc >>> 0 >= wanted.address && pc >>> 0 < wanted.end;
  const plan = plans.findLast(({ blocks }) => blocks.some(({ instructions }) => instructions.some(isWanted)));
  if (plan === undefined) throw new Error(`no region has an instruction at ${place}; without an address all regions are listed`);
  return `;; ${summary(plan, nameOf)}\n${plan.blocks.map((block, n) => blockText(block, n, plan.entries.indexOf(n))).join('')}${await wasmText(plan)}`;
}

function fileOf(name: string | undefined): Uint8Array | undefined {
  return name !== undefined && existsSync(name) ? new Uint8Array(readFileSync(name)) : undefined;
}

/** Every region that a run asked for, in that order: one that has grown comes again. */
function plansOf(image: Uint8Array, firmware: Uint8Array | undefined, instructions: number, threshold: number | undefined): RegionPlan[] {
  const jobs: CompileJob[] = [];
  let taken = 0;
  const compiler: Compiler = {
    request: (job) => void jobs.push(job),
    take: () => {
      const job = jobs[taken];
      if (job === undefined) return undefined;
      taken++;
      return compile(job);
    },
  };
  const config = configOf(image);
  const machine = createMachine(
    { ...config, images: { ...config.images, firmware } },
    { engine: 'auto', translator: { compiler, ...(threshold !== undefined && { threshold }) } },
  );
  while (machine.run(instructions) === 'output') machine.takeOutputs();
  return jobs.flatMap(({ regions }) => regions);
}

function summary(plan: RegionPlan, nameOf: (pc: number) => string): string {
  const head = plan.blocks[plan.entries[0]].pc;
  const count = plan.blocks.reduce((sum, { instructions }) => sum + instructions.length, 0);
  const bytes = emitModule([plan]).length;
  return `${hex(head)}  ${plan.blocks.length} blocks, ${count} instructions, ${plan.entries.length} entries, ${bytes} bytes  ${nameOf(head)}`;
}

function blockText({ pc, instructions, end }: PlanBlock, number: number, entry: number): string {
  const to = ({ block, pc: address }: Target): string => (block < 0 ? hex(address) : `block ${block}`);
  const ends = (): string => {
    switch (end.kind) {
      case 'fall':
      case 'jump':
        return `${end.kind} to ${to(end.to)}`;
      case 'branch':
        return `branch to ${to(end.taken)}, else ${to(end.not)}`;
      case 'indirect':
        return end.expected === undefined ? 'indirect' : `indirect, ${to(end.expected)} expected`;
      case 'leave':
        return `leaves for ${end.by}`;
      case 'slow':
        return `the interpreter's instruction at ${hex(end.pc)}`;
    }
  };
  const lines = instructions.map((instruction) => `;;   ${hex(instruction.pc)}  ${assembly(instruction)}\n`);
  return `;; block ${number} at ${hex(pc)}${entry < 0 ? '' : `, entry ${entry}`}: ${ends()}\n${lines.join('')}`;
}

/** As the translator sees it: of a compressed instruction the one that it stands for. */
function assembly({ op, pc, rd, rs1, rs2, imm }: PlanInstruction): string {
  const row = BASE[op];
  const values: Readonly<Record<FieldName, number>> = { rd, rs1, rs2, uimm: rs1, imm };
  const fields = FORMATS[row.format];
  const names = Object.keys(fields) as FieldName[];
  return disassemble(
    names.reduce((bits, name) => bits | (insert(fields[name]!, values[name]) ?? 0), row.match),
    pc,
  );
}

async function wasmText(plan: RegionPlan): Promise<string> {
  const { default: wabt } = await import('wabt');
  const { readWasm } = await wabt();
  const module = readWasm(emitModule([plan]), { threads: true });
  module.applyNames();
  const text = module.toText({ foldExprs: true, inlineExport: true });
  module.destroy();
  return text;
}

const hex = (address: number): string => (address >>> 0).toString(16);
