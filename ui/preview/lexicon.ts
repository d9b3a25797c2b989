import text from "../../src-tauri/crates/report/src/lexicon.txt?raw";

/** The lexicon that the shell would send. */
export const lexicon = (): string[] => text.trim().split("\n");
