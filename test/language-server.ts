/** The real yaml-language-server over its standard streams: as much of the protocol (LSP 3.17) as an editor needs. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const SERVER = require.resolve("yaml-language-server/bin/yaml-language-server");

export interface LspPosition {
  readonly line: number;
  readonly character: number;
}

export interface LspDiagnostic {
  readonly message: string;
  readonly range: { readonly start: LspPosition; readonly end: LspPosition };
}

export interface LspCompletion {
  readonly label: string;
  readonly documentation?: string | { readonly value: string };
  readonly insertText?: string;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

export interface Editor {
  /** Opens a text under a path, or gives it another content, and waits for what the server has to say about it. */
  readonly open: (path: string, text: string) => Promise<readonly LspDiagnostic[]>;
  /** What is offered at a place. */
  readonly complete: (path: string, position: LspPosition) => Promise<readonly LspCompletion[]>;
  /** What is shown over a place. */
  readonly hover: (path: string, position: LspPosition) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Cuts the stream into messages: each has a head with its length in bytes. */
function messageReader(receive: (message: Message) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const head = pending.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/Content-Length: (\d+)/i.exec(pending.toString("latin1", 0, head))?.[1]);
      const end = head + 4 + length;
      if (pending.length < end) return;
      receive(JSON.parse(pending.toString("utf8", head + 4, end)));
      pending = pending.subarray(end);
    }
  };
}

/** The two directions of a connection. */
function connect() {
  const server = spawn(process.execPath, [SERVER, "--stdio"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = new Map<number, (message: Message) => void>();
  const handlers = new Map<string, (params: never) => unknown>();
  const send = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  const receive = ({ id, method, params, ...answer }: Message): void => {
    if (method === undefined) answers.get(id ?? -1)?.(answer);
    else {
      const result = handlers.get(method)?.(params as never) ?? null;
      if (id !== undefined) send({ id, result });
    }
  };
  server.stdout.on("data", messageReader(receive));
  let last = 0;
  const request = <T>(method: string, params: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      last += 1;
      answers.set(last, ({ result, error }) => (error ? reject(new Error(error.message)) : resolve(result as T)));
      send({ id: last, method, params });
    });
  const notify = (method: string, params: unknown): void => send({ method, params });
  const ended = new Promise<void>((resolve) => server.on("exit", () => resolve()));
  return { handlers, request, notify, ended };
}

const uriOf = (path: string): string => pathToFileURL(path).href;

/** Starts the server in a workspace, with the user's settings under `yaml`; it asks nothing of the network. */
export async function startEditor(workspace: string, settings: object): Promise<Editor> {
  const { handlers, request, notify, ended } = connect();
  const yaml = { validate: true, completion: true, hover: true, schemaStore: { enable: false }, ...settings };
  handlers.set("workspace/configuration", ({ items }: { items: readonly { section: string }[] }) =>
    items.map(({ section }) => (section === "yaml" ? yaml : {})),
  );
  const waiting = new Map<string, (found: readonly LspDiagnostic[]) => void>();
  handlers.set(
    "textDocument/publishDiagnostics",
    ({ uri, diagnostics }: { uri: string; diagnostics: LspDiagnostic[] }) => {
      waiting.get(uri)?.(diagnostics);
      return null;
    },
  );
  await request("initialize", {
    processId: process.pid,
    rootUri: uriOf(workspace),
    workspaceFolders: [{ uri: uriOf(workspace), name: "workspace" }],
    capabilities: {
      workspace: { configuration: true },
      textDocument: {
        completion: { completionItem: { documentationFormat: ["markdown"] } },
        hover: { contentFormat: ["markdown"] },
      },
    },
  });
  notify("initialized", {});
  notify("workspace/didChangeConfiguration", { settings: { yaml } });

  const versions = new Map<string, number>();
  const at = (path: string, position: LspPosition): object => ({ textDocument: { uri: uriOf(path) }, position });
  return {
    open: (path, text) =>
      new Promise((resolve) => {
        const uri = uriOf(path);
        const version = (versions.get(uri) ?? 0) + 1;
        versions.set(uri, version);
        waiting.set(uri, resolve);
        if (version === 1) notify("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version, text } });
        else notify("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [{ text }] });
      }),
    complete: async (path, position) => {
      const answer = await request<{ items: LspCompletion[] } | LspCompletion[]>(
        "textDocument/completion",
        at(path, position),
      );
      return Array.isArray(answer) ? answer : answer.items;
    },
    hover: async (path, position) => {
      const answer = await request<{ contents: { value: string } } | null>("textDocument/hover", at(path, position));
      return answer?.contents.value ?? "";
    },
    close: async () => {
      await request("shutdown", null);
      notify("exit", null);
      await ended;
    },
  };
}
