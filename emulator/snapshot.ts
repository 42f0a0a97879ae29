/** Snapshots: named sections of named state, a version and a checksum (machine.md, "The machine: rules, exactly"). */
import type { State, StateValue } from './devices/device.ts';

/** A snapshot that cannot be used. The message says what, why and what to do. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** Reads the fields of one section, by name; every method throws `SnapshotError` when the field is missing or of another kind. */
export interface Fields {
  /** An integer with low <= value <= high. */
  integer(name: string, low?: number, high?: number): number;
  bigint(name: string): bigint;
  boolean(name: string): boolean;
  text(name: string): string;
  /** A copy, with at most (or, with `exact`, just) `length` bytes. */
  bytes(name: string, length?: number, exact?: boolean): Uint8Array;
  list(name: string, maximum?: number): readonly StateValue[];
  /** Nested state. */
  fields(name: string): Fields;
}

/** The fields of `state`; `section` names it in errors. */
export function fieldsOf(section: string, state: StateValue | undefined): Fields {
  if (state === null || typeof state !== 'object' || Array.isArray(state) || state instanceof Uint8Array) {
    throw unfit(section, 'the section', 'a set of named fields', state);
  }
  const values = state as State;
  const want = <T extends StateValue>(name: string, kind: string, fits: (value: StateValue) => boolean): T => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || !fits(value)) throw unfit(section, name, kind, value);
    return value as T;
  };
  return {
    integer: (name, low = 0, high = Number.MAX_SAFE_INTEGER) =>
      want<number>(
        name,
        `an integer from ${low} to ${high}`,
        (v) => typeof v === 'number' && Number.isSafeInteger(v) && v >= low && v <= high,
      ),
    bigint: (name) => want<bigint>(name, 'a bigint', (v) => typeof v === 'bigint'),
    boolean: (name) => want<boolean>(name, 'true or false', (v) => typeof v === 'boolean'),
    text: (name) => want<string>(name, 'text', (v) => typeof v === 'string'),
    bytes: (name, length, exact = false) =>
      want<Uint8Array>(
        name,
        length === undefined ? 'bytes' : `${exact ? 'exactly' : 'at most'} ${length} bytes`,
        (v) => v instanceof Uint8Array && (length === undefined || (exact ? v.length === length : v.length <= length)),
      ).slice(),
    list: (name, maximum = Number.MAX_SAFE_INTEGER) =>
      want<readonly StateValue[]>(name, `a list of at most ${maximum}`, (v) => Array.isArray(v) && v.length <= maximum),
    fields: (name) => fieldsOf(`${section}.${name}`, values[name]),
  };
}

function unfit(section: string, name: string, want: string, got: StateValue | undefined): SnapshotError {
  const shown =
    got instanceof Uint8Array
      ? `${got.length} bytes`
      : got === null
        ? 'null'
        : Array.isArray(got)
          ? `a list of ${got.length}`
          : typeof got === 'object'
            ? 'fields'
            : String(got);
  return new SnapshotError(
    `the snapshot does not fit this machine: ${section}: ${name}: want ${want}, got ${shown}. Restore it with the version and configuration that saved it.`,
  );
}
