/* One small printf for the kernel and the tasks. */
#include "types.h"

static void pad(void (*put)(void *, char), void *context, int count) {
  while (count-- > 0) put(context, ' ');
}

static char *decimal(char *end, u64 value) {
  do *--end = '0' + (u32)(value % 10);
  while (value /= 10);
  return end;
}

static char *decimal32(char *end, u32 value) {
  do *--end = '0' + value % 10;
  while (value /= 10);
  return end;
}

static char *hexadecimal(char *end, u32 value, int digits) {
  do *--end = "0123456789abcdef"[value & 15], digits--;
  while ((value >>= 4) || digits > 0);
  return end;
}

void format(void (*put)(void *context, char c), void *context, const char *pattern, va_list arguments) {
  for (; *pattern; pattern++) {
    if (*pattern != '%') {
      put(context, *pattern);
      continue;
    }
    char buffer[24], *end = buffer + sizeof buffer - 1, *text = end;
    bool left = false;
    int width = 0;
    *end = 0;
    if (*++pattern == '-') left = true, pattern++;
    while (*pattern >= '0' && *pattern <= '9') width = width * 10 + *pattern++ - '0';
    switch (*pattern) {
      case 's': text = va_arg(arguments, char *); break;
      case 'c': *--text = va_arg(arguments, int); break;
      case 'u': text = decimal32(end, va_arg(arguments, u32)); break;
      case 'U': text = decimal(end, va_arg(arguments, u64)); break;
      case 'x': text = hexadecimal(end, va_arg(arguments, u32), 1); break;
      case 'X': text = hexadecimal(end, va_arg(arguments, u32), 8); break;
      case 'd': {
        i32 value = va_arg(arguments, i32);
        text = decimal32(end, value < 0 ? -(u32)value : (u32)value);
        if (value < 0) *--text = '-';
        break;
      }
      default: *--text = *pattern; break;
    }
    int blanks = width - (int)strlen(text);
    if (!left) pad(put, context, blanks);
    while (*text) put(context, *text++);
    if (left) pad(put, context, blanks);
  }
}
