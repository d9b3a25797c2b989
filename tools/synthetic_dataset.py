#!/usr/bin/env python3
"""Draw a set of synthetic radiographs once, into files that the trainers map into memory.

    synthetic_dataset.py OUT --count 24000 --seed 1 [--part I/N]      I of N processes; run them side by side

Writes images.npy (count, 224, 224) uint8, masks.npy (count, channels, 16, 16) uint8 and findings-I.jsonl. Image i depends
on (seed, i) alone. An image is saved with its findings and a line `{"index": i, "findings": {...}}`; a run that was
stopped goes on where its findings file ends.
"""
import argparse
import json
import pathlib

import numpy as np
from numpy.lib.format import open_memmap

from synthetic_cxr import MASK_SIDE, MASKS, Findings, draw, sample_findings, to_uint8

SIDE = 224


def open_set(folder, count, mode="r"):
    """The memory-mapped images and masks of a set; `mode` "w+" makes them, "r+" opens them for writing."""
    folder = pathlib.Path(folder)
    images = open_memmap(folder / "images.npy", mode, np.uint8, (count, SIDE, SIDE) if mode == "w+" else None)
    masks = open_memmap(folder / "masks.npy", mode, np.uint8, (count, len(MASKS), MASK_SIDE, MASK_SIDE) if mode == "w+" else None)
    return images, masks


def load_findings(folder):
    """All findings of a set in the order of the images; images that are not drawn yet are missing from the end."""
    rows = {}
    for path in pathlib.Path(folder).glob("findings-*.jsonl"):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            rows[row["index"]] = from_json(row["findings"])
    count = next((i for i in range(len(rows)) if i not in rows), len(rows))
    return [rows[i] for i in range(count)]


def from_json(d):
    f = Findings(**d)
    f.opacity = {k: tuple(v) for k, v in f.opacity.items()}
    f.atelectasis = tuple(f.atelectasis)
    f.pneumothorax = tuple(f.pneumothorax) if f.pneumothorax else None
    f.lesion = tuple(f.lesion) if f.lesion else None
    return f


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out", type=pathlib.Path)
    a.add_argument("--count", type=int, default=24000)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--part", default="0/1")
    a = a.parse_args()
    part, parts = map(int, a.part.split("/"))
    a.out.mkdir(parents=True, exist_ok=True)
    images, masks = open_set(a.out, a.count, "r+" if (a.out / "masks.npy").exists() else "w+")
    log = a.out / f"findings-{part}.jsonl"
    done = len(log.read_text().splitlines()) if log.exists() else 0
    with log.open("a") as out:
        for i in range(part + done * parts, a.count, parts):
            rng = np.random.default_rng((a.seed, i))
            found = sample_findings(rng)
            image, masks[i] = draw(rng, found, SIDE, masks=True)
            images[i] = to_uint8(image)
            out.write(json.dumps({"index": i, "findings": vars(found)}) + "\n")
            if i % 500 < parts:
                out.flush()


if __name__ == "__main__":
    main()
