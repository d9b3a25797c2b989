#!/usr/bin/env python3
"""Measure the demo packs on synthetic radiographs that were not trained on, and write the numbers into their cards.

    synthetic_dataset.py WORK/held-out --count 1000 --seed 104
    check_demo_packs.py --set WORK/held-out --packs models/demo [--drafts 200] [--real ../shared/data] [--write] [--show 5]
    check_demo_packs.py --set WORK/held-out --packs models/demo --through target/overlaid/release/hilumctl
    check_demo_packs.py --packs models/demo --through target/overlaid/release/hilumctl --real ../shared/data

The folders are read from disk by transformers, in float32. Zero-shot scores follow the published rule (cxr-prompts.json); a map
is the difference of cosines between each patch, taken through the pooling head alone, and the present and absent prompts;
drafts are greedy answers, read back by the keyword labeller of finding_labels.py. `--through` asks the program as it is shipped
instead, and scores the same in the same way, but for the maps (check_evidence_maps.py); drafts are then also read by the program's
own labeller. `--real` adds radiographs of people, which nothing was tuned to: what the packs say of them is counted and shown, and
means nothing; without `--set` they are all that is shown.

Exit status 1 where a figure of the drawings is below what the packs are held to (BARS).
"""
import argparse
import json
import pathlib
import re
import sys

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import Gemma3ForConditionalGeneration, SiglipModel

import through_hilumctl
import tower_math
from check_cards import write_cards
from demo_models import BOS, IMAGE_SIDE, PATCH, prompt_text, siglip_ids
from finding_labels import PROMPTS, SIDES_OF, ZERO_SHOT, claims, truth
from language_tasks import NAMES, PROMPT, yes_no_prompt
from report_language import SHAPE, changes, report, sections
from real_radiographs import files, load
from synthetic_dataset import load_rows, open_set
from synthetic_findings import Findings

# What is asked of the packs. `below` says which figure is held to which.
BARS = dict(auc=0.95, inside=0.70, macro=0.85, side=0.95)
COMPARING = re.compile(r"\b(new|increased|decreased|unchanged|resolved|resolution|removed|change)\b", re.I)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--set", type=pathlib.Path)
    a.add_argument("--packs", type=pathlib.Path, default=pathlib.Path("models/demo"))
    a.add_argument("--real", type=pathlib.Path)
    a.add_argument("--through", type=pathlib.Path, metavar="HILUMCTL", help="ask this program instead of torch")
    a.add_argument("--drafts", type=int, default=200)
    a.add_argument("--show", type=int, default=3)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--skip-drafts", action="store_true", help="measure the image-text pair alone")
    a.add_argument("--write", action="store_true", help="write the cards and their manifests")
    a = a.parse_args()
    if a.through and a.write:
        raise SystemExit("--write is for what torch measures")
    if not a.set and (a.write or not a.real):
        raise SystemExit("without --set there is only --real to show")
    torch.set_num_threads(a.threads)
    if a.through:
        program = through_hilumctl.Program(a.through, a.packs, a.threads)
        pair, writer = through_hilumctl.Pair(program), through_hilumctl.Writer(program)
    else:
        program, pair, writer = None, Pair(a.packs / "medsiglip-demo"), Writer(a.packs / "medgemma-demo")
    out = drawn(pair, writer, program, a) if a.set else {}
    if a.real and not a.skip_drafts:
        out["real"] = real(pair, writer, program, a)
        print(json.dumps(out["real"], indent=1))
    if a.write:
        write_cards(a.packs, out)
    missed = below(out)
    if missed:
        sys.exit("below what is asked for: " + "; ".join(missed))


def drawn(pair, writer, program, a):
    """Everything that is measured on the drawings."""
    images, _ = open_set(a.set, None)
    rows = load_rows(a.set)
    out = dict(images=len(rows), drafts=a.drafts) | zero_shot(pair, images, rows)
    print("\n".join(f"AUC {v['auc']:.3f} right {v['right']:3d} of {v['drawn']:3d} map inside {v['inside']:.2f} {k}" for k, v in out["findings"].items()))
    print(f"macro AUC {out['auc']:.3f}; map inside {out['inside']:.3f} of {out['mapped']} positives classified rightly", flush=True)
    if not a.skip_drafts:
        out |= drafted(writer, program and through_hilumctl.Labeller(program), images, rows, a)
    return out


def below(out):
    """What is below its bar, in words. Maps that were not asked for are not numbers, and are held by nobody."""
    held = [("zero-shot macro AUC", out.get("auc"), BARS["auc"])]
    if not np.isnan(out.get("inside", np.nan)):
        held.append(("maps inside", out["inside"], BARS["inside"]))
    if "single" in out:
        held += [("macro F1", out["single"]["macro"], BARS["macro"]), ("side right", out["single"]["side"], BARS["side"])]
        if "program" in out["single"]:
            held.append(("macro F1 by the program's labeller", out["single"]["program"]["macro"], BARS["macro"]))
    return [f"{what} {found:.3f}, {bar} is asked for" for what, found, bar in held if found is not None and not found >= bar]


class Pair:
    """The image-text pair as saved."""

    def __init__(self, folder):
        self.model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        with torch.inference_mode():
            def text(sentences):
                return F.normalize(F.normalize(self.model.text_model(siglip_ids(tokenizer, sentences)).pooler_output, dim=-1).mean(0), dim=-1)
            self.directions = torch.stack([text(p["present"]) - text(p["absent"]) for p in PROMPTS.values()])

    @torch.inference_mode()
    def scores(self, images):
        """cos(present) - cos(absent) of uint8 images and of each of their patches: (images, 13), (images, patches, 13)."""
        tokens = tower_math.tokens(self.model.vision_model, tower_math.grey_patches(torch.from_numpy(np.array(images)), PATCH))
        pooled, patches = tower_math.pool(self.model.vision_model.head, tokens)
        return (F.normalize(pooled, dim=-1) @ self.directions.T).numpy(), (F.normalize(patches, dim=-1) @ self.directions.T).numpy()


class Writer:
    """The vision-language model as saved; greedy."""

    def __init__(self, folder):
        self.model = Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    @torch.inference_mode()
    def answer(self, images, question, tokens=200, batch=30):
        """Answers to one question, or to one question each: `images` is (n, images per question, side, side) uint8."""
        image_id, out = self.tokenizer.token_to_id("<image_soft_token>"), []
        questions = [question] * len(images) if isinstance(question, str) else question
        for i in range(0, len(images), batch):
            part = torch.from_numpy(np.array(images[i:i + batch]))
            n = part.shape[1]
            rows = [[BOS] + self.tokenizer.encode(prompt_text(q, n), add_special_tokens=False).ids for q in questions[i:i + batch]]
            longest = max(map(len, rows))
            ids = torch.tensor([[0] * (longest - len(r)) + r for r in rows])
            seen = dict(token_type_ids=(ids == image_id).long(), pixel_values=part.flatten(0, 1).float().div(127.5).sub(1)[:, None].expand(-1, 3, -1, -1)) if n else dict(token_type_ids=torch.zeros_like(ids))
            made = self.model.generate(input_ids=ids, attention_mask=(ids != 0).long(), **seen, max_new_tokens=tokens, do_sample=False)
            out += self.tokenizer.decode_batch(made[:, longest:].tolist(), skip_special_tokens=True)
        return out


def zero_shot(pair, images, rows):
    """AUC for each finding; of the positives with score above 0, how often the map's maximum lies in a box of that finding.

    Where the pair gives no maps the shares of them are not numbers.
    """
    scores, maps = zip(*(pair.scores(images[i:min(i + 50, len(rows))]) for i in range(0, len(rows), 50)))
    scores, maps = np.concatenate(scores), None if maps[0] is None else np.concatenate(maps)
    grid, out, inside, mapped = IMAGE_SIDE // PATCH, {}, 0, 0
    for k, name in enumerate(PROMPTS):
        shown = np.array([bool(ZERO_SHOT[name](r["findings"])) for r in rows])
        right = np.flatnonzero(shown & (scores[:, k] > 0))
        hits = 0 if maps is not None else float("nan")
        for i in right if maps is not None else ():
            row, column = np.divmod(maps[i, :, k].argmax(), grid)
            x, y = (column + 0.5) / grid, (row + 0.5) / grid
            hits += any(l <= x <= r and t <= y <= b for l, t, r, b in rows[i]["boxes"].get(name, ()))
        out[name] = dict(auc=auc(scores[:, k], shown), drawn=int(shown.sum()), right=len(right), inside=hits / max(len(right), 1), false=float((scores[~shown, k] > 0).mean()))
        inside, mapped = inside + hits, mapped + len(right)
    return dict(findings=out, auc=float(np.mean([v["auc"] for v in out.values()])), inside=inside / mapped, mapped=mapped)


def drafted(writer, labeller, images, rows, a):
    """Everything that is measured of the language model; `labeller` is the program's own, where the program is asked."""
    first = rows[:a.drafts]
    texts = writer.answer(images[:a.drafts, None], PROMPT["report"])
    out = dict(single=score_drafts(texts, [r["findings"] for r in first], labeller))
    if labeller:
        # Its words are those of real reports: a collapsed lung counts as atelectasis, an airspace disease as opacity.
        rng, shown = np.random.default_rng(3), [r["findings"] for r in rows]
        faultless = score_claims(labeller.claims([report(f, rng) for f in shown]), shown)
        print(f"by the program's labeller drafts without a fault would have: macro F1 {faultless['macro']:.3f}; side right {faultless['side']:.3f}")
    tell("one image", out["single"])
    for text, r in list(zip(texts, first))[:a.show]:
        print("\n# drawn:", {k: v for k, v in vars(r["findings"]).items() if v}, "\n" + text)
    pairs = [r for r in rows if r["prior"] is not None][:a.drafts // 2]
    then = [rows[r["prior"]]["findings"] for r in pairs]
    compared = writer.answer(np.stack([np.stack([images[r["prior"]], images[r["index"]]]) for r in pairs]), PROMPT["report"])
    out["pair"] = score_drafts(compared, [r["findings"] for r in pairs], labeller) | dict(change=change_right(compared, [r["findings"] for r in pairs], then), count=len(pairs))
    tell("prior and current", out["pair"])
    print(f"change right {out['pair']['change']:.3f}; comparing words without a prior {np.mean([bool(COMPARING.search(t)) for t in texts]):.3f}; digits {np.mean([bool(re.search(r'[0-9]', t)) for t in texts + compared]):.3f}")
    for text, r, p in list(zip(compared, pairs, then))[:a.show]:
        print("\n# then:", {k: v for k, v in vars(p).items() if v}, "\n# now:", {k: v for k, v in vars(r["findings"]).items() if v}, "\n" + text)
    out["questions"] = {}
    some = [r for r in rows if r["findings"].view != "lateral"][:48]
    for name, words in NAMES.items():
        answers = writer.answer(images[[r["index"] for r in some]][:, None], yes_no_prompt(words), 12, 60)
        said, true = np.array([t.strip().endswith("yes") for t in answers]), np.array([bool(ZERO_SHOT[name](r["findings"])) for r in some])
        out["questions"][name] = dict(right=float((said == true).mean()), recall=float(said[true].mean()) if true.any() else None, false=float(said[~true].mean()))
    print("questions right", {k: round(v["right"], 3) for k, v in out["questions"].items()}, f"mean {np.mean([v['right'] for v in out['questions'].values()]):.3f}", flush=True)
    out["rewritten"] = rewritten(writer, first[:40])
    print("rewriting keeps the claims:", out["rewritten"], flush=True)
    return out


def score_drafts(texts, findings, labeller=None):
    """The scores of the claims, also by the program's own labeller where it is given, and the share of answers in the fixed shape."""
    shape = SHAPE["structured_answer"]
    form = re.compile("^" + shape["findings_heading"] + "\n" + "".join(re.escape(r) + r": .+\.\n" for r in shape["regions"]) + "(" + "|".join(map(re.escape, shape["optional_regions"])) + r": .+\.\n)?\n" + shape["impression_heading"] + r"\n.+\.$")
    scores = score_claims([claims(t) for t in texts], findings) | dict(form=float(np.mean([bool(form.match(t.rstrip())) for t in texts])))
    return scores | (dict(program=score_claims(labeller.claims(texts), findings)) if labeller else {})


def score_claims(given, findings):
    """Precision, recall and F1 of each finding's claims, and the share of sides right."""
    pairs, out, sides = [(g, truth(f), f.view) for g, f in zip(given, findings)], {}, []
    for name in ZERO_SHOT:
        hit = sum(name in g and name in t for g, t, _ in pairs)
        said, drawn = sum(name in g for g, _, _ in pairs), sum(name in t for _, t, _ in pairs)
        out[name] = dict(f1=2 * hit / max(said + drawn, 1), precision=hit / max(said, 1), recall=hit / max(drawn, 1), drawn=drawn)
        if name in SIDES_OF:
            sides += [g[name] == t[name] for g, t, view in pairs if name in g and name in t and view != "lateral"]
    return dict(findings=out, macro=float(np.mean([s["f1"] for s in out.values()])), side=float(np.mean(sides)) if sides else 0.0)


def tell(what, scores):
    program = scores.get("program")
    for name, s in scores["findings"].items():
        also = f"; by the program's labeller F1 {program['findings'][name]['f1']:.2f}" if program else ""
        print(f"F1 {s['f1']:.2f} precision {s['precision']:.2f} recall {s['recall']:.2f} drawn {s['drawn']:3d} {name}{also}")
    also = f"; by the program's labeller macro F1 {program['macro']:.3f}, side right {program['side']:.3f}" if program else ""
    print(f"{what}: macro F1 {scores['macro']:.3f}; side right {scores['side']:.3f}; form right {scores['form']:.3f}{also}", flush=True)


_CHANGE_WORDS = {"new": r"\bnew\b", "larger": r"increased", "smaller": r"decreased", "unchanged": r"unchanged", "resolved": r"resolved|resolution|removed"}
_KIND_WORDS = {"effusion": "effusion", "pneumothorax": "pneumothorax", "edema": "edema", "heart": "cardiomegaly"}


def change_right(texts, findings, priors):
    """Of the changes of effusions, pneumothorax, edema and heart size: how many are said so in the findings."""
    right = []
    for text, f, p in zip(texts, findings, priors):
        sentences = re.split(r"(?<=\.)\s+|\n", text.split(SHAPE["structured_answer"]["impression_heading"])[0].lower())
        for key, change in changes(f, p).items():
            if key[0] in _KIND_WORDS:
                side = key[1] if len(key) > 1 and f.view != "lateral" else ""
                right.append(any(_KIND_WORDS[key[0]] in s and side in s and re.search(_CHANGE_WORDS[change], s) for s in sentences))
    return float(np.mean(right))


def rewritten(writer, rows):
    """How often an answer to the three text prompts claims what the given text claims (findings alone, no image)."""
    out, rng = {}, np.random.default_rng(5)
    none = np.zeros((len(rows), 0, 1, 1), np.uint8)
    for key, style, field in (("impression-from-findings", "full", "findings"), ("shorter", "full", "section"), ("more-detail", "brief", "section")):
        given = [sections(r["findings"], rng, style)[0] for r in rows]
        answers = writer.answer(none, [PROMPT[key].format(**{field: g}) for g in given])
        drop = {"pneumonia", "support_devices"}
        out[key] = float(np.mean([set(claims(t)) - drop == set(claims(g)) - drop for t, g in zip(answers, given)]))
    return out


def real(pair, writer, program, a):
    """What the packs say of radiographs of people under --real: claims and zero-shot signs, counted, and what was left out and why.

    Through the program the files themselves are given to it, and the claims are read by its own labeller.
    """
    paths = files(a.real)
    if program:
        answered, left_out = through_hilumctl.real(program, paths)
        names, scores, texts = [p.name for p, _, _ in answered], np.array([[of[k] for k in PROMPTS] for _, of, _ in answered]), [t for _, _, t in answered]
        given = through_hilumctl.Labeller(program).claims(texts)
    else:
        names, images, left_out = load(paths, IMAGE_SIDE)
        scores, _ = pair.scores(images)
        texts = writer.answer(images[:, None], PROMPT["report"])
        given = [claims(t) for t in texts]
    print("\n\n".join(f"# {n}\n{t}" for n, t in list(zip(names, texts))[:a.show + 1]))
    for path, why in left_out:
        print(f"left out: {path.name}: {why}")
    form = score_drafts(texts, [Findings()] * len(texts))["form"]
    return dict(files=len(paths), images=len(names), left_out={p.name: why for p, why in left_out}, claimed={k: sum(k in g for g in given) for k in ZERO_SHOT},
                above_zero={k: int((scores[:, i] > 0).sum()) for i, k in enumerate(PROMPTS)}, different=len(set(texts)), form=form)


def auc(scores, positive):
    order = np.argsort(np.argsort(scores)) + 1.0
    p, n = positive.sum(), (~positive).sum()
    return float((order[positive].sum() - p * (p + 1) / 2) / (p * n))


if __name__ == "__main__":
    main()
