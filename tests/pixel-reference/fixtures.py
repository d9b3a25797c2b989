#!/usr/bin/env python3
"""Write what the tests of imaging and of the decode child need where the shared data is absent.

    fixtures.py        (needs pydicom, numpy, pillow, pylibjpeg, pylibjpeg-openjpeg, pyjpegls)

crates/decode/tests/fixtures/*.dcm   one computed picture in each compression that Python has an encoder for;
                                     its values are `value(row, column)` below, which the tests compute themselves
crates/imaging/tests/model_input.json   model inputs of computed pictures, by numpy and Pillow
"""
import json, pathlib, warnings

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (ExplicitVRLittleEndian, JPEG2000, JPEG2000Lossless, JPEGLSLossless, JPEGLSNearLossless,
                         RLELossless)

CRATES = pathlib.Path(__file__).parents[2] / "src-tauri" / "crates"
ROWS, COLUMNS = 47, 61


def value(row, column):
    return (column * column * 3 + row * 17 + row * column // 5) % 4096


def picture(rows=ROWS, columns=COLUMNS, of=value):
    return np.array([[of(r, c) for c in range(columns)] for r in range(rows)])


def file(array, signed):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "2.25.3001"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "2.25.1001", "2.25.2001", "CR"
    ds.PatientName, ds.PatientID = "Beispiel^Berta", "P-1001"
    ds.Rows, ds.Columns = array.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16 if signed else 12, 15 if signed else 11
    ds.PixelRepresentation = int(signed)
    ds.PixelData = array.astype("<i2" if signed else "<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def compressed():
    folder = CRATES / "decode" / "tests" / "fixtures"
    plain = picture()
    cases = [
        ("rle", plain, False, RLELossless, {}),
        ("rle_signed", plain - 2048, True, RLELossless, {}),
        ("jpegls", plain, False, JPEGLSLossless, {}),
        ("jpegls_near", plain, False, JPEGLSNearLossless, {"jls_error": 2}),
        ("jpeg2000", plain, False, JPEG2000Lossless, {}),
        ("jpeg2000_signed", plain - 2048, True, JPEG2000Lossless, {}),
        ("jpeg2000_lossy", plain, False, JPEG2000, {"j2k_psnr": [75]}),
    ]
    for name, array, signed, syntax, options in cases:
        ds = file(array, signed)
        ds.compress(syntax, generate_instance_uid=False, **options)
        # A short name of the writer, so that the bytes do not change with its version.
        ds.file_meta.ImplementationVersionName = "FIXTURE"
        ds.save_as(folder / f"{name}.dcm", enforce_file_format=True)
        error = np.abs(ds.pixel_array.astype(int) - array)
        print(f"{name}: {(folder / f'{name}.dcm').stat().st_size} bytes, largest error {error.max()}, mean {error.mean():.3f}")


def model_input(array, window, invert, side):
    """The published chest pipeline: window, full range, polarity, black square, bilinear."""
    values = array.astype(np.float64)
    if window:
        center, width = window
        values = values.clip(center - width // 2, center + width // 2)
    low, high = values.min(), values.max()
    values = (values - low) / (high - low)
    if invert:
        values = 1 - values
    grey = np.floor(values * 255 + 0.5).astype(np.uint8)
    height, width = grey.shape
    size = max(height, width)
    square = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top:top + height, left:left + width] = grey
    return Image.fromarray(square).resize((side, side), Image.BILINEAR).tobytes().hex()


def model_inputs():
    cases = []
    for rows, columns in ((40, 56), (57, 33), (48, 48)):
        for window in (None, (1800, 1500)):
            for invert in (False, True):
                for side in (16, 40, 80) if rows == 57 and not window and not invert else (16, 40):
                    array = picture(rows, columns)
                    cases.append({"rows": rows, "columns": columns, "window": window, "invert": invert, "side": side,
                                  "bytes": model_input(array, window, invert, side)})
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (CRATES / "imaging" / "tests" / "model_input.json").write_text(f"[\n{text}\n]\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    compressed()
    model_inputs()
