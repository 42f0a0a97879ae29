/** ChaCha20 (RFC 8439 §2.3): bytes that a guest cannot tell from random ones, as a function of a 32-byte key and a position. */

const BLOCK_BYTES = 64;

/** `length` bytes from byte `position` of the stream that `key` and `stream` name. Streams of one key are independent. */
export function keystream(key: Uint8Array, stream: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const state = initialState(key, stream);
  const block = new Uint8Array(BLOCK_BYTES);
  for (let done = 0; done < length; ) {
    const skip = (position + done) % BLOCK_BYTES;
    const index = Math.floor((position + done) / BLOCK_BYTES);
    state[12] = index;
    // The counter of RFC 8439 has 32 bits; the nonce's second word goes on where it ends.
    state[14] = index / 2 ** 32;
    chachaBlock(state, block);
    const piece = block.subarray(skip, Math.min(BLOCK_BYTES, skip + length - done));
    bytes.set(piece, done);
    done += piece.length;
  }
  return bytes;
}

/** One block: 16 words in, 64 bytes out. */
export function chachaBlock(state: Uint32Array, out: Uint8Array): void {
  const x = state.slice();
  for (let round = 0; round < 10; round++) {
    quarter(x, 0, 4, 8, 12);
    quarter(x, 1, 5, 9, 13);
    quarter(x, 2, 6, 10, 14);
    quarter(x, 3, 7, 11, 15);
    quarter(x, 0, 5, 10, 15);
    quarter(x, 1, 6, 11, 12);
    quarter(x, 2, 7, 8, 13);
    quarter(x, 3, 4, 9, 14);
  }
  const view = new DataView(out.buffer, out.byteOffset, BLOCK_BYTES);
  for (let i = 0; i < 16; i++) view.setUint32(4 * i, x[i] + state[i], true);
}

/** "expand 32-byte k", key, block counter, and a nonce whose first word is the stream. */
function initialState(key: Uint8Array, stream: number): Uint32Array {
  if (key.length !== 32) throw new RangeError(`chacha: a key of ${key.length} bytes, want 32`);
  const state = new Uint32Array(16);
  state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  for (let i = 0; i < 8; i++) state[4 + i] = view.getUint32(4 * i, true);
  state[13] = stream;
  return state;
}

function quarter(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  x[a] += x[b];
  x[d] = rotl(x[d] ^ x[a], 16);
  x[c] += x[d];
  x[b] = rotl(x[b] ^ x[c], 12);
  x[a] += x[b];
  x[d] = rotl(x[d] ^ x[a], 8);
  x[c] += x[d];
  x[b] = rotl(x[b] ^ x[c], 7);
}

const rotl = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
