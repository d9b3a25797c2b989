import type { Wording } from "./table";

/** What can be wrong with an archive or a member of it. */
export const ARCHIVES: Record<string, Wording> = {
  "zip.not_zip": { what: "This is not a ZIP archive, or its table of contents is missing.", next: "Copy it again, or import the files that were in it." },
  "zip.structure": { what: "The structure of this archive is broken.", next: "Copy it again, or import the files that were in it." },
  "zip.too_many": { what: "This archive has too many members.", next: "Unpack it and import the folder." },
  "zip.encrypted": { what: "This member of the archive is encrypted.", next: "Unpack it with its password and import the file." },
  "zip.unsupported": { what: "This member is packed in a way that is not read here.", next: "Unpack the archive and import the folder." },
  "zip.bomb": { what: "This would unpack to far more than any image holds. Nothing of it was unpacked.", next: "Ask where the archive comes from." },
  "zip.unsafe_name": { what: "The name of this member leaves its folder. Nothing of it was unpacked.", next: "Ask where the archive comes from." },
  "zip.checksum": { what: "This member of the archive is damaged.", next: "Copy the archive again." },
};
