#!/usr/bin/env python3
"""A tiny random MedGemma and MedSigLIP, as the transformers of this Python saves them, imported and compared.

    import_packs.py write FOLDER [--seed N]     writes FOLDER/medgemma-4b, FOLDER/medgemma-27b-text, FOLDER/medsiglip-448 by
                                                `save_pretrained`, and FOLDER/reference.json with what transformers answers
    import_packs.py check FOLDER HILUMCTL       adds the three with `hilumctl pack add` and holds `draft`, `embed` and
                                                `classify` against the reference

The MedGemma has the published rotary scaling and a sliding window of 256, which the answer about one image passes while it is
written and the prompt with two images by itself. Without --seed the seed is the clock, so that no two runs test the same
numbers. Run `write` once with transformers 4 and once with 5: they spell configurations, tensors and processor files
differently. Needs torch, transformers, pillow, sentencepiece and, for the real tokenizers, ../shared beside the repository.
"""
import argparse, json, lzma, os, pathlib, subprocess, sys, tempfile, time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOKENIZERS = REPOSITORY.parent / "shared/data/tokenizers"
FINDINGS = REPOSITORY / "src-tauri/crates/encoders/src/findings.json"
# Log-probabilities of single tokens; embeddings and cosine differences; the softmax that a difference is stretched into.
TOLERANCE = {"logprob": 1e-3, "embedding": 1e-4, "difference": 1e-4, "softmax": 1e-4}
TOKENS, MEDGEMMA_SIDE, MEDSIGLIP_SIDE, WINDOW = 64, 224, 112, 256
# About 21 tokens of Gemma's vocabulary; a prompt is some of them.
SENTENCE = "The heart is normal in size and both lungs are clear with no fluid on the left side or the right."
# Of each case the images, oldest first, and how often it says the sentence.
CASES = {"one image": (("image.png",), 6), "two images": (("earlier.png", "image.png"), 8)}


def write(root, seed):
    import torch, transformers
    torch.manual_seed(seed)
    root.mkdir(parents=True, exist_ok=True)
    picture(root / "image.png", 7)
    picture(root / "earlier.png", 8)
    reference = {"seed": seed, "transformers": transformers.__version__}
    reference["medgemma"] = write_gemma(root, torch, transformers)
    reference["medsiglip"] = write_siglip(root, torch, transformers)
    (root / "reference.json").write_text(json.dumps(reference))
    print(f"transformers {transformers.__version__}, seed {seed}: {root}")


def picture(path, seed):
    """Square and 8-bit at the side of the larger model, so that only the smaller one's resize is in play."""
    import numpy as np
    from PIL import Image
    y, x = np.mgrid[0:MEDGEMMA_SIDE, 0:MEDGEMMA_SIDE]
    grain = np.random.default_rng(seed).integers(0, 60, x.shape)
    disc = (x - 10 * seed) ** 2 + (y - 120) ** 2 < 2500
    Image.fromarray(((x * 2 + y * 3) // seed + grain + 80 * disc).clip(0, 255).astype("uint8")).save(path)


def scatter(model, torch):
    """A fresh model's norms are all one and its biases zero: numbers that tell them apart."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() == 1 and "logit" not in name:
                value.add_(torch.randn_like(value) * 0.1)
            elif value.dim() == 2 and "embed" not in name:
                value.copy_(torch.randn_like(value) / value.shape[1] ** 0.5)
            elif value.dim() >= 2:
                value.copy_(torch.randn_like(value) * 0.06)


def write_gemma(root, torch, transformers):
    from PIL import Image
    published = root / "published"
    published.mkdir(exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (published / name).write_bytes(lzma.open(TOKENIZERS / f"gemma3/{name}.xz").read())
    tokenizer = transformers.AutoTokenizer.from_pretrained(published)
    per_image = (MEDGEMMA_SIDE // 14 // 2) ** 2
    reader = transformers.Gemma3ImageProcessor(size={"height": MEDGEMMA_SIDE, "width": MEDGEMMA_SIDE}, image_mean=[0.5] * 3,
                                               image_std=[0.5] * 3, do_pan_and_scan=False, image_seq_length=per_image)
    processor = transformers.Gemma3Processor(reader, tokenizer, image_seq_length=per_image, chat_template=tokenizer.chat_template)
    text = dict(vocab_size=262208, hidden_size=32, intermediate_size=64, num_hidden_layers=7, num_attention_heads=4,
                num_key_value_heads=2, head_dim=16, query_pre_attn_scalar=24, sliding_window=WINDOW, **rope(transformers))
    vision = dict(hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, image_size=MEDGEMMA_SIDE,
                  patch_size=14, vision_use_head=False)
    config = transformers.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=per_image,
                                       boi_token_index=255999, eoi_token_index=256000, image_token_index=262144,
                                       eos_token_id=[1, 106], bos_token_id=2, pad_token_id=0)
    model = transformers.Gemma3ForConditionalGeneration(config).to(torch.float32).eval()
    scatter(model, torch)
    folder = root / "medgemma-4b"
    model.save_pretrained(folder, max_shard_size="12MB")
    processor.save_pretrained(folder)

    cases = {}
    for name, (images, sentences) in CASES.items():
        words = " ".join([SENTENCE] * sentences)
        content = [{"type": "image", "image": Image.open(root / image).convert("RGB")} for image in images] + [{"type": "text", "text": words}]
        inputs = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True,
                                               return_dict=True, return_tensors="pt")
        with torch.inference_mode():
            out = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False, output_logits=True, return_dict_in_generate=True)
        prompt = inputs["input_ids"][0].tolist()
        assert len(prompt) + TOKENS > WINDOW + 8, f"{name}: {len(prompt)} tokens do not pass the window"
        new = out.sequences[0, len(prompt):].tolist()
        steps = [torch.log_softmax(step[0].double(), -1) for step in out.logits]
        cases[name] = {"images": images, "text": words, "prompt_ids": prompt, "token_ids": new,
                       "logprobs": [step[token].item() for step, token in zip(steps, new)]}

    # The 27B text model's form: the language model alone, a table without a row for the image token.
    small = {**text, "vocab_size": 262144, "eos_token_id": 106, "bos_token_id": 2}
    alone = transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**small)).to(torch.bfloat16)
    alone.save_pretrained(root / "medgemma-27b-text")
    tokenizer.save_pretrained(root / "medgemma-27b-text")
    return cases


def rope(transformers):
    """The published rotary embeddings, as this transformers spells them."""
    if int(transformers.__version__.split(".")[0]) < 5:
        return dict(rope_theta=1e6, rope_local_base_freq=1e4, rope_scaling={"rope_type": "linear", "factor": 8.0})
    return dict(rope_parameters={"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                                 "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}})


def write_siglip(root, torch, transformers):
    import numpy as np
    from PIL import Image
    tokenizer = transformers.SiglipTokenizer.from_pretrained(TOKENIZERS / "medsiglip")
    reader = transformers.SiglipImageProcessor(size={"height": MEDSIGLIP_SIDE, "width": MEDSIGLIP_SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    tower = dict(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=3)
    config = transformers.SiglipConfig(text_config=dict(tower, vocab_size=32000, projection_size=48),
                                       vision_config=dict(tower, image_size=MEDSIGLIP_SIDE, patch_size=14))
    model = transformers.SiglipModel(config).to(torch.float32).eval()
    scatter(model, torch)
    with torch.no_grad():
        model.logit_scale.fill_(2.5)
        model.logit_bias.fill_(-6.0)
    folder = root / "medsiglip-448"
    model.save_pretrained(folder)
    transformers.SiglipProcessor(reader, tokenizer).save_pretrained(folder)
    # The published folder has a tokenizer.json, which the slow tokenizer of transformers 4 does not write.
    if not (folder / "tokenizer.json").exists():
        (folder / "tokenizer.json").write_bytes((TOKENIZERS / "medsiglip/tokenizer.json").read_bytes())

    def unit(x):
        x = getattr(x, "pooler_output", x).double().numpy()
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    def embed(texts):
        ids = tokenizer(texts, padding="max_length", max_length=64, truncation=True, return_tensors="pt")["input_ids"]
        return unit(model.get_text_features(input_ids=ids))

    # Pillow's resize, as the published image processor does it with `resample` 2.
    grey = Image.open(root / "image.png").resize((MEDSIGLIP_SIDE, MEDSIGLIP_SIDE), Image.BILINEAR)
    pixels = torch.tensor((np.asarray(grey, np.float32) / 255 - 0.5) / 0.5).expand(1, 3, -1, -1)
    with torch.inference_mode():
        image = unit(model.get_image_features(pixel_values=pixels))[0]
        scale, scores = float(model.logit_scale.exp()), {}
        for finding, prompts in json.loads(FINDINGS.read_text())["findings"].items():
            absent, present = (image @ unit_mean(embed(prompts[which])) for which in ("absent", "present"))
            softmax = 1 / (1 + np.exp(scale * (absent - present)))
            scores[finding] = {"difference": float(present - absent), "softmax": float(softmax)}
    return {"embedding": image.tolist(), "scores": scores}


def unit_mean(x):
    import numpy as np
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def check(root, hilumctl):
    import numpy as np
    reference = json.loads((root / "reference.json").read_text())
    failures = []

    def hold(name, difference, limit):
        print(f"  {name}: {difference:.1e} (limit {limit:.0e})")
        if not difference <= limit:
            failures.append(name)

    with tempfile.TemporaryDirectory() as data:
        def run(*arguments):
            # References are float32; the encoder rounds unless it is told not to.
            environment = {**os.environ, "HILUM_ENCODER": "f32"}
            command = [hilumctl, "--data", data, "--json", *map(str, arguments)]
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            if done.returncode != 0:
                sys.exit(f"hilumctl {' '.join(map(str, arguments))}: {done.stderr.strip().splitlines()[-1]}")
            return json.loads(done.stdout)

        print(f"saved by transformers {reference['transformers']}, seed {reference['seed']}")
        for name, kind in (("medgemma-4b", "medgemma"), ("medgemma-27b-text", "medgemma-text"), ("medsiglip-448", "medsiglip")):
            pack = run("pack", "add", root / name, "--accept-terms", "--kind", kind)
            files = sorted(p.name for p in (root / name).iterdir())
            print(f"  added {pack['id']}: {len(files)} files, hash {pack['hash'][:12]}")
        run("pack", "verify")
        image = root / "image.png"
        for name, expected in reference["medgemma"].items():
            *earlier, current = (root / file for file in expected["images"])
            prior = ["--prior", *earlier] if earlier else []
            draft = run("draft", current, *prior, "--pack", "medgemma-4b", "--prompt", "raw", "--text", expected["text"], "--max-tokens", TOKENS)
            for key, found in (("prompt_ids", draft["prompt_token_ids"]), ("token_ids", draft["token_ids"])):
                differ = sum(a != b for a, b in zip(found, expected[key])) + abs(len(found) - len(expected[key]))
                hold(f"{name}, {key} that differ, of {len(expected[key])}", differ, 0)
            hold(f"{name}, log-probability", max(abs(a - b) for a, b in zip(draft["logprobs"], expected["logprobs"])), TOLERANCE["logprob"])
        run("embed", image, "--pack", "medsiglip-448", "--out", pathlib.Path(data) / "embedding.npy")
        found = np.load(pathlib.Path(data) / "embedding.npy")[0]
        hold("embedding", float(np.abs(found - reference["medsiglip"]["embedding"]).max()), TOLERANCE["embedding"])
        scores = {row["finding"]: row for row in run("classify", image, "--pack", "medsiglip-448")[0]["scores"]}
        for key in ("difference", "softmax"):
            worst = max(abs(scores[finding][key] - row[key]) for finding, row in reference["medsiglip"]["scores"].items())
            hold(f"score, {key}", worst, TOLERANCE[key])
    if failures:
        sys.exit(f"differs: {', '.join(failures)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("write", "check"))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("hilumctl", nargs="?")
    parser.add_argument("--seed", type=int)
    a = parser.parse_args()
    if a.what == "write":
        write(a.folder, time.time_ns() % 2**31 if a.seed is None else a.seed)
    else:
        check(a.folder, a.hilumctl or sys.exit("which hilumctl?"))


if __name__ == "__main__":
    main()
