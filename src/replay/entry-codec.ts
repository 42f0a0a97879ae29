/**
 * The bytes of one entry: a kind byte, a varint of instructions since the entry before (the first of a batch: since reset), and its
 * fields. Sequence numbers are implied.
 */
import type { ConsolePort } from '../../emulator/index.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { Entry, Seq } from './entry.ts';

/** Entry kinds. `clockOn`: at the rate of the clock entry before it in the same batch, so only the ticks between are told. */
const KIND = { clock: 1, clockOn: 2, console: 3, frame: 4, disk: 5, output: 6, protect: 7, off: 8, epoch: 9, checkpoint: 10 } as const;

/** What an entry leaves to the next in its batch. */
export interface Coder {
  at: number;
  ticks: bigint | undefined;
  num: number;
  den: number;
}
export const newCoder = (): Coder => ({ at: 0, ticks: undefined, num: 0, den: 0 });

export function encodeEntry(out: ByteWriter, coder: Coder, entry: Entry): void {
  const head = (kind: number): void => {
    if (entry.at < coder.at) throw new Error(`entry ${entry.seq} at ${entry.at} comes after one at ${coder.at}: the log never goes back`);
    out.byte(kind);
    out.varint(entry.at - coder.at);
    coder.at = entry.at;
  };
  switch (entry.kind) {
    case 'input': {
      const { input, origin } = entry;
      switch (input.kind) {
        case 'clock': {
          const since = coder.ticks === undefined ? -1n : input.ticks - coder.ticks;
          if (since >= 0n && input.num === coder.num && input.den === coder.den && origin === 0) {
            head(KIND.clockOn);
            out.varbig(since);
          } else {
            head(KIND.clock);
            out.varbig(input.ticks);
            out.varint(input.num);
            out.varint(input.den);
            out.varint(origin);
          }
          coder.ticks = input.ticks;
          coder.num = input.num;
          coder.den = input.den;
          break;
        }
        case 'console':
          head(KIND.console);
          out.byte(input.port);
          out.varint(input.bytes.length);
          out.bytes(input.bytes);
          out.varint(origin);
          break;
        case 'frame':
          head(KIND.frame);
          out.varint(input.bytes.length);
          out.bytes(input.bytes);
          out.varint(origin);
          break;
        case 'disk':
          head(KIND.disk);
          out.varint(input.request);
          out.byte(input.status);
          out.varint(input.data.length);
          out.bytes(input.data);
          out.varint(origin);
          break;
      }
      break;
    }
    case 'output':
      head(KIND.output);
      out.varint(entry.made.console);
      out.varint(entry.made.disk);
      out.varint(entry.made.net);
      out.varint(entry.made.power);
      out.digest(entry.digest);
      out.digest(entry.registers);
      break;
    case 'protect':
      head(KIND.protect);
      break;
    case 'off':
      head(KIND.off);
      out.varint(entry.code);
      break;
    case 'epoch':
      head(KIND.epoch);
      out.varint(entry.epoch);
      break;
    case 'checkpoint':
      head(KIND.checkpoint);
      out.digest(entry.digest);
      break;
  }
}

/** Throws RangeError, with what is wrong as a predicate: `is past icount 2^53`. */
export function decodeEntry(reader: ByteReader, coder: Coder, seq: Seq): Entry {
  const kind = reader.byte();
  const at = coder.at + reader.varint();
  if (!Number.isSafeInteger(at)) throw new RangeError('is past icount 2^53');
  coder.at = at;
  switch (kind) {
    case KIND.clock: {
      coder.ticks = reader.varbig();
      coder.num = reader.varint();
      coder.den = reader.varint();
      return {
        kind: 'input',
        seq,
        at,
        input: { kind: 'clock', ticks: coder.ticks, num: coder.num, den: coder.den },
        origin: reader.varint(),
      };
    }
    case KIND.clockOn: {
      if (coder.ticks === undefined) throw new RangeError('continues a clock that its batch does not have');
      coder.ticks += reader.varbig();
      return {
        kind: 'input',
        seq,
        at,
        input: { kind: 'clock', ticks: coder.ticks, num: coder.num, den: coder.den },
        origin: 0,
      };
    }
    case KIND.console: {
      const port = oneBit(reader.byte()) as ConsolePort;
      const bytes = reader.bytes(reader.varint());
      return { kind: 'input', seq, at, input: { kind: 'console', port, bytes }, origin: reader.varint() };
    }
    case KIND.frame: {
      const bytes = reader.bytes(reader.varint());
      return { kind: 'input', seq, at, input: { kind: 'frame', bytes }, origin: reader.varint() };
    }
    case KIND.disk: {
      const request = reader.varint();
      const status = oneBit(reader.byte());
      const data = reader.bytes(reader.varint());
      return { kind: 'input', seq, at, input: { kind: 'disk', request, status, data }, origin: reader.varint() };
    }
    case KIND.output: {
      const made = { console: reader.varint(), disk: reader.varint(), net: reader.varint(), power: reader.varint() };
      return { kind: 'output', seq, at, made, digest: reader.digest(), registers: reader.digest() };
    }
    case KIND.protect:
      return { kind: 'protect', seq, at };
    case KIND.off:
      return { kind: 'off', seq, at, code: reader.varint() };
    case KIND.epoch:
      return { kind: 'epoch', seq, at, epoch: reader.varint() };
    case KIND.checkpoint:
      return { kind: 'checkpoint', seq, at, digest: reader.digest() };
    default:
      throw new RangeError(`is of kind ${kind}, which this version does not have`);
  }
}

function oneBit(value: number): 0 | 1 {
  if (value !== 0 && value !== 1) throw new RangeError(`has ${value} where 0 or 1 stands`);
  return value;
}
