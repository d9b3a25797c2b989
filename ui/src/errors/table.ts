/** What the reader of an error sees: what happened and what to do now. */
export interface Wording {
  /** What happened, to what. One short sentence. */
  what: string;
  /** What to do now. */
  next: string;
}

/** The one table from stable codes to words. Codes of the same room stand together. */
export const WORDING: Record<string, Wording> = {
  "app.internal": {
    what: "Something went wrong inside Hilum.",
    next: "Your text is kept. Try again; if it happens again, restart Hilum.",
  },
  "data.in_use": {
    what: "The data folder is in use by another Hilum.",
    next: "Close the other window or the running command, then try again.",
  },

  "vault.locked": {
    what: "The passphrase does not open the vault for this user.",
    next: "Check the name, the keyboard layout and Caps Lock. The recovery key also opens it.",
  },
  "vault.weak_passphrase": {
    what: "The passphrase is too short.",
    next: "Use at least 8 characters; several unrelated words are easiest to remember.",
  },
  "vault.exists": { what: "There is a user already.", next: "Unlock with that user's passphrase." },
  "vault.user_exists": { what: "There is a user of this name already.", next: "Choose another name." },
  "vault.wrong_recovery_key": {
    what: "This is not the recovery key of this data folder.",
    next: "Type it exactly as written down; upper and lower case and spaces do not matter.",
  },
  "vault.unknown_user": { what: "There is no user of this name.", next: "Choose a name from the list." },

  "store.stale_revision": {
    what: "The report changed while this was being saved.",
    next: "It was read again and your text was kept. Try once more.",
  },
  "store.write_failed": {
    what: "The report could not be written to the disk.",
    next: "Your text is still in the window. Free some space on the disk; Hilum keeps trying.",
  },

  "report.not_open": {
    what: "This report is signed or cancelled and cannot be changed.",
    next: "Add an addendum to say more.",
  },
  "report.outside_addendum": {
    what: "The signed text is not open while an addendum is written.",
    next: "Write in the Addendum section.",
  },
  "report.not_seen": {
    what: "Some proposed sentences of this section have not been looked at.",
    next: "Go through them with Alt Down, then accept the section.",
  },
  "report.still_proposed": {
    what: "A proposed sentence is not removed by deleting text.",
    next: "Focus it and drop it with Backspace.",
  },
  "report.not_drafted": {
    what: "This sentence did not begin as a proposal, so it cannot become one again.",
    next: "Edit it or remove it.",
  },
  "report.already_written": {
    what: "The template can be changed only while nobody has written in the report.",
    next: "Go on with this template.",
  },
  "report.empty_sentence": { what: "A sentence cannot be empty.", next: "Type its words or remove it." },

  "draft.no_model": {
    what: "No drafting model is installed, so nothing can be drafted.",
    next: "Write the report by hand, or add a model pack: Models says how.",
  },
  "draft.running": {
    what: "A draft of this report is being written already.",
    next: "Wait for it, or cancel it with Ctrl .",
  },
  "draft.not_applicable": {
    what: "The models do not know this kind of image.",
    next: "Write the report by hand.",
  },
  "draft.engine_died": {
    what: "The drafting engine stopped unexpectedly.",
    next: "Your text is safe. It starts again by itself; draft again with Ctrl G.",
  },
  "draft.timeout": {
    what: "The drafting engine did not answer in time.",
    next: "Your text is safe. Draft again with Ctrl G.",
  },
  "draft.out_of_memory": {
    what: "The drafting engine ran out of memory.",
    next: "Your text is safe. Close other programs or use a smaller model pack, then draft again.",
  },

  "sign.not_confirmed": {
    what: "Patient and accession were not both confirmed.",
    next: "Compare both with the images and tick them.",
  },
  "sign.unreviewed": {
    what: "Some proposed sentences have not been reviewed.",
    next: "Accept, edit or drop each of them: Alt Down goes to the next one.",
  },
  "sign.empty_section": { what: "A required section is empty.", next: "Write it, then sign." },
  "sign.not_open": { what: "This report is signed already.", next: "Add an addendum to say more." },

  "export.write_failed": {
    what: "The PDF could not be written there.",
    next: "Choose another folder. The signed report itself is safe in Hilum.",
  },
  "pdf.unreadable": {
    what: "The PDF cannot be shown in this window.",
    next: "It is signed and stored. Save it and open it with another program.",
  },

  "pack.hash_mismatch": {
    what: "A file of this model pack is not what it was when the pack was added.",
    next: "Do not use it. Remove the pack and add it again from its source.",
  },
  "pack.missing_file": {
    what: "A file of this model pack is missing.",
    next: "Remove the pack and add it again from its source.",
  },

  "pixels.malformed": {
    what: "The decoded image is not complete.",
    next: "Import the file again. The report can still be written.",
  },
  "decode.timeout": {
    what: "The image took too long to decode.",
    next: "The file may be damaged. Import it again from its source.",
  },
  "decode.out_of_memory": {
    what: "The image needs more memory than the decoder may use.",
    next: "The file may be damaged or is not a radiograph.",
  },
  "viewer.no_surface": {
    what: "This window can draw no image.",
    next: "Update the graphics driver, then start Hilum again.",
  },
};
