/* ChaCha20 (RFC 8439) over 256 KiB and a Poly-like hash of the result in 26-bit limbs: rotations, additions, wide multiplications. */
#include "../guest.h"

#define EXPECTED 0x4175d175u

#define BLOCKS 4096

static u32 state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
static u32 stream[16];

#define ROTATE(x, by) ((x) << (by) | (x) >> (32 - (by)))
#define QUARTER(a, b, c, d) \
  a += b, d ^= a, d = ROTATE(d, 16), c += d, b ^= c, b = ROTATE(b, 12), a += b, d ^= a, d = ROTATE(d, 8), c += d, b ^= c, b = ROTATE(b, 7)

static void block(void) {
  u32 x[16];
  for (u32 i = 0; i < 16; i++) x[i] = state[i];
  for (u32 round = 0; round < 10; round++) {
    QUARTER(x[0], x[4], x[8], x[12]);
    QUARTER(x[1], x[5], x[9], x[13]);
    QUARTER(x[2], x[6], x[10], x[14]);
    QUARTER(x[3], x[7], x[11], x[15]);
    QUARTER(x[0], x[5], x[10], x[15]);
    QUARTER(x[1], x[6], x[11], x[12]);
    QUARTER(x[2], x[7], x[8], x[13]);
    QUARTER(x[3], x[4], x[9], x[14]);
  }
  for (u32 i = 0; i < 16; i++) stream[i] = x[i] + state[i];
  state[12]++;
}

/* h = (h + m) * r modulo 2^130 - 5, limbs of 26 bits. */
static u32 h[5], r[5] = {0x3ffffff, 0x3ffff03, 0x3ffc0ff, 0x3f03fff, 0x00fffff};

static void absorb(const u32 m[4]) {
  typedef unsigned long long u64;
  h[0] += m[0] & 0x3ffffff;
  h[1] += (m[0] >> 26 | m[1] << 6) & 0x3ffffff;
  h[2] += (m[1] >> 20 | m[2] << 12) & 0x3ffffff;
  h[3] += (m[2] >> 14 | m[3] << 18) & 0x3ffffff;
  h[4] += m[3] >> 8 | 1u << 24;
  u64 d[5];
  for (u32 i = 0; i < 5; i++) {
    d[i] = 0;
    for (u32 j = 0; j < 5; j++) d[i] += (u64)h[j] * (j <= i ? r[i - j] : r[i + 5 - j] * 5);
  }
  u32 carry = 0;
  for (u32 i = 0; i < 5; i++) {
    d[i] += carry;
    h[i] = (u32)d[i] & 0x3ffffff;
    carry = (u32)(d[i] >> 26);
  }
  h[0] += carry * 5;
  h[1] += h[0] >> 26;
  h[0] &= 0x3ffffff;
}

int main(void) {
  u32 checksum = 0;
  for (u32 i = 0; i < 8; i++) state[4 + i] = 0x03020100 + i * 0x04040404;
  state[12] = 1, state[13] = 0x09000000, state[14] = 0x4a000000, state[15] = 0;
  for (u32 i = 0; i < BLOCKS; i++) {
    block();
    if (i == 0) checksum = stream[0]; /* RFC 8439, 2.3.2: 0xe4e7f110 */
    for (u32 k = 0; k < 16; k += 4) absorb(stream + k);
  }
  if (checksum != 0xe4e7f110) return report("chacha", checksum, 0);
  for (u32 i = 0; i < 5; i++) checksum = checksum * 31 + h[i];
  return report("chacha", checksum, EXPECTED);
}
