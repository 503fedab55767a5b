/**
 * Checks what a caller gave, field by field: every field has its kind and its limit, and a field that nobody asked for is refused.
 * Objects from outside are only ever read through their own keys (threat U3). Tests: test/unit/api/methods.test.ts.
 */
import { EngineError } from "../../core/base/errors.ts";

/** How one field is read; `expected` completes the sentence "must be …". */
export interface Field<Value> {
  readonly expected: string;
  readonly accepts: (value: unknown) => value is Value;
}

/** A field for each key; those of optional keys are wrapped by `optional`. */
export type Fields<Params> = {
  readonly [Key in keyof Params]-?: Field<Exclude<Params[Key], undefined>> &
    (Params extends Record<Key, Params[Key]> ? { readonly optional?: false } : { readonly optional: true });
};

export const text: Field<string> = {
  expected: "a text",
  accepts: (value) => typeof value === "string",
};

export const flag: Field<boolean> = {
  expected: "true or false",
  accepts: (value) => typeof value === "boolean",
};

/** A text that names a thing, from a caller that has no reason for a long one. */
export function shortText(limit: { readonly charactersMax: number }): Field<string> {
  return {
    expected: `a text of 1 to ${limit.charactersMax} characters`,
    accepts: (value): value is string =>
      typeof value === "string" && value.length > 0 && value.length <= limit.charactersMax,
  };
}

export function whole(limit: { readonly min: number; readonly max: number }): Field<number> {
  return {
    expected: `a whole number from ${limit.min} to ${limit.max}`,
    accepts: (value): value is number =>
      typeof value === "number" && Number.isSafeInteger(value) && value >= limit.min && value <= limit.max,
  };
}

export function oneOf<Value extends string>(values: readonly Value[]): Field<Value> {
  const known: ReadonlySet<unknown> = new Set(values);
  return { expected: `one of ${values.join(", ")}`, accepts: (value): value is Value => known.has(value) };
}

export function list<Value>(
  item: Field<Value>,
  limit: { readonly min: number; readonly max: number },
): Field<readonly Value[]> {
  return {
    expected: `a list of ${limit.min} to ${limit.max}, each ${item.expected}`,
    accepts: (value): value is readonly Value[] =>
      Array.isArray(value) &&
      value.length >= limit.min &&
      value.length <= limit.max &&
      value.every(item.accepts),
  };
}

export function optional<Value>(field: Field<Value>): Field<Value> & { readonly optional: true } {
  return { ...field, optional: true };
}

/** @throws EngineError `REQUEST_INVALID`, which names the field. */
export function readParams<Params>(given: unknown, fields: Fields<Params>): Params {
  const known = new Map<string, Field<unknown> & { readonly optional?: boolean }>(Object.entries(fields));
  const values = new Map<string, unknown>(Object.entries(objectOf(given ?? {})));
  for (const name of values.keys()) {
    if (!known.has(name)) throw invalid(`params have no field ${JSON.stringify(name.slice(0, 64))}`);
  }
  const read: [string, unknown][] = [];
  for (const [name, field] of known) {
    const value = values.get(name);
    if (value === undefined && field.optional === true) continue;
    if (value === undefined) throw invalid(`params lack ${name}`);
    if (!field.accepts(value)) throw invalid(`${name} must be ${field.expected}`);
    read.push([name, value]);
  }
  // Each field was accepted above, and there are no others.
  return Object.fromEntries(read) as Params;
}

/** @throws EngineError `REQUEST_INVALID` for anything but a plain object. */
function objectOf(given: unknown): object {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given;
  throw invalid("params must be an object");
}

function invalid(message: string): EngineError {
  return new EngineError("REQUEST_INVALID", message);
}
