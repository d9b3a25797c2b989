"""What ISO 19005-2 (PDF/A-2b) asks of a file, and what its tags say, read without Hilum's own code.

    python archive_check.py REPORT.pdf

Prints JSON: `problems`, a list that is empty for a good file, and `structure`, the tags in reading order as
[role, alternative text]. It is no full validator: where veraPDF is installed, the tests ask that as well.
"""

import json
import re
import sys

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

# Operators that put ink on a page (ISO 32000-1, annex A).
INK = {"S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "EI"}
# Content streams hold names, numbers, strings, arrays, dictionaries and operators; no inline images are written.
TOKEN = re.compile(rb"<<|>>|<[0-9A-Fa-f\s]*>|\((?:[^()\\]|\\.)*\)|/[^\s/\[\]()<>]*|\[|\]|[^\s/\[\]()<>]+")


def content(page):
    streams = page["/Contents"]
    streams = streams if isinstance(streams, generic.ArrayObject) else [streams]
    return b"\n".join(stream.get_object().data for stream in streams)


def marked(data, problems, where):
    """Marked-content numbers in a page's stream; every drawing operator must lie in marked content."""
    numbers, stack, waiting, depth = [], [], None, 0
    for token in TOKEN.findall(data):
        word = token.decode("latin-1")
        if word == "/MCID":
            waiting = "MCID"
        elif waiting == "MCID":
            waiting = int(word)
        elif word in ("BDC", "BMC"):
            stack.append(waiting)
            if isinstance(waiting, int):
                numbers.append(waiting)
            waiting = None
        elif word == "EMC":
            if not stack:
                problems.append(f"{where}: marked content ends that did not begin")
                return numbers
            stack.pop()
        elif word in INK and not stack:
            problems.append(f"{where}: {word} draws what is neither tagged nor an artifact")
        elif word in ("q", "Q"):
            depth += 1 if word == "q" else -1
    if stack or depth:
        problems.append(f"{where}: {len(stack)} marks and {depth} states stay open")
    return numbers


def value(dictionary, key, default=None):
    """A dictionary's entry, references followed."""
    return dictionary[key] if key in dictionary else default


def number_of(reference):
    return reference.reference.idnum if isinstance(reference, generic.IndirectObject) else None


def structure(root, pages, page_numbers, problems):
    tree = value(root, "/StructTreeRoot")
    if tree is None or not value(value(root, "/MarkInfo", {}), "/Marked", False):
        problems.append("the file is not tagged")
        return []
    found, owners, held = [], {}, []

    def walk(reference, parent):
        element, own = reference.get_object(), number_of(reference)
        role = str(element["/S"])[1:]
        if number_of(element.raw_get("/P")) != parent:
            problems.append(f"{role} names another parent")
        found.append([role, str(value(element, "/Alt", ""))])
        if role == "Figure" and not value(element, "/Alt"):
            problems.append("a figure has no alternative text")
        for at in range(len(value(element, "/K", []))):
            kid = element["/K"].raw_get(at)
            if isinstance(kid, generic.IndirectObject):
                walk(kid, own)
            elif "/MCID" in kid:
                page = page_numbers.index(number_of(kid.raw_get("/Pg")))
                owners.setdefault((page, int(kid["/MCID"])), []).append(own)
            elif "/Obj" in kid:
                held.append((int(value(kid["/Obj"], "/StructParent", -1)), own))

    walk(tree.raw_get("/K"), number_of(root.raw_get("/StructTreeRoot")))
    if "/Lang" not in root:
        problems.append("no language is given")
    numbers = tree["/ParentTree"]["/Nums"]
    parents = {int(numbers[i]): numbers[i + 1] for i in range(0, len(numbers), 2)}
    for number, own in held:
        entries = {int(numbers[i]): numbers.raw_get(i + 1) for i in range(0, len(numbers), 2)}
        if number_of(entries.get(number)) != own:
            problems.append("the parent tree does not know a field")
    for i, page in enumerate(pages):
        ids = marked(content(page), problems, f"page {i + 1}")
        if sorted(ids) != list(range(len(ids))):
            problems.append(f"page {i + 1}: marked content is not numbered from 0, each once")
        listed = parents.get(int(value(page, "/StructParents", -1)))
        for number in ids:
            owner = owners.get((i, number), [])
            if len(owner) != 1:
                problems.append(f"page {i + 1}: content {number} belongs to {len(owner)} elements")
            elif listed is None or number_of(listed.raw_get(number)) != owner[0]:
                problems.append(f"page {i + 1}: the parent tree does not know content {number}")
    return found


def fonts(pages, problems):
    seen = set()
    for page in pages:
        for name, font in ((name, page["/Resources"]["/Font"][name]) for name in page["/Resources"]["/Font"]):
            if name in seen:
                continue
            seen.add(name)
            if "/ToUnicode" not in font:
                problems.append(f"{name} has no ToUnicode")
            below = font["/DescendantFonts"][0]
            descriptor = below["/FontDescriptor"]
            if not any(key in descriptor for key in ("/FontFile2", "/FontFile3", "/FontFile")):
                problems.append(f"{name} is not embedded")
            if value(below, "/CIDToGIDMap") is None and str(below["/Subtype"]) == "/CIDFontType2":
                problems.append(f"{name} has no CIDToGIDMap")
            if not re.match(r"^/[A-Z]{6}\+", str(below["/BaseFont"])):
                problems.append(f"{name} does not say that it is a subset")


def archive(data, reader, problems):
    root = reader.root
    if not re.match(rb"%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}", data):
        problems.append("the header has no binary comment")
    if "/Encrypt" in reader.trailer or "/ID" not in reader.trailer:
        problems.append("the trailer has an encryption or no identifier")
    intents = value(root, "/OutputIntents")
    profile = intents[0]["/DestOutputProfile"] if intents else None
    if profile is None or profile.data[36:40] != b"acsp" or str(intents[0]["/S"]) != "/GTS_PDFA1":
        problems.append("no output intent with a profile")
    xmp = root["/Metadata"].data.decode("utf-8")
    if "/Filter" in root["/Metadata"]:
        problems.append("the metadata are compressed")
    for said in ("<pdfaid:part>2</pdfaid:part>", "<pdfaid:conformance>B</pdfaid:conformance>"):
        if said not in xmp:
            problems.append(f"the metadata lack {said}")
    if "/Names" in root or "/OpenAction" in root or "/AA" in root or "/OCProperties" in root:
        problems.append("the catalogue has actions, names or layers")
    for key in (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"LZWDecode", b"/Movie", b"/Sound"):
        if key in data:
            problems.append(f"the file has {key.decode()}")
    if value(value(root, "/AcroForm", {}), "/NeedAppearances"):
        problems.append("the form's appearance is left to the reader")


def main():
    problems = []
    with open(sys.argv[1], "rb") as file:
        data = file.read()
        file.seek(0)
        reader = PdfFileReader(file)
        kids = reader.root["/Pages"]["/Kids"]
        pages = [kids[at] for at in range(len(kids))]
        page_numbers = [number_of(kids.raw_get(at)) for at in range(len(kids))]
        archive(data, reader, problems)
        fonts(pages, problems)
        for page in pages:
            annotations = value(page, "/Annots", [])
            for annotation in (annotations[at] for at in range(len(annotations))):
                flags = int(value(annotation, "/F", 0))
                if not flags & 4 or flags & 0b100011 or "/AP" not in annotation:
                    problems.append("an annotation is hidden, not printed or has no appearance")
        found = structure(reader.root, pages, page_numbers, problems)
    print(json.dumps({"problems": problems, "structure": found}))


if __name__ == "__main__":
    main()
