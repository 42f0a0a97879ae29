/* A compressor and its inverse: matches found through hash chains (LZ77), then an adaptive binary range coder. Text of 32 KiB, there and back. */
#include "guest.h"

#define EXPECTED 0x52027069u

#define SIZE (32u << 10)
#define ROUNDS 3
#define CHAIN 12
#define MATCH_MIN 4
#define MATCH_MAX (MATCH_MIN + 255)
#define ONE 2048u

static u8 text[SIZE], packed[SIZE + SIZE / 8], again[SIZE];
static u16 heads[4096], chain[SIZE];

/* Probabilities of bit 0, in 2048ths: literal or match, then a tree each for the literal, the length, and the distance's two bytes. */
static struct { u16 kind[2], literal[2][256], length[256], high[256], low[256]; } model;

static u8 *out;
static const u8 *in;
static u32 range, code, cache, pending;
static unsigned long long low;

static void reset(void) {
  u16 *p = (u16 *)&model;
  for (u32 i = 0; i < sizeof model / sizeof *p; i++) p[i] = ONE / 2;
  range = 0xffffffff, low = 0, cache = 0, pending = 1;
}

static void shift_low(void) {
  if ((u32)low < 0xff000000 || (u32)(low >> 32) != 0) {
    u32 carry = (u32)(low >> 32), byte = cache;
    do *out++ = (u8)(byte + carry), byte = 0xff; while (--pending != 0);
    cache = (u32)low >> 24;
  }
  pending++;
  low = (u32)low << 8;
}

static void put_bit(u16 *p, u32 bit) {
  u32 bound = (range >> 11) * *p;
  if (bit) low += bound, range -= bound, *p -= *p >> 5;
  else range = bound, *p += (ONE - *p) >> 5;
  while (range < 1u << 24) range <<= 8, shift_low();
}

static u32 get_bit(u16 *p) {
  u32 bound = (range >> 11) * *p, bit = code >= bound;
  if (bit) code -= bound, range -= bound, *p -= *p >> 5;
  else range = bound, *p += (ONE - *p) >> 5;
  while (range < 1u << 24) range <<= 8, code = code << 8 | *in++;
  return bit;
}

static void put_byte(u16 *tree, u32 byte) {
  for (u32 node = 1, i = 8; i-- > 0;) {
    u32 bit = byte >> i & 1;
    put_bit(tree + node, bit);
    node = node << 1 | bit;
  }
}

static u32 get_byte(u16 *tree) {
  u32 node = 1;
  while (node < 256) node = node << 1 | get_bit(tree + node);
  return node & 255;
}

static u32 key(u32 at) {
  u32 word = text[at] | text[at + 1] << 8 | text[at + 2] << 16 | (u32)text[at + 3] << 24;
  return word * 2654435761u >> 20;
}

static void enter(u32 at) {
  if (at + MATCH_MIN > SIZE) return;
  u32 k = key(at);
  chain[at] = heads[k];
  heads[k] = at + 1;
}

static u32 compress(void) {
  reset();
  out = packed;
  for (u32 i = 0; i < 4096; i++) heads[i] = 0;
  u32 was = 0;
  for (u32 at = 0; at < SIZE;) {
    u32 best = 0, distance = 0;
    if (at + MATCH_MIN <= SIZE) {
      u32 most = SIZE - at < MATCH_MAX ? SIZE - at : MATCH_MAX, tries = CHAIN;
      for (u32 other = heads[key(at)]; other != 0 && tries-- > 0; other = chain[other - 1]) {
        const u8 *a = text + at, *b = text + other - 1;
        u32 n = 0;
        while (n < most && a[n] == b[n]) n++;
        if (n > best) best = n, distance = at - (other - 1);
      }
    }
    u32 match = best >= MATCH_MIN;
    put_bit(&model.kind[was], match);
    if (match) {
      put_byte(model.length, best - MATCH_MIN);
      put_byte(model.high, distance >> 8);
      put_byte(model.low, distance & 255);
    } else {
      put_byte(model.literal[was], text[at]);
      best = 1;
    }
    was = match;
    while (best-- > 0) enter(at++);
  }
  for (u32 i = 0; i < 5; i++) shift_low();
  return out - packed;
}

static void expand(void) {
  reset();
  in = packed + 1;
  for (u32 i = 0; i < 4; i++) code = code << 8 | *in++;
  u32 was = 0;
  for (u32 at = 0; at < SIZE;) {
    u32 match = get_bit(&model.kind[was]);
    if (match) {
      u32 n = get_byte(model.length) + MATCH_MIN, distance = get_byte(model.high) << 8;
      distance |= get_byte(model.low);
      for (; n > 0; n--, at++) again[at] = again[at - distance];
    } else again[at++] = get_byte(model.literal[was]);
    was = match;
  }
}

static void write_text(u32 seed) {
  static const char *const words[] = {"the ", "guest ", "outlives ", "its ", "machine", ", ", "and ", "a ", "log ", "of ", "inputs ", "is ",
                                      "replayed", ". ", "exactly ", "at ", "instruction "};
  u32 at = 0;
  while (at < SIZE) {
    seed = seed * 1103515245 + 12345;
    u32 pick = seed >> 16;
    if (pick % 11 == 0) text[at++] = '0' + pick / 11 % 10;
    else
      for (const char *w = words[pick % 17]; *w && at < SIZE; w++) text[at++] = *w;
  }
}

int main(void) {
  u32 checksum = 0;
  for (u32 round = 0; round < ROUNDS; round++) {
    write_text(round);
    u32 size = compress();
    checksum = checksum * 31 + size;
    for (u32 i = 0; i < size; i++) checksum = checksum * 31 + packed[i];
    expand();
    for (u32 i = 0; i < SIZE; i++)
      if (again[i] != text[i]) return report("compress", i, 0);
  }
  return report("compress", checksum, EXPECTED);
}
