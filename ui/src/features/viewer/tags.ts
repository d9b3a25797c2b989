import type { ImageView } from "../../ipc";

const FRONTAL = ["PA", "AP"];
const LATERAL = ["LL", "RL", "LAT", "LATERAL"];

/** What the codes of a file's oddities (imaging/src/header.rs) are called, where the code itself reads badly. */
const ODDITIES: Record<string, string> = { "pixels.lossy": "compressed with loss" };

/** A code of an oddity in a word or two. */
export function oddityWords(code: string): string {
  return ODDITIES[code] ?? code.replace(/^.*\./, "").replaceAll("_", " ");
}

/** What the reader of an image must know of its file: frames that are not shown, and loss in a compression (PS3.3 C.7.6.1.1.5). */
export function fileWarnings({ frames, warnings, lossyRatios }: Pick<ImageView, "frames" | "warnings" | "lossyRatios">): string[] {
  const found: string[] = [];
  if (frames > 1) found.push(`Frame 1 of ${frames}; the others are not shown`);
  // One ratio a compression, where there was more than one.
  const ratios = lossyRatios.map((ratio) => `${Number(ratio.toFixed(1))}:1`).join(", then ");
  if (warnings.includes("pixels.lossy")) found.push(`Compressed with loss${ratios && `, ${ratios}`}`);
  return found;
}

/**
 * What the tags of an image say against each other or against how a chest is usually shown, in
 * plain sentences: view position (0018,5101) beside patient orientation (0020,0020).
 */
export function tagWarnings(image: Pick<ImageView, "view" | "orientation" | "laterality" | "bodyPart">): string[] {
  const view = image.view.trim().toUpperCase();
  const [row = "", column = ""] = image.orientation;
  const along = row.charAt(0);
  const down = column.charAt(0);
  const found: string[] = [];
  if (!along || !down) {
    found.push("Orientation is not in the tags: sides are not marked");
    return found;
  }
  if (FRONTAL.includes(view)) {
    if (along === "A" || along === "P") found.push(`Tags disagree: view ${view}, but rows run to ${along}, as in a lateral`);
    else if (along === "R") found.push("By the tags the patient's right is on the right of the stored image");
  }
  if (LATERAL.includes(view) && (along === "L" || along === "R")) found.push(`Tags disagree: view ${view}, but rows run to ${along}, as in a frontal`);
  if (down === "H") found.push("By the tags the image is stored upside down");
  if (FRONTAL.includes(view) && /^(L|R)$/.test(image.laterality) && /CHEST|THORAX|LUNG/i.test(image.bodyPart)) {
    found.push(`Tags say laterality ${image.laterality} of a frontal chest`);
  }
  return found;
}
