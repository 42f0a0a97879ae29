/* Printing and word-splitting for the tasks. */
#include "user.h"

struct line { char bytes[120]; u32 length; };

static void put(void *context, char c) {
  struct line *line = context;
  line->bytes[line->length++] = c;
  if (line->length < sizeof line->bytes) return;
  write(line->bytes, line->length);
  line->length = 0;
}

void print(const char *pattern, ...) {
  struct line line = {.length = 0};
  va_list arguments;
  va_start(arguments, pattern);
  format(put, &line, pattern, arguments);
  va_end(arguments);
  write(line.bytes, line.length);
}

struct target { char *at, *end; };

static void put_text(void *context, char c) {
  struct target *target = context;
  if (target->at < target->end) *target->at++ = c;
}

u32 print_to(char *to, u32 capacity, const char *pattern, ...) {
  struct target target = {to, to + capacity - 1};
  va_list arguments;
  va_start(arguments, pattern);
  format(put_text, &target, pattern, arguments);
  va_end(arguments);
  *target.at = 0;
  return target.at - to;
}

char *next_word(char **text) {
  char *word = *text;
  while (*word == ' ') word++;
  if (!*word) return NULL;
  char *end = word;
  while (*end && *end != ' ') end++;
  while (*end == ' ') *end++ = 0;
  *text = end;
  return word;
}

bool parse_number(const char *text, u32 *number) {
  u32 value = 0;
  if (!text || !*text) return false;
  for (; *text; text++) {
    u32 digit = *text - '0';
    if (digit > 9 || value > (~0u - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *number = value;
  return true;
}
