/* Life on a torus of 128 x 128 cells, a byte each, and a blur over the same field: neighbours, conditions, stores. */
#include "../guest.h"

#define EXPECTED 0x5916ccb1u

#define SIDE 128
#define GENERATIONS 60

static u8 field[2][SIDE][SIDE];
static u16 light[SIDE][SIDE];

static u32 generation(u32 now) {
  u32 alive = 0;
  for (u32 y = 0; y < SIDE; y++) {
    const u8 *above = field[now][(y + SIDE - 1) % SIDE], *here = field[now][y], *below = field[now][(y + 1) % SIDE];
    for (u32 x = 0; x < SIDE; x++) {
      u32 left = (x + SIDE - 1) % SIDE, right = (x + 1) % SIDE;
      u32 n = above[left] + above[x] + above[right] + here[left] + here[right] + below[left] + below[x] + below[right];
      u32 next = n == 3 || (n == 2 && here[x]);
      field[now ^ 1][y][x] = next;
      alive += next;
    }
  }
  return alive;
}

static u32 blur(u32 now) {
  u32 brightest = 0;
  for (u32 y = 1; y < SIDE - 1; y++)
    for (u32 x = 1; x < SIDE - 1; x++) {
      u32 sum = light[y - 1][x] + light[y + 1][x] + light[y][x - 1] + light[y][x + 1] + 4 * light[y][x];
      light[y][x] = (sum >> 3) + (field[now][y][x] ? 256 : 0);
      if (light[y][x] > brightest) brightest = light[y][x];
    }
  return brightest;
}

int main(void) {
  u32 checksum = 0, seed = 11;
  for (u32 y = 0; y < SIDE; y++)
    for (u32 x = 0; x < SIDE; x++) {
      seed = seed * 1664525 + 1013904223;
      field[0][y][x] = seed >> 30 == 0;
    }
  for (u32 i = 0; i < GENERATIONS; i++) {
    checksum = checksum * 31 + generation(i & 1);
    if (i % 3 == 0) checksum = checksum * 31 + blur(~i & 1);
  }
  return report("life", checksum, EXPECTED);
}
