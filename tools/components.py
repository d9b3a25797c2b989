#!/usr/bin/env python3
"""What Hilum is made of, for the people who use it: the list in the window's About, and the licences' own words.

    components.py list           writes ui/src/features/help/components.json
    components.py list --check   exit 1 when that file is not what the lock files say
    components.py texts OUT      writes one file with the licence texts of every component, for the package

The components are those of tests/guard/sbom.py: what is linked or built with, on this kind of machine.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "ui/src/features/help/components.json"
NAMES = ("LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")


def boms():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "tests/guard/sbom.py", folder], check=True)
        for name in ("hilum-rust", "hilum-window"):
            yield name, json.loads((Path(folder) / f"{name}.cdx.json").read_text())


def outside(components):
    return [c for c in components if c["name"] != "hilum" and not c["name"].startswith("hilum-")]


def listed():
    rows = {(c["name"], c["version"], c["licenses"][0]["expression"]) for _, bom in boms() for c in outside(bom["components"])}
    lines = [json.dumps(row, ensure_ascii=False) for row in sorted(rows)]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def folders():
    """Where the sources of every component lie, by name and version."""
    about = subprocess.run(["rustc", "-vV"], capture_output=True, check=True, text=True).stdout
    host = next(line.removeprefix("host: ") for line in about.splitlines() if line.startswith("host: "))
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]
    command += ["--manifest-path", str(ROOT / "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    found = {("hilum-rust", p["name"], p["version"]): Path(p["manifest_path"]).parent for p in metadata["packages"]}
    lock = json.loads((ROOT / "ui/package-lock.json").read_text())
    for place, package in lock["packages"].items():
        if place:
            found["hilum-window", place.rpartition("node_modules/")[2], package["version"]] = ROOT / "ui" / place
    return found


def texts(out):
    where, by_text, without = folders(), {}, []
    for bom_name, bom in boms():
        for c in outside(bom["components"]):
            title = f"{c['name']} {c['version']} ({c['licenses'][0]['expression']})"
            folder = where.get((bom_name, c["name"], c["version"]))
            files = sorted(f for f in (folder.iterdir() if folder and folder.is_dir() else []) if f.is_file() and f.name.upper().startswith(NAMES))
            if not files:
                without.append(title)
            for file in files:
                text = file.read_text(errors="replace").strip()
                by_text.setdefault(hashlib.sha256(" ".join(text.split()).encode()).digest(), (text, []))[1].append(title)
    fonts = ROOT / "src-tauri/crates/export/fonts"
    for file in sorted(f for f in fonts.iterdir() if f.name.upper().startswith(NAMES) or f.suffix in (".txt", ".md")):
        by_text.setdefault(file.name, (file.read_text(errors="replace").strip(), []))[1].append(f"fonts of printed reports ({file.name})")
    rule = "\n" + "=" * 100 + "\n"
    parts = ["Hilum contains the following components of others, under the licences that follow each list of names.\n"]
    parts += ["\n".join(names) + "\n\n" + text + "\n" for text, names in sorted(by_text.values(), key=lambda one: one[1][0])]
    if without:
        parts.append("Without a licence file in their sources; under the licence that they name:\n\n" + "\n".join(without) + "\n")
    Path(out).write_text(rule.join(parts))
    print(f"{out}: {len(by_text)} texts, {len(without)} components without one of their own")


def main():
    match sys.argv[1:]:
        case ["list"]:
            LIST.write_text(listed())
        case ["list", "--check"]:
            if LIST.read_text() != listed():
                sys.exit(f"{LIST.relative_to(ROOT)} is stale: run tools/components.py list")
            print("the list of components is what the lock files say")
        case ["texts", out]:
            texts(out)
        case _:
            sys.exit(__doc__)


main()
