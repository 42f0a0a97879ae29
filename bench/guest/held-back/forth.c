/* A small Forth: a text interpreter with a dictionary that compiles to threaded code; its programs sieve, sort and count. */
#include "../guest.h"

#define EXPECTED 0xd65dd115u

typedef union cell { u32 number; union cell *at; void (*code)(void); } cell;

struct word { const char *name; u32 length, immediate; void (*code)(void); cell *body; };

static struct word words[96];
static u32 word_count, compiling;
static cell space[2048], *here, *ip;
static u32 stack[64], *sp;
static cell *returns[64], **rp;
static u32 loops[32], *lp;
static u32 data[4096];
static const char *source;
static u32 output;

static const char program[] =
    ": square dup * ; : even? 1 and 0 = ; "
    ": collatz 0 swap begin dup 1 > while dup even? if 1 rshift else 3 * 1 + then swap 1 + swap repeat drop ; "
    ": longest 0 400 1 do i collatz over over < if swap then drop loop ; "
    ": fib dup 2 < if else dup 1 - fib swap 2 - fib + then ; "
    ": clear 0 1000 0 do 1 i ! loop drop ; "
    ": strike dup square begin dup 1000 < while 0 over ! over + repeat drop drop ; "
    ": primes clear 0 1000 2 do i @ if 1 + i 32 < if i strike then then loop ; "
    ": fill 12345 200 0 do 1103515245 * 12345 + dup 16 rshift i ! loop drop ; "
    ": exchange over over @ swap @ rot ! swap ! ; "
    ": bubble fill 199 0 do 199 i - 0 do i 1 + @ i @ < if i @ i 1 + @ i ! i 1 + ! then loop loop ; "
    ": hash 0 200 0 do 31 * i @ + loop ; "
    "longest . 20 fib . primes . bubble hash . primes . bubble hash . longest . ";

static void next_word(void) {
  for (;;) {
    void (*code)(void) = (ip++)->code;
    if (!code) return;
    code();
  }
}

static void literal(void) { *sp++ = (ip++)->number; }
static void enter(void) { cell *body = (ip++)->at; *rp++ = ip; ip = body; }
static void leave(void) { ip = *--rp; }
static void jump(void) { ip = ip->at; }
static void jump_zero(void) { ip = *--sp ? ip + 1 : ip->at; }
static void begin_do(void) { sp -= 2; *lp++ = sp[0]; *lp++ = sp[1]; }
static void end_do(void) { if (++lp[-1] < lp[-2]) ip = ip->at; else lp -= 2, ip++; }

static void add(void) { sp--; sp[-1] += *sp; }
static void subtract(void) { sp--; sp[-1] -= *sp; }
static void multiply(void) { sp--; sp[-1] *= *sp; }
static void and_bits(void) { sp--; sp[-1] &= *sp; }
static void rshift(void) { sp--; sp[-1] >>= *sp; }
static void less(void) { sp--; sp[-1] = (i32)sp[-1] < (i32)*sp; }
static void more(void) { sp--; sp[-1] = (i32)sp[-1] > (i32)*sp; }
static void equal(void) { sp--; sp[-1] = sp[-1] == *sp; }
static void dup(void) { *sp = sp[-1]; sp++; }
static void drop(void) { sp--; }
static void swap(void) { u32 x = sp[-1]; sp[-1] = sp[-2]; sp[-2] = x; }
static void over(void) { *sp = sp[-2]; sp++; }
static void rot(void) { u32 x = sp[-3]; sp[-3] = sp[-2]; sp[-2] = sp[-1]; sp[-1] = x; }
static void fetch(void) { sp[-1] = data[sp[-1]]; }
static void store(void) { sp -= 2; data[sp[1]] = sp[0]; }
static void index_word(void) { *sp++ = lp[-1]; }
static void print(void) { output = output * 31 + *--sp; }

static void emit(void (*code)(void)) { (here++)->code = code; }
static cell *stack_cell[32], **cp;
static void immediate_if(void) { emit(jump_zero); *cp++ = here++; }
static void immediate_else(void) { emit(jump); cell *hole = here++; cp[-1]->at = here; cp[-1] = hole; }
static void immediate_then(void) { (*--cp)->at = here; }
static void immediate_begin(void) { *cp++ = here; }
static void immediate_while(void) { emit(jump_zero); *cp++ = here++; }
static void immediate_repeat(void) { cell *hole = *--cp; emit(jump); (here++)->at = *--cp; hole->at = here; }
static void immediate_do(void) { emit(begin_do); *cp++ = here; }
static void immediate_loop(void) { emit(end_do); (here++)->at = *--cp; }
static void immediate_end(void) { emit(leave); compiling = 0; }

static void define(const char *name, u32 length, void (*code)(void), u32 immediate, cell *body) {
  words[word_count++] = (struct word){name, length, immediate, code, body};
}

static const struct { const char *name; void (*code)(void); u32 immediate; } primitives[] = {
    {"+", add, 0}, {"-", subtract, 0}, {"*", multiply, 0}, {"and", and_bits, 0}, {"rshift", rshift, 0}, {"<", less, 0}, {">", more, 0},
    {"=", equal, 0}, {"dup", dup, 0}, {"drop", drop, 0}, {"swap", swap, 0}, {"over", over, 0}, {"rot", rot, 0}, {"@", fetch, 0},
    {"!", store, 0}, {"i", index_word, 0}, {".", print, 0}, {"if", immediate_if, 1}, {"else", immediate_else, 1},
    {"then", immediate_then, 1}, {"begin", immediate_begin, 1}, {"while", immediate_while, 1}, {"repeat", immediate_repeat, 1},
    {"do", immediate_do, 1}, {"loop", immediate_loop, 1}, {";", immediate_end, 1},
};

static u32 token(const char **start) {
  while (*source == ' ') source++;
  *start = source;
  while (*source && *source != ' ') source++;
  return source - *start;
}

static struct word *find(const char *name, u32 length) {
  for (u32 i = word_count; i-- > 0;) {
    if (words[i].length != length) continue;
    u32 k = 0;
    while (k < length && words[i].name[k] == name[k]) k++;
    if (k == length) return &words[i];
  }
  return 0;
}

static u32 interpret(void) {
  const char *name;
  for (u32 length; (length = token(&name)) != 0;) {
    if (length == 1 && *name == ':') {
      length = token(&name);
      define(name, length, 0, 0, here);
      compiling = 1;
      continue;
    }
    struct word *word = find(name, length);
    cell *start = here;
    if (word && word->immediate) {
      word->code();
      continue;
    }
    if (word && word->code) emit(word->code);
    else if (word) emit(enter), (here++)->at = word->body;
    else {
      u32 number = 0;
      for (u32 k = 0; k < length; k++) {
        if (name[k] < '0' || name[k] > '9') return 1;
        number = number * 10 + (name[k] - '0');
      }
      emit(literal), (here++)->number = number;
    }
    if (compiling) continue;
    emit(0);
    here = ip = start;
    next_word();
  }
  return 0;
}

int main(void) {
  sp = stack, rp = returns, lp = loops, cp = stack_cell;
  for (u32 i = 0; i < sizeof primitives / sizeof primitives[0]; i++) {
    u32 length = 0;
    while (primitives[i].name[length]) length++;
    define(primitives[i].name, length, primitives[i].code, primitives[i].immediate, 0);
  }
  here = space;
  source = program;
  if (interpret()) return report("forth", source - program, 0);
  return report("forth", output, EXPECTED);
}
