// Builds the guest images from C (firmware and benchmarks): node firmware/build.mjs [--out DIR]. The same sources and compiler give the same bytes, so the
// committed images can be checked; README.md says how they are used.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const PREFIX = 'riscv64-linux-gnu-';
const ARCH = ['-march=rv32imac_zicsr_zifencei', '-mabi=ilp32'];
const CFLAGS = [
  ...ARCH,
  ...'-O2 -std=gnu11 -ffreestanding -fno-builtin -fno-pic -fno-pie -mcmodel=medany -msmall-data-limit=0'.split(' '),
  ...'-fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fno-ident'.split(' '),
  ...'-ffunction-sections -fdata-sections -Wall -Wextra -Werror -Wno-type-limits'.split(' '),
];
const LDFLAGS = '-nostdlib -static -no-pie -Wl,--build-id=none,--gc-sections,-n,-z,norelro,-z,noexecstack,--no-warn-rwx-segments'.split(' ');

function tool(name, args, cwd) {
  const result = spawnSync(PREFIX + name, args, { cwd, encoding: 'utf8' });
  if (result.error) throw new Error(`cannot run ${PREFIX}${name}: ${result.error.message}. Install gcc-riscv64-linux-gnu.`);
  if (result.status !== 0) throw new Error(`${PREFIX}${name} ${args.join(' ')}\n${result.stderr}`);
  return result.stdout;
}

/** Compiles and links `sources` (absolute paths) with `script`; returns the ELF's path. Nothing of where it was built stays in it. */
export function link(work, name, sources, script, { root, flags = [], includes = [] }) {
  const objects = sources.map((source, i) => {
    const object = join(work, `${name}-${i}-${basename(source)}.o`);
    const map = [`-ffile-prefix-map=${root}=.`, `-ffile-prefix-map=${work}=.`];
    tool('gcc', [...CFLAGS, ...flags, ...map, ...includes.map((dir) => `-Wa,-I${dir}`), '-c', relative(root, source), '-o', object], root);
    return object;
  });
  const elf = join(work, `${name}.elf`);
  tool('gcc', [...ARCH, ...LDFLAGS, '-T', script, ...objects, '-o', elf], root);
  return elf;
}

const compilerVersion = () => tool('gcc', ['--version']).split('\n')[0];

/** All .c and .S files of a folder, in a fixed order: the linker lays them out as it meets them. */
const all = (dir) =>
  readdirSync(dir)
    .filter((f) => /\.[cS]$/.test(f))
    .sort()
    .map((f) => join(dir, f));

const PROGRAMS = {
  shell: ['shell.c', 'shell-kv.c', 'bench.c'],
  kv: ['kv-server.c', 'kv-store.c', 'kv-log.c', 'kv-udp.c', 'ip.c'],
  worker: ['worker.c'],
};

/** Names of the .c files of a folder that are workloads. */
const workloads = (dir, besides) =>
  readdirSync(dir)
    .filter((f) => f.endsWith('.c') && !besides.includes(f))
    .sort()
    .map((f) => f.slice(0, -2));

/** Each workload twice: in M-mode, and (-sv32) in U-mode behind page tables. The system guests once: they make their own tables. */
function benchGuests(root, work) {
  const guest = join(root, 'bench/guest');
  const elfs = {};
  const add = (folder, name, suffix, sources) => {
    const paths = sources.map((f) => join(guest, f));
    elfs[`bench/${folder}${name}${suffix}.elf`] = link(work, `bench-${name}${suffix}`, paths, join(guest, 'link.ld'), { root });
  };
  for (const folder of ['', 'held-back/'])
    for (const name of workloads(join(guest, folder), ['report.c']))
      for (const [suffix, start] of [['', 'crt0.S'], ['-sv32', 'crt0-sv32.S']]) add(folder, name, suffix, [start, `${folder}${name}.c`, 'report.c']);
  for (const name of workloads(join(guest, 'system'), ['identity.c'])) {
    add('system/', name, '', ['crt0.S', `system/${name}.c`, 'system/identity.c', 'system/switch.S', 'report.c']);
  }
  return elfs;
}

function build(out) {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const work = mkdtempSync(join(tmpdir(), 'firmware-'));
  const os = join(root, 'firmware/os');
  const common = all(join(os, 'common'));
  try {
    for (const [name, files] of Object.entries(PROGRAMS)) {
      const sources = ['start.S', 'lib.c', ...files].map((f) => join(os, 'user', f));
      const elf = link(work, name, [...sources, ...common], join(os, 'user/link.ld'), { root });
      tool('objcopy', ['-O', 'binary', '-j', '.text', '-j', '.data', elf, join(work, `${name}.bin`)]);
    }
    const kernel = link(work, 'os', [...all(join(os, 'kernel')), ...common], join(os, 'kernel/link.ld'), { root, includes: [work] });
    const sbi = link(work, 'sbi', ['start.S', 'sbi.c'].map((f) => join(root, 'firmware/sbi', f)), join(root, 'firmware/sbi/link.ld'), { root });
    const images = { 'os.elf': kernel, 'sbi.elf': sbi, ...benchGuests(root, work) };
    const manifest = { compiler: compilerVersion(), flags: CFLAGS.join(' '), linker: LDFLAGS.join(' '), how: 'npm run image:os', images: {} };
    for (const folder of ['held-back', 'system']) mkdirSync(join(out, 'bench', folder), { recursive: true });
    for (const [name, elf] of Object.entries(images)) {
      tool('strip', [name.startsWith('bench/') ? '--strip-all' : '--strip-debug', elf]); // the kernel's symbols help a disassembler
      const bytes = readFileSync(elf);
      writeFileSync(join(out, name), bytes);
      manifest.images[name] = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    }
    writeFileSync(join(out, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    return manifest;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--out');
  const out = at > 0 ? process.argv[at + 1] : join(dirname(fileURLToPath(import.meta.url)), '../images');
  for (const [name, { size, sha256 }] of Object.entries(build(out).images)) console.log(`${name} ${size} bytes ${sha256}`);
}
