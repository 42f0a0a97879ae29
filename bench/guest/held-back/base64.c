/* Base64 of 48 KiB there and back, then UTF-8 decoding and hexadecimal: tables and bytes. */
#include "../guest.h"

#define EXPECTED 0x43ff6472u

#define SIZE (48u << 10)
#define ROUNDS 8

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static u8 bytes[SIZE], back[SIZE], values[256];
static char letters[SIZE / 3 * 4];

static void encode(void) {
  char *t = letters;
  for (u32 i = 0; i < SIZE; i += 3) {
    u32 word = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    *t++ = alphabet[word >> 18];
    *t++ = alphabet[word >> 12 & 63];
    *t++ = alphabet[word >> 6 & 63];
    *t++ = alphabet[word & 63];
  }
}

static u32 decode(void) {
  u8 *t = back;
  for (u32 i = 0; i < sizeof letters; i += 4) {
    u32 word = 0;
    for (u32 k = 0; k < 4; k++) {
      u32 value = values[(u8)letters[i + k]];
      if (value == 0xff) return 1;
      word = word << 6 | value;
    }
    *t++ = word >> 16, *t++ = word >> 8, *t++ = word;
  }
  for (u32 i = 0; i < SIZE; i++)
    if (back[i] != bytes[i]) return 2;
  return 0;
}

/* Runes of the bytes read as UTF-8; a byte that does not fit counts as 0xfffd. */
static u32 runes(void) {
  u32 sum = 0;
  for (u32 i = 0; i < SIZE - 4;) {
    u32 first = bytes[i++], more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9, rune;
    if (more == 9) rune = 0xfffd;
    else {
      rune = more == 0 ? first : first & (0x3f >> more);
      while (more > 0 && (bytes[i] & 0xc0) == 0x80) rune = rune << 6 | (bytes[i++] & 0x3f), more--;
      if (more > 0) rune = 0xfffd;
    }
    sum = sum * 31 + rune;
  }
  return sum;
}

static u32 hexadecimal(void) {
  u32 hash = 2166136261u;
  for (u32 i = 0; i < SIZE; i++)
    for (i32 shift = 4; shift >= 0; shift -= 4) {
      u32 digit = bytes[i] >> shift & 15;
      hash = (hash ^ (digit < 10 ? '0' + digit : 'a' + digit - 10)) * 16777619;
    }
  return hash;
}

int main(void) {
  u32 checksum = 0, seed = 31;
  for (u32 i = 0; i < 256; i++) values[i] = 0xff;
  for (u32 i = 0; i < 64; i++) values[(u8)alphabet[i]] = i;
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < SIZE; i++) seed = seed * 69069 + 1, bytes[i] = seed >> 24 & (round & 1 ? 0xff : 0xdf);
    encode();
    if (decode()) return report("base64", round, 0);
    for (u32 i = 0; i < sizeof letters; i += 7) checksum = checksum * 31 + (u8)letters[i];
    checksum = checksum * 31 + runes();
    checksum ^= hexadecimal();
  }
  return report("base64", checksum, EXPECTED);
}
