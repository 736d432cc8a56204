import { Command } from "commander";
import { schema } from "../validate/schema.generated.ts";
import { EXIT_DONE } from "./exit.ts";

export const schemaCommand = (exit: (code: number) => void): Command =>
  new Command("schema")
    .summary("print the JSON schema of topology.yaml")
    .description("Prints the JSON schema of the topology language, for editors and for reading.")
    .action(() => {
      process.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
      exit(EXIT_DONE);
    });
