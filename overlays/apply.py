#!/usr/bin/env python3
"""Copy a released crate and apply Hilum's edits to the copy.

    apply.py OVERLAY UPSTREAM TARGET

OVERLAY is a folder beside this file: `edits.py` with `FILES = {path: (sha256, [(line, old, new), ...])}`, and
our own files, which are copied into the crate's `src/`. UPSTREAM is the crate's folder in cargo's registry, TARGET the
folder to make. An upstream file of another content, or a line without the words to replace, is an error and leaves no
TARGET; a TARGET that is there already is left alone.
"""
import hashlib, os, pathlib, runpy, shutil, sys, tempfile


def main() -> None:
    overlay, upstream, target = (pathlib.Path(argument) for argument in sys.argv[1:])
    if target.exists():
        return
    files = runpy.run_path(str(overlay / "edits.py"))["FILES"]
    target.parent.mkdir(parents=True, exist_ok=True)
    # Made under another name and renamed, so that an interrupted or a parallel run never leaves half a crate.
    copy = pathlib.Path(tempfile.mkdtemp(prefix=target.name + ".", dir=target.parent))
    try:
        shutil.copytree(upstream, copy, dirs_exist_ok=True)
        for name, (digest, edits) in files.items():
            path = copy / name
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != digest:
                sys.exit(f"{upstream / name} has SHA-256 {found}, the edit was written for {digest}")
            lines = path.read_text().splitlines(keepends=True)
            for number, old, new in edits:
                if lines[number - 1].count(old) != 1:
                    sys.exit(f"{upstream / name}:{number} does not hold {old!r} once")
                lines[number - 1] = lines[number - 1].replace(old, new)
            path.write_text("".join(lines))
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
