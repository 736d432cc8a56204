import { Argument, Command } from "commander";
import type { Completion } from "./complete.ts";
import { EXIT_DONE } from "./exit.ts";

type Shell = "bash" | "zsh" | "fish";

// Each script asks netgen itself what may come next. Its answer is a line with the kind, and a line for each candidate.
// The program is called as it stands on the line, so that a function of that name or a path to it will do.

const BASH = `# netgen's completion for bash; in ~/.bashrc: eval "$(netgen completion bash)"
_netgen() {
  local IFS=$'\\n' answer word
  word=\${COMP_WORDS[COMP_CWORD]}
  [[ $word == = ]] && word=
  answer=($("\${1/#\\~/$HOME}" completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  COMPREPLY=()
  case \${answer[0]-} in
    values) COMPREPLY=("\${answer[@]:1}") ;;
    directories) compopt -o dirnames ;;
    files) compopt -o default ;;
    topologies)
      # Where no name fits, readline looks for itself: it knows ~ and quotes.
      compopt -o filenames -o default
      COMPREPLY=($(compgen -f -X '!*.y*ml' -- "$word"; compgen -d -- "$word"))
      ;;
  esac
}
complete -F _netgen netgen
`;

const ZSH = `#compdef netgen
# netgen's completion for zsh: netgen completion zsh > a file called _netgen in a directory of $fpath, or,
# after compinit in ~/.zshrc: source <(netgen completion zsh)
_netgen() {
  local -a answer candidates
  answer=("\${(@f)$("\${(@Q)\${words[1]/#\\~/$HOME}}" completion zsh -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  [[ $PREFIX == --*=* ]] && compset -P 1 '*='
  case $answer[1] in
    values)
      candidates=("\${(@)answer[2,-1]}")
      _describe netgen candidates
      ;;
    directories) _files -/ ;;
    files) _files ;;
    topologies) _files -g '*.(yaml|yml)' ;;
  esac
}
if [[ $funcstack[1] == _netgen ]]; then _netgen "$@"; else compdef _netgen netgen; fi
`;

const FISH = `# netgen's completion for fish: netgen completion fish > ~/.config/fish/completions/netgen.fish
function __netgen_complete
    set -l words (commandline -opc)
    type -q $words[1]; or return
    set -l word (commandline -ct)
    set -l answer ($words[1] completion fish -- $words[2..-1] "$word" 2>/dev/null)
    set -l option (string match -r -- '^--[a-z-]+=' "$word")
    # Of a command that fish does not know, it completes paths.
    set -l paths "$option"(complete -C "__netgen_paths "(string replace -r -- '^--[a-z-]+=' '' "$word"))
    switch "$answer[1]"
        case values
            printf '%s\\n' "$option"$answer[2..-1]
        case directories
            string match -r -- '.*/$' $paths
        case files
            printf '%s\\n' $paths
        case topologies
            string match -r -- '.*(?:/|\\.ya?ml)$' $paths; or printf '%s\\n' $paths
    end
end
complete -c netgen -f -a '(__netgen_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** What stands between a candidate and its description; bash shows none. */
const SEPARATORS: Readonly<Record<Shell, string | undefined>> = { bash: undefined, zsh: ":", fish: "\t" };

function render({ kind, candidates }: Completion, shell: Shell): string {
  const separator = SEPARATORS[shell];
  const lines = candidates.map(({ value, description }) =>
    separator === undefined || description === "" ? value : value + separator + description,
  );
  return [kind, ...lines, ""].join("\n");
}

async function answerFor(shell: Shell, words: readonly string[], program: Command): Promise<string> {
  // Loaded here because every new shell asks for the script, and waits for it.
  const { complete } = await import("./complete.ts");
  return render(complete(program, words), shell);
}

export const completionCommand = (exit: (code: number) => void): Command =>
  new Command("completion")
    .summary("print what makes a shell complete netgen's commands")
    .description(
      "Prints a script for bash, zsh or fish: then Tab completes commands, options, files, and the names of hosts, " +
        "sites and subnets.",
    )
    .usage("bash|zsh|fish")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
    .addArgument(new Argument("[words...]", "after --: prints what may come in the place of the last"))
    .addHelpText(
      "after",
      '\nTo install:\n  bash  eval "$(netgen completion bash)"          in ~/.bashrc\n' +
        "  zsh   source <(netgen completion zsh)           in ~/.zshrc, after compinit\n" +
        "  fish  netgen completion fish | source           in ~/.config/fish/config.fish\n",
    )
    .action(async (shell: Shell, words: readonly string[], _: unknown, { parent }: Command) => {
      const isAsked = words.length > 0 && parent !== null;
      process.stdout.write(isAsked ? await answerFor(shell, words, parent) : SCRIPTS[shell]);
      exit(EXIT_DONE);
    });
