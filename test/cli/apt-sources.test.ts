/** Questions to the reading of apt's configuration: is each form of sources.list(5) understood, and is the right mirror taken for each release? */
import { describe, expect, it } from 'vitest';
import { parseDeb822, parseOneLine, sourcesFor } from '../../src/cli/apt-sources.ts';
import type { CliError } from '../../src/cli/errors.ts';

const DEB822 = `# a comment
Types: deb
# another
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: trixie
Components: main
`;

describe('the files of apt', () => {
  it('in deb822 give their entries, without comments and without what is switched off', () => {
    expect(parseDeb822(DEB822)).toEqual([
      {
        uris: 'http://mirror.example/debian',
        suites: ['bookworm', 'bookworm-updates'],
        components: ['main'],
        options: { 'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg' },
      },
      { uris: 'http://mirror.example/debian-security', suites: ['bookworm-security'], components: ['main'], options: {} },
    ]);
  });

  it('in deb822 may hold a key in place, in any spelling of a name', () => {
    const [source] = parseDeb822(
      'types: deb\nuris: http://a/debian\nsuites: sid\ncomponents: main\nsigned-by:\n -----BEGIN\n .\n abc\n -----END\n',
    );
    expect(source.options).toEqual({ 'Signed-By': '\n -----BEGIN\n .\n abc\n -----END' });
  });

  it('in the one-line form give the same, options included', () => {
    const text = [
      '# deb http://old.example/debian bullseye main',
      'deb [arch=amd64 signed-by=/k.gpg trusted=yes] http://mirror.example/debian bookworm main contrib # as installed',
      'deb-src http://mirror.example/debian bookworm main',
      'deb cdrom:[Debian 12]/ bookworm main',
      '',
    ].join('\n');
    expect(parseOneLine(text)).toEqual([
      {
        uris: 'http://mirror.example/debian',
        suites: ['bookworm'],
        components: ['main', 'contrib'],
        options: { 'Signed-By': '/k.gpg', Trusted: 'yes' },
      },
      { uris: 'http://mirror.example/debian', suites: ['bookworm'], components: ['main'], options: {} },
    ]);
  });
});

describe('the mirror of a release', () => {
  const other = { uris: 'http://apt.example/node', suites: ['nodistro'], components: ['main'], options: {} };
  const contrib = { uris: 'http://contrib.example/debian', suites: ['trixie'], components: ['contrib'], options: {} };

  it('is the machine’s entry of that release, else its mirror of another one, with how far it is trusted', () => {
    const own = { uris: 'http://new.example/debian', suites: ['trixie'], components: ['main'], options: {} };
    const machine = [other, contrib, ...parseDeb822(DEB822)];
    const keyring = 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n';
    const bookworm = `Types: deb deb-src\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n${keyring}`;
    const trixie = (from: string, options: string): string => `Types: deb-src\nURIs: ${from}\nSuites: trixie\nComponents: main\n${options}`;
    const wanted = ['bookworm', 'trixie'];
    expect(sourcesFor(wanted, new Set(['bookworm']), machine)).toBe(`${bookworm}\n${trixie('http://mirror.example/debian', keyring)}`);
    expect(sourcesFor(wanted, new Set(['bookworm']), [...machine, own])).toBe(`${bookworm}\n${trixie('http://new.example/debian', '')}`);
  });

  it('is said to be missing where apt knows none, or only that of security updates', () => {
    for (const machine of [[], [other], [contrib], parseDeb822(DEB822).slice(1)])
      expect(() => sourcesFor(['trixie'], new Set(), machine)).toThrow(expect.objectContaining({ code: 'APT' }) as CliError);
  });
});
