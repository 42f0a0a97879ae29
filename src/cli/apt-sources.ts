/**
 * The machine's own apt configuration, read for its Debian mirror: `.sources` files (deb822) and one-line lists, as sources.list(5) has them. From it come
 * entries for a private apt that fetches packages of given releases; nothing in /etc is changed.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from './errors.ts';

export interface AptSource {
  readonly uris: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Fields that say how far the mirror is trusted, such as Signed-By: they go with it. */
  readonly options: Readonly<Record<string, string>>;
}

/** Names of Debian's releases for which a mirror of one has the others too. bookworm-security and the like are archives of their own. */
const RELEASES = new Set('bullseye bookworm trixie forky duke sid oldoldstable oldstable stable testing unstable'.split(' '));

/** Fields that say which part of the mirror is meant, not how to reach it. */
const ABOUT_CONTENT = new Set([
  'Types',
  'Uris',
  'Suites',
  'Components',
  'Enabled',
  'Architectures',
  'Languages',
  'Targets',
  'X-Repolib-Name',
]);

/** A deb822 file with one entry for each release. `binaries`: those whose packages are wanted; of the others only sources. Throws CliError APT. */
export function sourcesFor(releases: readonly string[], binaries: ReadonlySet<string>, machine: readonly AptSource[]): string {
  const usable = machine.filter((source) => source.components.includes('main') && !/^cdrom:/.test(source.uris));
  const entries = releases.map((release) => {
    const source =
      usable.find(({ suites }) => suites.includes(release)) ?? usable.find(({ suites }) => suites.some((suite) => RELEASES.has(suite)));
    if (source === undefined) {
      throw new CliError('APT', `the apt configuration of this machine names no mirror of Debian, which ${release} could come from`);
    }
    const fields = { Types: binaries.has(release) ? 'deb deb-src' : 'deb-src', URIs: source.uris, Suites: release, Components: 'main' };
    return Object.entries({ ...fields, ...source.options })
      .map(([name, value]) => `${name}: ${value}\n`)
      .join('');
  });
  return entries.join('\n');
}

/** What apt on this machine would use, in its order. Throws CliError APT where there is no apt. */
export function machineSources(): AptSource[] {
  const said = spawnSync('apt-config', ['shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'], {
    encoding: 'utf8',
  });
  if (said.status !== 0) throw new CliError('APT', `apt-config does not run here: ${said.error?.message ?? said.stderr}`);
  const path = (name: string): string => new RegExp(`^${name}='(.*)'$`, 'm').exec(said.stdout)?.[1] ?? '';
  const parts = path('PARTS');
  const files = [path('LIST'), ...namesIn(parts).map((name) => join(parts, name))];
  return files.flatMap((file) => {
    const text = textOf(file);
    if (file.endsWith('.sources')) return parseDeb822(text);
    return file.endsWith('.list') ? parseOneLine(text) : [];
  });
}

/** Entries of a `.sources` file that are not switched off. */
export function parseDeb822(text: string): AptSource[] {
  const paragraphs = text.replace(/^#.*\n?/gm, '').split(/\n[ \t]*\n/);
  return paragraphs.flatMap((paragraph) => {
    const fields = fieldsOf(paragraph);
    if (fields.get('Uris') === undefined || /^(no|false|without|off|disable)$/.test(fields.get('Enabled') ?? '')) return [];
    const options = [...fields].filter(([name]) => !ABOUT_CONTENT.has(name));
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    const uris = words('Uris').join(' ');
    return [{ uris, suites: words('Suites'), components: words('Components'), options: Object.fromEntries(options) }];
  });
}

/** Entries of a `sources.list`: `deb [option=value …] URI SUITE COMPONENT…`. */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?([^\s#[]+)\s+([^\s#]+)([^#]*)/.exec(line);
    if (found === null) return [];
    const [, options = '', uris, suite, components] = found;
    const fields = options
      .split(/\s+/)
      .map((option) => /^([a-z-]+)\+?=(.*)$/.exec(option))
      .flatMap((option) => (option === null ? [] : [[fieldName(option[1]), option[2]] as const]))
      .filter(([name]) => !['Arch', 'Lang', 'Target'].includes(name));
    return [
      { uris, suites: [suite], components: components.split(/\s+/).filter((word) => word !== ''), options: Object.fromEntries(fields) },
    ];
  });
}

/** Names in one spelling (they are compared without regard to case), values with their continuation lines: a key may be given in place. */
function fieldsOf(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of paragraph.split('\n')) {
    const field = /^([A-Za-z][A-Za-z-]*):\s*(.*)$/.exec(line);
    if (field !== null) fields.set((name = fieldName(field[1])), field[2].trim());
    else if (/^[ \t]/.test(line) && name !== '') fields.set(name, `${fields.get(name)}\n${line}`);
  }
  return fields;
}

const fieldName = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
