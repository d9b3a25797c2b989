import type { Annotation, ImageView } from "../../ipc";

/** An image that can be printed, its name among those of the study, and what was measured on it. */
export interface FigureRow {
  image: ImageView;
  name: string;
  measured: Annotation[];
}

/** Images in their order; two of one view are told apart by a number. */
export function rowsOf(images: readonly ImageView[], marks: readonly Annotation[]): FigureRow[] {
  const viewOf = (image: ImageView) => image.view || image.modality || "without a view";
  return images.map((image) => {
    const alike = images.filter((other) => viewOf(other) === viewOf(image));
    const name = alike.length > 1 ? `${viewOf(image)} (${alike.indexOf(image) + 1})` : viewOf(image);
    return { image, name, measured: marks.filter((mark) => mark.instanceUid === image.instanceUid && mark.measured.length > 0) };
  });
}

/** The list with the entry taken away, or put at its end. */
export function toggled(list: readonly string[], entry: string): string[] {
  return list.includes(entry) ? list.filter((one) => one !== entry) : [...list, entry];
}
