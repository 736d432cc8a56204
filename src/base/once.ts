/** Memos that live as long as what they are about: what is made must follow from that alone. */

/** Gives the function that makes a value once for each object. */
export function once<Of extends object, T>(make: (of: Of) => T): (of: Of) => T {
  const kept = new WeakMap<Of, { readonly value: T }>();
  return (of) => {
    const known = kept.get(of) ?? { value: make(of) };
    kept.set(of, known);
    return known.value;
  };
}

/** The same for values with a key: each must follow from its key and the object alone. */
export function onceByKey<Of extends object, T>(): (of: Of, key: string, make: () => T) => T {
  const kept = once((_: Of) => new Map<string, { readonly value: T }>());
  return (of, key, make) => {
    const values = kept(of);
    const known = values.get(key) ?? { value: make() };
    values.set(key, known);
    return known.value;
  };
}
