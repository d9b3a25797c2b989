#!/usr/bin/env python3
"""Ask hilumctl for the evidence maps of synthetic radiographs, and count how often the maximum lies in the lesion.

    check_evidence_maps.py --hilumctl target/release/hilumctl [--count 60] [--seed 90210] [--pack medsiglip-demo]

What check_demo_packs.py measures with torch, through the program as it is shipped: a picture is drawn and written as PNG,
`hilumctl classify` scores it, and for every finding that was drawn and is scored above zero `--map` says where its maximum is.
Exit status 1 when fewer than --least of them lie in a box of that finding, or when there were none.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

from finding_labels import ZERO_SHOT
from synthetic_cxr import anatomy, draw, to_uint8
from synthetic_findings import VIEWS, sample_findings

# Packs of the demonstration, unless HILUM_MODELS names others.
DEMO = pathlib.Path(__file__).resolve().parent.parent / "models/demo"


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--hilumctl", default="hilumctl")
    a.add_argument("--count", type=int, default=60)
    a.add_argument("--seed", type=int, default=90210)
    a.add_argument("--pack", default="medsiglip-demo")
    a.add_argument("--side", type=int, default=448)
    a.add_argument("--least", type=float, default=0.7)
    a = a.parse_args()
    hits, asked = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(a.count):
            picture = pathlib.Path(folder) / "picture.png"
            rng = np.random.default_rng((a.seed, i))
            found = sample_findings(rng, VIEWS[i % 2])
            image, _, boxes = draw(rng, found, anatomy(rng, found.view, a.side), masks=True)
            Image.fromarray(to_uint8(image)).save(picture)
            scores = {s["finding"]: s["difference"] for s in classify(a, picture)["scores"]}
            for finding, drawn in ZERO_SHOT.items():
                if not drawn(found) or scores[finding] <= 0 or not boxes.get(finding):
                    continue
                at = classify(a, picture, "--map", finding, str(pathlib.Path(folder) / "map.npy"))["map"]["max_at"]
                asked[finding] += 1
                hits[finding] += any(l <= at["x"] <= r and t <= at["y"] <= b for l, t, r, b in boxes[finding])
    for finding in sorted(asked):
        print(f"{hits[finding]:4d} of {asked[finding]:4d}  {finding}")
    total = sum(asked.values())
    share = sum(hits.values()) / max(total, 1)
    print(f"the maximum lies in the lesion in {share:.3f} of {total} maps")
    sys.exit(share < a.least)


def classify(a, picture, *more):
    command = [a.hilumctl, "--json", "classify", str(picture), "--pack", a.pack, *more]
    said = subprocess.run(command, env={"HILUM_MODELS": str(DEMO), **os.environ}, stdout=subprocess.PIPE, text=True)
    if said.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {said.returncode}")
    return json.loads(said.stdout)[0]


if __name__ == "__main__":
    main()
