#!/usr/bin/env python3
"""Draw a set of synthetic radiographs once, into files that the trainers map into memory.

    synthetic_dataset.py OUT --count 36000 --seed 12 [--part I/N]      I of N processes; run them side by side

Writes images.npy (count, 224, 224) uint8, masks.npy (count, channels, 16, 16) uint8 and findings-I.jsonl with a line
`{"index": i, "findings": {...}, "boxes": {...}, "prior": j or null}` for each image. Twelve images in a row share a thorax, which
is what makes drawing cheap; the last four of the twelve are two pairs of an earlier and a later examination. A thorax depends
on (seed, group) alone, an image on (seed, group, place in it). A run that was stopped goes on where its findings file ends.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np
from numpy.lib.format import open_memmap

from synthetic_cxr import MASK_SIDE, MASKS, anatomy, draw, to_uint8
from synthetic_findings import VIEWS, from_json, sample_findings, sample_prior

SIDE, GROUP, FIRST_PAIR = 224, 12, 8
# Findings and boxes of one image in text, and what must stay free beside the set: a full disk stops other programs too.
LINE, SPARE = 2_000, 256_000_000


def open_set(folder, count, mode="r"):
    """The memory-mapped images and masks of a set; `mode` "w+" makes them, "r+" opens them for writing."""
    folder = pathlib.Path(folder)
    images = open_memmap(folder / "images.npy", mode, np.uint8, (count, SIDE, SIDE) if mode == "w+" else None)
    masks = open_memmap(folder / "masks.npy", mode, np.uint8, (count, len(MASKS), MASK_SIDE, MASK_SIDE) if mode == "w+" else None)
    return images, masks


def check_room(folder, count):
    """Ends with what is missing where the disk cannot hold `count` images.

    The files are made at their full length and filled later. Until then they take no room, so that a disk that is too small
    would show only as a bus error in the middle of the drawing.
    """
    needed = count * (SIDE * SIDE + len(MASKS) * MASK_SIDE * MASK_SIDE + LINE)
    # What an earlier run has filled counts: st_blocks are those that the disk gave, 512 bytes each.
    taken = sum(f.stat().st_blocks * 512 for f in folder.iterdir())
    free = shutil.disk_usage(folder).free
    if free < needed - taken + SPARE:
        raise SystemExit(f"{count} images take {needed / 1e9:.1f} GB under {folder}, of which {taken / 1e9:.1f} GB are written; "
                         f"{free / 1e9:.1f} GB are free, and {SPARE / 1e9:.2f} GB have to stay so")


def load_rows(folder):
    """All lines of a set in the order of the images, findings as `Findings`; what is not drawn yet is missing from the end."""
    rows = {}
    for path in pathlib.Path(folder).glob("findings-*.jsonl"):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            row["findings"] = from_json(row["findings"])
            rows[row["index"]] = row
    count = next((i for i in range(len(rows)) if i not in rows), len(rows))
    return [rows[i] for i in range(count)]


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out", type=pathlib.Path)
    a.add_argument("--count", type=int, default=24000)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--part", default="0/1")
    a = a.parse_args()
    part, parts = map(int, a.part.split("/"))
    a.count -= a.count % GROUP
    a.out.mkdir(parents=True, exist_ok=True)
    check_room(a.out, a.count)
    images, masks = open_set(a.out, a.count, "r+" if (a.out / "masks.npy").exists() else "w+")
    log = a.out / f"findings-{part}.jsonl"
    done = len(log.read_text().splitlines()) // GROUP if log.exists() else 0
    with log.open("a") as out:
        for group in range(part + done * parts, a.count // GROUP, parts):
            for line in draw_group(a.seed, group, images, masks):
                out.write(json.dumps(line) + "\n")
            out.flush()


def draw_group(seed, group, images, masks):
    """Draw one thorax's images into the arrays and return their lines."""
    rng = np.random.default_rng((seed, group))
    view = VIEWS[rng.choice(3, p=(0.62, 0.32, 0.06))]
    body, lines, later = anatomy(rng, view, SIDE), [], None
    for k in range(GROUP):
        i = group * GROUP + k
        rng = np.random.default_rng((seed, group, k))
        prior = None
        if k >= FIRST_PAIR and k % 2 == 0:
            later = sample_findings(rng, view)
            found = sample_prior(later, rng)
        elif k >= FIRST_PAIR:
            found, prior = later, i - 1
        else:
            found = sample_findings(rng, view)
        image, masks[i], boxes = draw(rng, found, body, masks=True)
        images[i] = to_uint8(image)
        lines.append({"index": i, "findings": vars(found), "boxes": boxes, "prior": prior})
    return lines


if __name__ == "__main__":
    main()
