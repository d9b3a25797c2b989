#!/usr/bin/env python3
"""Say the findings of a synthetic radiograph in the words of a radiology report, and read such words back.

`report` writes the text that the vision-language model is trained on; `statements` gives short sentences with the findings
they are true of, for the image-text pair; `label` is the keyword labeller that the checks use on drafted text.
Words that compare with another examination never appear: one image cannot support them.
"""
import re

from synthetic_cxr import GRADES, SIDES, SIZES, ZONES


def report(f, rng):
    """A report of the findings `f`: the two headed sections, one sentence after another."""
    findings = _lungs(f, rng) + _pleura(f, rng) + _heart(f, rng) + _bones(f, rng) + _devices(f, rng)
    return "FINDINGS:\n" + " ".join(findings) + "\n\nIMPRESSION:\n" + " ".join(impression(f, rng))


def impression(f, rng):
    """The impression's sentences: what was found, most urgent first, or that nothing acute was."""
    out = []
    if f.pneumothorax:
        s, size = f.pneumothorax
        out.append(_pick(rng, f"{size.capitalize()} {s} pneumothorax.", f"{s.capitalize()} pneumothorax, {size}."))
    for text in _effusion_phrases(f):
        out.append(text[0].upper() + text[1:] + ".")
    for (zone, kind), sides in _grouped_opacities(f):
        where = _lungs_named(sides, zone)
        if kind == "consolidation":
            out.append(_pick(rng, f"Consolidation in the {where}, suggestive of pneumonia.", f"{_cap(where)} pneumonia."))
        else:
            out.append(f"Hazy opacity in the {where}.")
    if f.edema:
        out.append(f"{f.edema.capitalize()} pulmonary edema.")
    if f.heart:
        out.append(f"{f.heart.capitalize()} cardiomegaly.")
    if f.lesion:
        s, zone, kind = f.lesion
        out.append(f"{_cap(_lesion_name(kind))} in the {s} {zone} lung zone; CT of the chest is recommended.")
    if f.wide_mediastinum:
        out.append("Widened mediastinum.")
    if f.fracture:
        out.append(f"{f.fracture.capitalize()} rib fracture.")
    if f.thickening:
        out.append(f"{f.thickening.capitalize()} pleural thickening.")
    if f.atelectasis:
        out.append("Bibasilar atelectasis." if len(f.atelectasis) == 2 else f"{f.atelectasis[0].capitalize()} basilar atelectasis.")
    if not out:
        out.append(_pick(rng, "No acute cardiopulmonary process.", "No acute cardiopulmonary abnormality."))
    return out


def questions(f, rng):
    """One yes/no question about the image and its answer: (question, bool)."""
    side = SIDES[rng.integers(2)]
    table = [
        ("cardiomegaly", f.heart is not None), ("pulmonary edema", f.edema is not None), ("a pleural effusion", bool(f.effusion)),
        (f"a {side} pleural effusion", side in f.effusion), ("a pneumothorax", f.pneumothorax is not None), (f"a {side} pneumothorax", bool(f.pneumothorax and f.pneumothorax[0] == side)),
        ("consolidation", any(k == "consolidation" for _, k in f.opacity.values())), (f"an opacity in the {side} lung", side in f.opacity), ("atelectasis", bool(f.atelectasis)),
        ("a lung lesion", f.lesion is not None), ("a rib fracture", f.fracture is not None), ("a widened mediastinum", f.wide_mediastinum), ("pleural thickening", f.thickening is not None),
        ("an endotracheal tube", f.et_tube), ("a nasogastric tube", f.ng_tube), ("a central venous catheter", f.central_line is not None), ("a pacemaker", f.pacemaker is not None),
    ]
    wanted = rng.random() < 0.5
    rows = [r for r in table if r[1] == wanted] or table
    what, answer = rows[rng.integers(len(rows))]
    return f'Is there {what}? You MUST end your response with either "Final Answer: yes" or "Final Answer: no"', answer


INDICATIONS = ("Shortness of breath.", "Cough and fever.", "Chest pain.", "Dyspnea.", "Fall from standing height.", "Evaluate for pneumonia.", "Evaluate for pneumothorax.", "Line placement.", "Tube placement.",
               "Pre-operative examination.", "Heart failure.", "Fever.", "Hypoxia.", "Trauma.", "Weakness and weight loss.")


def statements():
    """Short sentences for contrastive training: (text, test) where test(f) is True, False, or None where it is open."""
    out = []
    def add(test, *texts):
        out.extend((t, test) for t in texts)
    for i, g in enumerate(GRADES):
        near = {g} | ({GRADES[i - 1]} if i else set())
        add(lambda f, g=g: f.heart == g or (None if f.heart else False), f"{g} cardiomegaly", f"the heart is {g}ly enlarged")
        add(lambda f, g=g: f.edema == g or (None if f.edema else False), f"{g} pulmonary edema")
    add(lambda f: f.heart is not None, "enlarged cardiac silhouette", "cardiomegaly", "the cardiac silhouette is enlarged")
    add(lambda f: f.heart is None, "heart size is normal", "cardiac size is within normal limits", "cardiothoracic ratio within normal limits", "no evidence of cardiomegaly", "no cardiomegaly", "the heart is normal in size")
    add(lambda f: f.edema is not None, "pulmonary edema", "there is pulmonary edema")
    add(lambda f: f.edema is None, "no pulmonary edema", "no evidence of pulmonary edema")
    add(lambda f: f.wide_mediastinum, "widened cardiomediastinum", "widened mediastinum", "the mediastinum is widened")
    add(lambda f: not f.wide_mediastinum and f.heart is None, "cardiomediastinal silhouette is normal", "the cardiomediastinal silhouette is within normal limits")
    add(lambda f: not f.wide_mediastinum, "the mediastinum is not widened")
    for s in SIDES:
        add(lambda f, s=s: s in f.effusion, f"{s} pleural effusion", f"there is a {s} pleural effusion")
        add(lambda f, s=s: s not in f.effusion, f"no {s} pleural effusion")
        for size in SIZES:
            add(lambda f, s=s, size=size: f.effusion.get(s) == size or (None if s in f.effusion else False), f"{size} {s} pleural effusion")
        add(lambda f, s=s: bool(f.pneumothorax and f.pneumothorax[0] == s), f"{s} pneumothorax", f"{s} apical pneumothorax")
        add(lambda f, s=s: s in f.atelectasis, f"{s} basilar atelectasis")
        add(lambda f, s=s: f.fracture == s, f"{s} rib fracture")
        add(lambda f, s=s: f.thickening == s, f"{s} pleural thickening")
        add(lambda f, s=s: f.pacemaker == s, f"{s} chest wall pacemaker")
        for z in ZONES:
            add(lambda f, s=s, z=z: f.opacity.get(s, (0,))[0] == z, f"opacity in the {s} {z} lung zone")
            add(lambda f, s=s, z=z: f.opacity.get(s) == (z, "consolidation"), f"consolidation in the {s} {z} lung zone")
            add(lambda f, s=s, z=z: bool(f.lesion and f.lesion[:2] == (s, z)), f"nodule in the {s} {z} lung zone")
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
    add(lambda f: f.et_tube, "ET tube", "endotracheal tube")
    add(lambda f: f.ng_tube, "NG tube", "nasogastric tube")
    add(lambda f: f.central_line is not None, "catheter", "PIC line", "central venous catheter")
    add(lambda f: f.pacemaker is not None, "pacemaker", "cardiac pacing device")
    add(lambda f: not f.devices(), "no support devices", "no lines or tubes")
    add(lambda f: f.normal(), "no acute cardiopulmonary process", "normal study", "normal chest radiograph")
    return out


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

_LABEL_WORDS = {
    "cardiomegaly": r"cardiomegaly|(heart|cardiac silhouette) (is|size is) \w+ enlarged", "effusion": r"effusion", "pneumothorax": r"pneumothorax", "edema": r"edema", "consolidation": r"consolidation|pneumonia",
    "opacity": r"hazy opacity", "atelectasis": r"atelectasis", "lesion": r"nodule|mass\b|cavitary", "thickening": r"pleural thickening", "fracture": r"fracture", "wide_mediastinum": r"mediastinum is widened|widened mediastinum",
    "et_tube": r"endotracheal tube", "ng_tube": r"nasogastric tube", "central_line": r"venous catheter", "pacemaker": r"pacemaker",
}
_NEGATED = re.compile(r"\b(no|not|without|free of|clear of)\b")


def label(text):
    """Findings stated as present in report text: {name: set of sides, empty where none is said}."""
    found = {}
    for sentence in re.split(r"(?<=[.;])\s+", text.lower().replace("\n", " ")):
        if _NEGATED.search(sentence):
            continue
        for name, words in _LABEL_WORDS.items():
            if re.search(words, sentence):
                sides = {s for s in SIDES if re.search(rf"\b{s}\b", sentence)}
                if re.search(r"bilateral|bibasilar|both", sentence):
                    sides = set(SIDES)
                found.setdefault(name, set()).update(sides)
    return found


def truth(f):
    """The same shape as `label`, from what was drawn."""
    out = {}
    def put(name, present, sides=()):
        if present:
            out[name] = set(sides)
    put("cardiomegaly", f.heart)
    put("effusion", f.effusion, f.effusion)
    put("pneumothorax", f.pneumothorax, [f.pneumothorax[0]] if f.pneumothorax else ())
    put("edema", f.edema)
    for kind in ("consolidation", "opacity"):
        sides = [s for s, (_, k) in f.opacity.items() if k == kind]
        put(kind, sides, sides)
    put("atelectasis", f.atelectasis, f.atelectasis)
    put("lesion", f.lesion, f.lesion[:1] if f.lesion else ())
    put("thickening", f.thickening, [f.thickening])
    put("fracture", f.fracture, [f.fracture])
    put("wide_mediastinum", f.wide_mediastinum)
    put("et_tube", f.et_tube)
    put("ng_tube", f.ng_tube)
    put("central_line", f.central_line, [f.central_line])
    put("pacemaker", f.pacemaker, [f.pacemaker])
    return out


def _pick(rng, *options):
    return options[rng.integers(len(options))]


def _cap(text):
    return text[0].upper() + text[1:]


def _lungs_named(sides, zone):
    return f"{sides[0]} {zone} lung zone" if len(sides) == 1 else f"{zone} zones of both lungs"


def _lesion_name(kind):
    return {"nodule": "pulmonary nodule", "mass": "lung mass", "cavity": "cavitary lesion"}[kind]


def _grouped_opacities(f):
    """Opacities as [((zone, kind), sides)]: equal ones of both lungs are said in one sentence."""
    groups = {}
    for s in SIDES:
        if s in f.opacity:
            groups.setdefault(f.opacity[s], []).append(s)
    return list(groups.items())


def _effusion_phrases(f):
    """Noun phrases for the effusions, with size and side."""
    if len(f.effusion) == 2 and len(set(f.effusion.values())) == 1:
        return [f"{f.effusion['left']} bilateral pleural effusions"]
    return [f"{f.effusion[s]} {s} pleural effusion" for s in SIDES if s in f.effusion]


def _lungs(f, rng):
    out = []
    for (zone, kind), sides in _grouped_opacities(f):
        where = _lungs_named(sides, zone)
        if kind == "consolidation":
            out.append(_pick(rng, f"There is consolidation in the {where}.", f"Consolidation with air bronchograms is seen in the {where}.", f"Airspace consolidation is present in the {where}."))
        else:
            out.append(_pick(rng, f"There is a hazy opacity in the {where}.", f"A hazy opacity is seen in the {where}."))
    if f.edema:
        text = {"mild": "mild pulmonary edema with indistinct perihilar vessels", "moderate": "moderate pulmonary edema with perihilar haze", "severe": "severe pulmonary edema with confluent perihilar airspace disease"}[f.edema]
        out.append(_pick(rng, f"There is {text}.", f"Findings are of {text}."))
    if f.lesion:
        s, zone, kind = f.lesion
        out.append(_pick(rng, f"There is a {_lesion_name(kind)} in the {s} {zone} lung zone.", f"A {_lesion_name(kind)} projects over the {s} {zone} lung zone."))
    if f.atelectasis:
        out.append(_pick(rng, "There is bibasilar linear atelectasis.", "Bibasilar atelectasis is present.") if len(f.atelectasis) == 2 else
                   _pick(rng, f"There is linear atelectasis at the {f.atelectasis[0]} lung base.", f"{_cap(f.atelectasis[0])} basilar atelectasis is present."))
    if not out:
        out.append(_pick(rng, "The lungs are clear.", "The lungs are clear without focal consolidation.", "No focal consolidation."))
    elif not f.opacity and not f.edema and rng.random() < 0.5:
        out.append("No focal consolidation.")
    return out


def _pleura(f, rng):
    out = []
    for phrase in _effusion_phrases(f):
        plural = phrase.endswith("s")
        out.append(_pick(rng, f"There are {phrase}." if plural else f"There is a {phrase}.", f"{_cap(phrase)} {'are' if plural else 'is'} present."))
    if f.pneumothorax:
        s, size = f.pneumothorax
        out.append(f"There is a small {s} apical pneumothorax." if size == "small" else f"There is a large {s} pneumothorax with collapse of the lung.")
    if f.thickening:
        out.append(_pick(rng, f"There is {f.thickening} pleural thickening.", f"{_cap(f.thickening)} lateral pleural thickening is noted."))
    if not f.effusion and not f.pneumothorax:
        out.append(_pick(rng, "No pleural effusion or pneumothorax.", "There is no pleural effusion or pneumothorax."))
    elif not f.effusion:
        out.append("No pleural effusion.")
    elif not f.pneumothorax:
        out.append(_pick(rng, "No pneumothorax.", "There is no pneumothorax."))
    return out


def _heart(f, rng):
    out = []
    if f.heart:
        out.append(_pick(rng, f"There is {f.heart} cardiomegaly.", f"The heart is {f.heart}ly enlarged.", f"The cardiac silhouette is {f.heart}ly enlarged."))
    if f.wide_mediastinum:
        out.append(_pick(rng, "The mediastinum is widened.", "The upper mediastinum is widened."))
    if not f.heart and not f.wide_mediastinum:
        out.append(_pick(rng, "The cardiomediastinal silhouette is normal.", "Heart size and mediastinal contours are normal.", "The heart is normal in size."))
    elif not f.heart:
        out.append(_pick(rng, "Heart size is normal.", "The heart is normal in size."))
    elif not f.wide_mediastinum:
        out.append("The mediastinal contours are normal.")
    return out


def _bones(f, rng):
    if f.fracture:
        return [_pick(rng, f"There is a displaced {f.fracture} rib fracture.", f"A {f.fracture} rib fracture is seen.")]
    return [_pick(rng, "No acute osseous abnormality.", "The osseous structures are intact.")]


def _devices(f, rng):
    out = []
    if f.et_tube:
        out.append(_pick(rng, "An endotracheal tube ends above the carina.", "The endotracheal tube tip is above the carina."))
    if f.ng_tube:
        out.append(_pick(rng, "A nasogastric tube ends in the stomach.", "The nasogastric tube tip projects over the stomach."))
    if f.central_line:
        out.append(_pick(rng, f"A {f.central_line} central venous catheter ends in the superior vena cava.", f"A {f.central_line}-sided central venous catheter is in place."))
    if f.pacemaker:
        out.append(_pick(rng, f"A {f.pacemaker} chest wall pacemaker is in place.", f"There is a {f.pacemaker}-sided pacemaker."))
    if not out and rng.random() < 0.15:
        out.append("No support devices.")
    return out
