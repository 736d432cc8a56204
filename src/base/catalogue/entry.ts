/** What stands in the catalogue. */
interface Entry {
  readonly severity: "error" | "warning" | "note";
  /** What is wrong, the value quoted, the legal range stated. `{name}` is a hole that the place of the report must fill. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** By their codes: `subject-problem`; once released one is never renamed and never used for anything else. */
export type Entries = Readonly<Record<string, Entry>>;
