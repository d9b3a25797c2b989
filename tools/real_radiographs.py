"""Radiographs of people, for the one check that the demo packs are shown them. Nothing is trained on or tuned to these.

`files` says which they are; through the program nothing more is needed, since it reads them itself. `load` reads them for torch,
by the steps that Google publishes for CR and DX, as the program does.
"""
import pathlib

import numpy as np


def files(folder):
    """All chest images under `folder`/images and `folder`/dicom/cxr."""
    folder = pathlib.Path(folder)
    return sorted([p for p in folder.glob("images/*/*") if p.suffix.lower() in (".png", ".jpg", ".jpeg")] + [*folder.glob("dicom/cxr/*.dcm")])


def load(paths, side):
    """Those that can be read here, as uint8 array (images, side, side), and the others: (names, array, [(path, why)]).

    Grey levels, padded with black to a square, resized by area and linear weights, as the packs' preprocessors ask.
    """
    from PIL import Image
    names, images, left_out = [], [], []
    for path in paths:
        try:
            grey = _dicom(path) if path.suffix == ".dcm" else np.asarray(Image.open(path).convert("L"))
        except (RuntimeError, NotImplementedError, AttributeError, OSError) as error:
            # No decoder for the transfer syntax is installed, mostly.
            left_out.append((path, str(error).strip().splitlines()[0]))
            continue
        h, w = grey.shape
        square = np.zeros((max(h, w),) * 2, np.uint8)
        top, left = (max(h, w) - h) // 2, (max(h, w) - w) // 2
        square[top:top + h, left:left + w] = grey
        names.append(path.name)
        images.append(np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR)))
    return names, np.stack(images), left_out


def _dicom(path):
    """Grey levels of a DICOM object: modality units, the file's first window, smallest to largest over the full range unless
    they are bytes without a window, and inverted for MONOCHROME1."""
    import pydicom
    from pydicom.pixels import apply_modality_lut
    ds = pydicom.dcmread(path)
    stored = ds.pixel_array
    values = apply_modality_lut(stored, ds).astype(np.float64)
    centre, width = (_first(ds.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is not None and width:
        values = np.clip(values, centre - width // 2, centre + width // 2)
    plain = stored.dtype == np.uint8 and (centre is None or not width)
    low, high = (0.0, 255.0) if plain else (values.min(), values.max())
    grey = np.clip((values - low) / max(high - low, 1e-9), 0, 1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return (grey * 255 + 0.5).astype(np.uint8)


def _first(value):
    """The first of one or more numbers."""
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)
