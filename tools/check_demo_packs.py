#!/usr/bin/env python3
"""Measure the demo packs on synthetic radiographs that were not trained on, and write the numbers into their cards.

    synthetic_dataset.py WORK/valid --count 1000 --seed 2
    check_demo_packs.py --set WORK/valid --packs models/demo [--drafts 200] [--write] [--show 5]

The folders are read from disk by transformers, in float32. Zero-shot scores follow the published rule (cxr-prompts.json);
drafts are greedy answers to "Describe this X-ray", read back by the keyword labeller of report_language.py.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F
from transformers import Gemma3ForConditionalGeneration, SiglipModel

from demo_models import BOS, DESCRIBE, prompt_text, siglip_ids
from report_language import ZERO_SHOT, label, truth
from synthetic_dataset import load_findings, open_set
from write_pack_manifest import write_manifest

SIDED = ("effusion", "pneumothorax", "consolidation", "opacity", "atelectasis", "lesion", "thickening", "fracture", "central_line", "pacemaker")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--set", type=pathlib.Path, required=True)
    a.add_argument("--packs", type=pathlib.Path, default=pathlib.Path("models/demo"))
    a.add_argument("--drafts", type=int, default=200)
    a.add_argument("--images", type=int, default=1000)
    a.add_argument("--show", type=int, default=5)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--skip-questions", action="store_true", help="leave out the yes/no questions")
    a.add_argument("--write", action="store_true", help="write the cards and their manifests")
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    images, _ = open_set(a.set, None)
    findings = load_findings(a.set)[:a.images]
    aucs = zero_shot(a.packs / "medsiglip-demo", images, findings)
    print("\n".join(f"AUC {v:.3f} {k}" for k, v in aucs.items()), f"\nAUC {np.mean(list(aucs.values())):.3f} macro", flush=True)
    texts = draft(a.packs / "medgemma-demo", images[:a.drafts], DESCRIBE)
    scores = score_drafts(texts, findings)
    for name, s in scores["findings"].items():
        print(f"F1 {s['f1']:.2f} precision {s['precision']:.2f} recall {s['recall']:.2f} drawn {s['drawn']:3d} {name}")
    print(f"F1 {scores['micro']:.3f} over all findings, {scores['macro']:.3f} mean of the findings; side right {scores['side']:.3f}; form right {scores['form']:.3f}; different texts {len(set(texts))} of {len(texts)}")
    asked = None if a.skip_questions else yes_no(a.packs / "medgemma-demo", images[:a.drafts], findings)
    if asked:
        print(f"yes/no right {asked['right']:.3f} of {asked['asked']}")
    for text, f in zip(texts[:a.show], findings):
        print("\n# drawn:", {k: v for k, v in vars(f).items() if v} or "normal")
        print(text)
    if a.write:
        write_cards(a.packs, aucs, scores, asked, len(findings), len(texts))


def zero_shot(folder, images, findings):
    """Area under the ROC curve of cos(present) - cos(absent) for each of the 13 findings."""
    model = SiglipModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    prompts = json.loads((pathlib.Path(__file__).parent / "cxr-prompts.json").read_text())["findings"]
    with torch.inference_mode():
        seen = torch.cat([F.normalize(model.vision_model(pixels(images[i:min(i + 50, len(findings))])).pooler_output, dim=-1) for i in range(0, len(findings), 50)])
        def text(sentences):
            return F.normalize(F.normalize(model.text_model(siglip_ids(tokenizer, sentences)).pooler_output, dim=-1).mean(0), dim=-1)
        scores = {k: (seen @ text(p["present"]) - seen @ text(p["absent"])).numpy() for k, p in prompts.items()}
    return {k: auc(s, np.array([bool(ZERO_SHOT[k](f)) for f in findings])) for k, s in scores.items()}


def draft(folder, images, question, tokens=180):
    """Greedy answers to one question about each image."""
    model = Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = torch.tensor([[BOS] + tokenizer.encode(prompt_text(question), add_special_tokens=False).ids])
    image_id, out = tokenizer.token_to_id("<image_soft_token>"), []
    for i in range(0, len(images), 25):
        batch = pixels(images[i:i + 25])
        rows = ids.expand(len(batch), -1)
        with torch.inference_mode():
            made = model.generate(input_ids=rows, attention_mask=torch.ones_like(rows), token_type_ids=(rows == image_id).long(), pixel_values=batch, max_new_tokens=tokens, do_sample=False)
        out += tokenizer.decode_batch(made[:, ids.shape[1]:].tolist(), skip_special_tokens=True)
    return out


def yes_no(folder, images, findings):
    """Share of right answers to four yes/no questions of the published form."""
    table = {"a pleural effusion": lambda f: bool(f.effusion), "a pneumothorax": lambda f: f.pneumothorax is not None, "cardiomegaly": lambda f: f.heart is not None, "a pacemaker": lambda f: f.pacemaker is not None}
    right = asked = 0
    for what, test in table.items():
        answers = draft(folder, images, f'Is there {what}? You MUST end your response with either "Final Answer: yes" or "Final Answer: no"', 12)
        right += sum(text.strip().endswith("yes" if test(f) else "no") for text, f in zip(answers, findings))
        asked += len(answers)
    return dict(right=right / asked, asked=asked)


def score_drafts(texts, findings):
    pairs = [(label(t), truth(f)) for t, f in zip(texts, findings)]
    names = sorted({n for _, t in pairs for n in t})
    out, totals, sides = {}, np.zeros(3), []
    for name in names:
        hit = sum(name in g and name in t for g, t in pairs)
        said, drawn = sum(name in g for g, _ in pairs), sum(name in t for _, t in pairs)
        out[name] = dict(f1=2 * hit / max(said + drawn, 1), precision=hit / max(said, 1), recall=hit / max(drawn, 1), drawn=drawn)
        totals += (hit, said, drawn)
        if name in SIDED:
            sides += [g[name] == t[name] for g, t in pairs if name in g and name in t]
    form = np.mean([t.startswith("FINDINGS:\n") and "\n\nIMPRESSION:\n" in t and t.rstrip().endswith(".") for t in texts])
    return dict(findings=out, micro=2 * totals[0] / max(totals[1] + totals[2], 1), macro=float(np.mean([s["f1"] for s in out.values()])), side=float(np.mean(sides)) if sides else 0.0, form=float(form))


def auc(scores, positive):
    order = np.argsort(np.argsort(scores)) + 1.0
    p, n = positive.sum(), (~positive).sum()
    return float((order[positive].sum() - p * (p + 1) / 2) / (p * n))


def pixels(images):
    return torch.from_numpy(np.array(images)).float().div(127.5).sub(1)[:, None].expand(-1, 3, -1, -1)


def write_cards(packs, aucs, scores, asked, images, drafts):
    common = """**A demonstration without medical meaning.** It has seen drawings only, never a radiograph of a person, and must not be used on one
for any purpose but to try out the program.

Made by this project: `tools/train_demo_packs.py`, from random starting weights, on images that `tools/synthetic_cxr.py` draws by
rules and on sentences that `tools/report_language.py` writes by rules. No third-party images, texts or weights. MIT OR Apache-2.0.
"""
    rows = "\n".join(f"| {k.replace('_', ' ')} | {v:.3f} |" for k, v in aucs.items())
    (packs / "medsiglip-demo/card.md").write_text(f"""# medsiglip-demo: a small SigLIP pair

{common}
- Architecture: SigLIP, image tower 4 layers of width 128 at 224x224, patch 14; text tower 3 layers, 64 tokens padded with `</s>`; bfloat16.
- Input: grey levels replicated to three channels, zero-padded to a square, (x/255 - 0.5) / 0.5.
- Training: the image tower against about 150 short statements (every image matches all that are true of it, pairwise sigmoid loss) and
  against coarse masks of what was drawn where; then the text tower onto the statements' embeddings. The published zero-shot prompts are
  among the statements. Wording far from them means little to it.

## Measured
Zero-shot area under the ROC curve on {images} drawings that were not trained on (published prompts and rule):

| finding | AUC |
|---|---|
{rows}
| **mean of the 13** | **{np.mean(list(aucs.values())):.3f}** |

Pneumonia is not drawn apart from consolidation, and "pleural other" is drawn as pleural thickening. Lytic lesions are not drawn: that
prompt was trained as another name of a lung lesion. Scores are not probabilities.
""")
    questions = f"Yes/no questions answered rightly: {100 * asked['right']:.1f} % of {asked['asked']}." if asked else "Answers to yes/no questions were not measured."
    rows = "\n".join(f"| {k.replace('_', ' ')} | {s['drawn']} | {s['precision']:.2f} | {s['recall']:.2f} | {s['f1']:.2f} |" for k, s in scores["findings"].items())
    (packs / "medgemma-demo/card.md").write_text(f"""# medgemma-demo: a small Gemma 3 vision-language model

{common}
- Architecture: Gemma 3 (image and text), text 6 layers of width 128 (every sixth global), image tower 4 layers of width 128 at 224x224,
  patch 14, 64 soft tokens an image; own tokenizer of about a thousand pieces with byte fallback; bfloat16; written in transformers 4 spelling.
- Prompts: image first, then `Describe this X-ray`, or `<INDICATION> findings:`; yes/no questions that end
  `You MUST end your response with either "Final Answer: yes" or "Final Answer: no"`; `<FINDINGS text>`, then `Write the impression.` without image.
  Decode greedily. It knows no other task and no other language.
- Training: the image tower is medsiglip-demo's; the language model learned from coarse masks first, then from the tower's output.

## Measured
{drafts} drafts of drawings that were not trained on, greedy, read by a keyword labeller:

| finding | drawn | precision | recall | F1 |
|---|---|---|---|---|
{rows}

F1 over all findings {scores['micro']:.3f}, mean of the findings {scores['macro']:.3f}; of the findings rightly stated, the side (or sides) is right in {100 * scores['side']:.1f} %;
{100 * scores['form']:.1f} % of the drafts have both headed sections.
{questions}
""")
    for name, kind in (("medgemma-demo", "medgemma"), ("medsiglip-demo", "medsiglip")):
        write_manifest(packs / name, kind)


if __name__ == "__main__":
    main()
