"""Reference numbers for the SigLIP encoder, made with transformers in float32.

    cargo run -p hilum-testkit --example write_siglip /tmp/siglip
    python tests/parity/siglip_reference.py model /tmp/siglip
    python tests/parity/siglip_reference.py tokens ../shared/data/tokenizers/medsiglip
    python tests/parity/siglip_reference.py answers PACK OUT.json INPUT.npy...

`model` writes siglip_reference.json beside this file: embeddings of the images
and texts that the example wrote, and the zero-shot scores of the findings; and
siglip_maps.json: the evidence map of three findings for each image.
`tokens` writes siglip_token_ids.json: the ids that transformers' SiglipTokenizer
gives for every published prompt and a few harder texts.
`answers` writes what transformers makes of model inputs that Hilum made
(`hilumctl inspect FILE --model-input SIDE INPUT.npy`): each image's embedding, the
cosine difference and the softmax of each finding, and of the first image the
evidence maps; tests/full-size compares.
The Rust tests read the committed files and need no Python. Made with transformers
5.23, torch 2.15, sentencepiece 0.2.3.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
FINDINGS = HERE.parents[1] / "src-tauri/crates/encoders/src/findings.json"

# Capitals, every ASCII punctuation mark, other scripts, odd spaces, emptiness,
# more than 64 tokens.
HARD_TEXTS = [
    "No Acute Cardiopulmonary Process.",
    "PA/lateral: \"clear\" lungs <no effusion> [stable] {5 mm} ~2.5cm; 50% & more!?",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "  spaces \t and\nlines\u00a0here ",
    "Herzgröße normal, Ödem µm ½ ﬁbrosis",
    "心臓は正常です",
    "no\u2013break \u201cquoted\u201d",
    "",
    "\u2581underscored\u2581",
    "heart " * 90,
]


def findings():
    return json.loads(FINDINGS.read_text())["findings"]


def unit(x):
    x = np.asarray(x, np.float64)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def pooled(output):
    return getattr(output, "pooler_output", output).numpy()


def numbers(array):
    return np.round(np.asarray(array, np.float64), 8).tolist()


def opened(pack, fast=False):
    """The model, the side of its images, and what gives the ids and the embeddings of texts. With `fast` its tokenizer.json
    is read, which needs no sentencepiece."""
    model = transformers.SiglipModel.from_pretrained(pack, dtype=torch.float32).eval()
    kind = transformers.PreTrainedTokenizerFast if fast else transformers.AutoTokenizer
    tokenizer = kind.from_pretrained(pack)
    length = model.config.text_config.max_position_embeddings

    def embed_texts(texts):
        ids = tokenizer(
            texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        )["input_ids"]
        with torch.no_grad():
            return ids.tolist(), unit(pooled(model.get_text_features(input_ids=ids)))

    return model, model.config.vision_config.image_size, embed_texts


def directions(embed_texts, names):
    """Of each finding the mean of what says that it is present less that of what says that it is absent."""
    found = {}
    for name in names:
        present, absent = (unit(embed_texts(findings()[name][k])[1].mean(0)) for k in ("present", "absent"))
        found[name] = present - absent
    return found


def patch_embeddings(model, x):
    """Each patch through the attention-pooling head as its only key and value, by the
    head's own forward pass: nothing of the shortcut that the Rust side takes."""
    vision = model.vision_model
    with torch.no_grad():
        tokens = vision(pixel_values=x).last_hidden_state[0]
        return unit(vision.head(tokens[:, None, :]).numpy())


def reference(folder):
    pack = folder / "pack"
    model, side, embed_texts = opened(pack)

    images = []
    for path in sorted(folder.glob("image-*.gray")):
        grey = np.frombuffer(path.read_bytes(), np.uint8).reshape(side, side)
        x = torch.tensor((grey.astype(np.float32) / 255 - 0.5) / 0.5)
        with torch.no_grad():
            images.append(model.get_image_features(pixel_values=x.expand(1, 3, side, side)))
    images = unit(np.concatenate([pooled(image) for image in images]))

    ids, texts = embed_texts(json.loads((folder / "texts.json").read_text()))
    scale = float(model.logit_scale.detach().exp())
    scores = []
    for image in images:
        row = {}
        for finding, prompts in sorted(findings().items()):
            classes = [unit(embed_texts(prompts[k])[1].mean(0)) for k in ("absent", "present")]
            cosines = np.array([image @ c for c in classes])
            logits = np.exp(scale * cosines - (scale * cosines).max())
            row[finding] = {
                "difference": round(float(cosines[1] - cosines[0]), 8),
                "softmax": round(float(logits[1] / logits.sum()), 8),
            }
        scores.append(row)
    return {
        "files": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(pack.iterdir())
        },
        "images": numbers(images),
        "token_ids": ids,
        "texts": numbers(texts),
        "scores": scores,
    }


def answers(pack, inputs):
    """Embedding and scores of each input, and the maps of the first: one image is enough to tell one grid from another."""
    model, side, embed_texts = opened(pack, fast=True)
    towards = directions(embed_texts, findings())
    scale = float(model.logit_scale.detach().exp())
    rows = []
    for path in inputs:
        grey = np.load(path)
        assert grey.shape == (side, side) and grey.dtype == np.uint8, f"{path} is no input of side {side}"
        x = torch.tensor((grey.astype(np.float32) / 255 - 0.5) / 0.5).expand(1, 3, side, side)
        with torch.no_grad():
            image = unit(pooled(model.get_image_features(pixel_values=x)))[0]
        scores = {}
        for finding, direction in towards.items():
            difference = float(image @ direction)
            scores[finding] = {"difference": difference, "softmax": float(1 / (1 + np.exp(-scale * difference)))}
        row = {"embedding": image.tolist(), "scores": scores}
        if not rows:
            patches = patch_embeddings(model, x)
            row["maps"] = {finding: (patches @ towards[finding]).tolist() for finding in MAPPED}
        rows.append(row)
    return rows


# Findings whose maps are kept: enough to tell one from another.
MAPPED = ["pleural_effusion", "pneumothorax", "support_devices"]


def maps(folder):
    model, side, embed_texts = opened(folder / "pack")
    towards = directions(embed_texts, MAPPED)

    rows = []
    for path in sorted(folder.glob("image-*.gray")):
        grey = np.frombuffer(path.read_bytes(), np.uint8).reshape(side, side)
        x = torch.tensor((grey.astype(np.float32) / 255 - 0.5) / 0.5)
        patches = patch_embeddings(model, x.expand(1, 3, side, side))
        rows.append({finding: np.round(patches @ direction, 7).tolist() for finding, direction in towards.items()})
    return {"side": side // model.config.vision_config.patch_size, "images": rows}


def token_ids(folder):
    tokenizer = transformers.SiglipTokenizer.from_pretrained(folder)
    prompts = {p for f in findings().values() for k in ("absent", "present") for p in f[k]}
    texts = sorted(prompts) + HARD_TEXTS
    rows = tokenizer(texts, padding="max_length", max_length=64, truncation=True)["input_ids"]
    # Padding repeats the last id; it is cut here and added again by the test.
    pad = tokenizer.pad_token_id
    return {
        "length": 64,
        "pad": pad,
        "texts": [
            {"text": text, "ids": [*trim(row, pad)]} for text, row in zip(texts, rows, strict=True)
        ],
    }


def trim(row, pad):
    while row and row[-1] == pad:
        row = row[:-1]
    return row


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # A line for each entry, so that a change can be read.
    text = text.replace("},{", "},\n{").replace("],[", "],\n[")
    (HERE / name).write_text(text + "\n", encoding="utf-8")


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "model":
        packs = [path for path in sorted(folder.iterdir()) if path.is_dir()]
        write("siglip_reference.json", {path.name: reference(path) for path in packs})
        write("siglip_maps.json", {path.name: maps(path) for path in packs})
    elif what == "tokens":
        write("siglip_token_ids.json", token_ids(folder))
    elif what == "answers":
        out, *inputs = map(pathlib.Path, sys.argv[3:])
        out.write_text(json.dumps(answers(folder, inputs)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
