import { expect, test } from "vitest";
import { pushedOut } from "./in-sight";

test.each([
  // It stood above the edge, which came up over it.
  [{ top: 600, bottom: 670 }, { top: 150, bottom: 550 }, 690, true],
  [{ top: 500, bottom: 560 }, { top: 150, bottom: 550 }, 690, true],
  // It is in sight still.
  [{ top: 400, bottom: 470 }, { top: 150, bottom: 550 }, 690, false],
  // The reader had scrolled it out of sight.
  [{ top: 700, bottom: 770 }, { top: 150, bottom: 550 }, 690, false],
  // It is longer than there is room.
  [{ top: 100, bottom: 670 }, { top: 150, bottom: 550 }, 690, false],
  // The report is hidden, and shown again.
  [{ top: 0, bottom: 0 }, { top: 0, bottom: 0 }, 690, false],
  [{ top: 600, bottom: 670 }, { top: 150, bottom: 550 }, 0, false],
])("%o in %o, whose lower edge was %d: %s", (it, area, before, out) => expect(pushedOut(it, area, before)).toBe(out));
