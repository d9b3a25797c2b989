#!/usr/bin/env python3
"""Copy a released crate and apply Hilum's edits to the copy.

    apply.py OVERLAY UPSTREAM TARGET

OVERLAY is a folder beside this file: `edits.py` with `FILES = {path: (sha256, [(line, old, new), ...])}` and `CRATE`, the
SHA-256 of the whole crate (`crate_digest`), and our own files, which are copied into the crate's `src/`. UPSTREAM is the
crate's folder in cargo's registry, TARGET the folder to make. An upstream file of another content, edited or not, one that
came or went, or a line without the words to replace, is an error, before anything is written; a TARGET that is there
already is left alone.
"""
import hashlib, os, pathlib, runpy, shutil, sys, tempfile


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def crate_digest(crate: pathlib.Path) -> str:
    """The hash of a text that has a line for each file, in the order of their paths: its hash, two spaces, its path.

    Cargo's own notes (`.cargo-ok`, `.cargo-checksum.json`) are no part of the crate.
    """
    files = sorted(path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file())
    own = (name for name in files if not name.startswith(".cargo-"))
    return digest("".join(f"{digest((crate / name).read_bytes())}  {name}\n" for name in own).encode())


def edited(upstream: pathlib.Path, name: str, expected: str, edits: list) -> bytes:
    """The file with its edits."""
    content = (upstream / name).read_bytes()
    if digest(content) != expected:
        sys.exit(f"{upstream / name} has SHA-256 {digest(content)}, the edit was written for {expected}")
    lines = content.decode().splitlines(keepends=True)
    for number, old, new in edits:
        if lines[number - 1].count(old) != 1:
            sys.exit(f"{upstream / name}:{number} does not hold {old!r} once")
        lines[number - 1] = lines[number - 1].replace(old, new)
    return "".join(lines).encode()


def main() -> None:
    overlay, upstream, target = (pathlib.Path(argument) for argument in sys.argv[1:])
    if target.exists():
        return
    edits = runpy.run_path(str(overlay / "edits.py"))
    files = {name: edited(upstream, name, *edit) for name, edit in edits["FILES"].items()}
    found = crate_digest(upstream)
    if found != edits["CRATE"]:
        sys.exit(f"the files of {upstream} have SHA-256 {found}, the edits were written for {edits['CRATE']}")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made under another name and renamed, so that an interrupted or a parallel run never leaves half a crate.
    copy = pathlib.Path(tempfile.mkdtemp(prefix=target.name + ".", dir=target.parent))
    try:
        shutil.copytree(upstream, copy, dirs_exist_ok=True)
        for name, content in files.items():
            (copy / name).write_bytes(content)
        for own in overlay.glob("*.rs"):
            shutil.copy(own, copy / "src" / own.name)
        copy.chmod(0o755)
        try:
            os.rename(copy, target)
        except OSError:
            if not target.exists():  # Another run was first with the same content.
                raise
    finally:
        shutil.rmtree(copy, ignore_errors=True)


if __name__ == "__main__":
    main()
