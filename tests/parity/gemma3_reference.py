#!/usr/bin/env python3
"""What transformers answers for the tiny checkpoints that testkit writes, as JSON.

    cargo run --release -p hilum-testkit --example gemma3_checkpoint -- SEED FOLDER
    gemma3_reference.py SEED FOLDER > tests/parity/gemma3_tiny.json

Needs torch, transformers (5 or later) and pillow from PyPI; float32 on the CPU. The numbers are
committed, so the Rust test needs no Python. That test compares the hash of the weights first.
"""
import hashlib, json, pathlib, re, sys, torch, transformers
from PIL import Image
from transformers import Gemma3ForConditionalGeneration, Gemma3ImageProcessor, Gemma3Processor, PreTrainedTokenizerFast

TEXT, TOKENS = "Describe this X-ray", 64
# Images, and how often the text is said: the last two cross the sliding window of 256 while writing and while reading.
CASES = {"none": ([], 1), "one": (["current"], 1), "two": (["prior", "current"], 1), "across": (["current"], 24), "past": (["prior", "current"], 36)}


def answers(folder, images):
    """Greedy answers of one checkpoint: prompt ids, token ids, natural-log probabilities and text."""
    config = json.loads((folder / "config.json").read_text())
    side, per_image = config["vision_config"]["image_size"], config["mm_tokens_per_image"]
    template = json.loads((folder / "tokenizer_config.json").read_text())["chat_template"]
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), bos_token="<bos>", eos_token="<eos>", pad_token="<pad>",
        extra_special_tokens={"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"})
    tokenizer.chat_template = template
    reader = Gemma3ImageProcessor(size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3,
                                  do_pan_and_scan=False, image_seq_length=per_image)
    processor = Gemma3Processor(reader, tokenizer, image_seq_length=per_image, chat_template=template)
    model = Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    out = {}
    for name, (files, times) in CASES.items():
        content = [{"type": "image", "image": images[file]} for file in files] + [{"type": "text", "text": " ".join([TEXT] * times)}]
        inputs = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True,
                                               tokenize=True, return_dict=True, return_tensors="pt")
        with torch.inference_mode():
            result = model.generate(**inputs, max_new_tokens=TOKENS, do_sample=False, output_scores=True, return_dict_in_generate=True)
        new = result.sequences[0, inputs["input_ids"].shape[1]:]
        steps = [torch.log_softmax(scores[0].double(), -1) for scores in result.scores]
        margin = min((step.topk(2).values[0] - step.topk(2).values[1]).item() for step in steps)
        print(f"{folder.name} {name}: {len(new)} tokens, {len(set(new.tolist()))} different, least margin {margin:.4f}, prompt {inputs['input_ids'].shape[1]}", file=sys.stderr)
        out[name] = {"repeat": times, "prompt_ids": inputs["input_ids"][0].tolist(), "token_ids": new.tolist(),
                     "logprobs": [round(step[token].item(), 6) for step, token in zip(steps, new)],
                     "text": tokenizer.decode(new, skip_special_tokens=True)}
    return out


def main():
    seed, root = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    images = {name: Image.open(root / f"{name}.pgm").convert("RGB") for name in ("prior", "current")}
    styles = {}
    for style in ("style4", "style5"):
        digest = hashlib.sha256((root / style / "model.safetensors").read_bytes()).hexdigest()
        styles[style] = {"weights_sha256": digest, "cases": answers(root / style, images)}
    text = json.dumps({"seed": seed, "prompt": TEXT, "transformers": transformers.__version__, "torch": torch.__version__.split("+")[0], **styles}, indent=1)
    print(re.sub(r"\[[^\[\]{}]*\]", lambda numbers: " ".join(numbers.group().split()), text))


if __name__ == "__main__":
    main()
