/* Copies, fills and moves of blocks from 1 byte to 64 KiB at every alignment: words eight at a time where both ends agree, else bytes. */
#include "guest.h"

#define EXPECTED 0xa9ee58ceu

#define SIZE (128u << 10)
#define ROUNDS 8

static u8 from[SIZE] SCRATCH, to[SIZE] SCRATCH;

static void __attribute__((noinline)) copy(u8 *t, const u8 *f, u32 n) {
  if (((u32)(unsigned long)t & 3) == ((u32)(unsigned long)f & 3)) {
    while (n && ((u32)(unsigned long)t & 3)) *t++ = *f++, n--;
    u32 *tw = (u32 *)t;
    const u32 *fw = (const u32 *)f;
    for (; n >= 32; n -= 32, tw += 8, fw += 8) {
      u32 a = fw[0], b = fw[1], c = fw[2], d = fw[3], e = fw[4], g = fw[5], h = fw[6], i = fw[7];
      tw[0] = a, tw[1] = b, tw[2] = c, tw[3] = d, tw[4] = e, tw[5] = g, tw[6] = h, tw[7] = i;
    }
    for (; n >= 4; n -= 4) *tw++ = *fw++;
    t = (u8 *)tw, f = (const u8 *)fw;
  }
  while (n--) *t++ = *f++;
}

static void __attribute__((noinline)) fill(u8 *t, u8 value, u32 n) {
  while (n && ((u32)(unsigned long)t & 3)) *t++ = value, n--;
  u32 word = value * 0x01010101u, *tw = (u32 *)t;
  for (; n >= 16; n -= 16, tw += 4) tw[0] = word, tw[1] = word, tw[2] = word, tw[3] = word;
  t = (u8 *)tw;
  while (n--) *t++ = value;
}

/* Downwards: where the target overlaps the end of the source. */
static void __attribute__((noinline)) move_up(u8 *t, const u8 *f, u32 n) {
  while (n--) t[n] = f[n];
}

static u32 sum(const u8 *p, u32 n) {
  u32 s = 0;
  const u32 *w = (const u32 *)p;
  for (u32 i = 0; i < n / 4; i++) s = (s << 1 | s >> 31) ^ w[i];
  return s;
}

int main(void) {
  u32 checksum = 0, seed = 7;
  for (u32 i = 0; i < SIZE; i++) from[i] = seed = seed * 69069 + 1, to[i] = 0;
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 n = 1; n <= 65536; n += n / 3 + 1)
      for (u32 k = 0; k < 3 + (1u << 15) / (n + 64); k++) {
        seed = seed * 1664525 + 1013904223;
        u32 at = seed >> 16 & 0xfffc, other = (seed >> 8 & 0xfffc) + (seed % 5 == 0 ? 1 + seed % 3 : 0);
        copy(to + at, from + other, n);
        if (k % 4 == 1) copy(from + at, to + other, n / 2);
        if (k % 4 == 2) fill(to + other, (u8)seed, n / 2);
        if (k % 16 == 3) move_up(from + at + 5, from + at, n / 8);
      }
    checksum = checksum * 31 + sum(to, SIZE) + sum(from, SIZE);
  }
  return report("memcpy", checksum, EXPECTED);
}
