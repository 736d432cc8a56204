import { expect, test } from "vitest";
import { describeMachineError } from "../src/commands/exit.ts";

const described = (code: string, rest: object = {}): string | undefined =>
  describeMachineError(Object.assign(new Error("as Node says it"), { code, path: "out/x", ...rest }));

test("a part of a tree that is mounted from elsewhere is said so", () => {
  expect(described("EXDEV", { syscall: "rename", dest: "out/alpha/etc/x" })).toBe(
    "out/alpha/etc/x: it stands on another file system than the tree it belongs to; mount the whole tree, not a part of it",
  );
});

test.each(["link", "symlink"])("a file system without links is said so, by %s", (syscall) => {
  expect(described("EPERM", { syscall })).toBe(
    "out/x: this file system has no links, as FAT; use a directory on another",
  );
  expect(described("EACCES", { syscall })).toBe("out/x: permission denied");
});

test("what is refused for another reason keeps its words", () => {
  expect(described("EPERM", { syscall: "open" })).toBe("out/x: operation not permitted");
  expect(described("ESTRANGE")).toBe("as Node says it");
  expect(describeMachineError(new Error("a bug"))).toBeUndefined();
});
