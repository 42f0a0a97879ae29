/** The machine's bounds, by name: everything that a guest or an input could otherwise make grow (ARCHITECTURE.md, invariant 8). */

/** Console bytes that wait in a device, for each port, until the guest reads them. */
export const CONSOLE_QUEUE_BYTES = 4096;

/** Descriptors of one virtqueue, at most (QueueNumMax). A power of two. */
export const QUEUE_SIZE_MAX = 256;

/** Descriptors of one chain, at most: a longer one (which must be a loop) makes the device need a reset. */
export const CHAIN_LENGTH_MAX = QUEUE_SIZE_MAX;

/** Payload of one disk request, bytes: one completion is one log entry, which must fit a quarter of the smallest ring (16 MiB). */
export const DISK_REQUEST_BYTES_MAX = 1024 * 1024;

/** Disk requests that the guest may have in flight or held back: as many as it has descriptors. */
export const DISK_REQUESTS_MAX = QUEUE_SIZE_MAX;

/** One frame without virtio_net_hdr, bytes: Ethernet with an 802.1Q tag, no FCS. */
export const FRAME_BYTES_MAX = 1518;

/** Shortest frame that is one: two addresses and a type. */
export const FRAME_BYTES_MIN = 14;

/** Bytes taken from one console or entropy buffer; the used ring says how much of it was served. */
export const SERIAL_BUFFER_BYTES_MAX = 65536;

/** Bytes of a chain's header or status parts that are gathered, at most. */
export const HEADER_BYTES_MAX = 4096;
