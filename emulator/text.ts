/** UTF-8 for the host-free folders, which have no TextEncoder (Unicode 15, table 3-6). Ill-formed input becomes U+FFFD. */

export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return Uint8Array.from(bytes);
}

export function fromUtf8(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i];
    const more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
    let code = more <= 0 ? lead : lead & (0x3f >> more);
    let valid = more >= 0 && i + more < bytes.length;
    for (let k = 1; valid && k <= more; k++) {
      valid = (bytes[i + k] & 0xc0) === 0x80;
      code = (code << 6) | (bytes[i + k] & 0x3f);
    }
    valid &&= !(more === 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) && !(more === 3 && (code < 0x10000 || code > 0x10ffff));
    text += String.fromCodePoint(valid ? code : 0xfffd);
    i += valid ? more + 1 : 1;
  }
  return text;
}
