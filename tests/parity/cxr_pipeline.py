#!/usr/bin/env python3
"""Model inputs of computed radiographs by the published chest pipeline, in numpy and Pillow.

    cxr_pipeline.py > src-tauri/crates/imaging/tests/cxr_pipeline.json        (needs numpy and pillow)

The steps are those of Google's serving code for CR and DX images (github.com/Google-Health/medgemma,
python/data_accessors/local_file_handlers/generic_dicom_handler.py `_norm_cxr_imaging`, with the window to 16 bits of MedGemma
1.0; python/data_processing/image_utils.py), then 8 bits, black padding to a square as in the published notebooks, and
Pillow's bilinear resize as the published image processors do it (`resample` 2). Written down here from what it does, none of
it copied.

What is kept of an input, so that the file stays small: every 2003rd pixel; the means of 8 x 8 blocks; where the picture begins and
ends in the black square, and 32 pixels of each of its four outermost lines.
"""
import json

import numpy as np
from PIL import Image

STRIDE, BLOCKS, ON_LINE = 2003, 8, 32


def value(row, column, bits, signed):
    """A slope with waves; the Rust test computes the same. 8 bits: 10 to 244; more: a twentieth above 0 and below the top.
    Signed values are the same less half of their range."""
    span = (1 << bits) - 1
    wave = (row * row * 7 + column * column * 3 + row * column) % 977
    return span // 20 + (row * 31 + column * 17 + wave * 41) % (span - span // 10) - (1 << bits - 1) * signed


def published(values, bits, signed, rescale, window, invert):
    array = values.astype(np.uint8 if bits == 8 else np.int16 if signed else np.uint16)
    pixels = array
    if rescale:
        # pydicom's apply_modality_lut: float64.
        pixels = array.astype(np.float64) * rescale[0] + rescale[1]
    if window:
        half = window[1] // 2
        bottom, top = window[0] - half, window[0] + half
        pixels = np.round(np.interp(np.clip(pixels, bottom, top), (bottom, top), (0, 65535))).astype(np.uint16)
    if pixels.dtype == np.float64:
        pixels = pixels.astype(array.dtype)
    if pixels.dtype == np.int16:
        pixels = (pixels.astype(np.int32) - pixels.min()).astype(np.uint16)
    if pixels.dtype != np.uint8:
        # Only what is wider than a byte is stretched.
        pixels = np.interp(pixels, (pixels.min(), pixels.max()), (0, 65535)).astype(np.uint16)
    if invert:
        pixels = np.iinfo(pixels.dtype).max - pixels
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257).astype(np.uint8)


def squared(grey, side):
    height, width = grey.shape
    size = max(height, width)
    square = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top:top + height, left:left + width] = grey
    return np.asarray(Image.fromarray(square).resize((side, side), Image.BILINEAR))


def cases():
    for bits in (8, 10, 12, 16):
        span = (1 << bits) - 1
        for rows, columns in ((517, 431), (301, 701)) if bits != 10 else ((97, 97),):
            for invert in (False, True):
                # A window inside the range, and one that reaches beyond it.
                for window in (None, (span // 2, span // 3), (span // 2, span * 3 // 2)):
                    yield bits, False, rows, columns, None, window, invert
        yield bits, False, 223, 190, (1, -span // 4) if bits > 8 else None, (span // 4, span // 2), False
    for bits in (12, 16):
        span = (1 << bits) - 1
        yield bits, True, 301, 701, None, None, bits == 12
        # A window below zero, and one around it in other units.
        yield bits, True, 517, 431, None, (-span // 8, span // 3), bits == 16
        yield bits, True, 223, 190, (1, span // 4), (span // 4, span // 2), False


def kept(made):
    """What the test compares, of a square of bytes."""
    side = len(made)
    # 256ths, of which two bytes hold every mean.
    means = np.round(made.reshape(BLOCKS, side // BLOCKS, BLOCKS, side // BLOCKS).mean((1, 3), dtype=np.float64) * 256).astype(">u2")
    edges = [int(found[end]) for found in (np.flatnonzero(made.any(1)), np.flatnonzero(made.any(0))) for end in (0, -1)]
    lines = [line[::side // ON_LINE] for line in (made[edges[0]], made[edges[1]], made[:, edges[2]], made[:, edges[3]])]
    return {"sampled": made.ravel()[::STRIDE].tobytes().hex(), "blocks": means.tobytes().hex(),
            "edges": edges, "lines": np.concatenate(lines).tobytes().hex()}


def main():
    rows_out = []
    for number, (bits, signed, rows, columns, rescale, window, invert) in enumerate(cases()):
        row, column = np.mgrid[0:rows, 0:columns]
        grey = published(value(row, column, bits, signed), bits, signed, rescale, window, invert)
        # Both sides for some, one for each of the others, so that the file stays small.
        for side in (448, 896) if number % 5 == 0 else ((448,), (896,))[number % 2]:
            rows_out.append(json.dumps({
                "bits": bits, "signed": signed, "rows": rows, "columns": columns, "rescale": rescale, "window": window,
                "invert": invert, "side": side, **kept(squared(grey, side)),
            }, separators=(",", ":")))
    print("[\n" + ",\n".join(rows_out) + "\n]")


if __name__ == "__main__":
    main()
