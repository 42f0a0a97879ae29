/* The store as it is now: a hash table of keys, and of each client the last change that it asked for with its outcome. A change is
 * decided first, then made durable, then done, so that what was logged can be done again at recovery with the same result. */
#include "kv.h"

#define BUCKETS 256
#define NOTHING (-1)

static struct entry { char key[KEY_BYTES], value[VALUE_BYTES]; i32 next; } entries[KEYS_MAX];
static i32 buckets[BUCKETS], unused; /* lists through `next` */
static u32 key_count;

static struct client { struct request request; u32 status; u64 sequence; } clients[CLIENTS_MAX];

void store_open(void) {
  for (u32 i = 0; i < BUCKETS; i++) buckets[i] = NOTHING;
  for (u32 i = 0; i < KEYS_MAX; i++) entries[i].next = i + 1 < KEYS_MAX ? (i32)i + 1 : NOTHING;
  log_open();
}

/* The link that points at the key's entry, or at NOTHING where a new entry would go. */
static i32 *find(const char *key) {
  i32 *link = &buckets[crc32(key, strlen(key)) % BUCKETS];
  while (*link != NOTHING && strcmp(entries[*link].key, key) != 0) link = &entries[*link].next;
  return link;
}

const char *store_get(const char *key) {
  i32 at = *find(key);
  return at == NOTHING ? NULL : entries[at].value;
}

u32 store_count(void) { return key_count; }

bool store_next(u32 *index, char *key, char *value) {
  for (; *index < KEYS_MAX; ++*index) {
    struct entry *entry = &entries[*index];
    if (!entry->key[0]) continue;
    memcpy(key, entry->key, KEY_BYTES);
    memcpy(value, entry->value, VALUE_BYTES);
    ++*index;
    return true;
  }
  return false;
}

static struct client *find_client(const char *name) {
  for (u32 i = 0; i < CLIENTS_MAX; i++)
    if (clients[i].sequence && strcmp(clients[i].request.client, name) == 0) return &clients[i];
  return NULL;
}

u32 store_client_number(const char *name) {
  struct client *client = find_client(name);
  return client ? client->request.number : 0;
}

static struct client *most_silent(void) {
  struct client *found = &clients[0];
  for (u32 i = 1; i < CLIENTS_MAX; i++)
    if (clients[i].sequence < found->sequence) found = &clients[i]; /* a free place has sequence 0 */
  return found;
}

static void remember(const struct record *record) {
  struct client *client = find_client(record->request.client);
  if (!client) client = most_silent();
  client->request = record->request;
  client->status = record->status;
  client->sequence = record->sequence;
}

void store_apply(const struct record *record) {
  if (record->request.client[0]) remember(record);
  i32 *link = find(record->key), at = *link;
  if (record->kind == RECORD_SET) {
    if (at == NOTHING) {
      at = unused;
      unused = entries[at].next;
      entries[at].next = NOTHING;
      *link = at;
      memcpy(entries[at].key, record->key, KEY_BYTES);
      key_count++;
    }
    memcpy(entries[at].value, record->value, VALUE_BYTES);
  } else if (record->kind == RECORD_DEL && at != NOTHING) {
    *link = entries[at].next;
    memset(&entries[at], 0, sizeof entries[at]);
    entries[at].next = unused;
    unused = at;
    key_count--;
  }
}

enum kv_status store_change(const struct request *request, const char *key, const char *value) {
  struct client *client = request->client[0] ? find_client(request->client) : NULL;
  if (client && client->request.number == request->number) return client->status;
  bool there = store_get(key);
  struct record record = {.kind = value ? RECORD_SET : RECORD_DEL, .status = KV_OK, .request = *request};
  if (value ? !there && key_count >= log_keys_max() : !there) {
    record.kind = RECORD_REFUSED;
    record.status = value ? KV_FULL : KV_NONE;
    if (!request->client[0]) return record.status;
  }
  memcpy(record.key, key, strlen(key));
  if (value) memcpy(record.value, value, strlen(value));
  if (!log_append(&record)) return KV_IO_ERROR;
  store_apply(&record);
  return record.status;
}

/* Clients in the order in which they were last heard, so that recovery forgets in the same order. */
static struct client *client_of_rank(u32 rank) {
  for (u32 i = 0; i < CLIENTS_MAX; i++) {
    u32 earlier = 0;
    for (u32 j = 0; j < CLIENTS_MAX; j++) earlier += clients[j].sequence && clients[j].sequence < clients[i].sequence;
    if (clients[i].sequence && earlier == rank) return &clients[i];
  }
  return NULL;
}

bool store_dump(u32 *position, struct record *record) {
  memset(record, 0, sizeof *record);
  if (*position < KEYS_MAX && store_next(position, record->key, record->value)) {
    record->kind = RECORD_SET;
    return true;
  }
  struct client *client = client_of_rank((*position)++ - KEYS_MAX);
  if (!client) return false;
  record->kind = RECORD_CLIENT;
  record->status = client->status;
  record->request = client->request;
  return true;
}
