#!/usr/bin/env python3
"""Write pack.json, the manifest with every file's SHA-256, for a demo pack folder.

    write_pack_manifest.py models/demo/medgemma-demo --kind medgemma
"""
import argparse
import hashlib
import json
import math
import pathlib
import struct

NAMES = {"medgemma": "Demo vision-language model (Gemma 3, small)", "medsiglip": "Demo image-text pair (SigLIP, small)"}


def write_manifest(folder, kind):
    """Hash every file in `folder` but the manifest itself, and write the manifest."""
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file() and p.name != "pack.json"}
    manifest = dict(id=folder.name, kind=kind, name=NAMES[kind], demo=True, source="made by this project: tools/train_demo_packs.py", terms="MIT OR Apache-2.0",
                    notice="Demonstration model without medical meaning.", quantization="none", parameters=parameters(folder / "model.safetensors"), files=files)
    (folder / "pack.json").write_text(json.dumps(manifest, indent=1) + "\n")


def parameters(path):
    """How many numbers a safetensors file holds, from its header."""
    with path.open("rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder", type=pathlib.Path)
    a.add_argument("--kind", choices=NAMES, required=True)
    a = a.parse_args()
    write_manifest(a.folder, a.kind)


if __name__ == "__main__":
    main()
