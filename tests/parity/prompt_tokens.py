#!/usr/bin/env python3
"""Token ids of every prompt that Hilum sends, by transformers' Gemma3Processor with Gemma 3's own tokenizer.

    prompt_tokens.py > tests/parity/prompt_tokens.json

Reads drafting/src/prompts.json and ../shared/data/tokenizers/gemma3 (tokenizer, chat template). Each prompt comes with no
image, one, and two (prior, current), and with data: indications in several scripts, clinical notes, questions with and
without a side, sections. The 256 tokens of an image are written once. The Rust test (drafting/tests/prompt_tokens.rs) needs
no Python. Needs transformers, torch and pillow; made with 5.23.
"""
import json, lzma, pathlib, tempfile
import transformers
from PIL import Image

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOKENIZER = REPOSITORY.parent / "shared/data/tokenizers/gemma3"
SOFT, PER_IMAGE = 262144, 256

INDICATIONS = [
    "Cough and fever",
    "65 y/o M, SpO2 88 %; r/o pneumonia vs. CHF (known COPD)",
    "Fièvre, toux ≥ 3 j – suspicion d'épanchement",
    "Größenverlauf eines 5 µm³-Herdes, „unklar“",
    "咳嗽两周，发热",
    "Одышка, боль в груди слева",
    "سعال وحمى",
    "息切れ、胸痛（左）",
    "naïve café — 1½ weeks",
]
# Pairs of an indication and clinical notes. In a prompt they are one line.
WITH_NOTES = [
    ("Cough.", "Smoker."),
    ("", "Smoker."),
    ("Fièvre, toux ≥ 3 j", "40 pack-years; lobectomy of the right upper lobe in 2019\n(see letter),  on O₂ at home"),
]
FINDINGS = [
    "Lungs and airways: The lungs are clear.\nPleura: Small left pleural effusion.\nHeart and mediastinum: The heart is enlarged.",
    "Lungs and airways: Opacité du lobe inférieur gauche, 12 × 8 mm.",
]


def cases(prompts):
    text = {prompt["key"]: prompt["text"] for prompt in prompts["prompts"]}
    shape, question = prompts["structured_answer"], prompts["yes_no_question"]
    yield "report", "", text["report"]
    for indication in INDICATIONS:
        yield "report-with-indication", indication, text["report-with-indication"].replace("{indication}", indication)
    for indication, notes in WITH_NOTES:
        given = indication + prompts["clinical_notes"]["text"].replace("{notes}", notes)
        yield "report-with-indication", given, text["report-with-indication"].replace("{indication}", " ".join(given.split()))
    for finding in question["findings"].values():
        sided = (question["with_side"].format(side=side, finding=finding.removeprefix("a ")) for side in ("left", "right"))
        for named in (finding, *sided):
            asked = question["text"].replace("{finding}", named)
            yield "yes-no", asked, text["yes-no"].replace("{question}", asked)
    headed = lambda heading, body: f"{shape[heading]}\n{body}"
    for findings in FINDINGS:
        data = headed("findings_heading", findings)
        yield "impression-from-findings", findings, text["impression-from-findings"].replace("{findings}", data)
        for key in ("shorter", "more-detail"):
            yield key, findings, text[key].replace("{section}", data)


def collapsed(ids):
    out, i = [], 0
    while i < len(ids):
        if ids[i] == SOFT:
            assert ids[i:i + PER_IMAGE] == [SOFT] * PER_IMAGE and ids[i + PER_IMAGE:i + PER_IMAGE + 1] != [SOFT]
            i += PER_IMAGE - 1
        out.append(ids[i])
        i += 1
    return out


def main():
    prompts = json.loads((REPOSITORY / "src-tauri/crates/drafting/src/prompts.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (pathlib.Path(folder) / name).write_bytes(lzma.open(TOKENIZER / f"{name}.xz").read())
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reader = transformers.Gemma3ImageProcessor(size={"height": 896, "width": 896}, do_pan_and_scan=False, image_seq_length=PER_IMAGE)
    processor = transformers.Gemma3Processor(reader, tokenizer, image_seq_length=PER_IMAGE, chat_template=tokenizer.chat_template)
    black = Image.new("RGB", (896, 896))
    rows = []
    for key, data, words in cases(prompts):
        for images in range(3):
            content = [{"type": "image", "image": black}] * images + [{"type": "text", "text": words}]
            turn = [{"role": "user", "content": content}]
            ids = processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"][0]
            row = {"key": key, "data": data, "images": images, "words": words, "ids": collapsed(list(map(int, ids)))}
            rows.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    about = {"transformers": transformers.__version__, "soft": SOFT, "per_image": PER_IMAGE}
    print(json.dumps(about)[:-1] + ', "cases": [\n' + ",\n".join(rows) + "\n]}")


if __name__ == "__main__":
    main()
