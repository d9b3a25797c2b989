"""Findings as numbers: short statements that are true or false of an image, attributes, and what report text claims.

`statements` serves the image-text pair, `attributes` the language model's view of an image, `ZERO_SHOT` and `claims` the checks.
"""
import json
import pathlib
import re

import numpy as np

from synthetic_findings import GRADES, SIDES, SIZES, ZONES

PROMPTS = json.loads((pathlib.Path(__file__).parent / "cxr-prompts.json").read_text())["findings"]


def consolidated(f):
    return any(kind == "consolidation" for _, kind in f.opacity.values())


def opaque(f):
    """Lung opacity in the sense of the label hierarchy: edema, consolidation, atelectasis, lesion or plain opacity."""
    return bool(f.opacity or f.edema or f.atelectasis or f.lesion)


# The zero-shot findings and when a synthetic image shows them. Pneumonia is not drawn apart from consolidation.
ZERO_SHOT = {
    "atelectasis": lambda f: bool(f.atelectasis), "cardiomegaly": lambda f: f.heart is not None, "consolidation": consolidated, "edema": lambda f: f.edema is not None,
    "enlarged_cardiomediastinum": lambda f: f.wide_mediastinum, "fracture": lambda f: f.fracture is not None, "lung_lesion": lambda f: f.lesion is not None, "lung_opacity": opaque,
    "pleural_effusion": lambda f: bool(f.effusion), "pleural_other": lambda f: f.thickening is not None, "pneumonia": consolidated,
    "pneumothorax": lambda f: f.pneumothorax is not None, "support_devices": lambda f: f.devices(),
}
# On which sides a finding lies, where it has a side.
SIDES_OF = {
    "atelectasis": lambda f: set(f.atelectasis), "consolidation": lambda f: {s for s, (_, k) in f.opacity.items() if k == "consolidation"}, "fracture": lambda f: {f.fracture} - {None},
    "lung_lesion": lambda f: {f.lesion[0]} if f.lesion else set(), "lung_opacity": lambda f: {s for s, (_, k) in f.opacity.items() if k == "opacity"}, "pleural_effusion": lambda f: set(f.effusion),
    "pleural_other": lambda f: {f.thickening} - {None}, "pneumothorax": lambda f: {f.pneumothorax[0]} if f.pneumothorax else set(),
}


def statements():
    """Short sentences for contrastive training: (text, test) where test(f) is True, False, or None where it is open."""
    out = []
    def add(test, *texts):
        out.extend((t, test) for t in texts)
    def sided(test, anywhere):
        # A lateral view shows that a finding is there, not on which side.
        return lambda f: (None if anywhere(f) else False) if f.view == "lateral" else test(f)
    for g in GRADES:
        add(lambda f, g=g: f.heart == g or (None if f.heart else False), f"{g} cardiomegaly", f"the heart is {g}ly enlarged")
        add(lambda f, g=g: f.edema == g or (None if f.edema else False), f"{g} pulmonary edema")
    add(lambda f: f.heart is not None, "enlarged cardiac silhouette", "cardiomegaly", "the cardiac silhouette is enlarged")
    add(lambda f: f.heart is None, "heart size is normal", "cardiac size is within normal limits", "cardiothoracic ratio within normal limits", "no evidence of cardiomegaly", "no cardiomegaly", "the heart is normal in size")
    add(lambda f: f.edema is not None, "pulmonary edema", "there is pulmonary edema")
    add(lambda f: f.edema is None, "no pulmonary edema", "no evidence of pulmonary edema")
    add(lambda f: f.wide_mediastinum, "widened cardiomediastinum", "widened mediastinum", "the mediastinum is widened")
    add(lambda f: not f.wide_mediastinum and (f.heart is None or None), "cardiomediastinal silhouette is normal", "the cardiomediastinal silhouette is within normal limits")
    add(lambda f: not f.wide_mediastinum, "the mediastinum is not widened")
    for s in SIDES:
        effusion, air = lambda f: bool(f.effusion), lambda f: f.pneumothorax is not None
        add(sided(lambda f, s=s: s in f.effusion, effusion), f"{s} pleural effusion", f"there is a {s} pleural effusion")
        add(sided(lambda f, s=s: s not in f.effusion, lambda f: True), f"no {s} pleural effusion")
        for size in SIZES:
            add(sided(lambda f, s=s, size=size: f.effusion.get(s) == size or (None if s in f.effusion else False), effusion), f"{size} {s} pleural effusion")
        add(lambda f, s=s: bool(f.pneumothorax and f.pneumothorax[0] == s), f"{s} pneumothorax", f"{s} apical pneumothorax")
        add(lambda f, s=s: s in f.atelectasis, f"{s} basilar atelectasis")
        add(lambda f, s=s: f.fracture == s, f"{s} rib fracture")
        add(lambda f, s=s: f.thickening == s, f"{s} pleural thickening")
        add(sided(lambda f, s=s: f.pacemaker == s, lambda f: f.pacemaker is not None), f"{s} chest wall pacemaker")
        for z in ZONES:
            add(sided(lambda f, s=s, z=z: f.opacity.get(s, (0,))[0] == z, lambda f: bool(f.opacity)), f"opacity in the {s} {z} lung zone")
            add(sided(lambda f, s=s, z=z: f.opacity.get(s) == (z, "consolidation"), consolidated), f"consolidation in the {s} {z} lung zone")
            add(sided(lambda f, s=s, z=z: bool(f.lesion and f.lesion[:2] == (s, z)), lambda f: f.lesion is not None), f"nodule in the {s} {z} lung zone")
    add(lambda f: len(f.effusion) == 2 or (None if f.effusion else False), "bilateral pleural effusions")
    add(lambda f: bool(f.effusion), "pleural effusion", "there is pleural effusion")
    add(lambda f: not f.effusion, "no evidence of pleural effusion", "no pleural effusion")
    add(lambda f: f.pneumothorax is not None, "apical pneumothorax", "pneumothorax", "there is a pneumothorax")
    add(lambda f: f.pneumothorax is None, "no pneumothorax", "no evidence of pneumothorax")
    add(lambda f: bool(f.atelectasis), "adjacent atelectasis", "there is atelectasis", "atelectasis", "linear atelectasis at the base")
    add(lambda f: len(f.atelectasis) == 2 or (None if f.atelectasis else False), "bibasilar atelectasis")
    add(lambda f: not f.atelectasis, "no atelectasis")
    add(consolidated, "alveolar consolidation", "densely consolidated", "lobe consolidation", "airspace consolidation", "suggestive of consolidation", "consolidation", "suggestive of pneumonia", "pneumonia")
    add(lambda f: len(f.opacity) == 2 and consolidated(f) or (None if consolidated(f) else False), "bibasilar consolidations")
    add(lambda f: not consolidated(f), "no focal consolidation", "no evidence of airspace consolidation", "no pneumonia")
    add(opaque, "opacification is present", "increased opacification", "parenchymal opacities", "airspace opacification cannot be excluded", "there is airspace opacification", "consolidative opacity", "lung opacity")
    add(lambda f: (len(f.opacity) == 2 or f.edema is not None or len(f.atelectasis) == 2) or (None if opaque(f) else False), "bilateral opacities", "bibasilar opacities")
    add(lambda f: any(z == "lower" for z, _ in f.opacity.values()) or bool(f.atelectasis) or (None if opaque(f) else False), "basal opacity")
    add(lambda f: not opaque(f), "no focal opacity", "lungs are clear", "no infiltrate", "no airspace opacity", "pulmonary parenchyma is clear", "the lungs are clear")
    add(lambda f: not opaque(f) and not f.effusion or (None if not opaque(f) else False), "lung volumes are normal", "normal lung volumes")
    add(lambda f: f.lesion is not None, "parenchymal lesion", "lytic lesion", "lung nodule", "lung lesion", "a rounded lesion in the lung")
    add(lambda f: bool(f.lesion and f.lesion[2] == "cavity") or (None if f.lesion else False), "cavitary lesion")
    add(lambda f: bool(f.lesion and f.lesion[2] == "mass") or (None if f.lesion else False), "lung mass")
    add(lambda f: f.fracture is not None, "rib fracture", "rib fractures", "displaced rib fracture")
    add(lambda f: f.fracture is None, "no rib fracture", "no acute osseous abnormality")
    add(lambda f: f.thickening is not None, "pleural thickening")
    add(lambda f: f.thickening is not None or (None if f.effusion else False), "blunting of costophrenic angle")
    add(lambda f: f.devices(), "monitoring and support devices", "support devices")
    add(lambda f: f.et_tube or (None if f.devices() else False), "ET tube", "endotracheal tube")
    add(lambda f: f.ng_tube or (None if f.devices() else False), "NG tube", "nasogastric tube")
    add(lambda f: f.central_line is not None or (None if f.devices() else False), "catheter", "PIC line", "central venous catheter")
    add(lambda f: f.pacemaker is not None, "pacemaker", "cardiac pacing device")
    add(lambda f: not f.devices(), "no support devices", "no lines or tubes")
    add(lambda f: f.normal() or (None if _only_devices(f) else False), "no acute cardiopulmonary process", "normal study", "normal chest radiograph")
    return out


def _only_devices(f):
    return not any(test(f) for name, test in ZERO_SHOT.items() if name != "support_devices")


def zero_shot_rows(texts):
    """The published prompts as two (13, statements) averaging matrices, present and absent, over the statements `texts`."""
    present, absent = (np.zeros((len(PROMPTS), len(texts)), np.float32) for _ in range(2))
    for row, p in enumerate(PROMPTS.values()):
        for matrix, key in ((present, "present"), (absent, "absent")):
            for text in p[key]:
                matrix[row, texts.index(text)] = 1 / len(p[key])
    return present, absent


def attributes(f):
    """What an image shows as a vector of zeros and ones: for graded findings one number for "at least this much"."""
    out, side = [], f.view != "lateral"
    def grade(value, scale):
        out.extend(float(value is not None and scale.index(value) >= i) for i in range(len(scale)))
    grade(f.heart, GRADES)
    grade(f.edema, GRADES)
    out.append(f.wide_mediastinum)
    grade(max(f.effusion.values(), key=SIZES.index, default=None), SIZES)
    for s in SIDES:
        grade(f.effusion.get(s) if side else None, SIZES)
        air = f.pneumothorax if f.pneumothorax and f.pneumothorax[0] == s else None
        grade(air and air[1], ("small", "large"))
        out += [s in f.atelectasis, f.thickening == s, f.fracture == s, f.central_line == s, f.pacemaker == s and side]
        for z in ZONES:
            out += [side and f.opacity.get(s) == (z, "consolidation"), side and f.opacity.get(s) == (z, "opacity"), side and bool(f.lesion and f.lesion[:2] == (s, z))]
    for z in ZONES:
        out += [(z, "consolidation") in f.opacity.values(), (z, "opacity") in f.opacity.values(), bool(f.lesion and f.lesion[1] == z)]
    out += [bool(f.lesion and f.lesion[2] == k) for k in ("nodule", "mass", "cavity")]
    out += [f.et_tube, f.ng_tube, f.central_line is not None, f.pacemaker is not None, f.devices(), f.atelectasis != (), f.pneumothorax is not None, f.thickening is not None, f.fracture is not None, f.view == "lateral"]
    return np.array(out, np.float32)


def label_matrix(findings):
    """Which statements are true of which image: (images, statements) int8, -1 where a statement is left open."""
    tests = [t for _, t in statements()]
    return np.array([[-1 if (v := t(f)) is None else int(v) for t in tests] for f in findings], np.int8)


_WORDS = {
    "atelectasis": r"atelectasis", "cardiomegaly": r"cardiomegaly|enlarged heart|(heart|cardiac silhouette) is \w+ enlarged", "consolidation": r"consolidation", "edema": r"edema",
    "enlarged_cardiomediastinum": r"mediastinum is widened|widened mediastinum|mediastinal widening", "fracture": r"fracture", "lung_lesion": r"nodule|mass\b|cavitary", "lung_opacity": r"(hazy|nonspecific) opacity",
    "pleural_effusion": r"effusion", "pleural_other": r"pleural thickening", "pneumonia": r"pneumonia", "pneumothorax": r"pneumothorax", "support_devices": r"endotracheal tube|nasogastric tube|catheter|pacemaker|support devices",
}
_NEGATED = re.compile(r"\b(no|not|without|free of|clear of|resolved|resolution|removed)\b")


def claims(text):
    """Findings that report text states as present: {zero-shot name: set of sides, empty where none is said}."""
    found = {}
    for sentence in re.split(r"(?<=[.;])\s+|\n", text.lower()):
        if _NEGATED.search(sentence):
            continue
        for name, words in _WORDS.items():
            if re.search(words, sentence):
                sides = {s for s in SIDES if re.search(rf"\b{s}\b", sentence)}
                if re.search(r"bilateral|bibasilar|both", sentence):
                    sides = set(SIDES)
                found.setdefault(name, set()).update(sides)
    return found


def truth(f):
    """The same shape as `claims`, from what was drawn; lung opacity means the hazy opacity that is called so in reports."""
    side = f.view != "lateral"
    shown = {k for k, test in ZERO_SHOT.items() if test(f)} - {"lung_opacity"}
    if any(k == "opacity" for _, k in f.opacity.values()):
        shown.add("lung_opacity")
    return {k: SIDES_OF[k](f) if side and k in SIDES_OF else set() for k in shown}
