/* The kv server's parts: the store (what is true now), the log (what was durable), and the network (who else may ask). */
#pragma once
#include "user.h"

#define KEYS_MAX 1024
#define CLIENTS_MAX 64
#define CLIENT_BYTES 16

/* Who asks for a change: a client's name and the number it gave the request; no name, no protection from doing it twice. */
struct request { char client[CLIENT_BYTES]; u32 number; };

/* One change, as it is logged and as it is done. */
enum record_kind { RECORD_SET = 1, RECORD_DEL = 2, RECORD_REFUSED = 3, RECORD_CLIENT = 4 };
struct record {
  u32 magic, crc; /* CRC-32 of the bytes that follow it, to the end of this structure */
  u64 sequence;
  u32 kind, status;
  struct request request;
  u32 reserved;
  char key[KEY_BYTES], value[VALUE_BYTES];
};

/* kv-store.c */
void store_open(void);
const char *store_get(const char *key); /* VALUE_BYTES at least may be read there; NULL: no such key */
/** Sets (or with no value, deletes) a key, durable on return. A request already done is not done again: its status comes back. */
enum kv_status store_change(const struct request *request, const char *key, const char *value);
bool store_next(u32 *index, char *key, char *value);
u32 store_count(void);
/** The highest number that this client's changes have had; 0 when it is not known. */
u32 store_client_number(const char *client);
void store_apply(const struct record *record);      /* for the log, at recovery */
bool store_dump(u32 *position, struct record *record); /* for the log, at compaction: the whole store, record by record */

/* kv-log.c */
void log_open(void); /* recovers by store_apply, or leaves the store in memory only */
bool log_append(struct record *record); /* false: it is not durable, and the disk is to blame */
void log_describe(char *text); /* at most VALUE_BYTES */
u32 log_keys_max(void);

/* ip.c */
void ip_start(void);
void ip_frame(u8 *frame, u32 length);

/* kv-udp.c: the answer to one datagram's text, as text; returns its length. */
u32 udp_answer(const char *text, u32 length, char *reply, u32 capacity);
