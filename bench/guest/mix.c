/* A mix in the manner of CoreMark: linked lists, small matrices, a state machine over text, and a CRC over all of their results. */
#include "guest.h"

#define EXPECTED 0xff64u

#define ROUNDS 2000
#define NODES 64
#define SIDE 16

struct node { struct node *next; u16 key, value; };

static struct node nodes[NODES];
static i32 a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
static const char text[] = "5012,+7.25,-120e3,abc,0x1f,.5,6e-7,--,19,+,1.2.3,88888,";

static u16 crc16(u16 crc, u32 value) {
  for (int bit = 0; bit < 32; bit++, value >>= 1) {
    u32 carry = (crc ^ value) & 1;
    crc = crc >> 1 ^ (carry ? 0xa001 : 0);
  }
  return crc;
}

static struct node *merge(struct node *x, struct node *y) {
  struct node head, *tail = &head;
  while (x && y) {
    struct node **least = x->key <= y->key ? &x : &y;
    tail = tail->next = *least;
    *least = (*least)->next;
  }
  tail->next = x ? x : y;
  return head.next;
}

static struct node *sort(struct node *list) {
  if (!list || !list->next) return list;
  struct node *slow = list, *fast = list->next;
  while (fast && fast->next) slow = slow->next, fast = fast->next->next;
  struct node *half = slow->next;
  slow->next = 0;
  return merge(sort(list), sort(half));
}

static u32 lists(u32 seed) {
  for (u32 i = 0; i < NODES; i++) {
    seed = seed * 1103515245 + 12345;
    nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : 0, seed >> 16, i};
  }
  u32 result = 0, at = 0;
  for (struct node *n = sort(nodes); n; n = n->next) result += n->value * ++at ^ n->key;
  return result;
}

static u32 matrices(u32 seed) {
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) a[i][j] = (i32)(seed + i * 7 + j) % 37, b[i][j] = (i32)(seed ^ (i + j * 5)) % 29;
  u32 result = 0;
  for (u32 i = 0; i < SIDE; i++)
    for (u32 j = 0; j < SIDE; j++) {
      i32 total = 0;
      for (u32 k = 0; k < SIDE; k++) total += a[i][k] * b[k][j];
      c[i][j] = total;
      result = result * 31 + (u32)total;
    }
  return result;
}

enum state { START, INTEGER, SIGN, FRACTION, EXPONENT, HEX, INVALID, STATES };

static u32 states(u32 seed) {
  u32 counts[STATES] = {0};
  enum state state = START;
  for (const char *p = text; *p; p++) {
    char ch = *p ^ (seed % 61 == 0 ? 1 : 0);
    if (ch == ',') {
      counts[state]++;
      state = START;
      continue;
    }
    int digit = ch >= '0' && ch <= '9';
    switch (state) {
      case START: state = digit ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? FRACTION : INVALID; break;
      case SIGN: state = digit ? INTEGER : ch == '.' ? FRACTION : INVALID; break;
      case INTEGER: state = digit ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : ch == 'x' ? HEX : INVALID; break;
      case FRACTION: state = digit ? FRACTION : ch == 'e' ? EXPONENT : INVALID; break;
      case EXPONENT: state = digit || ch == '-' ? EXPONENT : INVALID; break;
      case HEX: state = digit || (ch >= 'a' && ch <= 'f') ? HEX : INVALID; break;
      case INVALID:
      case STATES: break;
    }
    seed = seed * 69069 + 1;
  }
  u32 result = seed;
  for (u32 i = 0; i < STATES; i++) result = result * 17 + counts[i];
  return result;
}

int main(void) {
  u16 crc = 0xffff;
  for (u32 round = 0; round < ROUNDS; round++) {
    crc = crc16(crc, lists(round));
    crc = crc16(crc, matrices(round));
    for (u32 i = 0; i < 10; i++) crc = crc16(crc, states(round * 10 + i));
  }
  return report("mix", crc, EXPECTED);
}
