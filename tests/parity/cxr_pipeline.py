#!/usr/bin/env python3
"""Model inputs of computed radiographs by the published chest pipeline, in numpy and Pillow.

    cxr_pipeline.py > src-tauri/crates/imaging/tests/cxr_pipeline.json        (needs numpy and pillow)

The steps are those of Google's serving code for CR and DX images (github.com/Google-Health/medgemma,
python/data_accessors/local_file_handlers/generic_dicom_handler.py `_norm_cxr_imaging`, with the window to 16 bits of MedGemma
1.0; python/data_processing/image_utils.py), then 8 bits, black padding to a square as in the published notebooks, and
Pillow's bilinear resize as the published image processors do it (`resample` 2). Written down here from what it does, none of
it copied. Every 1009th pixel is kept, and the mean.
"""
import json

import numpy as np
from PIL import Image

STRIDE = 1009


def value(row, column, bits):
    """A slope with waves; the Rust test computes the same. 8 bits: 10 to 244; more: a twentieth above 0 and below the top."""
    span = (1 << bits) - 1
    wave = (row * row * 7 + column * column * 3 + row * column) % 977
    return span // 20 + (row * 31 + column * 17 + wave * 41) % (span - span // 10)


def published(values, bits, rescale, window, invert):
    array = values.astype(np.uint8 if bits == 8 else np.uint16)
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
                    yield bits, rows, columns, None, window, invert
        yield bits, 223, 190, (1, -span // 4) if bits > 8 else None, (span // 4, span // 2), False


def main():
    rows_out = []
    for number, (bits, rows, columns, rescale, window, invert) in enumerate(cases()):
        row, column = np.mgrid[0:rows, 0:columns]
        grey = published(value(row, column, bits), bits, rescale, window, invert)
        # Both sides for some, one for each of the others, so that the file stays small.
        for side in (448, 896) if number % 5 == 0 else ((448,), (896,))[number % 2]:
            made = squared(grey, side)
            rows_out.append(json.dumps({
                "bits": bits, "rows": rows, "columns": columns, "rescale": rescale, "window": window, "invert": invert, "side": side,
                "mean": round(float(made.mean()), 4), "every_1009th": made.ravel()[::STRIDE].tobytes().hex(),
            }, separators=(",", ":")))
    print("[\n" + ",\n".join(rows_out) + "\n]")


if __name__ == "__main__":
    main()
