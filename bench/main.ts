/**
 * `npm run bench -- [SUITE …] [--runs N] [--json FILE]`: runs the suites named (all, when none is) and prints tables for each. Of `cpu`: [--quick]
 * [--only GUEST|interpreter|stop,…] [--engine E] [--instructions N] [--no-qemu] [--show-held-back] [--node-flags="--no-liftoff …"]. Of `linux`:
 * [--quick] [--only boot|share|idle|WORK,…] [--engine E] [--no-qemu] [--kernel FILE --disk FILE] [--append TEXT].
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Asked, Report } from './report.ts';

/** Every suite prints figures as ratios to a reference in the same run where there is one; PROMISES.md says which goals they serve. */
const SUITES: Readonly<Record<string, () => Promise<{ run(runs: number | undefined, asked: Asked): Promise<Report> }>>> = {
  cpu: () => import('./mips.ts'),
  protect: () => import('./protect.ts'),
  log: () => import('./log.ts'),
  takeover: () => import('./takeover.ts'),
  checkpoint: () => import('./checkpoint.ts'),
  micro: () => import('./micro.ts'),
  linux: () => import('./linux.ts'),
  sleep: () => import('./sleep.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    json: { type: 'string' },
    only: { type: 'string' },
    engine: { type: 'string' },
    instructions: { type: 'string' },
    quick: { type: 'boolean', default: false },
    'no-qemu': { type: 'boolean', default: false },
    'show-held-back': { type: 'boolean', default: false },
    'node-flags': { type: 'string' },
    kernel: { type: 'string' },
    disk: { type: 'string' },
    append: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !(name in SUITES));
const runs = values.runs === undefined ? undefined : Number(values.runs);
if (unknown.length > 0 || (runs !== undefined && !(Number.isInteger(runs) && runs > 0))) {
  const what = unknown.length > 0 ? `no suite is called ${unknown.join(', ')}` : `--runs ${values.runs}: want a whole number above 0`;
  console.error(`bench: ${what}. Suites: ${Object.keys(SUITES).join(', ')}`);
  process.exit(64);
}

const asked: Asked = {
  runs,
  only: values.only?.split(','),
  engine: values.engine,
  instructions: values.instructions === undefined ? undefined : Number(values.instructions),
  quick: values.quick,
  noQemu: values['no-qemu'],
  showHeldBack: values['show-held-back'],
  nodeFlags: values['node-flags']?.split(' ') ?? [],
  kernel: values.kernel,
  disk: values.disk,
  append: values.append,
};

const reports: Record<string, Report> = {};
console.log(
  `node ${process.version} · ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'} · flags: ${process.execArgv.join(' ') || 'none'}`,
);
for (const name of positionals.length > 0 ? positionals : Object.keys(SUITES)) {
  const suite = await SUITES[name]?.();
  if (suite === undefined) continue;
  console.log(`\n== ${name}`);
  reports[name] = await suite.run(runs, asked);
  if (reports[name].rows.length > 0) console.table(reports[name].rows);
  for (const [title, rows] of Object.entries(reports[name].more ?? {})) {
    if (rows.length === 0) continue;
    console.log(title);
    console.table(rows);
  }
  for (const note of reports[name].notes) console.log(note);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
