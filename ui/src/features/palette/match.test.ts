import { expect, test } from "vitest";
import { ACTIONS, type Action } from "../../keys/registry";
import { matching } from "./match";

const first = (query: string) => matching(ACTIONS as readonly Action[], query)[0]?.id;

test.each([
  ["sign", "sign.open"],
  ["draft", "draft.start"],
  ["go mod", "go.models"],
  ["invert", "view.invert"],
  ["proposed next", "proposal.next"],
])("%s finds %s first", (query, id) => expect(first(query)).toBe(id));

test("nothing matches nonsense, everything matches nothing", () => {
  expect(matching(ACTIONS as readonly Action[], "zzz")).toEqual([]);
  expect(matching(ACTIONS as readonly Action[], " ")).toHaveLength(ACTIONS.length);
});
