/** `npm run bench -- [SUITE …] [--runs N] [--json FILE]`: runs the suites named (all, when none is) and prints a table for each. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import type { Report } from './report.ts';

/** Every suite prints figures as ratios to a reference in the same run where there is one; PROMISES.md says which goals they serve. */
const SUITES: Readonly<Record<string, () => Promise<{ run(runs: number | undefined): Promise<Report> }>>> = {
  cpu: () => import('./mips.ts'),
  protect: () => import('./protect.ts'),
  log: () => import('./log.ts'),
  takeover: () => import('./takeover.ts'),
  checkpoint: () => import('./checkpoint.ts'),
  micro: () => import('./micro.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, json: { type: 'string' } },
});
const unknown = positionals.filter((name) => !(name in SUITES));
const runs = values.runs === undefined ? undefined : Number(values.runs);
if (unknown.length > 0 || (runs !== undefined && !(Number.isInteger(runs) && runs > 0))) {
  const what = unknown.length > 0 ? `no suite is called ${unknown.join(', ')}` : `--runs ${values.runs}: want a whole number above 0`;
  console.error(`bench: ${what}. Suites: ${Object.keys(SUITES).join(', ')}`);
  process.exit(64);
}

const reports: Record<string, Report> = {};
console.log(
  `node ${process.version} · ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'} · flags: ${process.execArgv.join(' ') || 'none'}`,
);
for (const name of positionals.length > 0 ? positionals : Object.keys(SUITES)) {
  const suite = await SUITES[name]?.();
  if (suite === undefined) continue;
  console.log(`\n== ${name}`);
  reports[name] = await suite.run(runs);
  console.table(reports[name]?.rows);
  for (const note of reports[name]?.notes ?? []) console.log(note);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
