/** The machine's bounds, by name: everything that a guest or an input could otherwise make grow (ARCHITECTURE.md, invariant 8). */

/** Guest RAM, bytes: a multiple of 4096 between these. */
export const RAM_BYTES_MIN = 64 * 1024;
export const RAM_BYTES_MAX = 1024 * 1024 * 1024;

/** Console bytes that wait in a device, for each port, until the guest reads them. */
export const CONSOLE_QUEUE_BYTES = 4096;

/** Descriptors of one virtqueue, at most (QueueNumMax), and of one chain. A power of two. */
export const QUEUE_SIZE_MAX = 256;

/**
 * Data of one disk request, bytes. One completion is one log entry: with its batch it must fit 2 MiB, a quarter of the smallest ring
 * that carries it. And it must hold what Linux asks for where a device states no limit of its own: 1,280 KiB.
 */
export const DISK_REQUEST_BYTES_MAX = 1536 * 1024;

/** Disk requests taken from the ring and not completed: in flight, held back, or left over from before a reset. The others stay in the ring. */
export const DISK_PENDING_MAX = 256;

/** Data of all requests that DISK_PENDING_MAX counts, bytes: one more is taken only while they are below this. */
export const DISK_PENDING_BYTES_MAX = 16 * 1024 * 1024;

/** Shortest frame: two addresses and a type. Longest: Ethernet with an 802.1Q tag, no FCS. Without virtio_net_hdr. */
export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 1518;

/** Bytes of one virtio console buffer from the guest: a longer one makes the device need a reset. */
export const CONSOLE_BUFFER_BYTES_MAX = 32 * 1024;

/** Random bytes served for one buffer, at most: the used ring tells the guest how many it got. */
export const ENTROPY_BUFFER_BYTES_MAX = 4096;
