/** What is read, and its shape. */
import type { Entries } from "./entry.ts";

export const file = {
  // The file.
  "source-too-large": {
    severity: "error",
    message: "the topology has {bytes} bytes; netgen reads at most {limit}",
    hint: "check that this is the topology, and not some other file",
  },
  "source-form": {
    severity: "error",
    message: "this file is {form}; netgen reads UTF-8",
    hint: "save it as UTF-8, with line ends of Unix (LF) or Windows (CRLF)",
  },
  "source-control-character": {
    severity: "error",
    message: "the character {character} may not stand in a topology: it is invisible or changes how the line is shown",
    hint: "delete it and type the text anew",
  },
  "yaml-syntax": {
    severity: "error",
    message: "this is not YAML: {problem}",
    hint: "look at the indentation, the colon and the quotes of this line and the one before it",
  },
  "yaml-too-deep": {
    severity: "error",
    message: "the file is nested more than {limit} levels deep here",
    hint: "no part of the language needs more than 9 levels: look for a bracket that is never closed",
  },
  "yaml-duplicate-key": {
    severity: "error",
    message: 'the key "{key}" stands twice in one mapping; only one value can count',
    hint: "delete one of the two, or rename it",
  },
  "yaml-key-not-text": {
    severity: "error",
    message: "a key must be plain text; this one is a {kind}",
    hint: "write the key as a word, in quotes if need be",
  },
  "yaml-several-documents": {
    severity: "error",
    message: "the file holds more than one YAML document; netgen reads exactly one",
    hint: 'delete this "---" line, or move what follows it to a file of its own',
  },
  "yaml-alias-cycle": {
    severity: "error",
    message: "the alias *{alias}* stands inside its own anchor, so it has no end",
    hint: "write the value out here",
  },
  "yaml-alias-bomb": {
    severity: "error",
    message: "aliases make the file grow past {limit} values",
    hint: "write the values out, or use hostDefaults for what all hosts share",
  },

  // Shape.
  "key-unknown": {
    severity: "error",
    message: '"{key}" is no key of {parent}; {known}',
    hint: "{suggestion}",
  },
  "key-missing": {
    severity: "error",
    message: '{parent} lacks the key "{key}": {purpose}',
    hint: 'add "{key}: {example}"',
  },
  "language-version-unknown": {
    severity: "error",
    message: "the language version is {value}; this netgen knows only version 1",
    hint: 'write "netgen: 1"',
  },
  "value-type": {
    severity: "error",
    message: "{where} is {actual}; it must be {expected}",
    hint: "write it like this: {example}",
  },
  "value-choice": {
    severity: "error",
    message: '{where} is "{value}"; it must be {expected}',
    hint: "{suggestion}",
  },
  "value-range": {
    severity: "error",
    message: "{where} is {value}; it must be {expected}",
    hint: "write it like this: {example}",
  },
  "list-empty": {
    severity: "error",
    message: "{where} is empty; it needs at least {count} {noun}",
    hint: "write it like this: {example}",
  },
  "list-duplicate": {
    severity: "error",
    message: '{where} names "{value}" twice',
    hint: "delete one of the two",
  },
  "name-malformed": {
    severity: "error",
    message:
      '"{value}" cannot be the name of {what}: a name is 1 to 63 of a-z, 0-9, "." and "-", starts with a letter or digit, and has no two dots in a row',
    hint: "choose a name that is also good as a directory and a host name, such as alpha or rack1-a",
  },
  "address-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "prefix-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "prefix-host-bits": {
    severity: "error",
    message: '"{value}" has host bits set: the network is {network}',
    hint: "write {network}; an address of its own goes under gateway or addresses",
  },
  "endpoint-malformed": {
    severity: "error",
    message: '{where} is "{value}", which is not {expected}',
    hint: "write it like this: {example}",
  },
  "public-key-malformed": {
    severity: "error",
    message:
      'the public key of {host} is "{value}", which is not base64 of 32 bytes, not all zero (44 characters, the last "=")',
    hint: "paste what `wg pubkey` or `netgen keys list` prints for {host}",
  },
  "interface-name-malformed": {
    severity: "error",
    message:
      '{where} is "{value}"; an interface name is 1 to 15 of A-Z, a-z, 0-9, "_", "-" and ".", does not start with "-" or ".", and is not all, default, lo or a number',
    hint: "write it like this: {example}",
  },
  "version-malformed": {
    severity: "error",
    message: '{where} is "{value}"; a version is one to four numbers with dots between them',
    hint: "leave out what a distribution adds after upstream's number, and write it like this: {example}",
  },
  "text-malformed": {
    severity: "error",
    message: '{where} is "{value}"; it must be {expected}',
    hint: "write it like this: {example}",
  },
  "extra-refused": {
    severity: "error",
    message: 'the extra line "{value}" is refused: {reason}',
    hint: "write one plain line that stays inside its block; anything else belongs in a file of your own",
  },
} as const satisfies Entries;
