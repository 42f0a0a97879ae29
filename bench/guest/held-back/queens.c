/* Every placing of queens on boards of four to nine squares a side, by arrays with undo; then walks of a knight: backtracking. */
#include "../guest.h"

#define EXPECTED 0x853d87b2u

#define LARGEST 10

static u8 columns[LARGEST], up[2 * LARGEST], down[2 * LARGEST], rows[LARGEST];
static u32 solutions, shape;

static void place(u32 column, u32 size) {
  if (column == size) {
    solutions++;
    for (u32 i = 0; i < size; i++) shape = shape * 31 + columns[i];
    return;
  }
  for (u32 row = 0; row < size; row++) {
    if (rows[row] || up[row + column] || down[row + size - column]) continue;
    rows[row] = up[row + column] = down[row + size - column] = 1;
    columns[column] = row;
    place(column + 1, size);
    rows[row] = up[row + column] = down[row + size - column] = 0;
  }
}

static u32 tours;
static u8 board[5][5];

static void hop(i32 x, i32 y, u32 step, u32 last) {
  static const signed char dx[8] = {1, 2, 2, 1, -1, -2, -2, -1}, dy[8] = {-2, -1, 1, 2, 2, 1, -1, -2};
  board[x][y] = 1;
  if (step == last) tours += x * 5 + y + 1;
  else
    for (u32 k = 0; k < 8; k++) {
      i32 u = x + dx[k], v = y + dy[k];
      if (u >= 0 && u < 5 && v >= 0 && v < 5 && !board[u][v]) hop(u, v, step + 1, last);
    }
  board[x][y] = 0;
}

int main(void) {
  for (u32 size = 4; size <= LARGEST - 1; size++) place(0, size);
  for (i32 corner = 0; corner < 5; corner++) hop(corner, 0, 1, 12);
  return report("queens", solutions * 65599 ^ shape ^ tours * 2654435761u, EXPECTED);
}
