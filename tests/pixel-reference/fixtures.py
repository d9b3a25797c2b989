#!/usr/bin/env python3
"""Write what the tests of imaging and of the decode child need where the shared data is absent.

    fixtures.py        (needs pydicom, numpy, pillow, pylibjpeg, pylibjpeg-openjpeg, pyjpegls, imagecodecs, and DCMTK's dcmcjpeg)

crates/decode/tests/fixtures/*.dcm   one computed picture in each compression that there is an encoder for; its values
                                     are `value(row, column)` below, and `smooth` for what JPEG loses something of,
                                     which the tests compute themselves
crates/imaging/tests/model_input.json   model inputs of computed pictures, by numpy and Pillow
"""
import json, pathlib, subprocess, tempfile, warnings

import imagecodecs
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (HTJ2K, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, HTJ2KLossless, HTJ2KLosslessRPCL, JPEG2000,
                         JPEG2000Lossless, JPEGLSLossless, JPEGLSNearLossless, RLELossless)

CRATES = pathlib.Path(__file__).parents[2] / "src-tauri" / "crates"
ROWS, COLUMNS = 47, 61


def value(row, column):
    return (column * column * 3 + row * 17 + row * column // 5) % 4096


def smooth(row, column):
    return row * 40 + column * 30


def picture(rows=ROWS, columns=COLUMNS, of=value):
    return np.array([[of(r, c) for c in range(columns)] for r in range(rows)])


def file(array, signed, bits=12):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "2.25.3001"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "2.25.1001", "2.25.2001", "CR"
    ds.PatientName, ds.PatientID = "Beispiel^Berta", "P-1001"
    ds.Rows, ds.Columns = array.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16 if signed else bits, 15 if signed else bits - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = array.astype("<i2" if signed else "<u2").tobytes()
    ds["PixelData"].VR = "OW"
    if bits == 8:
        ds.BitsAllocated = 8
        ds.PixelData = array.astype("u1").tobytes() + b"\0" * (array.size % 2)
        ds["PixelData"].VR = "OB"
    return ds


def saved(ds, path):
    # A short name of the writer, so that the bytes do not change with its version.
    ds.file_meta.ImplementationVersionName = "FIXTURE"
    ds.save_as(path, enforce_file_format=True)


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
        saved(ds, folder / f"{name}.dcm")
        error = np.abs(ds.pixel_array.astype(int) - array)
        print(f"{name}: {(folder / f'{name}.dcm').stat().st_size} bytes, largest error {error.max()}, mean {error.mean():.3f}")


def by_dcmtk():
    """Every process of JPEG that DCMTK has an encoder for: another one than the decoder's libjpeg-turbo."""
    folder = CRATES / "decode" / "tests" / "fixtures"
    gentle, plain = picture(of=smooth), picture()
    cases = [
        ("jpeg_baseline", gentle // 16, 8, ["+eb", "+q", "100"]),
        ("jpeg_extended", gentle, 12, ["+ee", "+q", "100"]),
        ("jpeg_spectral", gentle, 12, ["+es", "+q", "100"]),
        ("jpeg_progressive", gentle, 12, ["+ep", "+q", "100"]),
        ("jpeg_lossless", plain, 12, ["+el", "+sv", "6"]),
        ("jpeg_lossless_sv1", plain, 12, ["+e1"]),
    ]
    for name, array, bits, how in cases:
        with tempfile.TemporaryDirectory() as scratch:
            source, made = pathlib.Path(scratch) / "plain.dcm", pathlib.Path(scratch) / "made.dcm"
            saved(file(array, False, bits), source)
            subprocess.run(["dcmcjpeg", *how, "+un", source, made], check=True)
            # Written once more, so that no version of DCMTK and no date is in it.
            ds = pydicom.dcmread(made)
            for keyword in ("DerivationDescription", "DerivationCodeSequence", "ImageType", "SourceImageSequence"):
                if keyword in ds:
                    del ds[keyword]
            ds.file_meta.ImplementationClassUID = pydicom.uid.PYDICOM_IMPLEMENTATION_UID
            saved(ds, folder / f"{name}.dcm")
        print(f"{name}: {(folder / f'{name}.dcm').stat().st_size} bytes, {ds.file_meta.TransferSyntaxUID.name}")


def by_others():
    folder = CRATES / "decode" / "tests" / "fixtures"
    ds = file(picture(), False)
    # What a test gives the other files in place, this one has from the start, since nothing of it stands readable.
    ds.PatientName, ds.PatientID, ds.StudyInstanceUID, ds.SeriesInstanceUID = "DEFLATED^TEST", "P-1099", "2.25.1099", "2.25.2099"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.3099"
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    saved(ds, folder / "deflated.dcm")
    # OpenJPH's order of packets is RPCL; the lengths of the tile parts (TLM) are what .202 asks for besides.
    cases = [
        ("htj2k", HTJ2KLossless, {"reversible": True}, 0),
        ("htj2k_rpcl", HTJ2KLosslessRPCL, {"reversible": True, "tlm": True}, 0),
        ("htj2k_lossy", HTJ2K, {"reversible": False}, 1),
    ]
    for name, syntax, options, largest in cases:
        ds = file(picture(), False)
        stream = imagecodecs.htj2k_encode(picture().astype("<u2"), **options)
        error = np.abs(imagecodecs.htj2k_decode(stream).astype(int) - picture()).max()
        assert error == largest, (name, error)
        ds.file_meta.TransferSyntaxUID = syntax
        ds.PixelData = encapsulate([stream], has_bot=False)
        ds["PixelData"].VR = "OB"
        saved(ds, folder / f"{name}.dcm")
        print(f"{name}: {(folder / f'{name}.dcm').stat().st_size} bytes, largest error {error}")


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
    by_dcmtk()
    by_others()
    model_inputs()
