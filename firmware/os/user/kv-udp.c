/* The kv store's protocol over UDP: one request a datagram, as text; a change has a number, so that asking twice is harmless. */
#include "kv.h"

static bool copy_word(char *to, const char *word, u32 capacity) {
  u32 length = word ? strlen(word) : 0;
  if (length == 0 || length >= capacity) return false;
  memset(to, 0, capacity);
  memcpy(to, word, length);
  return true;
}

static const char *change(const struct request *request, char *key_word, char *value_rest, bool set, char *result, u32 capacity) {
  char key[KEY_BYTES], value[VALUE_BYTES];
  if (!copy_word(key, key_word, sizeof key)) return "error key";
  if (set && !copy_word(value, value_rest, sizeof value)) return "error value";
  if (!set && *value_rest) return "error syntax";
  u32 last = store_client_number(request->client);
  if (request->number < last) {
    print_to(result, capacity, "stale %u", last);
    return result;
  }
  switch (store_change(request, key, set ? value : NULL)) {
    case KV_OK: return "ok";
    case KV_NONE: return "none";
    case KV_FULL: return "error full";
    case KV_IO_ERROR: break;
  }
  return "error disk";
}

static const char *perform(const struct request *request, char *rest, char *result, u32 capacity) {
  char *verb = next_word(&rest);
  if (!verb) return "error syntax";
  if (strcmp(verb, "count") == 0) {
    print_to(result, capacity, "count %u", store_count());
    return result;
  }
  char *key = next_word(&rest);
  if (strcmp(verb, "set") == 0) return change(request, key, rest, true, result, capacity);
  if (strcmp(verb, "del") == 0) return change(request, key, rest, false, result, capacity);
  if (strcmp(verb, "get") != 0 || !key || *rest) return "error syntax";
  const char *value = strlen(key) < KEY_BYTES ? store_get(key) : NULL;
  if (!value) return "none";
  print_to(result, capacity, "value %s", value);
  return result;
}

u32 udp_answer(const char *text, u32 length, char *reply, u32 capacity) {
  char line[256], result[VALUE_BYTES + 16], *rest = line;
  struct request request;
  while (length && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
  bool plain = length < sizeof line;
  for (u32 i = 0; plain && i < length; i++) plain = text[i] >= ' ' && text[i] <= '~';
  if (!plain) return print_to(reply, capacity, "- 0 error syntax\n");
  memcpy(line, text, length);
  line[length] = 0;
  if (!copy_word(request.client, next_word(&rest), CLIENT_BYTES) || !parse_number(next_word(&rest), &request.number) || request.number == 0)
    return print_to(reply, capacity, "- 0 error syntax\n");
  return print_to(reply, capacity, "%s %u %s\n", request.client, request.number, perform(&request, rest, result, sizeof result));
}
