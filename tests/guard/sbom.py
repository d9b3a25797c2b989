#!/usr/bin/env python3
"""The bill of materials of what is shipped, CycloneDX 1.6, one file for Rust and one for the window, and the
SOUP list (IEC 62304, 8.1.2: name, manufacturer, version) made of the two.

    sbom.py OUT_DIR            writes hilum-rust.cdx.json, hilum-window.cdx.json and soup.md, and fails where the
                               committed docs/soup.md is not that soup.md
    sbom.py --write OUT_DIR    the same, and writes docs/soup.md
    sbom.py --check OUT_DIR    validates the two with cyclonedx-python-lib and against the lock files

Everything comes from lock files, the crates' own manifests and, for libraries in C within them (`carried.py`), their
sources, for one platform, so that the same checkout gives the same bytes everywhere.
"""

import base64
import difflib
import json
import re
import subprocess
import sys
import tomllib
import uuid
from pathlib import Path
from urllib.parse import quote

import carried

ROOT = Path(__file__).resolve().parents[2]
# Licences that a package does not name as SPDX does, as its licence file reads.
# dictionary-en: the permissions of SCOWL and of its sources, without a clause on advertising.
CLARIFIED = {"(MIT AND BSD)": "MIT AND BSD-3-Clause"}
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
# What is built and shipped (packaging/bundle).
PLATFORM = "x86_64-unknown-linux-gnu"
# What runs, by the package that it is built from; the window's scripts are built into the first.
EXECUTABLES = {"hilum": "hilum", "hilum-ctl": "hilumctl", "hilum-decode": "hilum-decode"}
# SQLite's, which is in the public domain; deny.toml is about crates, and none names it.
BESIDE_CRATES = {"blessing"}


def rust():
    """Components and dependencies by cargo's own account, checksums by the lock file."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", PLATFORM]
    command += ["--manifest-path", str(ROOT / "Cargo.toml")]
    metadata = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(p["name"], p["version"]): p.get("checksum") for p in lock["package"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {p["id"]: p for p in metadata["packages"]}

    def shipped(node):
        """What it links or builds with; tests' own dependencies are no part of the product."""
        kinds = lambda d: any(k["kind"] != "dev" for k in d["dep_kinds"])
        return [d["pkg"] for d in node["deps"] if kinds(d)]

    members = [i for i in metadata["workspace_members"] if packages[i]["name"] != "hilum-testkit"]
    reached, waiting = set(), list(members)
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting.extend(shipped(nodes[one]))

    def reach(names, deps):
        found, waiting = set(), [i for i in metadata["workspace_members"] if packages[i]["name"] in names]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(deps(nodes[one]))
        return found

    # Linked into an executable, as against used while it is built.
    linked = lambda node: [d["pkg"] for d in node["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
    macro = lambda i: any("proc-macro" in t["kind"] for t in packages[i]["targets"])
    runs = lambda node: [i for i in linked(node) if not macro(i)]
    inside = {name: reach({package}, runs) for package, name in EXECUTABLES.items()}
    by_name = {packages[i]["name"]: i for i in reached}
    stale = set(carried.CARRIED) - set(by_name)
    if stale:
        sys.exit(f"tests/guard/carried.py names what nothing here needs any more: {sorted(stale)}")

    def places(one):
        return ", ".join(name for name, members in inside.items() if one in members) or "build"

    def purl(package):
        return f"pkg:cargo/{package['name']}@{quote(package['version'])}"

    components, dependencies = [], []
    for one in sorted(reached, key=lambda i: (packages[i]["name"], packages[i]["version"])):
        package = packages[one]
        component = {
            "type": "library",
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(package),
        }
        if package.get("license"):
            # "A/B" is how Cargo once wrote "A OR B".
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if package.get("description"):
            component["description"] = " ".join(package["description"].split())
        if package.get("authors"):
            component["author"] = ", ".join(re.sub(r"\s*<[^>]*>", "", a) for a in package["authors"])
        component["properties"] = [{"name": "hilum:in", "value": places(one)}]
        sources = Path(package["manifest_path"]).parent
        linker = by_name.get(carried.LINKED_BY.get(package["name"]), one)
        within = carried.within(package["name"], sources, places(linker))
        if within:
            component["components"] = within
        if package.get("links") and places(one) != "build" and package["source"] and carried.forgotten(package["name"], sources):
            sys.exit(f"{package['name']} carries sources of a library: which and of what version, tests/guard/carried.py has to say")
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package["source"] not in (None, REGISTRY):
            sys.exit(f"{package['name']} comes from {package['source']}")
        components.append(component)
        dependencies.append({"ref": purl(package), "dependsOn": sorted({purl(packages[d]) for d in shipped(nodes[one]) if d in reached})})
    return components, dependencies


def window():
    """What the window is made of, by npm's lock file; development tools are left out, since nothing of them is shipped."""
    lock = json.loads((ROOT / "ui/package-lock.json").read_text())
    shipped = {}
    for place, package in lock["packages"].items():
        if place and not package.get("dev"):
            shipped[place] = package
    # The framework is named as a tool, and its runtime is compiled into the window all the same.
    tools = {"svelte", *json.loads((ROOT / "ui/package.json").read_text()).get("dependencies", {})}
    for place, package in lock["packages"].items():
        if place.removeprefix("node_modules/") in tools:
            shipped[place] = package

    def purl(place):
        name = place.rpartition("node_modules/")[2]
        name = "%40" + name[1:] if name.startswith("@") else name
        return f"pkg:npm/{name}@{shipped[place]['version']}"

    components, dependencies = [], []
    for place, package in sorted(shipped.items()):
        name = place.rpartition("node_modules/")[2]
        component = {"type": "library", "bom-ref": f"{purl(place)}#{place}", "name": name, "version": package["version"], "purl": purl(place)}
        component["properties"] = [{"name": "hilum:in", "value": "hilum"}]
        if package.get("license"):
            component["licenses"] = [{"expression": CLARIFIED.get(package["license"], package["license"])}]
        algorithm, _, sum_ = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(sum_).hex()}]
        components.append(component)
        needs = [f"node_modules/{n}" for n in package.get("dependencies", {}) if f"node_modules/{n}" in shipped]
        dependencies.append({"ref": component["bom-ref"], "dependsOn": sorted({f"{purl(n)}#{n}" for n in needs})})
    return components, dependencies


def bom(name, components, dependencies):
    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    product = {"type": "application", "bom-ref": name, "name": name, "version": version, "licenses": [{"expression": "MIT OR Apache-2.0"}]}
    body = {"components": components, "dependencies": dependencies}
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    refs = [c["bom-ref"] for c in components]
    needed = {d for entry in dependencies for d in entry["dependsOn"]}
    top = {"ref": name, "dependsOn": sorted(set(refs) - needed)}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": product},
        "components": components,
        "dependencies": [top, *dependencies],
    }


def soup(boms):
    lines = [
        "# Software of unknown provenance",
        "",
        "Every component from outside that Hilum is built of (IEC 62304, 8.1.2), made from the bills of materials by",
        "`python3 tests/guard/sbom.py --write out/sbom`; `./dev test` fails where this list is not what the lock files say.",
        "*In* names the executables that it is linked into; *build* runs only while Hilum is built. What each is needed for is in",
        "the manifests (`Cargo.toml`, `ui/package.json`) and in the bills of materials; what guards against its faults is in",
        "[hazards](hazards.md).",
        "",
        "| component | version | made by | licence | in |",
        "|---|---|---|---|---|",
    ]
    for one in boms:
        for c in one["components"]:
            if c["name"] == "hilum" or c["name"].startswith("hilum-"):
                continue
            licence = c.get("licenses", [{}])[0].get("expression", "see the source")
            maker = c.get("author") or "the maintainers of " + c["purl"].partition("@")[0].removeprefix("pkg:")
            if len(maker) > 90:
                maker = maker[:90].rpartition(",")[0] + " and others"
            where = c["properties"][0]["value"]
            lines.append(f"| {c['name']} | {c['version']} | {maker.replace('|', '/')} | {licence} | {where} |")
    lines += carried.table([c for one in boms for c in one["components"]])
    return "\n".join(lines) + "\n"


def check(folder):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    from license_expression import get_spdx_licensing

    licensing = get_spdx_licensing()
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"]) | BESIDE_CRATES

    def permits(expression):
        """Whether one way of reading an SPDX expression needs allowed licences only."""
        tree = licensing.parse(expression.replace("/", " OR "), validate=False)

        def holds(node):
            if node.isliteral:
                return str(node) in allowed
            return (any if node.operator.strip() == "OR" else all)(holds(a) for a in node.args)

        return holds(tree)

    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    locked = {(p["name"], p["version"], p.get("checksum")) for p in lock["package"]}
    for name in ("hilum-rust", "hilum-window"):
        text = (folder / f"{name}.cdx.json").read_text()
        wrong = validator.validate_str(text)
        if wrong:
            sys.exit(f"{name}: {wrong}")
        one = json.loads(text)
        within = [inner for c in one["components"] for inner in c.get("components", [])]
        refs = [c["bom-ref"] for c in one["components"] + within]
        known = set(refs) | {one["metadata"]["component"]["bom-ref"]}
        dangling = {d for entry in one["dependencies"] for d in [entry["ref"], *entry["dependsOn"]]} - known
        if len(refs) != len(set(refs)) or dangling:
            sys.exit(f"{name}: references that repeat or lead nowhere: {sorted(dangling)[:3]}")
        for c in one["components"]:
            ours = c["name"] == "hilum" or c["name"].startswith("hilum-")
            if not ours and not c.get("hashes"):
                sys.exit(f"{name}: {c['name']} {c['version']} has no checksum")
            if not c.get("licenses"):
                sys.exit(f"{name}: {c['name']} {c['version']} names no licence")
            if not permits(c["licenses"][0]["expression"]):
                sys.exit(f"{name}: {c['name']} {c['version']} is under {c['licenses'][0]['expression']}, which deny.toml does not allow")
            if name == "hilum-rust" and not ours and (c["name"], c["version"], c["hashes"][0]["content"]) not in locked:
                sys.exit(f"{name}: {c['name']} {c['version']} is not what Cargo.lock names")
        for c in within:
            if not permits(c["licenses"][0]["expression"]):
                sys.exit(f"{name}: {c['name']} {c['version']} is under {c['licenses'][0]['expression']}, which deny.toml does not allow")
        print(
            f"{name}: {len(refs) - len(within)} components, valid CycloneDX 1.6, each with its checksum and under an allowed licence"
            f"; {len(within)} libraries within them"
        )


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    how, folder = sys.argv[1], Path(sys.argv[-1])
    if how == "--check":
        return check(folder)
    folder.mkdir(parents=True, exist_ok=True)
    boms = [bom("hilum-rust", *rust()), bom("hilum-window", *window())]
    for one in boms:
        name = one["metadata"]["component"]["name"]
        (folder / f"{name}.cdx.json").write_text(json.dumps(one, indent=1, sort_keys=True) + "\n")
    text, committed = soup(boms), ROOT / "docs/soup.md"
    (folder / "soup.md").write_text(text)
    if how == "--write":
        committed.write_text(text)
    before = committed.read_text() if committed.exists() else ""
    if before != text:
        change = difflib.unified_diff(before.splitlines(), text.splitlines(), "docs/soup.md", "the lock files", lineterm="", n=0)
        print("\n".join([*change][:40]), file=sys.stderr)
        sys.exit("docs/soup.md is not what the lock files say: python3 tests/guard/sbom.py --write out/sbom")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    at = next(n for n, line in enumerate(rows) if line.startswith("| library "))
    print(f"docs/soup.md lists the {at - 1} components from outside that the lock files name, and {len(rows) - at - 1} libraries within them")


main()
