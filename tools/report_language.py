"""Say the findings of a synthetic radiograph in the words of a radiology report.

`report` writes a structured answer in the shape that `prompts.json` of the drafting crate fixes: a line for every region, then the
impression. With the findings of a prior it compares; words that compare appear nowhere else, since one image cannot support them.
`sections` gives the same findings at three lengths. No digit is ever written: nothing was measured.
"""
import json
import pathlib

import numpy as np

from synthetic_findings import GRADES, SIDES, SIZES

SHAPE_FILE = pathlib.Path(__file__).resolve().parent.parent / "src-tauri/crates/drafting/src/prompts.json"
SHAPE = json.loads(SHAPE_FILE.read_text())
DEVICES, LUNGS, PLEURA, HEART, BONES = SHAPE["structured_answer"]["regions"]
ABDOMEN = SHAPE["structured_answer"]["optional_regions"][0]
LEVELS = {"effusion": SIZES, "pneumothorax": ("small", "large"), "edema": GRADES, "heart": GRADES}
STYLES = ("brief", "full", "detailed")


def report(f, rng, prior=None):
    """A structured answer for the findings `f`, compared with the findings `prior` where they are given."""
    findings, impression = sections(f, rng, "full", prior)
    return f"{findings}\n\n{impression}"


def sections(f, rng, style, prior=None):
    """The two headed sections: (findings, impression), in one of STYLES."""
    lines = _compared(f, prior, rng) if prior else {r: _REGIONS[r](f, rng, style) for r in _REGIONS}
    if not prior and style != "brief" and rng.random() < 0.10:
        lines[ABDOMEN] = [_pick(rng, "The upper abdomen is unremarkable.", "No free air beneath the diaphragm.")]
    shape = SHAPE["structured_answer"]
    rows = [shape["region_line"].format(region=r, sentences=" ".join(s)) for r, s in lines.items()]
    closing = _compared_impression(f, prior, rng) if prior else impression(f, rng, style)
    return shape["findings_heading"] + "\n" + "\n".join(rows), shape["impression_heading"] + "\n" + " ".join(closing)


def items(f):
    """Every single thing that `f` shows: {key: level or None}; the key is (kind, side, zone, lesion kind) as far as each applies."""
    out = {}
    def put(kind, *rest, level=None):
        out[(kind, *rest)] = level
    for name in ("et_tube", "ng_tube"):
        if getattr(f, name):
            put(name)
    for name in ("central_line", "pacemaker", "thickening", "fracture"):
        if getattr(f, name):
            put(name, getattr(f, name))
    for s in SIDES:
        if s in f.opacity:
            put(f.opacity[s][1], s, f.opacity[s][0])
        if s in f.effusion:
            put("effusion", s, level=f.effusion[s])
        if s in f.atelectasis:
            put("atelectasis", s)
    if f.pneumothorax:
        put("pneumothorax", f.pneumothorax[0], level=f.pneumothorax[1])
    if f.lesion:
        put("lesion", *f.lesion)
    for name in ("edema", "heart"):
        if getattr(f, name):
            put(name, level=getattr(f, name))
    if f.wide_mediastinum:
        put("mediastinum")
    return out


def impression(f, rng, style="full"):
    """The impression's sentences: what was found, most urgent first, or that nothing acute was."""
    out, side = [], _sides(f)
    if f.pneumothorax:
        s, size = f.pneumothorax
        out.append(_pick(rng, f"{_cap(size)} {s} pneumothorax.", f"{_cap(s)} pneumothorax, {size}."))
    out += [_cap(text) + "." for text in _effusions(f)]
    for (zone, kind), where in _opacities(f):
        if kind == "consolidation":
            out.append(f"{_cap(where)} pneumonia." if style == "brief" else _pick(rng, f"Consolidation in the {where}, suggestive of pneumonia.", f"{_cap(where)} consolidation, which may represent pneumonia.", f"Findings suspicious for pneumonia in the {where}."))
        else:
            out.append(_pick(rng, f"Hazy opacity in the {where}.", f"Nonspecific opacity in the {where}."))
    if f.edema:
        out.append(f"{_cap(f.edema)} pulmonary edema.")
    if f.heart:
        out.append(_pick(rng, f"{_cap(f.heart)} cardiomegaly.", f"{_cap(f.heart)}ly enlarged heart."))
    if f.lesion:
        where = f"{_cap(_LESION[f.lesion[2]])} in the {_zone(f, f.lesion[0], f.lesion[1])}"
        out.append(where + "." if style == "brief" else _pick(rng, f"{where}; CT of the chest is recommended.", f"{where}, indeterminate."))
    if f.wide_mediastinum:
        out.append(_pick(rng, "Widened mediastinum.", "Mediastinal widening."))
    if f.fracture:
        out.append(_pick(rng, f"{_cap(f.fracture)} rib fracture.", f"Displaced {f.fracture} rib fractures."))
    if f.thickening:
        out.append(f"{_cap(f.thickening)} pleural thickening.")
    if f.atelectasis:
        out.append("Bibasilar atelectasis." if len(f.atelectasis) == 2 else f"{_cap(f.atelectasis[0])} basilar atelectasis.")
    if not out:
        out.append(_pick(rng, "No acute cardiopulmonary process.", "No acute cardiopulmonary abnormality."))
    elif style == "detailed" and not f.pneumothorax:
        out.append("No pneumothorax.")
    if f.devices() and style != "brief" and rng.random() < 0.4:
        out.append(_pick(rng, "Support devices as described.", "Support devices are present."))
    return out


_LESION = {"nodule": "pulmonary nodule", "mass": "lung mass", "cavity": "cavitary lesion"}


def _pick(rng, *options):
    """One of several wordings, the first one mostly: each is a third as frequent as the one before.

    As in real reports, a few wordings are common. With equal shares a greedy reader would almost never say a finding of which it
    is two thirds sure, since each of three ways to say it is less likely than one of two ways to deny it.
    """
    share = 3.0 ** -np.arange(len(options))
    return options[rng.choice(len(options), p=share / share.sum())]


def _cap(text):
    return text[0].upper() + text[1:]


def _article(text):
    return ("an " if text[0] in "aeiou" else "a ") + text


def _sides(f):
    """How a side is said: a lateral view alone does not tell the sides apart."""
    return (lambda s: "") if f.view == "lateral" else (lambda s: s + " ")


def _zone(f, s, zone):
    return f"{_sides(f)(s)}{zone} lung zone"


def _effusions(f):
    """Noun phrases for the effusions, with size and side."""
    if f.view == "lateral":
        return [f"{size} pleural effusion" for size in f.effusion.values()]
    if len(f.effusion) == 2 and len(set(f.effusion.values())) == 1:
        return [f"{f.effusion['left']} bilateral pleural effusions"]
    return [f"{f.effusion[s]} {s} pleural effusion" for s in SIDES if s in f.effusion]


def _opacities(f):
    """Opacities as [((zone, kind), where)]: equal ones of both lungs are said in one sentence."""
    groups = {}
    for s in SIDES:
        if s in f.opacity:
            groups.setdefault(f.opacity[s], []).append(s)
    return [(key, _zone(f, sides[0], key[0]) if len(sides) == 1 else f"{key[0]} zones of both lungs") for key, sides in groups.items()]


def _lungs(f, rng, style):
    out, brief = [], style == "brief"
    for (zone, kind), where in _opacities(f):
        if kind == "consolidation":
            out.append(f"Consolidation in the {where}." if brief else _pick(rng, f"There is consolidation in the {where}.", f"Consolidation with air bronchograms is seen in the {where}.", f"Airspace consolidation is present in the {where}.", f"Dense consolidation in the {where} may represent pneumonia."))
            if style == "detailed":
                out.append("Air bronchograms are visible within it.")
        else:
            out.append(f"Hazy opacity in the {where}." if brief else _pick(rng, f"There is a hazy opacity in the {where}.", f"An ill-defined hazy opacity is seen in the {where}.", f"Hazy opacity projects over the {where}."))
    if f.edema:
        grade = {"mild": "indistinct perihilar vessels", "moderate": "perihilar haze", "severe": "confluent perihilar airspace disease"}[f.edema]
        out.append(f"{_cap(f.edema)} pulmonary edema." if brief else _pick(rng, f"There is {f.edema} pulmonary edema with {grade}.", f"Findings are consistent with {f.edema} pulmonary edema.", f"{_cap(f.edema)} interstitial pulmonary edema is present."))
    if f.lesion:
        s, zone, kind = f.lesion
        name, where = _LESION[kind], _zone(f, s, zone)
        out.append(f"{_cap(name)} in the {where}." if brief else _pick(rng, f"There is a {name} in the {where}.", f"A {name} projects over the {where}.", f"A rounded {name} is seen in the {where}."))
    if f.atelectasis:
        if len(f.atelectasis) == 2:
            out.append("Bibasilar atelectasis." if brief else _pick(rng, "There is bibasilar linear atelectasis.", "Bibasilar atelectasis is present.", "Linear opacities at both lung bases likely represent atelectasis."))
        else:
            s = f.atelectasis[0]
            out.append(f"{_cap(s)} basilar atelectasis." if brief else _pick(rng, f"There is linear atelectasis at the {s} lung base.", f"{_cap(s)} basilar atelectasis is present.", f"Linear opacity at the {s} lung base likely represents atelectasis."))
    if not out:
        return ["Clear."] if brief else [_pick(rng, "The lungs are clear.", "The lungs are clear without focal consolidation.", "No focal consolidation.")] + (["No pulmonary edema."] if style == "detailed" else [])
    if style == "detailed" and not f.edema:
        out.append("No pulmonary edema.")
    elif not brief and not f.opacity and not f.edema and rng.random() < 0.4:
        out.append("No focal consolidation.")
    return out


def _pleura(f, rng, style):
    out, brief = [], style == "brief"
    for phrase in _effusions(f):
        plural = phrase.endswith("s")
        if brief:
            out.append(_cap(phrase) + ".")
        else:
            out.append(_pick(rng, f"There are {phrase}." if plural else f"There is a {phrase}.", f"{_cap(phrase)} {'are' if plural else 'is'} present."))
        if style == "detailed" and not plural:
            out.append("The costophrenic angle is blunted.")
    if f.pneumothorax:
        s, size = f.pneumothorax
        if brief:
            out.append(f"{_cap(size)} {s} pneumothorax.")
        elif size == "small":
            out.append(_pick(rng, f"There is a small {s} apical pneumothorax.", f"A small {s} pneumothorax is present with a visible pleural line."))
        else:
            out.append(_pick(rng, f"There is a large {s} pneumothorax with collapse of the lung.", f"A large {s} pneumothorax is present."))
    if f.thickening:
        out.append(f"{_cap(f.thickening)} pleural thickening." if brief else _pick(rng, f"There is {f.thickening} pleural thickening.", f"{_cap(f.thickening)} lateral pleural thickening is noted.", f"{_cap(f.thickening)} pleural thickening with plaques is seen."))
    if brief:
        return out or ["Normal."]
    if not f.effusion and not f.pneumothorax:
        out.append(_pick(rng, "No pleural effusion or pneumothorax.", "There is no pleural effusion or pneumothorax."))
    elif not f.effusion:
        out.append("No pleural effusion.")
    elif not f.pneumothorax:
        out.append(_pick(rng, "No pneumothorax.", "There is no pneumothorax."))
    return out


def _heart(f, rng, style):
    out, brief = [], style == "brief"
    if f.heart:
        out.append(f"{_cap(f.heart)} cardiomegaly." if brief else _pick(rng, f"There is {f.heart} cardiomegaly.", f"The heart is {f.heart}ly enlarged.", f"The cardiac silhouette is {f.heart}ly enlarged."))
    if f.wide_mediastinum:
        out.append("Widened mediastinum." if brief else _pick(rng, "The mediastinum is widened.", "The upper mediastinum is widened."))
    if brief:
        return out or ["Normal."]
    if not f.heart and not f.wide_mediastinum:
        out.append(_pick(rng, "The cardiomediastinal silhouette is normal.", "Heart size and mediastinal contours are normal.", "The heart is normal in size."))
    elif not f.heart:
        out.append(_pick(rng, "Heart size is normal.", "The heart is normal in size."))
    elif not f.wide_mediastinum:
        out.append("The mediastinal contours are normal.")
    return out


def _bones(f, rng, style):
    if f.fracture:
        return [f"{_cap(f.fracture)} rib fractures." if style == "brief" else _pick(rng, f"There are displaced {f.fracture} rib fractures.", f"A displaced {f.fracture} rib fracture is seen.", f"{_cap(f.fracture)} rib fractures are present.")]
    if style == "brief":
        return ["Normal."]
    return [_pick(rng, "No acute osseous abnormality.", "The osseous structures are intact.")] + (["The soft tissues are unremarkable."] if style == "detailed" else [])


def _devices(f, rng, style):
    out, brief = [], style == "brief"
    if f.et_tube:
        out.append("Endotracheal tube." if brief else _pick(rng, "An endotracheal tube ends above the carina.", "The endotracheal tube tip is above the carina."))
    if f.ng_tube:
        out.append("Nasogastric tube." if brief else _pick(rng, "A nasogastric tube ends in the stomach.", "The nasogastric tube tip projects over the stomach."))
    if f.central_line:
        s = f.central_line
        out.append(f"{_cap(s)} central venous catheter." if brief else _pick(rng, f"A {s} central venous catheter ends in the superior vena cava.", f"A {s}-sided central venous catheter is in place."))
    if f.pacemaker:
        s = _sides(f)(f.pacemaker)
        out.append(f"{_cap(s + 'pacemaker')}." if brief else _pick(rng, f"A {s}chest wall pacemaker is in place.", f"There is a {s}pacemaker."))
    return out or (["None."] if brief else [_pick(rng, "No support devices.", "No lines or tubes.", "None.")])


_REGIONS = {DEVICES: _devices, LUNGS: _lungs, PLEURA: _pleura, HEART: _heart, BONES: _bones}
_REGION_OF = {"et_tube": DEVICES, "ng_tube": DEVICES, "central_line": DEVICES, "pacemaker": DEVICES, "consolidation": LUNGS, "opacity": LUNGS, "edema": LUNGS, "lesion": LUNGS, "atelectasis": LUNGS,
              "effusion": PLEURA, "pneumothorax": PLEURA, "thickening": PLEURA, "heart": HEART, "mediastinum": HEART, "fracture": BONES}
_URGENCY = ("pneumothorax", "effusion", "consolidation", "opacity", "edema", "heart", "lesion", "mediastinum", "fracture", "thickening", "atelectasis")


def _name(f, key):
    """The noun of one item without its severity, with its place."""
    kind, side = key[0], (_sides(f)(key[1]) if len(key) > 1 else "")
    if kind in ("consolidation", "opacity"):
        return f"{'consolidation' if kind == 'consolidation' else 'hazy opacity'} in the {side}{key[2]} lung zone"
    if kind == "lesion":
        return f"{_LESION[key[3]]} in the {side}{key[2]} lung zone"
    return {"effusion": f"{side}pleural effusion", "pneumothorax": f"{side}pneumothorax", "edema": "pulmonary edema", "heart": "cardiomegaly", "mediastinum": "mediastinal widening", "atelectasis": f"{side}basilar atelectasis",
            "thickening": f"{side}pleural thickening", "fracture": f"{side}rib fracture", "et_tube": "endotracheal tube", "ng_tube": "nasogastric tube", "central_line": f"{side}central venous catheter", "pacemaker": f"{side}pacemaker"}[kind]


def changes(f, prior):
    """How each item stands against the prior: {key: "new" | "larger" | "smaller" | "unchanged" | "resolved"}."""
    now, then, out = items(f), items(prior), {}
    for key, level in now.items():
        if key not in then:
            out[key] = "new"
        elif level == then[key]:
            out[key] = "unchanged"
        else:
            scale = LEVELS[key[0]]
            out[key] = "larger" if scale.index(level) > scale.index(then[key]) else "smaller"
    return out | {key: "resolved" for key in then if key not in now}


def _compared(f, prior, rng):
    lines, now = {r: [] for r in _REGIONS}, items(f)
    for key, change in changes(f, prior).items():
        name, level = _name(f, key), now.get(key)
        whole, and_level = (f"{level} {name}", f" and {level}") if level else (name, "")
        device, mass = _REGION_OF[key[0]] == DEVICES, key[0] in ("edema", "heart", "mediastinum", "atelectasis", "thickening", "consolidation")
        lines[_REGION_OF[key[0]]].append({
            "new": _pick(rng, f"The {name} is new{and_level}.", f"There is {'' if mass else 'a '}new {whole}.", f"New {whole}."),
            "larger": _pick(rng, f"The {name} has increased and is now {level}.", f"Increased {name}, now {level}."),
            "smaller": _pick(rng, f"The {name} has decreased and is now {level}.", f"Decreased {name}, now {level}."),
            "unchanged": _pick(rng, f"The {name} is unchanged{and_level}.", f"Unchanged {whole}."),
            "resolved": f"The {name} has been removed." if device else _pick(rng, f"The {name} has resolved.", f"Interval resolution of the {name}."),
        }[change])
    for region, sentences in lines.items():
        if not any(_REGION_OF[k[0]] == region for k in now):
            sentences += _REGIONS[region](type(f)(view=f.view), rng, "full")[:1]
    return lines


def _compared_impression(f, prior, rng):
    out, now = [], items(f)
    found = changes(f, prior)
    for key in sorted((k for k in found if k[0] in _URGENCY), key=lambda k: _URGENCY.index(k[0])):
        name, level = _name(f, key), now.get(key)
        whole = f"{level} {name}" if level else name
        out.append({"new": f"New {whole}.", "larger": f"Increased {name}, now {level}.", "smaller": f"Decreased {name}, now {level}.", "unchanged": f"Unchanged {whole}.", "resolved": f"Resolved {name}."}[found[key]])
        if key[0] == "consolidation" and found[key] != "resolved" and rng.random() < 0.8:
            out[-1] = out[-1][:-1] + ", suggestive of pneumonia."
    return out or [_pick(rng, "No acute cardiopulmonary process.", "No acute cardiopulmonary abnormality. No change.")]
