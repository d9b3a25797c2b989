#!/usr/bin/env python3
"""Writes a SigLIP checkpoint of random weights whose image tower has MedSigLIP-448's shapes.

    random_siglip.py TOKENIZER_DIR OUT      (needs torch and transformers)

27 layers, 1152 wide, 4304 inside, 16 heads, 448 x 448 pixels in patches of 14, with the pooling head. The text tower, which
has no part in encoding an image, is one narrow layer; its tokenizer is the one in TOKENIZER_DIR.

Norm gains, norm biases and the biases of linear layers differ from one and zero, and the scale of the scores is about that of
the published model, so that who leaves one of them out computes other embeddings or other scores (but for the biases of keys,
which no softmax over the keys can tell). tests/full-size compares with these weights; for speed the values do not matter.
"""
import json, math, pathlib, shutil, sys

import torch
from transformers import SiglipConfig, SiglipModel

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/parity"))
from import_packs import scatter  # The folder has to be on the path first.

# Published SigLIP models stretch cosine differences by 100 and more before the softmax.
SCALE = 100


def main():
    tokenizer, out = map(pathlib.Path, sys.argv[1:])
    text = json.loads((tokenizer / "config.json").read_text())["text_config"]
    text.update(hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=1, projection_size=1152)
    vision = dict(hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16, image_size=448, patch_size=14)
    torch.manual_seed(0)
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    scatter(model, torch)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(SCALE))
    model.to(torch.bfloat16).save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(tokenizer / name, out / name)
    processor = json.loads((tokenizer / "preprocessor_config.json").read_text())
    processor["size"] = {"height": 448, "width": 448}
    (out / "preprocessor_config.json").write_text(json.dumps(processor))


if __name__ == "__main__":
    main()
