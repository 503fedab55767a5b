/**
 * Fields of one line of JSON from outside, each of the type that is asked for. Only own fields count, so that names such as
 * `__proto__` reach nothing (threat U3); numbers are read by nobody but the header (threat U12).
 * Tests: test/unit/gateways/jsonl.test.ts.
 */
import { EngineError, isEngineError } from "../../core/base/errors.ts";
import type { DeviceId, MessageId } from "../../core/base/ids.ts";
import { isHex, parseOrder, STAMP_MS_MAX } from "../../core/inbox/stamp.ts";
import type { OrderKey } from "../../core/inbox/types.ts";

/** Why a line is left out; caught where lines are read. */
export class LineFault extends Error {}

export class JsonFields {
  readonly #value: object;

  private constructor(value: object) {
    this.#value = value;
  }

  /** @throws LineFault where the line is no JSON object. */
  static parse(line: string): JsonFields {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new LineFault("not JSON");
    }
    return JsonFields.#of(value);
  }

  static #of(value: unknown): JsonFields {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new LineFault("not a JSON object");
    return new JsonFields(value);
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value !== "string") throw new LineFault(`${name} is no text`);
    return value;
  }

  texts(name: string, limit: { readonly countMax: number }): readonly string[] {
    const value = this.#get(name);
    const isList = Array.isArray(value) && value.length <= limit.countMax;
    if (!isList || !value.every((each): each is string => typeof each === "string"))
      throw new LineFault(`${name} is no list of texts`);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    if (typeof value !== "boolean") throw new LineFault(`${name} is neither true nor false`);
    return value;
  }

  count(name: string): number {
    const value = this.#get(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
      throw new LineFault(`${name} is no count`);
    }
    return value;
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word {
    const value = this.text(name);
    const word = words.find((each) => each === value);
    if (word === undefined) throw new LineFault(`${name} is none of ${words.join(", ")}`);
    return word;
  }

  messageId(name: string): MessageId {
    return this.#hex(name, 32) as MessageId;
  }

  deviceId(name: string): DeviceId {
    return this.#hex(name, 64) as DeviceId;
  }

  order(name: string): OrderKey {
    const text = this.text(name);
    try {
      return parseOrder(text);
    } catch (error) {
      if (isEngineError(error, "WIRE_NOT_CANONICAL")) throw new LineFault(`${name} is no order`);
      throw error;
    }
  }

  /** Milliseconds of an RFC 3339 time, exactly as the writer writes it. */
  timeMs(name: string): number {
    const text = this.text(name);
    const ms = Date.parse(text);
    const isCanonical = ms >= 0 && ms <= STAMP_MS_MAX && new Date(ms).toISOString() === text;
    if (!isCanonical) throw new LineFault(`${name} is an impossible time`);
    return ms;
  }

  nested(name: string): JsonFields {
    return JsonFields.#of(this.#get(name));
  }

  /** Null, or what `read` makes of it. */
  optional<Value>(name: string, read: (name: string) => Value): Value | null {
    return this.#get(name) === null ? null : read(name);
  }

  #hex(name: string, digits: number): string {
    const value = this.text(name);
    if (value.length !== digits || !isHex(value))
      throw new LineFault(`${name} is no id of ${digits} hex digits`);
    return value;
  }

  #get(name: string): unknown {
    if (!Object.hasOwn(this.#value, name)) throw new LineFault(`${name} is missing`);
    return (this.#value as Readonly<Record<string, unknown>>)[name];
  }
}

/** Runs a check that throws an operating error about a value, as a fault of the line. */
export function checked(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof EngineError ? new LineFault(error.message) : error;
  }
}
