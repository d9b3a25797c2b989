/**
 * Where a key works. Letters never fire while a person types. "image" is the room while the
 * focus is in its images: those keys come before the room's own.
 */
export type Scope = "everywhere" | "worklist" | "image" | "room" | "proposal";

export interface Action {
  id: string;
  /** The standard ones, as in "Ctrl+K", "Alt+ArrowDown", "?" or "w"; a reader may choose others (`keymap`). The first one is shown. */
  keys: string[];
  title: string;
  group: "Everywhere" | "Worklist" | "Measure and mark" | "Image" | "Layout" | "Report" | "Proposed sentence" | "Screens";
  scope: Scope;
}

/** The one table behind shortcuts, the command palette, the help screen and tooltips. */
export const ACTIONS = [
  { id: "palette", keys: ["Ctrl+K"], title: "Command palette", group: "Everywhere", scope: "everywhere" },
  { id: "help.keys", keys: ["?", "F1"], title: "Keys and help", group: "Everywhere", scope: "everywhere" },
  { id: "about", keys: ["Shift+F1"], title: "About Hilum: versions, licences, models", group: "Everywhere", scope: "everywhere" },
  { id: "lock", keys: ["Ctrl+Shift+L"], title: "Lock the window", group: "Everywhere", scope: "everywhere" },
  { id: "import.files", keys: ["Ctrl+O"], title: "Import files…", group: "Everywhere", scope: "everywhere" },
  { id: "import.folder", keys: ["Ctrl+Shift+O"], title: "Import a folder…", group: "Everywhere", scope: "everywhere" },

  { id: "go.worklist", keys: ["Ctrl+1"], title: "Go to the worklist", group: "Screens", scope: "everywhere" },
  { id: "go.models", keys: ["Ctrl+2"], title: "Go to Models", group: "Screens", scope: "everywhere" },
  { id: "go.calibration", keys: ["Ctrl+4"], title: "Go to Calibration", group: "Screens", scope: "everywhere" },
  { id: "pack.add", keys: ["Ctrl+Shift+M"], title: "Add a model pack…", group: "Screens", scope: "everywhere" },
  { id: "go.audit", keys: ["Ctrl+3"], title: "Go to Audit", group: "Screens", scope: "everywhere" },
  { id: "go.settings", keys: ["Ctrl+,"], title: "Go to Settings", group: "Screens", scope: "everywhere" },
  { id: "theme", keys: ["Ctrl+Shift+T"], title: "Switch between dark and light", group: "Screens", scope: "everywhere" },

  { id: "worklist.search", keys: ["/"], title: "Search", group: "Worklist", scope: "worklist" },
  { id: "worklist.down", keys: ["ArrowDown", "j"], title: "Next study in the list", group: "Worklist", scope: "worklist" },
  { id: "worklist.up", keys: ["ArrowUp", "k"], title: "Previous study in the list", group: "Worklist", scope: "worklist" },
  { id: "worklist.open", keys: ["Enter"], title: "Open the study", group: "Worklist", scope: "worklist" },

  { id: "mark.undo", keys: ["Ctrl+Z"], title: "Undo a measurement or mark (focus in the image)", group: "Measure and mark", scope: "image" },
  { id: "mark.redo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], title: "Redo a measurement or mark (focus in the image)", group: "Measure and mark", scope: "image" },
  { id: "tool.select", keys: ["Escape", "s"], title: "Select", group: "Measure and mark", scope: "room" },
  { id: "tool.length", keys: ["l"], title: "Length", group: "Measure and mark", scope: "room" },
  { id: "tool.angle", keys: ["a"], title: "Angle", group: "Measure and mark", scope: "room" },
  { id: "tool.cobb", keys: ["b"], title: "Cobb angle: two lines", group: "Measure and mark", scope: "room" },
  { id: "tool.ctr", keys: ["c"], title: "Cardiothoracic ratio: heart, then thorax", group: "Measure and mark", scope: "room" },
  { id: "tool.rectangle", keys: ["q"], title: "Rectangle with statistics", group: "Measure and mark", scope: "room" },
  { id: "tool.ellipse", keys: ["o"], title: "Ellipse with statistics", group: "Measure and mark", scope: "room" },
  { id: "tool.arrow", keys: ["d"], title: "Arrow", group: "Measure and mark", scope: "room" },
  { id: "tool.text", keys: ["t"], title: "Text", group: "Measure and mark", scope: "room" },
  { id: "mark.delete", keys: ["Delete"], title: "Delete the selected mark", group: "Measure and mark", scope: "room" },
  { id: "mark.report", keys: ["Shift+M"], title: "Put the selected measurement into the report", group: "Measure and mark", scope: "room" },
  { id: "mark.list", keys: ["Shift+L"], title: "List of measurements", group: "Measure and mark", scope: "room" },

  { id: "tool.window", keys: ["w"], title: "Window and level", group: "Image", scope: "room" },
  { id: "window.wider", keys: ["Shift+ArrowRight"], title: "Wider window: less contrast", group: "Image", scope: "room" },
  { id: "window.narrower", keys: ["Shift+ArrowLeft"], title: "Narrower window: more contrast", group: "Image", scope: "room" },
  { id: "window.brighter", keys: ["Shift+ArrowUp"], title: "Brighter", group: "Image", scope: "room" },
  { id: "window.darker", keys: ["Shift+ArrowDown"], title: "Darker", group: "Image", scope: "room" },
  { id: "tool.zoom", keys: ["z"], title: "Zoom", group: "Image", scope: "room" },
  // "=" is where "+" is without Shift on many keyboards.
  { id: "view.zoom_in", keys: ["+", "="], title: "Zoom in", group: "Image", scope: "room" },
  { id: "view.zoom_out", keys: ["-"], title: "Zoom out", group: "Image", scope: "room" },
  { id: "tool.pan", keys: ["h"], title: "Pan", group: "Image", scope: "room" },
  { id: "view.left", keys: ["ArrowLeft"], title: "Move the image left", group: "Image", scope: "room" },
  { id: "view.right", keys: ["ArrowRight"], title: "Move the image right", group: "Image", scope: "room" },
  { id: "view.up", keys: ["ArrowUp"], title: "Move the image up", group: "Image", scope: "room" },
  { id: "view.down", keys: ["ArrowDown"], title: "Move the image down", group: "Image", scope: "room" },
  { id: "tool.magnify", keys: ["m"], title: "Magnifier", group: "Image", scope: "room" },
  { id: "view.invert", keys: ["i"], title: "Invert", group: "Image", scope: "room" },
  { id: "view.rotate", keys: ["r"], title: "Rotate by 90°", group: "Image", scope: "room" },
  { id: "view.flip", keys: ["x"], title: "Flip left to right", group: "Image", scope: "room" },
  { id: "view.fit", keys: ["f"], title: "Fit to the pane", group: "Image", scope: "room" },
  { id: "view.actual", keys: ["0"], title: "One to one", group: "Image", scope: "room" },
  { id: "view.reset", keys: ["Shift+R"], title: "Reset the view", group: "Image", scope: "room" },
  { id: "preset.1", keys: ["1"], title: "Window of the file", group: "Image", scope: "room" },
  { id: "preset.2", keys: ["2"], title: "Full range", group: "Image", scope: "room" },
  { id: "preset.3", keys: ["3"], title: "Lung window", group: "Image", scope: "room" },
  { id: "preset.4", keys: ["4"], title: "Mediastinum window", group: "Image", scope: "room" },
  { id: "preset.5", keys: ["5"], title: "Bone window", group: "Image", scope: "room" },
  { id: "view.curve", keys: ["u"], title: "Straight or sigmoid curve", group: "Image", scope: "room" },
  { id: "view.clahe", keys: ["k"], title: "Enhance local contrast (CLAHE), on or off", group: "Image", scope: "room" },
  { id: "view.edge", keys: ["Shift+K"], title: "Enhance edges, on or off", group: "Image", scope: "room" },
  { id: "view.overlays", keys: ["Shift+O"], title: "Overlays and shutters of the file, on or off", group: "Image", scope: "room" },
  { id: "map.toggle", keys: ["Ctrl+M", "e"], title: "Evidence map of the finding, on or off", group: "Image", scope: "room" },
  { id: "view.pattern", keys: ["Shift+T"], title: "Test pattern for this display", group: "Image", scope: "room" },

  { id: "image.next", keys: ["PageDown"], title: "Next image of the study", group: "Layout", scope: "room" },
  { id: "image.previous", keys: ["PageUp"], title: "Previous image of the study", group: "Layout", scope: "room" },
  { id: "image.layout", keys: ["v"], title: "Next layout: one, two, four panes", group: "Layout", scope: "room" },
  { id: "image.prior", keys: ["p"], title: "Prior beside, or not", group: "Layout", scope: "room" },
  { id: "image.link", keys: ["Shift+P"], title: "Link window, zoom and pan of all panes, or not", group: "Layout", scope: "room" },
  { id: "image.pane", keys: ["Shift+V"], title: "Next pane", group: "Layout", scope: "room" },
  { id: "image.hanging", keys: ["Shift+H"], title: "Hanging rules…", group: "Layout", scope: "room" },
  { id: "image.second", keys: ["F10"], title: "Images in a second window", group: "Layout", scope: "room" },
  { id: "image.full", keys: ["F11"], title: "Full screen", group: "Layout", scope: "room" },
  { id: "study.previous", keys: ["["], title: "Previous study", group: "Layout", scope: "room" },
  { id: "study.next", keys: ["]"], title: "Next study", group: "Layout", scope: "room" },

  { id: "focus.swap", keys: ["F6"], title: "Between image and report", group: "Report", scope: "room" },
  { id: "proposal.next", keys: ["Alt+ArrowDown"], title: "Next proposed sentence", group: "Report", scope: "room" },
  { id: "proposal.previous", keys: ["Alt+ArrowUp"], title: "Previous proposed sentence", group: "Report", scope: "room" },
  { id: "draft.start", keys: ["Ctrl+G"], title: "Draft with the model", group: "Report", scope: "room" },
  { id: "draft.cancel", keys: ["Ctrl+."], title: "Cancel the draft", group: "Report", scope: "room" },
  { id: "draft.raw", keys: ["Ctrl+Shift+R"], title: "Draft structured or as free text", group: "Report", scope: "room" },
  { id: "draft.prior", keys: ["Ctrl+Shift+P"], title: "Draft with or without the prior image", group: "Report", scope: "room" },
  { id: "section.again", keys: ["Ctrl+Shift+G"], title: "Draft this section again", group: "Report", scope: "room" },
  { id: "section.shorter", keys: ["Ctrl+Shift+S"], title: "Draft this section shorter", group: "Report", scope: "room" },
  { id: "section.more_detail", keys: ["Ctrl+Shift+D"], title: "Draft this section in more detail", group: "Report", scope: "room" },
  { id: "section.from_findings", keys: ["Ctrl+I"], title: "Impression from my findings", group: "Report", scope: "room" },
  { id: "evidence.show", keys: ["F7"], title: "Evidence of this sentence", group: "Report", scope: "room" },
  { id: "conflict.next", keys: ["F8"], title: "Next sentence in conflict with the models", group: "Report", scope: "room" },
  { id: "evidence.requery", keys: ["Ctrl+Shift+A"], title: "Ask the model again about every claim", group: "Report", scope: "room" },
  { id: "evidence.origin", keys: ["Ctrl+Shift+F"], title: "Where does this sentence come from?", group: "Report", scope: "room" },
  { id: "similar.show", keys: ["Ctrl+Shift+C"], title: "Similar cases, or back to the report", group: "Report", scope: "room" },
  { id: "timeline.show", keys: ["Ctrl+Shift+H"], title: "Patient's studies and prior reports, or back to the report", group: "Report", scope: "room" },
  { id: "macro.choose", keys: ["Ctrl+ "], title: "Choose a macro, or keep the selected words as one", group: "Report", scope: "room" },
  { id: "spelling.next", keys: ["F9"], title: "Next word that may be misspelt", group: "Report", scope: "room" },
  { id: "report.compare", keys: ["Ctrl+Shift+B"], title: "Compare two versions of the report", group: "Report", scope: "room" },
  { id: "report.draft_final", keys: ["Ctrl+Shift+X"], title: "What the model drafted beside what stands", group: "Report", scope: "room" },
  { id: "report.reveal", keys: ["Ctrl+Shift+E"], title: "Uncover the draft (read-first)", group: "Report", scope: "room" },
  { id: "report.cancel", keys: ["Ctrl+Shift+Delete"], title: "Cancel this report…", group: "Report", scope: "room" },
  { id: "report.find", keys: ["Ctrl+F"], title: "Find and replace in the report", group: "Report", scope: "room" },
  { id: "critical.record", keys: ["Ctrl+Shift+K"], title: "Record who was told of a critical result", group: "Report", scope: "room" },
  { id: "report.save", keys: ["Ctrl+S"], title: "Save now", group: "Report", scope: "room" },
  { id: "report.preview", keys: ["Ctrl+P"], title: "Preview as PDF", group: "Report", scope: "room" },
  { id: "sign.open", keys: ["Ctrl+Enter"], title: "Sign the report", group: "Report", scope: "room" },
  { id: "edit.undo", keys: ["Ctrl+Z"], title: "Undo typing or a decision", group: "Report", scope: "room" },
  { id: "edit.redo", keys: ["Ctrl+Shift+Z", "Ctrl+Y"], title: "Redo typing or a decision", group: "Report", scope: "room" },

  { id: "proposal.accept", keys: ["Enter"], title: "Accept", group: "Proposed sentence", scope: "proposal" },
  { id: "proposal.edit", keys: ["e"], title: "Edit", group: "Proposed sentence", scope: "proposal" },
  { id: "proposal.drop", keys: ["Backspace", "Delete"], title: "Drop", group: "Proposed sentence", scope: "proposal" },
  { id: "proposal.below", keys: ["n"], title: "Write a sentence below it", group: "Proposed sentence", scope: "proposal" },
] as const satisfies readonly Action[];

export type ActionId = (typeof ACTIONS)[number]["id"];

const byId = new Map<string, Action>(ACTIONS.map((action) => [action.id, action]));

export function action(id: ActionId): Action {
  return byId.get(id)!;
}

const WORDS: Record<string, string> = {
  " ": "Space",
  ArrowDown: "Down",
  ArrowLeft: "Left",
  ArrowRight: "Right",
  ArrowUp: "Up",
  Backspace: "⌫",
  Enter: "↵",
  PageDown: "Page Down",
  PageUp: "Page Up",
  Escape: "Esc",
  Delete: "Del",
};

/** One key as it is printed on a key cap: "Ctrl ↵", "Alt Down", "W". */
export function printed(key: string): string {
  return key
    .split(/\+(?=.)/)
    .map((part) => WORDS[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
}
