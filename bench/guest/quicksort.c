/* Quicksort of pseudo-random words: compares that no branch predictor likes. */
#include "guest.h"

#define EXPECTED 0x7e59f660u

#define COUNT 200000
#define ROUNDS 3

static u32 words[COUNT];

static void sort(i32 low, i32 high) {
  while (low < high) {
    u32 pivot = words[low + (high - low) / 2];
    i32 i = low, j = high;
    while (i <= j) {
      while (words[i] < pivot) i++;
      while (words[j] > pivot) j--;
      if (i > j) break;
      u32 word = words[i];
      words[i++] = words[j];
      words[j--] = word;
    }
    /* The smaller part by recursion: the stack stays below log2(COUNT) frames. */
    if (j - low < high - i) {
      sort(low, j);
      low = i;
    } else {
      sort(i, high);
      high = j;
    }
  }
}

int main(void) {
  u32 checksum = 0, seed = 1;
  for (u32 round = 0; round < ROUNDS; round++) {
    for (u32 i = 0; i < COUNT; i++) words[i] = seed = seed * 1664525 + 1013904223;
    sort(0, COUNT - 1);
    for (u32 i = 0; i < COUNT; i++) {
      if (i && words[i - 1] > words[i]) return report("quicksort", i, 0);
      checksum = checksum * 31 + words[i];
    }
  }
  return report("quicksort", checksum, EXPECTED);
}
