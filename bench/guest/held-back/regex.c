/* Regular expressions: compiled to a non-deterministic machine, and run by sets of states (Thompson) over a log of 40 KB. */
#include "../guest.h"

#define EXPECTED 0x5bd9879fu

#define TEXT 40000
#define STATES 128

enum kind { CHARACTER, ANY, CLASS, SPLIT, MATCH };
static struct state { enum kind kind; u8 low, high, out, other; } states[STATES];
static u32 count;
static const char *pattern;
static char text[TEXT + 1];

static u8 list[2][STATES], size[2], present[STATES];
static u32 stamp;

static u32 alternation(u32 next);

/* One atom whose exit is `next`; returns its entry. Built from the right, so that every exit is known. */
static u32 new_state(enum kind kind, u32 low, u32 high, u32 out, u32 other) {
  states[count] = (struct state){kind, low, high, out, other};
  return count++;
}

static const char *end_of_atom(const char *p) {
  if (*p == '(') {
    u32 depth = 0;
    do depth += (*p == '(') - (*p == ')'); while (*p++ && depth);
    return p;
  }
  if (*p == '[') return p + 5;
  return p + 1;
}

static u32 atom(const char *p, u32 next) {
  if (*p == '(') {
    const char *saved = pattern;
    pattern = p + 1;
    u32 entry = alternation(next);
    pattern = saved;
    return entry;
  }
  if (*p == '[') return new_state(CLASS, p[1], p[3], next, 0);
  if (*p == '.') return new_state(ANY, 0, 0, next, 0);
  return new_state(CHARACTER, *p, 0, next, 0);
}

static u32 sequence(const char *p, u32 next) {
  if (!*p || *p == '|' || *p == ')') return next;
  const char *after = end_of_atom(p);
  char repeat = *after;
  if (repeat == '*' || repeat == '+') {
    u32 rest = sequence(after + 1, next), split = new_state(SPLIT, 0, 0, 0, rest);
    states[split].out = atom(p, split);
    return repeat == '*' ? split : states[split].out;
  }
  if (repeat == '?') {
    u32 rest = sequence(after + 1, next);
    return new_state(SPLIT, 0, 0, atom(p, rest), rest);
  }
  return atom(p, sequence(after, next));
}

static u32 alternation(u32 next) {
  const char *p = pattern;
  u32 entry = sequence(p, next);
  for (;;) {
    while (*p && *p != '|' && *p != ')') p = end_of_atom(p);
    if (*p != '|') return entry;
    p++;
    u32 other = sequence(p, next);
    entry = new_state(SPLIT, 0, 0, entry, other);
  }
}

static void add(u32 which, u32 s) {
  if (present[s] == stamp) return;
  present[s] = stamp;
  if (states[s].kind == SPLIT) add(which, states[s].out), add(which, states[s].other);
  else list[which][size[which]++] = s;
}

static void next_stamp(void) {
  if (++stamp == 256) {
    for (u32 i = 0; i < STATES; i++) present[i] = 0;
    stamp = 1;
  }
}

/* Counts the places where a match ends; a search may begin everywhere. */
static u32 search(const char *expression) {
  count = 0;
  pattern = expression;
  u32 start = alternation(new_state(MATCH, 0, 0, 0, 0)), found = 0, now = 0;
  size[0] = size[1] = 0;
  for (const char *p = text; *p; p++, now ^= 1) {
    u32 then = now ^ 1;
    if (p == text) next_stamp();
    add(now, start);
    next_stamp();
    size[then] = 0;
    for (u32 i = 0; i < size[now]; i++) {
      struct state *s = &states[list[now][i]];
      switch (s->kind) {
        case CHARACTER: if ((u8)*p == s->low) add(then, s->out); break;
        case CLASS: if ((u8)*p >= s->low && (u8)*p <= s->high) add(then, s->out); break;
        case ANY: if (*p != '\n') add(then, s->out); break;
        case MATCH: found += p - text; break;
        case SPLIT: break;
      }
    }
  }
  return found;
}

static void write_text(void) {
  static const char *const words[] = {"GET ", "/index.html ", "PUT ", "200", "404", "\n", "10.0.0.1 ", "error: ", "timeout ", "abab", "aab "};
  u32 seed = 17, at = 0;
  while (at < TEXT) {
    seed = seed * 1103515245 + 12345;
    for (const char *w = words[(seed >> 16) % 11]; *w && at < TEXT; w++) text[at++] = *w;
  }
  text[at] = 0;
}

int main(void) {
  static const char *const expressions[] = {"(GET|PUT) /[a-z]+.html", "[0-9]+.[0-9]+.[0-9]+.[0-9]", "(a|b)*aab", "error.*timeout", "(ab)+a?b?[1-5]"};
  u32 checksum = 0;
  write_text();
  for (u32 i = 0; i < 5; i++) checksum = checksum * 31 + search(expressions[i]);
  return report("regex", checksum, EXPECTED);
}
