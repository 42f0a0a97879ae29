/* A fixed-point FFT (radix 2, Q15) of 1,024 points, there and back, and a 48 x 48 matrix product: multiplications and strides. */
#include "../guest.h"

#define EXPECTED 0xfa084f9du

#define POINTS 1024
#define BITS 10
#define SIDE 48
#define ROUNDS 24

static i32 re[POINTS], im[POINTS], sine[POINTS / 2], cosine[POINTS / 2];
static i32 a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static i32 scaled(i32 x, i32 y) { return (x * y + (1 << 14)) >> 15; }

/* By the recurrence of a rotation in Q30: exact enough, and the same everywhere. */
static void make_tables(void) {
  const long long step_cos = 1073721611, step_sin = 6588357;
  long long x = 1 << 30, y = 0;
  for (u32 i = 0; i < POINTS / 2; i++) {
    cosine[i] = (i32)(x >> 15), sine[i] = (i32)(y >> 15);
    long long next = (x * step_cos - y * step_sin) >> 30;
    y = (y * step_cos + x * step_sin) >> 30;
    x = next;
  }
}

static void transform(i32 sign) {
  for (u32 i = 0, j = 0; i < POINTS; i++) {
    if (i < j) {
      i32 t = re[i];
      re[i] = re[j], re[j] = t;
      t = im[i];
      im[i] = im[j], im[j] = t;
    }
    u32 bit = POINTS >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j |= bit;
  }
  for (u32 half = 1, stride = POINTS / 2; half < POINTS; half <<= 1, stride >>= 1)
    for (u32 k = 0; k < half; k++) {
      i32 wr = cosine[k * stride], wi = sign * sine[k * stride];
      for (u32 i = k; i < POINTS; i += 2 * half) {
        i32 tr = scaled(wr, re[i + half]) - scaled(wi, im[i + half]), ti = scaled(wr, im[i + half]) + scaled(wi, re[i + half]);
        re[i + half] = (re[i] - tr) >> 1, im[i + half] = (im[i] - ti) >> 1;
        re[i] = (re[i] + tr) >> 1, im[i] = (im[i] + ti) >> 1;
      }
    }
}

static u32 multiply(u32 seed) {
  u32 sum = 0;
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) a[i][j] = (i32)(seed * i + j) % 1000, b[i][j] = (i32)(seed ^ (j * 77 + i)) % 1000;
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) {
      i32 total = 0;
      for (u32 k = 0; k < SIDE; k++) total += a[i][k] * b[k][j];
      c[i][j] = total;
      sum = sum * 31 + (u32)total;
    }
  return sum;
}

int main(void) {
  u32 checksum = 0, seed = 5;
  make_tables();
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < POINTS; i++) {
      seed = seed * 1664525 + 1013904223;
      re[i] = (i32)(seed >> 17) - 16384, im[i] = (i32)(i * round & 1023);
    }
    transform(1);
    for (u32 i = 0; i < POINTS; i++) checksum = checksum * 31 + (u32)re[i] + (u32)im[i] * 17, re[i] *= 8, im[i] *= 8;
    transform(-1);
    for (u32 i = 0; i < POINTS; i++) checksum = checksum * 31 + (u32)re[i] + (u32)im[i] * 17;
    checksum ^= multiply(round);
  }
  return report("fft", checksum, EXPECTED);
}
