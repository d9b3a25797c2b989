"""Libraries in C and C++ that are compiled from sources within a crate. No lock file names them, and no advisory of a
Rust crate need speak of them; their own makers publish under these names and versions.

Each version is read from the crate's sources, whose checksum Cargo.lock has, where they state their own; what a crate's
name says of it may be another one (charls-sys "+charls.2.4.5" carries what calls itself 2.4.2).
"""

import re
import sys

# By crate: name, maker, licence, vendor and product in the NVD's dictionary (CPE) where it is there, the file that states
# the version, and how: its parts, or the whole.
CARRIED = {
    "aws-lc-sys": [
        ("AWS-LC", "Amazon", "Apache-2.0 AND ISC", None,
         "aws-lc/include/openssl/base.h", r'AWSLC_VERSION_NUMBER_STRING "([^"]+)"'),
    ],
    "charls-sys": [
        ("CharLS", "Team CharLS", "BSD-3-Clause", None,
         "charls/include/charls/version.h", r"define CHARLS_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)"),
    ],
    # Two SQLites lie in this crate; with its feature bundled-sqlcipher the one within SQLCipher is compiled, whose versions
    # the open database is asked for too (store/src/tests/folder.rs).
    "libsqlite3-sys": [
        ("SQLCipher", "Zetetic LLC", "BSD-3-Clause", "zetetic:sqlcipher",
         "sqlcipher/sqlite3.c", r"define CIPHER_VERSION_NUMBER (\S+)"),
        ("SQLite", "the SQLite project", "blessing", "sqlite:sqlite",
         "sqlcipher/sqlite3.h", r'define SQLITE_VERSION +"([^"]+)"'),
    ],
    "libz-sys": [
        ("zlib", "Jean-loup Gailly, Mark Adler", "Zlib", "zlib:zlib", "src/zlib/zlib.h", r'define ZLIB_VERSION "([^"]+)"'),
    ],
    "onig_sys": [
        ("Oniguruma", "K. Kosako", "BSD-2-Clause", "oniguruma_project:oniguruma",
         "oniguruma/src/oniguruma.h", r"define ONIGURUMA_VERSION_(?:MAJOR|MINOR|TEENY) +(\d+)"),
    ],
    "openjpeg-sys": [
        ("OpenJPEG", "UCLouvain and others", "BSD-2-Clause", "uclouvain:openjpeg",
         "config/opj_config.h", r"define OPJ_VERSION_(?:MAJOR|MINOR|BUILD) (\d+)"),
    ],
    "openssl-src": [
        ("OpenSSL", "The OpenSSL Project", "Apache-2.0", "openssl:openssl",
         "openssl/VERSION.dat", r"(?m)^(?:MAJOR|MINOR|PATCH)=(\d+)"),
    ],
    "turbojpeg-sys": [
        ("libjpeg-turbo", "the libjpeg-turbo project", "IJG AND BSD-3-Clause AND Zlib", "libjpeg-turbo:libjpeg-turbo",
         "libjpeg-turbo/CMakeLists.txt", r"(?m)^set\(VERSION ([\d.]+)\)"),
    ],
}
# Crates whose sources in C or assembler are nobody else's: ring's own, and an empty file.
OWN = {"ring", "link-cplusplus"}
# What is built while Hilum is built, and linked by another crate than its own.
LINKED_BY = {"openssl-src": "openssl-sys"}
# Where the machine that builds has the library, its own is linked instead.
SYSTEM_FIRST = {"libz-sys"}
SOURCES = {".c", ".cc", ".cpp", ".cxx", ".S", ".asm"}
BESIDE = {"tests", "examples", "benches", "build"}


def within(package, folder, places):
    """The libraries that a crate carries, as components within its own; `places` are the executables that link it."""
    components = []
    for name, maker, licence, cpe, file, how in CARRIED.get(package, []):
        version = ".".join(re.findall(how, (folder / file).read_text(errors="replace")))
        if not re.fullmatch(r"\d+(\.\d+)+", version):
            sys.exit(f"{package}: {file} states no version of {name} any more, but {version!r}")
        purl = f"pkg:generic/{name.lower()}@{version}"
        component = {"type": "library", "bom-ref": f"{package}/{purl}", "name": name, "version": version, "purl": purl}
        component["author"] = maker
        component["licenses"] = [{"expression": licence}]
        component["properties"] = [{"name": "hilum:in", "value": places}]
        if cpe:
            component["cpe"] = f"cpe:2.3:a:{cpe}:{version}:*:*:*:*:*:*:*"
        components.append(component)
    return components


def forgotten(package, folder):
    """Whether a crate that links a native library has sources for one of which this list says nothing."""
    if package in CARRIED or package in OWN:
        return False
    files = (f.relative_to(folder) for f in folder.rglob("*") if f.suffix in SOURCES)
    return any(f.parts[0] not in BESIDE for f in files)


def table(components):
    """The rows of all that are carried, as the SOUP list shows them."""
    lines = [
        "",
        "## Libraries in C and C++ within these",
        "",
        "Compiled from sources within the crates named, and so of the same checksums. Each version is the one that these sources",
        "state. Advisories of these libraries come from their own makers.",
        "",
        "| library | version | made by | licence | within | in |",
        "|---|---|---|---|---|---|",
    ]
    rows = []
    for crate in components:
        for c in crate.get("components", []):
            where = f"{crate['name']} {crate['version']}"
            if crate["name"] in SYSTEM_FIRST:
                where += ", unless the system has one"
            licence, places = c["licenses"][0]["expression"], c["properties"][0]["value"]
            rows.append(f"| {c['name']} | {c['version']} | {c['author']} | {licence} | {where} | {places} |")
    return lines + sorted(rows, key=str.lower)
