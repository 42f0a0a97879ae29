/* The kv server: one loop, one request at a time, so that the store has one history. Requests come as messages or as frames. */
#include "kv.h"

static void serve(u32 from, struct kv_message *m) {
  const struct request nobody = {.client = "", .number = 0};
  switch (m->operation) {
    case KV_GET: {
      const char *value = store_get(m->key);
      m->status = value ? KV_OK : KV_NONE;
      if (value) memcpy(m->value, value, VALUE_BYTES);
      break;
    }
    case KV_SET:
    case KV_DEL: m->status = store_change(&nobody, m->key, m->operation == KV_SET ? m->value : NULL); break;
    case KV_LIST: m->status = store_next(&m->index, m->key, m->value) ? KV_OK : KV_NONE; break;
    case KV_STATUS:
      m->index = store_count();
      log_describe(m->value);
      break;
    case KV_CRASH: *(volatile u32 *)0xdead0 = 1;
  }
  answer(from, m, sizeof *m);
}

int main(void) {
  static union { u8 bytes[FRAME_BYTES]; struct kv_message message; } in;
  u32 from;
  store_open();
  ip_start();
  for (;;) {
    i32 length = receive(&in, sizeof in, &from);
    if (from == FROM_NET) ip_frame(in.bytes, length);
    else if (from < TASKS && length == sizeof in.message) serve(from, &in.message);
  }
}
