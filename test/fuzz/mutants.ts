/** Topologies in which something was changed at random: most of them mean nothing any more. */
import * as fc from "fast-check";
import { type Topology, topologies } from "./topologies.ts";

type Place = readonly (string | number)[];

/** What stands where it does not belong, and what a careless hand writes. */
const ODD: readonly unknown[] = [
  ...[null, true, "", -1, 0, 1, 65_536, 1e9, 1.5, [], {}, [null], [[]], { a: 1 }],
  ...[
    "all",
    "none",
    "h1",
    "h2",
    "east",
    "blue",
    "wg0",
    "eth0",
    "br100",
    "lo",
    "__proto__",
    "10.250.0.7",
    "10.77.0.5",
    "fd70::1",
  ],
  ...[
    "10.250.0.0/24",
    "10.70.0.0/24",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/8",
    "169.254.0.0/16",
    "192.168.3.0/25",
    "fe80::/10",
  ],
  ...[
    "10.250.0.1:51820",
    "[fd00:250::1]",
    "h1.example.net:0",
    "\u202e",
    "a\nb",
    "PostUp = x # y",
    "192.168.3.1",
    "198.18.0.1",
  ],
];

/** Every place in a value, the outermost first. */
function placesIn(value: unknown, at: Place = []): readonly Place[] {
  if (typeof value !== "object" || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, each]) =>
      placesIn(each, [...at, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

const valueAt = (value: unknown, place: Place): unknown =>
  place.reduce<unknown>((each, key) => (each as Readonly<Record<string, unknown>>)[key], value);

/** The value with another at a place, or without that place. */
function withAt(value: unknown, [key, ...rest]: Place, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  if (Array.isArray(value)) {
    const list = value.map((each, index) => (index === key ? withAt(each, rest, change) : each));
    return list.filter((each) => each !== undefined);
  }
  const entries = Object.entries(value as object).map(([name, each]) => [
    name,
    name === key ? withAt(each, rest, change) : each,
  ]);
  return Object.fromEntries(entries.filter(([, each]) => each !== undefined));
}

type Change =
  | { readonly kind: "odd"; readonly at: number; readonly odd: number }
  | { readonly kind: "moved"; readonly at: number; readonly from: number }
  | { readonly kind: "gone"; readonly at: number };

const at = fc.nat(999);
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant("odd" as const), at, odd: fc.nat(ODD.length - 1) }),
  fc.record({ kind: fc.constant("moved" as const), at, from: at }),
  fc.record({ kind: fc.constant("gone" as const), at }),
);

function changed(topology: unknown, each: Change): unknown {
  const places = placesIn(topology);
  const place = places[1 + (each.at % (places.length - 1))];
  if (place === undefined) return topology;
  switch (each.kind) {
    case "odd":
      return withAt(topology, place, () => ODD[each.odd]);
    case "gone":
      return withAt(topology, place, () => undefined);
    case "moved":
      return withAt(topology, place, () => valueAt(topology, places[each.from % places.length] as Place));
  }
}

export const mutants: fc.Arbitrary<Topology> = fc
  .tuple(topologies, fc.array(change, { minLength: 1, maxLength: 2 }))
  .map(([topology, changes]) => changes.reduce<unknown>(changed, topology) as Topology);
