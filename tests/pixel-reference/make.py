#!/usr/bin/env python3
"""Write what pydicom makes of the shared DICOM files, for the tests of the decode child.

    make.py SHARED_DATA_FOLDER        (needs pydicom, numpy, pylibjpeg, pylibjpeg-libjpeg, pylibjpeg-openjpeg, pyjpegls)

pixels.json  file -> dtype, shape and SHA-256 of the first frame's stored values (little endian, colour as RGB);
             for lossy compression the sums of all rows and columns beside it, since decoders may differ by rounding
lossy/       every 16th row of those frames, as zlib-compressed little-endian int16
headers.json file -> header values as text, every person name of the object (sequences included, in file order)
shown.json   file -> how its values are shown: slope and intercept, or the SHA-256 of what its modality table makes of
             the first frame; windows, function, polarity, units, orientation
"""
import hashlib, json, pathlib, sys, warnings, zlib

import numpy as np
import pydicom
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

HERE = pathlib.Path(__file__).parent
FOLDERS = ["cxr", "transfer-syntaxes", "malformed", "charsets"]
# Those of them whose files say what the standard asks for.
SOUND = ["cxr", "transfer-syntaxes"]
LOSSY = {f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 53, 55, 91)}
# pydicom has no plugin for these two, though pylibjpeg's library decodes them.
BY_LIBRARY = {f"1.2.840.10008.1.2.4.{n}" for n in (53, 55)}
STRIDE = 16
TEXTS = {
    "sop_class_uid": "SOPClassUID", "sop_instance_uid": "SOPInstanceUID", "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID", "patient_id": "PatientID", "patient_sex": "PatientSex",
    "patient_birth_date": "PatientBirthDate", "accession_number": "AccessionNumber", "study_date": "StudyDate",
    "study_time": "StudyTime", "study_description": "StudyDescription", "modality": "Modality",
    "institution": "InstitutionName", "manufacturer": "Manufacturer", "body_part": "BodyPartExamined",
    "view_position": "ViewPosition", "photometric": "PhotometricInterpretation",
}


def stored(ds):
    """The first frame's stored values, colour as RGB, or None."""
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax in BY_LIBRARY:
        import libjpeg
        return libjpeg.decode(next(generate_frames(ds.PixelData, number_of_frames=1)))
    array = pixel_array(ds, index=0, raw=False)
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        bits = ds.RedPaletteColorLookupTableDescriptor[2]
        array = (apply_color_lut(array, ds) >> (bits - 8)).astype(np.uint8)
    return array


def text(value):
    return "\\".join(map(str, value)) if isinstance(value, pydicom.multival.MultiValue) else str(value)


def names(ds):
    found = []
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                found += names(item)
        elif element.VR == "PN" and str(element.value):
            found.append(text(element.value))
    return found


def shown(ds):
    """How the viewer must show a grey image, by the attributes of PS3.3 C.11.1, C.11.2 and C.11.6 alone."""
    def several(keyword):
        value = ds.get(keyword)
        return [] if value in (None, "") else [float(v) for v in (value if isinstance(value, pydicom.multival.MultiValue) else [value])]

    about = {
        "windows": list(zip(several("WindowCenter"), several("WindowWidth"))),
        "function": str(ds.get("VOILUTFunction") or "LINEAR").lower(),
        "inverted": ds.PhotometricInterpretation == "MONOCHROME1" or ds.get("PresentationLUTShape") == "INVERSE",
        "units": str(ds.get("RescaleType") or ""),
        "orientation": text(ds.get("PatientOrientation") or ""),
    }
    if "ModalityLUTSequence" in ds:
        values = apply_modality_lut(stored(ds), ds).astype("<u2")
        return {"modality_sha256": hashlib.sha256(values.tobytes()).hexdigest(), **about}
    return {"rescale": [float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)], **about}


def main():
    data = pathlib.Path(sys.argv[1]) / "dicom"
    warnings.simplefilter("ignore")
    pixels, headers, display = {}, {}, {}
    (HERE / "lossy").mkdir(exist_ok=True)
    for path in sorted(p for folder in FOLDERS for p in (data / folder).glob("*.dcm")):
        name = f"{path.parent.name}/{path.name}"
        ds = pydicom.dcmread(path, force=True)
        headers[name] = {key: text(ds[word].value) for key, word in TEXTS.items() if word in ds and ds[word].value}
        headers[name]["names"] = names(ds)
        if path.parent.name in SOUND and ds.SamplesPerPixel == 1:
            display[name] = shown(ds)
        try:
            array = stored(ds)
        except Exception as error:  # a malformed file without an answer is listed without pixels
            print(f"{name}: no pixels: {str(error)[:100]}", file=sys.stderr)
            continue
        array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
        entry = {"dtype": array.dtype.str, "shape": list(array.shape)}
        if ds.file_meta.TransferSyntaxUID in LOSSY:
            entry["row_sums"] = array.sum(axis=tuple(range(1, array.ndim)), dtype=np.int64).tolist()
            entry["column_sums"] = array.swapaxes(0, 1).sum(axis=tuple(range(1, array.ndim)), dtype=np.int64).tolist()
            entry["rows"] = f"lossy/{hashlib.sha256(name.encode()).hexdigest()[:12]}.zz"
            (HERE / entry["rows"]).write_bytes(zlib.compress(array[::STRIDE].astype("<i2").tobytes(), 9))
        else:
            entry["sha256"] = hashlib.sha256(array.tobytes()).hexdigest()
        pixels[name] = entry
    for name, content in (("pixels.json", pixels), ("headers.json", headers), ("shown.json", display)):
        lines = ",\n".join(f" {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in content.items())
        (HERE / name).write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
