import { Argument, Command } from "commander";
import { schema as topology } from "../validate/schema.generated.ts";
import { EXIT_DONE } from "./exit.ts";
import { manifestSchema as manifest } from "./manifest-schema.generated.ts";

const SCHEMAS = { topology, manifest } as const;

export const schemaCommand = (exit: (code: number) => void): Command =>
  new Command("schema")
    .summary("print the JSON schema of topology.yaml or of manifest.json")
    .description("Prints a JSON schema: of the topology language, or of the manifest that a build writes.")
    .addArgument(new Argument("[of]", "which one").choices(Object.keys(SCHEMAS)).default("topology"))
    .action((of: keyof typeof SCHEMAS) => {
      process.stdout.write(`${JSON.stringify(SCHEMAS[of], undefined, 2)}\n`);
      exit(EXIT_DONE);
    });
