/** Who can open the keys of a team: encrypted for them, and anew when somebody comes or goes. */
import { join } from "node:path";
import { Command, Option } from "commander";
import { shellWord, visible } from "../base/text.ts";
import { addRecipient, encryptKeys, listRecipients, removeRecipient } from "../keys/encrypt.ts";
import { RECIPIENTS_NAME } from "../keys/recipients.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { warnUnlessIgnored } from "./keys-session.ts";
import { identityOption, quietOption } from "./options.ts";
import { counted, printSummary, say } from "./session.ts";

interface DirectoryOptions {
  readonly keys: string;
  readonly identity?: string;
  readonly quiet?: boolean;
}

interface AddOptions extends DirectoryOptions {
  readonly comment?: string;
}

/** These commands read no topology that the directory could stand beside. */
const directoryOption = (): Option => new Option("--keys <dir>", "the directory of keys").default("keys");

async function add(recipient: string, { keys, comment, ...options }: AddOptions): Promise<number> {
  if (comment !== undefined && visible(comment) !== comment) {
    throw machineError(`a comment has one line of text: ${visible(comment)}`);
  }
  const { isChanged, encrypted, isGitIgnored } = await addRecipient(keys, { recipient, comment }, options);
  const outcome = isChanged ? `is added; ${counted(encrypted.length, "key")} encrypted` : "was there already";
  printSummary(`${join(keys, RECIPIENTS_NAME)}: ${recipient} ${outcome}\n`, options);
  warnUnlessIgnored({ keysDirectory: keys }, isGitIgnored);
  return EXIT_DONE;
}

/** The rotation that ends an encrypted key, by its file. */
function rotationOf(name: string): string {
  const [, host, pair = ""] = /^(?:(.*)\.key|psk\/(.*)\.psk)\.age$/.exec(name) ?? [];
  const hosts = host === undefined ? pair.split("--") : [host];
  // Names of hosts may have two hyphens in a row, too.
  if (hosts.length > 2) return `  netgen keys rotate topology.yaml A B   # the two of ${name}\n`;
  return `  netgen keys rotate topology.yaml ${hosts.map(shellWord).join(" ")}\n`;
}

async function remove(recipient: string, { keys, ...options }: DirectoryOptions): Promise<number> {
  const { encrypted, isGitIgnored } = await removeRecipient(keys, recipient, options);
  printSummary(
    `${join(keys, RECIPIENTS_NAME)}: ${recipient} is out; ${counted(encrypted.length, "key")} encrypted anew\n`,
    options,
  );
  const current = encrypted.filter((name) => !name.includes("previous/"));
  // Not left out for those who want no summary: without it the command has not done what it is for.
  say(
    "netgen: what it could open it still can, in every copy and in git's history. Only new keys end that:\n" +
      current.map(rotationOf).join(""),
  );
  warnUnlessIgnored({ keysDirectory: keys }, isGitIgnored);
  return EXIT_DONE;
}

function list({ keys }: DirectoryOptions): number {
  const recipients = listRecipients(keys);
  if (recipients.length === 0) say(`netgen: there is no ${join(keys, RECIPIENTS_NAME)}: keys stand in clear\n`);
  for (const { text, comment } of recipients) say(`${[text, comment].join("  ").trim()}\n`, process.stdout);
  return EXIT_DONE;
}

async function encrypt({ keys, ...options }: DirectoryOptions): Promise<number> {
  const { encrypted, isGitIgnored } = await encryptKeys(keys, options);
  const names = encrypted.map((name) => `  + ${name}\n`).join("");
  printSummary(`${names}${keys}: ${counted(encrypted.length, "key")} encrypted\n`, options);
  warnUnlessIgnored({ keysDirectory: keys }, isGitIgnored);
  return EXIT_DONE;
}

const RECIPIENT = 'age1…, as age-keygen prints it behind "public key:"';

const addCommand = (exit: (code: number) => void): Command =>
  new Command("add")
    .summary("let somebody open the keys")
    .description(
      "Names somebody in keys/recipients, and encrypts all keys for those who are named. The first one has all keys " +
        "encrypted that stand in clear. Where there are keys, what opens them is needed: --identity.",
    )
    .argument("<recipient>", RECIPIENT)
    .option("--comment <text>", "whose it is, for people")
    .addOption(directoryOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .action(async (recipient: string, options: AddOptions) => exit(await add(recipient, options)));

const removeCommand = (exit: (code: number) => void): Command =>
  new Command("remove")
    .summary("let somebody open no key from now on, and say what to rotate")
    .description(
      "Takes somebody out of keys/recipients, and encrypts all keys for the others. What that one could open stays open " +
        "to them in git's history: the keys have to be rotated, and it says which.",
    )
    .argument("<recipient>", "as keys recipients list prints it")
    .addOption(directoryOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .action(async (recipient: string, options: DirectoryOptions) => exit(await remove(recipient, options)));

const listCommand = (exit: (code: number) => void): Command =>
  new Command("list")
    .summary("print who can open the keys")
    .description("Prints who can open the keys, and what is said of each in keys/recipients.")
    .addOption(directoryOption())
    .action((options: DirectoryOptions) => exit(list(options)));

export const recipientsCommand = (exit: (code: number) => void): Command => {
  const recipients = new Command("recipients")
    .summary("say who can open the keys of a team")
    .description("Private keys are encrypted with age for all whom keys/recipients names, and go into git then.")
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .helpCommand(false);
  for (const make of [addCommand, removeCommand, listCommand]) recipients.addCommand(make(exit));
  return recipients;
};

export const encryptCommand = (exit: (code: number) => void): Command =>
  new Command("encrypt")
    .summary("encrypt what stands in clear among encrypted keys")
    .description(
      "Encrypts every key that stands in clear in a directory with recipients, and removes the clear one. It asks for " +
        "--identity first: nobody is to lock himself out.",
    )
    .addOption(directoryOption())
    .addOption(identityOption())
    .addOption(quietOption())
    .action(async (options: DirectoryOptions) => exit(await encrypt(options)));
