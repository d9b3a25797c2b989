"""The demo packs' cards, written from what check_demo_packs.py measured."""
from demo_models import TEXT, VISION
from write_pack_manifest import write_manifest

INTENT = """**A demonstration without medical meaning.** It has seen drawings only, never a radiograph of a person, and must not be used on one
for any purpose but to try out the program.

Made by this project: `tools/train_demo_packs.py`, from random starting weights, on images that `tools/synthetic_cxr.py` draws by
rules and on sentences that `tools/report_language.py` writes by rules. No third-party images, texts or weights. MIT OR Apache-2.0.
"""
TOWER = f"image tower {VISION['num_hidden_layers']} layers of width {VISION['hidden_size']} at {VISION['image_size']}x{VISION['image_size']}, patch {VISION['patch_size']}"
DRAWN = """The drawings come from `tools/synthetic_dataset.py` with a seed of their own (`tools/README.md` has the command): other thoraces and
findings, the same rules. By these rules what an image shows can be seen: findings that fluid, air or an enlarged heart would hide are
moved or left out, and nothing is drawn that only looks like a finding. So the figures say how well the packs know these drawings, no more."""
CALLED = "Pneumonia is not drawn apart from consolidation, and \"pleural other\" is drawn as pleural thickening."


def write_cards(packs, m):
    """Write both cards and their manifests from the measurements `m`; a language model that was not measured keeps its card."""
    (packs / "medsiglip-demo/card.md").write_text(_pair_card(m))
    write_manifest(packs / "medsiglip-demo", "medsiglip")
    if "single" in m:
        (packs / "medgemma-demo/card.md").write_text(_writer_card(m))
        write_manifest(packs / "medgemma-demo", "medgemma")


def _pair_card(m):
    rows = "\n".join(f"| {_name(k)} | {v['auc']:.3f} | {v['drawn']} | {v['right']} | {100 * v['false']:.1f} % | {100 * v['inside']:.0f} % |" for k, v in m["findings"].items())
    real = ""
    if "real" in m:
        r = m["real"]
        real = f"\nOn {r['images']} radiographs of people, which nothing was tuned to, these findings score above zero (number of images): {_counts(r['above_zero'])}.\nThe scores follow the drawings' look, not disease: take nothing from them.\n"
    return f"""# medsiglip-demo: a small SigLIP pair

{INTENT}
- Architecture: SigLIP, {TOWER}; text tower 3 layers, 64 tokens padded with `</s>`; bfloat16.
- Input: grey levels replicated to three channels, zero-padded to a square, (x/255 - 0.5) / 0.5.
- Training: the image tower against about 150 short statements (every image matches all that are true of it, pairwise sigmoid loss),
  against the published zero-shot scores of the image and of each patch, and against coarse masks of what was drawn where; then the
  text tower onto the statements' embeddings. The published zero-shot prompts are among the statements. Wording far from them means
  little to it.

## Measured
{m['images']} drawings that were not trained on (other anatomies, other findings), published prompts and rule. "Right" counts the drawn
findings with cos(present) above cos(absent), "false" is the share of images without the finding that are above it too; "map" is how
often the evidence map's maximum (patch-text similarity) lies inside the finding's box, among those that are right.
{DRAWN}

| finding | AUC | drawn | right | false | map |
|---|---|---|---|---|---|
{rows}
| **all 13** | **{m['auc']:.3f}** (mean) | | {m['mapped']} | | **{100 * m['inside']:.0f} %** |

{CALLED} Lytic lesions are not drawn: that prompt was trained as another name of a lung lesion. Scores are not probabilities.
{real}"""


def _writer_card(m):
    rows = "\n".join(f"| {_name(k)} | {v['drawn']} | {v['precision']:.2f} | {v['recall']:.2f} | {v['f1']:.2f} |" for k, v in m["single"]["findings"].items())
    asked = "\n".join(f"| {_name(k)} | {100 * v['right']:.0f} % | {_share(v['recall'])} | {_share(v['false'])} |" for k, v in m["questions"].items())
    kept = ", ".join(f"{k} {100 * v:.0f} %" for k, v in m["rewritten"].items())
    real = ""
    if "real" in m:
        r = m["real"]
        real = f"""
## On radiographs of people
Shown {r['images']} radiographs of people, which nothing was tuned to, it writes {r['different']} different drafts, {100 * r['form']:.0f} % of them in the fixed shape, and
claims (number of images): {_counts(r['claimed'])}. It has never seen such images; what it says of them is noise.
"""
    text = f"text {TEXT['num_hidden_layers']} layers of width {TEXT['hidden_size']} (every sixth global)"
    return f"""# medgemma-demo: a small Gemma 3 vision-language model

{INTENT}
- Architecture: Gemma 3 (image and text), {text}; {TOWER},
  64 soft tokens an image; own small tokenizer with byte fallback; bfloat16; written in transformers 4 spelling.
- Prompts: those of `src-tauri/crates/drafting/src/prompts.json`, image first; with a prior, the prior's image before the current one.
  Answers have the structured shape of the same file. Decode greedily. It knows no other task and no other language.
- Training: the image tower is medsiglip-demo's; the language model learned from lists of attributes first, then from the tower's output.

## Measured
{m['drafts']} drafts of drawings that were not trained on, greedy, without a grammar, read by a keyword labeller.
{DRAWN}

| finding | drawn | precision | recall | F1 |
|---|---|---|---|---|
{rows}

Mean F1 of the 13 findings **{m['single']['macro']:.3f}**; of the findings rightly stated, the side (or sides) is right in **{100 * m['single']['side']:.1f} %**;
{100 * m['single']['form']:.1f} % of the drafts have the fixed shape by themselves. Lung opacity is counted where a hazy opacity is drawn. {CALLED}

{m['pair']['count']} pairs of a prior and a current image: mean F1 {m['pair']['macro']:.3f}, side right {100 * m['pair']['side']:.1f} %, shape {100 * m['pair']['form']:.1f} %; how effusions, pneumothorax,
edema and heart size changed (new, larger, smaller, unchanged, resolved) is said rightly in {100 * m['pair']['change']:.1f} %.

Yes/no questions in the published form (right; yes where it is drawn; yes where it is not):

| question about | right | yes, drawn | yes, not drawn |
|---|---|---|---|
{asked}

From text alone, the answer claims exactly what the given findings claim: {kept}.
{real}"""


def _name(key):
    return key.replace("_", " ")


def _counts(table):
    return ", ".join(f"{_name(k)} {v}" for k, v in table.items())


def _share(value):
    return "-" if value is None else f"{100 * value:.0f} %"
