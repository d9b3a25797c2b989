"""Radiographs of people, read for the one check that the demo packs are shown them. Nothing is trained on or tuned to these."""
import pathlib

import numpy as np


def load(folder, side):
    """All chest images under `folder`/images and `folder`/dicom/cxr: (names, uint8 array (images, side, side)).

    Grey levels, padded with black to a square, resized by area and linear weights, as the packs' preprocessors ask.
    """
    from PIL import Image
    names, images = [], []
    folder = pathlib.Path(folder)
    for path in sorted([*folder.glob("images/*/*"), *folder.glob("dicom/cxr/*.dcm")]):
        grey = _dicom(path) if path.suffix == ".dcm" else np.asarray(Image.open(path).convert("L"))
        if grey is None:
            continue
        h, w = grey.shape
        square = np.zeros((max(h, w),) * 2, np.uint8)
        top, left = (max(h, w) - h) // 2, (max(h, w) - w) // 2
        square[top:top + h, left:left + w] = grey
        names.append(str(path.relative_to(folder)))
        images.append(np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR)))
    return names, np.stack(images)


def _dicom(path):
    """Grey levels of a DICOM object over its own range, or None where no decoder for its transfer syntax is installed."""
    import pydicom
    ds = pydicom.dcmread(path)
    try:
        stored = ds.pixel_array.astype(np.float32)
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        print(f"skipped {path.name}: {error}")
        return None
    low, high = np.percentile(stored, (0.5, 99.5))
    grey = np.clip((stored - low) / max(high - low, 1), 0, 1)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        grey = 1 - grey
    return (grey * 255 + 0.5).astype(np.uint8)
