/* The write-ahead log on the disk (format: firmware/README.md). Two halves: records are appended to one, a sector each, until it is
 * full; then the store is written to the other, and a superblock, two of which take turns, says which half counts. A record counts
 * when its checksum and its place in the sequence are right, so a torn write is the end of the log. */
#include "kv.h"

#define SUPERBLOCK_MAGIC 0x564b5754u /* "TWKV" */
#define RECORD_MAGIC 0x43455254u     /* "TREC" */
#define FORMAT 1
#define SUPERBLOCK_SECTOR(n) ((n) * 8)
#define LOG_SECTOR 16
#define HALF_MAX 4096
#define HALF_MIN 256
#define BLANK_SECTORS 256

struct superblock {
  u32 magic, crc; /* CRC-32 of the rest of this structure */
  u32 format, generation, half, half_sectors;
  u64 first_sequence;
};
_Static_assert(sizeof(struct superblock) == 32 && sizeof(struct record) == 176, "the format on the disk");

static enum { MEMORY_NO_DISK, MEMORY_SMALL, MEMORY_FOREIGN, MEMORY_READ_ONLY, ON_DISK } mode;
static bool broken; /* a write failed: what is on the disk is not known until the next recovery */
static struct superblock now;
static u32 position; /* sectors used in the half */
static u64 next_sequence = 1;
static u8 batch[DISK_MAX_SECTORS][SECTOR_BYTES];

static u32 superblock_crc(const struct superblock *s) { return crc32(&s->format, sizeof *s - 8); }
static u32 record_crc(const struct record *r) { return crc32(&r->sequence, sizeof *r - 8); }
static u32 half_start(u32 half) { return LOG_SECTOR + half * now.half_sectors; }

static bool read_superblock(u32 slot, struct superblock *s) {
  if (disk(DISK_READ, SUPERBLOCK_SECTOR(slot), batch, 1) != 0) return false;
  memcpy(s, batch, sizeof *s);
  if (s->magic != SUPERBLOCK_MAGIC || s->crc != superblock_crc(s) || s->format != FORMAT) return false;
  return s->half <= 1 && s->half_sectors >= HALF_MIN;
}

static bool write_superblock(struct superblock *s) {
  s->magic = SUPERBLOCK_MAGIC;
  s->format = FORMAT;
  s->crc = superblock_crc(s);
  memset(batch, 0, SECTOR_BYTES);
  memcpy(batch, s, sizeof *s);
  return disk(DISK_WRITE, SUPERBLOCK_SECTOR(s->generation & 1), batch, 1) == 0 && disk(DISK_FLUSH, 0, NULL, 0) == 0;
}

/* Somebody else's disk is left alone: only zeros, or a first superblock of ours that was torn, may be written over. */
static bool blank(void) {
  for (u32 sector = 0; sector < BLANK_SECTORS; sector += DISK_MAX_SECTORS) {
    if (disk(DISK_READ, sector, batch, DISK_MAX_SECTORS) != 0) return false;
    u32 *words = (u32 *)batch;
    bool torn = sector == SUPERBLOCK_SECTOR(1) && words[0] == SUPERBLOCK_MAGIC;
    for (u32 i = torn ? SECTOR_BYTES / 4 : 0; i < sizeof batch / 4; i++)
      if (words[i]) return false;
  }
  return true;
}

/* The newer superblock of the two, or a new one on a blank disk. */
static bool choose_half(u32 disk_sectors) {
  struct superblock other;
  bool first = read_superblock(0, &now), second = read_superblock(1, &other);
  if (second && (!first || other.generation > now.generation)) now = other;
  if (first || second) return true;
  u32 half = (disk_sectors - LOG_SECTOR) / 2;
  now = (struct superblock){.generation = 1, .half = 0, .half_sectors = half < HALF_MAX ? half : HALF_MAX, .first_sequence = 1};
  return blank() && write_superblock(&now);
}

static void recover(void) {
  next_sequence = now.first_sequence;
  for (position = 0; position < now.half_sectors; position++) {
    u32 at = position % DISK_MAX_SECTORS, left = now.half_sectors - position;
    u32 count = left < DISK_MAX_SECTORS ? left : DISK_MAX_SECTORS;
    if (at == 0 && disk(DISK_READ, half_start(now.half) + position, batch, count) != 0) {
      broken = true;
      return;
    }
    const struct record *record = (const struct record *)batch[at];
    if (record->magic != RECORD_MAGIC || record->sequence != next_sequence || record->crc != record_crc(record)) break;
    store_apply(record);
    next_sequence++;
  }
  /* The last record may have been written and not flushed: it counts now, so it must be durable before anyone hears of it. */
  if (disk(DISK_FLUSH, 0, NULL, 0) != 0) broken = true;
}

void log_open(void) {
  struct system_info system;
  system_info(&system);
  if (system.disk_sectors == 0) mode = MEMORY_NO_DISK;
  else if (system.disk_sectors < LOG_SECTOR + 2 * HALF_MIN) mode = MEMORY_SMALL;
  else if (system.disk_read_only) mode = MEMORY_READ_ONLY;
  else if (!choose_half(system.disk_sectors) || now.half_sectors > (system.disk_sectors - LOG_SECTOR) / 2) mode = MEMORY_FOREIGN;
  else mode = ON_DISK;
  if (mode == ON_DISK) recover();
}

static void seal(u8 *sector, struct record *record) {
  record->magic = RECORD_MAGIC;
  record->sequence = next_sequence++;
  record->crc = record_crc(record);
  memset(sector, 0, SECTOR_BYTES);
  memcpy(sector, record, sizeof *record);
}

/* Writes the whole store to the other half, and then the superblock that makes it count. */
static bool compact(void) {
  struct superblock next = now;
  struct record record;
  u32 dumped = 0, in_batch = 0, half = !now.half;
  next.generation++;
  next.half = half;
  next.first_sequence = next_sequence;
  position = 0;
  for (bool more = true; more;) {
    more = store_dump(&dumped, &record);
    if (more) seal(batch[in_batch++], &record);
    if (in_batch == DISK_MAX_SECTORS || (!more && in_batch)) {
      if (disk(DISK_WRITE, half_start(half) + position, batch, in_batch) != 0) return false;
      position += in_batch;
      in_batch = 0;
    }
  }
  if (disk(DISK_FLUSH, 0, NULL, 0) != 0 || !write_superblock(&next)) return false;
  now = next;
  return true;
}

bool log_append(struct record *record) {
  if (mode != ON_DISK) {
    record->sequence = next_sequence++;
    return true;
  }
  if (!broken && position == now.half_sectors) broken = !compact();
  if (broken) return false;
  seal(batch[0], record);
  if (disk(DISK_WRITE, half_start(now.half) + position, batch[0], 1) != 0 || disk(DISK_FLUSH, 0, NULL, 0) != 0) broken = true;
  else position++;
  return !broken;
}

u32 log_keys_max(void) {
  /* A compaction must leave room to go on: keys and clients may fill at most half of a half. */
  u32 room = mode == ON_DISK ? now.half_sectors / 2 - CLIENTS_MAX : KEYS_MAX;
  return room < KEYS_MAX ? room : KEYS_MAX;
}

void log_describe(char *text) {
  static const char *const why[] = {
      [MEMORY_NO_DISK] = "no disk", [MEMORY_SMALL] = "the disk is too small", [MEMORY_FOREIGN] = "the disk holds something else",
      [MEMORY_READ_ONLY] = "the disk is read-only"};
  if (mode != ON_DISK) print_to(text, VALUE_BYTES, "in memory only: %s", why[mode]);
  else print_to(text, VALUE_BYTES, "on disk%s, sequence %U, log %u of %u sectors, generation %u", broken ? " (failed)" : "", next_sequence - 1,
                position, now.half_sectors, now.generation);
}
