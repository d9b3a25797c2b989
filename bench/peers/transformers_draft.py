#!/usr/bin/env python3
"""Times the steps of a draft, or of MedSigLIP's image tower, in transformers: one process, one load.

    transformers_draft.py draft CHECKPOINT THREADS DTYPE IDS_FILE SIDE DRAFTED
    transformers_draft.py siglip CHECKPOINT THREADS DTYPE RUNS

DTYPE is bfloat16 or float32. IDS_FILE as for llama_draft.cpp. Prints one line of JSON. The speed of decoding is that of the draft's own answer: at three
tokens a second, another 128 would only take time.
"""
import json, pathlib, sys, time

import torch


def pixels(side, dtype):
    """The same picture as the other engines get, normalised as both models' processors do: 1 x 3 x side x side."""
    i = torch.arange(side * side, dtype=torch.int64)
    noise = (i * 2654435761 % 2**32) >> 27
    grey = ((i % side * 96 + i // side * 96) // side + noise).reshape(1, 1, side, side).expand(1, 3, side, side)
    return ((grey / 255 - 0.5) / 0.5).to(dtype)


def draft(checkpoint, dtype, ids_file, side, drafted):
    from transformers import Gemma3ForConditionalGeneration

    begun = time.monotonic()
    model = Gemma3ForConditionalGeneration.from_pretrained(checkpoint, dtype=dtype).eval()
    load = time.monotonic() - begun
    words, before, after = ([int(n) for n in line.split()] for line in pathlib.Path(ids_file).read_text().splitlines())
    image_token = model.config.image_token_id
    soft = model.config.mm_tokens_per_image

    def write(ids, count, picture=None):
        """Seconds from now to the first token, from there to the last one, and how many there are."""
        ids = torch.tensor([ids])
        times = []

        def clock(_, scores):
            times.append(time.monotonic())
            return scores

        more = {"attention_mask": torch.ones_like(ids), "token_type_ids": (ids == image_token).long()}
        if picture is not None:
            more["pixel_values"] = picture
        start = time.monotonic()
        model.generate(ids, do_sample=False, min_new_tokens=count, max_new_tokens=count, logits_processor=[clock], **more)
        return times[0] - start, times[-1] - times[0], len(times)

    prompt = min(write(words, 1)[0] for _ in range(2))
    seen = []
    model.model.vision_tower.register_forward_pre_hook(lambda *_: seen.append(time.monotonic()))
    model.model.multi_modal_projector.register_forward_hook(lambda *_: seen.append(time.monotonic()))
    whole = before + [image_token] * soft + after
    first, answer, count = write(whole, drafted, pixels(side, dtype))
    return {
        "load_seconds": load, "encode_seconds": seen[1] - seen[0], "prompt_seconds": prompt, "prompt_tokens": len(words),
        "decode_tokens_per_second": (count - 1) / answer, "draft_seconds": first + answer,
        "draft_first_token_seconds": first, "draft_prompt_tokens": len(whole), "draft_tokens": count,
    }


def siglip(checkpoint, dtype, runs):
    from transformers import SiglipModel

    model = SiglipModel.from_pretrained(checkpoint, dtype=dtype).eval()
    picture = pixels(model.config.vision_config.image_size, dtype)
    seconds = []
    for run in range(runs + 1):
        begun = time.monotonic()
        model.get_image_features(pixel_values=picture)
        if run > 0:
            seconds.append(time.monotonic() - begun)
    return {"seconds": seconds}


def main():
    what, checkpoint, threads, dtype, *rest = sys.argv[1:]
    dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[dtype]
    torch.set_num_threads(int(threads))
    with torch.inference_mode():
        if what == "draft":
            measured = draft(checkpoint, dtype, rest[0], int(rest[1]), int(rest[2]))
        else:
            measured = siglip(checkpoint, dtype, int(rest[0]))
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
