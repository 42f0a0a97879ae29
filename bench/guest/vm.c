/* A bytecode interpreter inside the guest: indirect jumps through a table. Its program finds the longest Collatz chain below a limit. */
#include "guest.h"

#define EXPECTED 0x181b0105u

#define LIMIT 8000

enum operation { PUSH, LOAD, STORE, ADD, MUL, HALVE, AND, LESS, JUMP, JUMP_ZERO, HALT };
enum variable { N, X, STEPS, BEST, BEST_N, VARIABLES };

static const struct instruction { u32 operation, argument; } program[] = {
    [0] = {PUSH, 1}, {STORE, N},
    [2] = {LOAD, N}, {PUSH, LIMIT}, {LESS, 0}, {JUMP_ZERO, 45},                  /* while n < LIMIT */
    [6] = {LOAD, N}, {STORE, X}, {PUSH, 0}, {STORE, STEPS},
    [10] = {PUSH, 1}, {LOAD, X}, {LESS, 0}, {JUMP_ZERO, 32},                     /*   while 1 < x */
    [14] = {LOAD, X}, {PUSH, 1}, {AND, 0}, {JUMP_ZERO, 24},
    [18] = {LOAD, X}, {PUSH, 3}, {MUL, 0}, {PUSH, 1}, {ADD, 0}, {JUMP, 26},      /*     x = x * 3 + 1 */
    [24] = {LOAD, X}, {HALVE, 0},                                                /*     x = x / 2 */
    [26] = {STORE, X}, {LOAD, STEPS}, {PUSH, 1}, {ADD, 0}, {STORE, STEPS}, {JUMP, 10},
    [32] = {LOAD, BEST}, {LOAD, STEPS}, {LESS, 0}, {JUMP_ZERO, 40},              /*   if best < steps */
    [36] = {LOAD, STEPS}, {STORE, BEST}, {LOAD, N}, {STORE, BEST_N},
    [40] = {LOAD, N}, {PUSH, 1}, {ADD, 0}, {STORE, N}, {JUMP, 2},
    [45] = {HALT, 0},
};

static u32 variables[VARIABLES];

static void run(const struct instruction *pc) {
  static const void *const targets[] = {&&push, &&load, &&store, &&add, &&mul, &&halve, &&and, &&less, &&jump, &&jump_zero, &&halt};
  u32 stack[16], *sp = stack, argument;
#define NEXT argument = pc->argument; goto *targets[pc++->operation]
  NEXT;
push: *sp++ = argument; NEXT;
load: *sp++ = variables[argument]; NEXT;
store: variables[argument] = *--sp; NEXT;
add: sp--; sp[-1] += sp[0]; NEXT;
mul: sp--; sp[-1] *= sp[0]; NEXT;
halve: sp[-1] >>= 1; NEXT;
and: sp--; sp[-1] &= sp[0]; NEXT;
less: sp--; sp[-1] = sp[-1] < sp[0]; NEXT;
jump: pc = program + argument; NEXT;
jump_zero: if (*--sp == 0) pc = program + argument; NEXT;
halt:;
}

int main(void) {
  run(program);
  return report("vm", variables[BEST_N] << 16 | variables[BEST], EXPECTED);
}
