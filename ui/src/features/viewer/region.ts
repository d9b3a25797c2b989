import type { AnnotationKind, PixelDescription } from "../../ipc";
import { boxOf, statisticsOf, type RegionStatistics } from "./measure";
import type { Surface } from "./surface";
import type { Point } from "./view";

/** Statistics of regions of one image, each read once from the surface that holds its pixels. */
export class Regions {
  private readonly known = new Map<string, RegionStatistics | null>();

  constructor(private readonly most = 40) {}

  /** Null for marks that are no region, and where the pixels cannot be had. */
  of(kind: AnnotationKind, points: readonly Point[], surface: Surface, about: PixelDescription): RegionStatistics | null {
    const [a, b] = points;
    if (!a || !b || (kind !== "rectangle" && kind !== "ellipse")) return null;
    const key = JSON.stringify([kind, a, b]);
    if (!this.known.has(key)) {
      const box = boxOf(a, b, { width: about.columns, height: about.rows });
      const texels = surface.region(box.x, box.y, box.width, box.height);
      if (this.known.size >= this.most) this.known.clear();
      this.known.set(key, texels && statisticsOf(kind, a, b, box, texels, about));
    }
    return this.known.get(key)!;
  }

  clear(): void {
    this.known.clear();
  }
}
