"""What a synthetic radiograph may show: the findings with side, place and severity, and how often they occur together."""
import copy
from dataclasses import dataclass, field

SIDES = ("left", "right")
ZONES = ("upper", "mid", "lower")
GRADES = ("mild", "moderate", "severe")
SIZES = ("small", "moderate", "large")
VIEWS = ("PA", "AP", "lateral")


@dataclass
class Findings:
    """What one image shows. Sides are the patient's; an absent finding is None or an empty container."""
    heart: str | None = None                                   # one of GRADES
    wide_mediastinum: bool = False
    effusion: dict = field(default_factory=dict)               # side -> one of SIZES
    opacity: dict = field(default_factory=dict)                # side -> (zone, "consolidation" | "opacity")
    edema: str | None = None                                   # one of GRADES
    atelectasis: tuple = ()                                    # sides
    pneumothorax: tuple | None = None                          # (side, "small" | "large")
    lesion: tuple | None = None                                # (side, zone, "nodule" | "mass" | "cavity")
    thickening: str | None = None                              # side
    fracture: str | None = None                                # side
    et_tube: bool = False
    ng_tube: bool = False
    central_line: str | None = None                            # side
    pacemaker: str | None = None                               # side
    view: str = "PA"                                           # one of VIEWS; not a finding

    def devices(self):
        return self.et_tube or self.ng_tube or self.central_line is not None or self.pacemaker is not None

    def normal(self):
        return self == Findings(view=self.view)


def from_json(d):
    """Findings as they were before `json.dumps(vars(f))` turned their tuples into lists."""
    f = Findings(**d)
    f.opacity = {k: tuple(v) for k, v in f.opacity.items()}
    f.atelectasis = tuple(f.atelectasis)
    f.pneumothorax = tuple(f.pneumothorax) if f.pneumothorax else None
    f.lesion = tuple(f.lesion) if f.lesion else None
    return f


def sample_findings(rng, view=None):
    """Draw a plausible combination of findings: about a seventh of the images are normal."""
    if view is None:
        view = VIEWS[rng.choice(3, p=(0.62, 0.32, 0.06))]
    f = Findings(view=view)
    def chance(p):
        return rng.random() < p
    def side():
        return SIDES[rng.integers(2)]
    if chance(0.14):
        return f
    for name in ("heart", "mediastinum", "effusion", "edema", "opacity", "atelectasis", "pneumothorax", "lesion", "thickening", "fracture", "devices"):
        _ADD[name](f, rng, chance, side)
    return visible(f)


def _opacity(f, rng, chance, side):
    if chance(0.32):
        for s in SIDES if chance(0.2) else (side(),):
            f.opacity[s] = (ZONES[rng.choice(3, p=(0.27, 0.30, 0.43))], "consolidation" if chance(0.6) else "opacity")


def _effusion(f, rng, chance, side):
    if chance(0.24):
        for s in SIDES if chance(0.3) else (side(),):
            f.effusion[s] = SIZES[rng.choice(3, p=(0.4, 0.35, 0.25))]


def _devices(f, rng, chance, side):
    if chance(0.50 if f.view == "AP" else 0.28):
        f.et_tube = chance(0.4)
        f.ng_tube = chance(0.4)
        f.central_line = side() if chance(0.4) else None
        f.pacemaker = (SIDES[0] if chance(0.7) else SIDES[1]) if chance(0.35) else None


def _set(name, probability, value):
    def add(f, rng, chance, side):
        if chance(probability):
            setattr(f, name, value(rng, chance, side))
    return add


_ADD = {
    "heart": _set("heart", 0.25, lambda rng, chance, side: GRADES[rng.integers(3)]),
    "mediastinum": _set("wide_mediastinum", 0.11, lambda rng, chance, side: True),
    "effusion": _effusion,
    "edema": _set("edema", 0.15, lambda rng, chance, side: GRADES[rng.integers(3)]),
    "opacity": _opacity,
    "atelectasis": _set("atelectasis", 0.18, lambda rng, chance, side: SIDES if chance(0.3) else (side(),)),
    "pneumothorax": _set("pneumothorax", 0.15, lambda rng, chance, side: (side(), "small" if chance(0.5) else "large")),
    "lesion": _set("lesion", 0.20, lambda rng, chance, side: (side(), ZONES[rng.integers(3)], ("nodule", "mass", "cavity")[rng.choice(3, p=(0.4, 0.35, 0.25))])),
    "thickening": _set("thickening", 0.17, lambda rng, chance, side: side()),
    "fracture": _set("fracture", 0.17, lambda rng, chance, side: side()),
    "devices": _devices,
}


def visible(f):
    """Take away what the image could not show: a label must never say more than can be seen."""
    if f.view == "lateral":
        f.wide_mediastinum, f.edema, f.atelectasis, f.pneumothorax, f.thickening, f.fracture = False, None, (), None, None, None
        f.et_tube = f.ng_tube = False
        f.central_line = None
        for name in ("effusion", "opacity"):
            shown = getattr(f, name)
            if len(shown) > 1:
                del shown["right"]
        if f.effusion and "large" in f.effusion.values():
            f.opacity, f.lesion = {}, None
        if f.opacity:
            f.lesion = None
        return f
    if f.edema == "severe":
        f.opacity, f.lesion = {}, None
    _clear_of_heart(f)
    for s in SIDES:
        if f.pneumothorax and f.pneumothorax[0] == s and s in f.effusion:
            del f.effusion[s]
        air = bool(f.pneumothorax and f.pneumothorax[0] == s)
        hidden = f.effusion.get(s) == "large" or (air and f.pneumothorax[1] == "large")
        if hidden or f.effusion.get(s) == "moderate":
            f.atelectasis = tuple(k for k in f.atelectasis if k != s)
            if s in f.opacity and f.opacity[s][0] == "lower":
                f.opacity[s] = ("upper" if f.effusion.get(s) else "mid", f.opacity[s][1])
            if f.lesion and f.lesion[0] == s and (hidden or f.lesion[1] == "lower"):
                f.lesion = None
        if f.effusion.get(s) == "large" and s in f.opacity:
            del f.opacity[s]
        if f.thickening == s and (s in f.effusion or air):
            f.thickening = None
        if f.fracture == s and f.effusion.get(s) == "large":
            f.fracture = None
        if s in f.opacity and f.lesion and f.lesion[0] == s and abs(ZONES.index(f.lesion[1]) - ZONES.index(f.opacity[s][0])) < 2:
            f.lesion = None
        if s in f.opacity and f.opacity[s][0] == "lower" and s in f.atelectasis:
            f.atelectasis = tuple(k for k in f.atelectasis if k != s)
    return f


def _clear_of_heart(f):
    """Move to a higher zone, or take away, what an enlarged heart would hide in the left lung."""
    if f.heart is None:
        return
    zone, kind = f.opacity.get("left", (None, None))
    if f.heart == "severe" and zone in ("mid", "lower"):
        f.opacity["left"] = ("upper", kind)
    elif f.heart == "moderate" and zone == "lower":
        f.opacity["left"] = ("mid", kind)
    if f.heart != "mild":
        f.atelectasis = tuple(k for k in f.atelectasis if k != "left")
    if f.lesion and f.lesion[0] == "left" and f.lesion[1] in (("lower",) if f.heart == "mild" else ("mid", "lower")):
        f.lesion = ("left", "upper", f.lesion[2])


def sample_prior(f, rng):
    """Findings of an earlier image of the same patient: some of `f` were absent, larger or smaller, some have resolved since."""
    p = copy.deepcopy(f)
    other = sample_findings(rng, f.view)
    for name in ("heart", "edema"):
        draw, scale = rng.random(), GRADES
        if getattr(p, name) and draw < 0.45:
            near = [g for g in scale if abs(scale.index(g) - scale.index(getattr(p, name))) == 1]
            setattr(p, name, near[rng.integers(len(near))])
        elif draw < 0.65:
            setattr(p, name, getattr(other, name))
    for s in SIDES:
        draw = rng.random()
        if s in p.effusion and draw < 0.6:
            near = [g for g in SIZES if abs(SIZES.index(g) - SIZES.index(p.effusion[s])) == 1]
            p.effusion[s] = near[rng.integers(len(near))]
        elif draw < 0.75:
            p.effusion.pop(s, None)
            if s in other.effusion:
                p.effusion[s] = other.effusion[s]
        if rng.random() < 0.4:
            p.opacity.pop(s, None)
            if s in other.opacity:
                p.opacity[s] = other.opacity[s]
    if rng.random() < 0.5:
        p.pneumothorax = (p.pneumothorax[0], "large" if p.pneumothorax[1] == "small" else "small") if p.pneumothorax and rng.random() < 0.6 else other.pneumothorax
    for name in ("atelectasis", "et_tube", "ng_tube", "central_line", "fracture"):
        if rng.random() < 0.35:
            setattr(p, name, getattr(other, name))
    return visible(p)
