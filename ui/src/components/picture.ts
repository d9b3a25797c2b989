import { shell } from "../ipc";

/**
 * Reads an image's thumbnail and gives `shown` an address of it, or null where there is none. The result frees it;
 * nothing is said after that, for another image stands in its place.
 */
export function picture(instanceUid: string, shown: (url: string | null) => void): () => void {
  let current = true;
  let made: string | null = null;
  shell.thumbnail(instanceUid).then(
    (png) => {
      if (!current) return;
      if (png.byteLength > 0) made = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      shown(made);
    },
    () => {
      if (current) shown(null);
    },
  );
  return () => {
    current = false;
    if (made) URL.revokeObjectURL(made);
  };
}
