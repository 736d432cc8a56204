/** How far a lab has come: a line for each phase and host, and on a terminal one more at the bottom, rewritten in place. */
import { CLEAR_LINE, type Screen } from "./progress.ts";

/** What is told of a run besides its results. */
export interface LabScreen {
  readonly onPhase: (phase: string) => void;
  readonly onBooted: (host: string) => void;
  /** Of the promises of this phase. */
  readonly onCount: (done: number, total: number, broken: number) => void;
  /** To be called before anything else is printed. */
  readonly clear: () => void;
  readonly end: () => void;
}

const INTERVAL_MS = 250;
/** As many names as fit a line. */
const MAX_WAITING = 4;

const BOOTING = "hosts";
const PHASES: Readonly<Record<string, string>> = { namespaces: "namespaces", underlay: "underlay", [BOOTING]: "hosts" };

interface State {
  phase: string;
  readonly waiting: Set<string>;
  count: string;
  begin: number;
}

function describe({ phase, waiting, count }: State, total: number): string {
  const names = [...waiting];
  if (phase !== BOOTING || names.length === 0) return `${PHASES[phase] ?? `proving ${phase}`}${count}`;
  const more = names.length > MAX_WAITING ? ` and ${names.length - MAX_WAITING} more` : "";
  return `booting: ${total - names.length} of ${total} up, waiting for ${names.slice(0, MAX_WAITING).join(", ")}${more}`;
}

export interface ScreenOptions extends Screen {
  readonly hosts: readonly string[];
  /** It can be rewritten, and is so many columns wide. */
  readonly columns: number | undefined;
}

/** Progress of a run on a screen, or line by line where lines stay as they are. */
export function labScreen({ write, now, hosts, columns }: ScreenOptions): LabScreen {
  const start = now();
  const state: State = { phase: "", waiting: new Set(hosts), count: "", begin: start };
  const since = (moment: number): string => `${((now() - moment) / 1000).toFixed(1)} s`;
  const clear = (): void => {
    if (columns !== undefined) write(CLEAR_LINE);
  };
  const live = (): void => {
    if (columns === undefined || state.phase === "") return;
    write(CLEAR_LINE + `${describe(state, hosts.length)} (${since(state.begin)})`.slice(0, columns - 1));
  };
  const line = (text: string): void => {
    clear();
    write(`${text}\n`);
    live();
  };
  const timer = columns === undefined ? undefined : setInterval(live, INTERVAL_MS);
  timer?.unref();
  return {
    onPhase: (phase) => {
      // A kind of promises may be measured in several goes.
      if (phase === state.phase) return;
      Object.assign(state, { phase, count: "", begin: now() });
      // On a terminal the line at the bottom says so, and the hosts their own.
      if (columns === undefined) line(`${PHASES[phase] ?? `proving ${phase}`}: begun after ${since(start)}`);
      else live();
    },
    onBooted: (host) => {
      state.waiting.delete(host);
      line(`${host}: up after ${since(start)}`);
    },
    onCount: (done, total, broken) => {
      state.count = `: ${done} of ${total}${broken === 0 ? "" : `, ${broken} broken`}`;
      live();
    },
    clear,
    end: () => {
      clearInterval(timer);
      clear();
      state.phase = "";
    },
  };
}
