// `npm run mutants [FILE...]`: changes the rooms that decide something in small ways, one at a time, and asks the tests
// whether they see it. Prints each change that none saw, and how many there were in each room.
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { Stryker } from "@stryker-mutator/core";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = process.argv.slice(2);
const SEEN = ["Killed", "Timeout"];
const UNSEEN = ["Survived", "NoCoverage"];

const stryker = new Stryker({
  configFile: "test/config/stryker.json",
  ...(files.length > 0 && { mutate: files }),
});
const results = await stryker.runMutationTest();

const rooms = new Map();
for (const { fileName, status } of results) {
  const [, room] = relative(root, fileName).split("/");
  const count = rooms.get(room) ?? { seen: 0, unseen: 0 };
  if (SEEN.includes(status)) count.seen += 1;
  if (UNSEEN.includes(status)) count.unseen += 1;
  rooms.set(room, count);
}
for (const [room, { seen, unseen }] of [...rooms].sort()) console.log(`${room}: ${seen} seen, ${unseen} not`);
