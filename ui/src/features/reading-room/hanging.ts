import type { ImageView, StudyDetail } from "../../ipc";

/** Rows and columns of panes. */
export type Layout = "1x1" | "1x2" | "2x1" | "2x2";
export const LAYOUTS: Layout[] = ["1x1", "1x2", "2x1", "2x2"];
/** What a pane shows. */
export type Slot = "frontal" | "lateral" | "other" | "prior frontal" | "prior lateral";
export const SLOTS: Slot[] = ["frontal", "lateral", "other", "prior frontal", "prior lateral"];
export type When = "yes" | "no" | "any";

/** How a study is hung: the first rule whose conditions hold is used. */
export interface HangingRule {
  name: string;
  /** Whether the study has a prior, and whether it has a lateral view itself. */
  prior: When;
  lateral: When;
  layout: Layout;
  /** A slot a pane, row by row; panes whose slot the study cannot fill stay out, or empty. */
  slots: Slot[];
}

export const STANDARD: HangingRule[] = [
  { name: "Beside the prior", prior: "yes", lateral: "no", layout: "1x2", slots: ["frontal", "prior frontal"] },
  { name: "Two views beside the prior", prior: "yes", lateral: "yes", layout: "2x2", slots: ["frontal", "prior frontal", "lateral", "prior lateral"] },
  { name: "Frontal and lateral", prior: "no", lateral: "yes", layout: "1x2", slots: ["frontal", "lateral"] },
  { name: "Single", prior: "any", lateral: "any", layout: "1x1", slots: ["frontal"] },
];

/** An image with the study that it is of. */
export interface Hung {
  studyUid: string;
  image: ImageView;
  /** Date of the study or time of the image; says "Prior" of a prior. */
  caption: string;
  prior: boolean;
}

export type Aspect = "frontal" | "lateral" | "other";

/** By View Position, else by the direction of the rows. */
export function aspectOf(image: Pick<ImageView, "view" | "orientation">): Aspect {
  const view = image.view.trim().toUpperCase();
  if (/^(PA|AP)/.test(view)) return "frontal";
  if (/^(LL|RL|LAT)/.test(view)) return "lateral";
  const along = image.orientation[0]?.charAt(0);
  if (along === "L" || along === "R") return "frontal";
  return along === "A" || along === "P" ? "lateral" : "other";
}

/** All that can be hung: the study's own images, then those of its priors, the newest first. */
export function stackOf(detail: Pick<StudyDetail, "studyUid" | "date" | "images" | "priors">): Hung[] {
  const own = detail.images.map((image) => ({ studyUid: detail.studyUid, image, caption: image.acquired || detail.date, prior: false }));
  const older = detail.priors.flatMap((prior) => prior.images.map((image) => ({ studyUid: prior.studyUid, image, caption: `Prior ${prior.date}`, prior: true })));
  return [...own, ...older];
}

/** "PA", "PA prior 2024-03-02": an image in a word or two. */
export function nameOf({ image, caption, prior }: Hung): string {
  return `${image.view || image.modality}${prior ? ` ${caption.replace("Prior ", "prior ")}` : ""}`;
}

const fits = (when: When, is: boolean) => when === "any" || (when === "yes") === is;

/** The panes of a study, as indices into its stack; -1 for an empty pane. At least one pane. */
export function hang(stack: readonly Hung[], rules: readonly HangingRule[]): { layout: Layout; panes: number[] } {
  const own = stack.filter((hung) => !hung.prior);
  const prior = stack.some((hung) => hung.prior);
  const lateral = own.some((hung) => aspectOf(hung.image) === "lateral");
  const rule = rules.find((r) => fits(r.prior, prior) && fits(r.lateral, lateral)) ?? STANDARD.at(-1)!;
  const taken: number[] = [];
  const panes = rule.slots.slice(0, count(rule.layout)).map((slot) => {
    const at = find(stack, slot, taken);
    if (at >= 0) taken.push(at);
    return at;
  });
  if (panes.every((at) => at < 0)) return { layout: "1x1", panes: [stack.length > 0 ? 0 : -1] };
  if (panes[0]! < 0) {
    // The first pane is never empty: a chest without a view position still hangs there.
    panes[0] = stack.findIndex((_, i) => !taken.includes(i));
  }
  return { layout: rule.layout, panes: filled(panes, rule.layout) };
}

function find(stack: readonly Hung[], slot: Slot, taken: readonly number[]): number {
  const prior = slot.startsWith("prior ");
  const aspect = slot.replace("prior ", "");
  const free = (hung: Hung, i: number) => hung.prior === prior && !taken.includes(i);
  return stack.findIndex((hung, i) => free(hung, i) && aspectOf(hung.image) === aspect);
}

export function count(layout: Layout): number {
  return { "1x1": 1, "1x2": 2, "2x1": 2, "2x2": 4 }[layout];
}

/** As many panes as the layout has. */
export function filled(panes: readonly number[], layout: Layout): number[] {
  return Array.from({ length: count(layout) }, (_, i) => panes[i] ?? -1);
}

/** Panes for another layout: what is shown stays, new panes take what is not shown yet. */
export function relaid(panes: readonly number[], layout: Layout, images: number): number[] {
  const next = filled(panes, layout);
  const free = unshown(next, images);
  return next.map((at) => (at >= 0 ? at : (free.shift() ?? -1)));
}

/** The images that no pane shows, in the order of the stack. */
export function unshown(panes: readonly number[], images: number): number[] {
  return Array.from({ length: images }, (_, i) => i).filter((i) => !panes.includes(i));
}

/** What a pane shows after the next (1) or the previous (-1) image was asked for; an empty one begins with what is not shown yet. */
export function stepped(panes: readonly number[], pane: number, by: 1 | -1, images: number): number {
  const at = panes[pane] ?? -1;
  if (at >= 0) return (at + by + images) % images;
  return unshown(panes, images)[0] ?? (by === 1 ? 0 : images - 1);
}

/** CSS pixels that the list of measurements takes of the width of the images where it stands beside them, and of their height below them. */
export const LIST = { width: 300, height: 178 };

/** Where the list of measurements leaves the images larger. It stands over none of them: a mark under it could not be seen. */
export function dockOf(area: { width: number; height: number }, layout: Layout): "beside" | "below" {
  const [rows, columns] = layout.split("x").map(Number) as [number, number];
  // A chest radiograph is about five wide and six high; the smaller measure of its pane decides how large it is shown.
  const shown = (width: number, height: number) => Math.min(width / columns / 5, height / rows / 6);
  return shown(area.width - LIST.width, area.height) > shown(area.width, area.height - LIST.height) ? "beside" : "below";
}

/** Rules as they were kept; the standard ones for what is no list of rules. */
export function parseRules(text: string | null): HangingRule[] {
  if (!text) return STANDARD;
  try {
    const rules = JSON.parse(text) as HangingRule[];
    const sound = (rule: HangingRule) => LAYOUTS.includes(rule.layout) && Array.isArray(rule.slots) && rule.slots.every((slot) => SLOTS.includes(slot));
    return Array.isArray(rules) && rules.length > 0 && rules.every(sound) ? rules : STANDARD;
  } catch {
    return STANDARD;
  }
}
