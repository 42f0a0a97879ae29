/* What the files of the shell share. */
#pragma once
#include "user.h"

#define PROMPT "twin> "
#define CTRL_C 3

struct command {
  const char *name, *usage, *help;
  void (*run)(char *rest); /* `rest`: what follows the name; NULL: a line of help only */
};
extern const struct command commands[];

/** Sends the message to the task and takes its answer in its place; false when there was none (the task died). */
bool call(u32 task, void *message, u32 length);

/** Did the user press Ctrl-C? Takes the input up to it away; what was typed after it stays. */
bool stopped(void);

void kv(char *rest);
void bench(char *rest);
