/* The shell's `kv` commands: each a question to the kv server. */
#include "shell.h"

static const char *const complaint[] = {
    [KV_OK] = "ok", [KV_NONE] = "no such key", [KV_FULL] = "error: the store is full", [KV_IO_ERROR] = "error: the disk failed"};

static bool fill(char *to, const char *from, u32 bytes) {
  u32 length = from ? strlen(from) : 0;
  if (length == 0 || length >= bytes) return false;
  memcpy(to, from, length + 1);
  return true;
}

static bool request(struct kv_message *m, enum kv_operation operation) {
  m->operation = operation;
  if (call(TASK_KV, m, sizeof *m)) return true;
  print("kv: the server died; what it said ok to is kept\n");
  return false;
}

static void list(struct kv_message *m) {
  u32 count = 0;
  for (m->index = 0; request(m, KV_LIST) && m->status == KV_OK && !stopped(); count++) print("%s %s\n", m->key, m->value);
  print("%u keys\n", count);
}

/* "k17" and "v17": what a test can check without having been told. */
static void numbered(char *text, char letter, u32 number) {
  char digits[10];
  u32 count = 0;
  do digits[count++] = '0' + number % 10;
  while (number /= 10);
  *text++ = letter;
  while (count) *text++ = digits[--count];
  *text = 0;
}

static void load(struct kv_message *m, u32 first, u32 count) {
  for (u32 i = 0; i < count; i++) {
    if (stopped()) return print("^C\n");
    numbered(m->key, 'k', first + i);
    numbered(m->value, 'v', first + i);
    if (!request(m, KV_SET)) return;
    print("%s %s\n", complaint[m->status], m->key);
    if (m->status != KV_OK) return;
  }
  print("loaded %u\n", count);
}

static void check(struct kv_message *m, u32 first, u32 count) {
  u32 wrong = 0;
  for (u32 i = 0; i < count; i++) {
    char value[VALUE_BYTES];
    if (stopped()) return print("^C\n");
    numbered(m->key, 'k', first + i);
    numbered(value, 'v', first + i);
    if (!request(m, KV_GET)) return;
    if (m->status == KV_OK && strcmp(m->value, value) == 0) continue;
    wrong++;
    print("wrong k%u\n", first + i);
  }
  print("checked %u, wrong %u\n", count, wrong);
}

void kv(char *rest) {
  struct kv_message m = {.status = 0};
  u32 first, count;
  char *verb = next_word(&rest);
  if (!verb) verb = "";
  if (strcmp(verb, "list") == 0) return list(&m);
  if (strcmp(verb, "status") == 0) {
    if (request(&m, KV_STATUS)) print("%u keys, %s\n", m.index, m.value);
    return;
  }
  bool is_load = strcmp(verb, "load") == 0;
  if (is_load || strcmp(verb, "check") == 0) {
    if (!parse_number(next_word(&rest), &first) || !parse_number(next_word(&rest), &count)) return print("usage: kv %s FIRST COUNT\n", verb);
    return (is_load ? load : check)(&m, first, count);
  }
  char *key = next_word(&rest);
  if (!fill(m.key, key, KEY_BYTES)) return print("usage: kv get|set|del|list|status|load|check; a key has 1 to %u characters\n", KEY_BYTES - 1);
  if (strcmp(verb, "get") == 0) {
    if (request(&m, KV_GET)) print("%s\n", m.status == KV_OK ? m.value : complaint[m.status]);
  } else if (strcmp(verb, "set") == 0) {
    if (!fill(m.value, rest, VALUE_BYTES)) return print("usage: kv set KEY VALUE, where the value has 1 to %u characters\n", VALUE_BYTES - 1);
    if (request(&m, KV_SET)) print("%s\n", complaint[m.status]);
  } else if (strcmp(verb, "del") == 0) {
    if (request(&m, KV_DEL)) print("%s\n", complaint[m.status]);
  } else {
    print("kv: no such verb: %s\n", verb);
  }
}
