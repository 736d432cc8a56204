import { Command } from "commander";
import { diagramOf } from "../report/draw/diagram.ts";
import { renderDot } from "../report/draw/dot.ts";
import { MAX_EDGES, renderMermaid } from "../report/draw/mermaid.ts";
import { renderSvg } from "../report/draw/svg.ts";
import { reportMtu } from "../report/mtu.ts";
import { EXIT_DONE, machineError } from "./exit.ts";
import { formatOption, keysOption, quietOption, topologyArgument } from "./options.ts";
import { type CommonOptions, exitCodeOf, open, printDiagnostics } from "./session.ts";

type GraphOptions = Omit<CommonOptions, "format"> & { readonly format: "svg" | "dot" | "mermaid" };

const RENDER = {
  svg: renderSvg,
  dot: renderDot,
  mermaid: renderMermaid,
};

function graph(topology: string, { format, ...options }: GraphOptions): number {
  const session = open(topology, options);
  printDiagnostics(session, process.stderr, "text");
  if (session.model === undefined || exitCodeOf(session) !== EXIT_DONE) return exitCodeOf(session);
  const text = RENDER[format](diagramOf(session.model, reportMtu(session.model)));
  if (text === undefined) {
    throw machineError(
      `Mermaid draws no more than ${MAX_EDGES} lines, and this network has more sites that meet; use svg or dot`,
    );
  }
  process.stdout.write(text);
  return EXIT_DONE;
}

export const graphCommand = (exit: (code: number) => void): Command =>
  new Command("graph")
    .summary("draw the network")
    .description(
      "Prints a diagram: sites with their hosts, the tunnels between them and what each carries, and what lies over " +
        "them. As SVG by itself, where sites and hosts have their places; for Graphviz, which places them in its own way; or " +
        "for Mermaid, which GitHub and many wikis draw: there very many tunnels are one line between two sites.",
    )
    .addArgument(topologyArgument())
    .addOption(keysOption())
    .addOption(quietOption())
    .addOption(formatOption("the diagram", ["svg", "dot", "mermaid"]).default("svg"))
    .action((topology: string, options: GraphOptions) => exit(graph(topology, options)));
