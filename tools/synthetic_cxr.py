#!/usr/bin/env python3
"""Draw synthetic frontal chest radiographs together with what was drawn in them.

    synthetic_cxr.py --sheet OUT.png [--count 24] [--seed 0]      contact sheet to look at
    synthetic_cxr.py --dicom OUT.dcm [--seed 7] [--side 768]      one DX object (needs pydicom)

Every image is drawn by rules from random numbers; no radiograph of a person was used. The picture follows the display
convention: the patient's left is on the image's right, dense tissue is bright (MONOCHROME2).
Coordinates are normalised: x runs from -1 (image left) to 1, y from -1 (top) to 1 (bottom).
"""
import argparse
import pathlib
from dataclasses import dataclass, field

import numpy as np

SIDES = ("left", "right")
ZONES = ("upper", "mid", "lower")
GRADES = ("mild", "moderate", "severe")
SIZES = ("small", "moderate", "large")
# Channels of the coarse masks that `draw` can return: where each thing was drawn.
MASKS = ("lung_right", "lung_left", "heart", "mediastinum", "effusion", "opacity", "consolidation", "edema", "atelectasis",
         "pneumothorax", "lesion", "thickening", "fracture", "et_tube", "ng_tube", "central_line", "pacemaker", "diaphragm")
MASK_SIDE = 16


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

    def devices(self):
        return self.et_tube or self.ng_tube or self.central_line is not None or self.pacemaker is not None

    def normal(self):
        return self == Findings()


def sample_findings(rng):
    """Draw a plausible combination of findings: about a fifth of the images are normal."""
    f = Findings()
    if rng.random() < 0.18:
        return f
    def chance(p):
        return rng.random() < p
    def side():
        return SIDES[rng.integers(2)]
    if chance(0.30):
        f.heart = GRADES[rng.integers(3)]
    if chance(0.10):
        f.wide_mediastinum = True
    if chance(0.27):
        for s in SIDES if chance(0.35) else (side(),):
            f.effusion[s] = SIZES[rng.choice(3, p=(0.4, 0.35, 0.25))]
    if chance(0.17):
        f.edema = GRADES[rng.integers(3)]
    if chance(0.30):
        kind = "consolidation" if chance(0.6) else "opacity"
        for s in SIDES if chance(0.25) else (side(),):
            f.opacity[s] = (ZONES[rng.choice(3, p=(0.25, 0.3, 0.45))], kind)
    if chance(0.14):
        f.atelectasis = SIDES if chance(0.35) else (side(),)
    if chance(0.15):
        f.pneumothorax = (side(), "small" if chance(0.5) else "large")
    if chance(0.13):
        f.lesion = (side(), ZONES[rng.integers(3)], ("nodule", "mass", "cavity")[rng.choice(3, p=(0.4, 0.35, 0.25))])
    if chance(0.09):
        f.thickening = side()
    if chance(0.09):
        f.fracture = side()
    if chance(0.35):
        f.et_tube = chance(0.4)
        f.ng_tube = chance(0.4)
        f.central_line = side() if chance(0.4) else None
        f.pacemaker = (SIDES[0] if chance(0.75) else SIDES[1]) if chance(0.35) else None
    # Large effusions and pneumothoraces hide what lies under them; an image must show what its labels say.
    for s in SIDES:
        hidden = f.effusion.get(s) == "large" or (f.pneumothorax == (s, "large"))
        if f.pneumothorax and f.pneumothorax[0] == s and s in f.effusion:
            del f.effusion[s]
        if hidden:
            f.atelectasis = tuple(k for k in f.atelectasis if k != s)
            if s in f.opacity and f.opacity[s][0] == "lower":
                f.opacity[s] = ("upper" if f.effusion.get(s) else "mid", f.opacity[s][1])
            if f.lesion and f.lesion[0] == s:
                f.lesion = None
            if f.thickening == s:
                f.thickening = None
        if s in f.effusion and s in f.atelectasis and f.effusion[s] != "small":
            f.atelectasis = tuple(k for k in f.atelectasis if k != s)
        if f.thickening == s and (s in f.effusion or (f.pneumothorax and f.pneumothorax[0] == s)):
            f.thickening = None
        if f.lesion and s in f.opacity and f.lesion[:2] == (s, f.opacity[s][0]):
            f.lesion = None
    if f.edema == "severe":
        f.opacity = {}
        f.lesion = None
    return f


def draw(rng, findings, side=224, masks=False):
    """Draw one radiograph.

    Returns float32 brightness in 0..1, shape (side, side); with `masks` also a uint8 array (len(MASKS), 16, 16) that
    says how much of each cell shows what (0..255; `side` must then be a multiple of 16).
    """
    return _Painter(rng, findings, side).paint(masks)


def to_uint8(image):
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _sigmoid(v, width):
    """A soft step of the given width; the rational form is several times cheaper than exp and looks the same."""
    v = v * (1.0 / width)
    return 0.5 + 0.5 * v / (1 + np.abs(v))


def _edge(v, width):
    """A soft step that reaches 0 and 1 exactly within +-width (smoothstep)."""
    t = np.clip(v * (0.5 / width) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


class _Painter:
    def __init__(self, rng, findings, side):
        self.rng, self.f, self.n = rng, findings, side
        self.marks = {}
        u = rng.uniform
        axis = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1
        angle, zoom = u(-0.07, 0.07), u(0.90, 1.10)
        self.cos, self.sin, self.zoom = np.cos(angle), np.sin(angle), zoom
        self.dx, self.dy = u(-0.07, 0.07), u(-0.06, 0.06)
        gx, gy = (axis[None, :] - self.dx), (axis[:, None] - self.dy)
        self.x = ((gx * self.cos + gy * self.sin) / zoom).astype(np.float32)
        self.y = ((gy * self.cos - gx * self.sin) / zoom).astype(np.float32)
        self.width = u(0.70, 0.82)          # half width of the thorax's inside
        self.apex = u(-0.82, -0.72)
        self.base = u(0.42, 0.58)           # height of the right dome
        self.wide = u(0.05, 0.35)           # where the thorax is widest
        self.noise_grid = rng.standard_normal((24, 24)).astype(np.float32)

    def pixel(self, x, y):
        """Pixel coordinates (column, row) of a normalised point or of arrays of them."""
        x, y = np.asarray(x) * self.zoom, np.asarray(y) * self.zoom
        gx, gy = x * self.cos - y * self.sin + self.dx, x * self.sin + y * self.cos + self.dy
        return (gx + 1) * self.n / 2 - 0.5, (gy + 1) * self.n / 2 - 0.5

    def smooth_noise(self, cells):
        """Bilinear noise with about `cells` cells a side, mean 0, deviation about 0.6, shape (n, n)."""
        g = self.noise_grid[:cells + 2, :cells + 2]
        g = np.roll(g, self.rng.integers(24), 0)
        t = np.linspace(0, cells + 0.999 - 0.01, self.n, dtype=np.float32)
        i = t.astype(int)
        w = t - i
        w = w * w * (3 - 2 * w)
        rows = g[i] * (1 - w)[:, None] + g[i + 1] * w[:, None]
        return rows[:, i] * (1 - w) + rows[:, i + 1] * w

    def gauss(self, cx, cy, rx, ry):
        d = ((self.x - cx) * (1 / rx)) ** 2 + ((self.y - cy) * (1 / ry)) ** 2
        return 1 / (1 + d * d * 1.2 + 0.3 * d)

    def mark(self, name, mask):
        self.marks[name] = np.maximum(self.marks[name], mask) if name in self.marks else mask

    def stroke(self, xs, ys, width, level, name=None):
        """Draw a bright curve through normalised points; `width` is normalised, never under a visible pixel."""
        xs, ys = self.pixel(np.asarray(xs, np.float32), np.asarray(ys, np.float32))
        length = float(np.hypot(np.diff(xs), np.diff(ys)).sum())
        steps = max(int(length * 1.6), 2)
        t = np.concatenate([[0], np.cumsum(np.hypot(np.diff(xs), np.diff(ys)))])
        s = np.linspace(0, t[-1], steps)
        px, py = np.interp(s, t, xs), np.interp(s, t, ys)
        radius = max(width * self.n / 2, 0.75)
        r = int(np.ceil(radius + 1))
        ox, oy = np.meshgrid(np.arange(-r, r + 1), np.arange(-r, r + 1))
        ix, iy = np.round(px).astype(int)[:, None] + ox.ravel(), np.round(py).astype(int)[:, None] + oy.ravel()
        d = np.hypot(ix - px[:, None], iy - py[:, None])
        a = np.clip(radius + 0.5 - d, 0, 1).astype(np.float32)
        keep = (ix >= 0) & (iy >= 0) & (ix < self.n) & (iy < self.n) & (a > 0)
        layer = np.zeros(self.n * self.n, np.float32)
        np.maximum.at(layer, (iy * self.n + ix)[keep], a[keep])
        layer = layer.reshape(self.n, self.n)
        self.image += (level - self.image) * layer * 0.9 if level < 0.3 else np.maximum(level - self.image, 0.10) * layer
        if name:
            self.mark(name, layer)

    def paint(self, masks):
        self.thorax()
        self.lung_findings()
        self.heart_and_mediastinum()
        self.bones()
        self.pleura()
        self.devices()
        image = self.expose()
        if not masks:
            return image
        cell = self.n // MASK_SIDE
        out = np.zeros((len(MASKS), MASK_SIDE, MASK_SIDE), np.uint8)
        for i, name in enumerate(MASKS):
            if name in self.marks:
                m = self.marks[name].reshape(MASK_SIDE, cell, MASK_SIDE, cell).mean((1, 3))
                gain = 6 if name in ("et_tube", "ng_tube", "central_line", "fracture", "atelectasis") else 1.5
                out[i] = np.clip(m * gain, 0, 1) * 255
        return image, out

    def thorax(self):
        """Body outline, lungs and diaphragm: the two lung masks, their lateral border and their dome."""
        u, x, y = self.rng.uniform, self.x, self.y
        shoulder = self.width + u(0.10, 0.22) - u(2.2, 3.4) * np.clip(-0.45 - y, 0, 1) ** 2
        neck = u(0.22, 0.30)
        body = _edge(np.maximum(shoulder, neck) - np.abs(x), 0.03)
        tissue = u(0.52, 0.62) - 0.10 * np.abs(x) + 0.06 * y
        self.image = body * tissue + 0.02
        t = np.where(y < self.wide, (y - self.wide) / (self.apex - self.wide), (y - self.wide) * 0.35)
        self.lateral = self.width * np.sqrt(np.clip(1 - t * t * np.where(y < self.wide, 1, 0.8), 0, 1))
        self.lung, self.dome, self.dome_level = {}, {}, {}
        for s, sign in (("right", -1), ("left", 1)):
            lift = u(0.07, 0.14) if s in self.f.atelectasis else 0
            level = self.base + (u(0.01, 0.07) if s == "left" else 0) - lift
            v = sign * x
            centre, bend = self.width * u(0.42, 0.55), u(0.9, 1.5)
            dome = level + bend * (v - centre) ** 2 + 1.2 * np.clip(v - centre - 0.15, 0, 1) ** 2
            medial = 0.075 + 0.05 * np.clip(y, 0, 1)
            lung = _edge(self.lateral - v, 0.022) * _edge(v - medial, 0.05) * _edge(dome - y, 0.02) * _edge(y - self.apex, 0.04)
            self.lung[s], self.dome[s], self.dome_level[s] = lung, dome, level
            self.mark("lung_" + s, lung)
            self.mark("diaphragm", lung * _edge(y - dome + 0.12, 0.05))
        both = self.lung["left"] + self.lung["right"]
        below = _edge(y - self.base + 0.02, 0.12) * body
        self.image += below * u(0.10, 0.18)
        if self.rng.random() < 0.8:
            bubble = self.gauss(u(0.28, 0.42), self.base + u(0.20, 0.30), u(0.12, 0.2), u(0.06, 0.1))
            self.image -= u(0.12, 0.3) * bubble * (1 - both)
        self.aerated = u(0.12, 0.22)
        self.image += (self.aerated - self.image) * both
        self.vessels(both)

    def vessels(self, both):
        """Hila and the vessels that leave them, as noise over the angle that fades with the distance."""
        u = self.rng.uniform
        self.hilum_y = u(-0.10, 0.03)
        table = np.abs(self.rng.standard_normal((2, 96)).astype(np.float32))
        for i, (s, sign) in enumerate((("right", -1), ("left", 1))):
            hx, hy = sign * u(0.15, 0.19), self.hilum_y - (0.03 if s == "left" else 0)
            dx, dy = self.x - hx, self.y - hy
            r = np.sqrt(dx * dx + dy * dy)
            theta = (np.arctan2(dy, dx * sign) + 3.1416) * (95.0 / 6.2832) + 3.0 * np.sin(8 * r + i) + 1.5 * np.sin(23 * r)
            k = theta.astype(np.int32) % 95
            w = theta - np.floor(theta)
            rays = table[i][k] * (1 - w) + table[i][(k + 1) % 96] * w
            self.image += both * (u(0.08, 0.13) * rays * np.clip(1 - 1.4 * r, 0, 1) * np.clip(0.35 + 3 * r, 0, 1) + u(0.16, 0.26) / (1 + (r * 7.5) ** 4))

    def lung_findings(self):
        f, u = self.f, self.rng.uniform
        rough = self.smooth_noise(14)
        if f.edema:
            strength = {"mild": u(0.12, 0.16), "moderate": u(0.20, 0.25), "severe": u(0.32, 0.40)}[f.edema]
            reach = {"mild": 0.34, "moderate": 0.42, "severe": 0.52}[f.edema]
            for s, sign in (("right", -1), ("left", 1)):
                haze = self.gauss(sign * 0.28, self.hilum_y + 0.12, reach, reach * 1.15) * self.lung[s]
                lines = 0.5 + 0.5 * np.sin(self.y * 75 + 3 * rough)
                edge = np.clip(1 - 6 * (self.lateral - sign * self.x - 0.01), 0, 1) * _edge(self.y - 0.1, 0.1)
                self.image += strength * (haze * (1 + 0.5 * rough) + 0.7 * edge * lines * self.lung[s])
                self.mark("edema", haze)
        for s, (zone, kind) in f.opacity.items():
            x, y = self.spot(s, zone)
            rx, ry = u(0.15, 0.24), u(0.13, 0.20)
            blob = self.gauss(x, y, rx, ry) * (1 + 0.5 * rough)
            blob = _edge(blob - 0.38, 0.22) * self.lung[s]
            if kind == "consolidation":
                level = u(0.34, 0.44)
                branches = np.abs(np.sin(11 * (self.x - x) + 6 * (self.y - y) + 2 * rough)) < 0.14
                self.image += blob * (level - 0.16 * branches)
                self.mark("consolidation", blob)
            else:
                self.image += blob * u(0.15, 0.20)
            self.mark("opacity", blob)
        for s in f.atelectasis:
            sign = 1 if s == "left" else -1
            for i in range(self.rng.integers(2, 4)):
                xs = np.linspace(0.22, 0.22 + u(0.25, 0.38), 6)
                ys = self.dome_level[s] - u(0.05, 0.09) - 0.085 * i - u(-0.15, 0.15) * (xs - 0.3)
                self.stroke(sign * xs, ys, u(0.018, 0.03), u(0.45, 0.55), "atelectasis")
        if f.lesion:
            s, zone, kind = f.lesion
            x, y = self.spot(s, zone)
            r = {"nodule": u(0.055, 0.075), "mass": u(0.11, 0.15), "cavity": u(0.10, 0.14)}[kind]
            d = np.sqrt((self.x - x) ** 2 + ((self.y - y) * u(0.9, 1.1)) ** 2) + 0.012 * rough
            disc = _edge(r - d, 0.014)
            self.image += disc * u(0.34, 0.42)
            if kind == "cavity":
                self.image -= _edge(r * 0.62 - d, 0.014) * u(0.34, 0.40)
            self.mark("lesion", disc)

    def spot(self, s, zone):
        """A point inside one zone of one lung, clear of the heart."""
        u, sign = self.rng.uniform, 1 if s == "left" else -1
        top = self.apex + 0.16
        height = (self.dome_level[s] - 0.10 - top) / 3
        i = ZONES.index(zone)
        y = top + height * (i + u(0.3, 0.7))
        inner = (0.22, 0.32, 0.42)[i] if s == "left" else (0.22, 0.28, 0.30)[i]
        return sign * u(inner, max(inner + 0.02, self.width * (0.60, 0.74, 0.76)[i])), y

    def heart_and_mediastinum(self):
        f, u, x, y = self.f, self.rng.uniform, self.x, self.y
        lo, hi = {None: (0.41, 0.48), "mild": (0.54, 0.58), "moderate": (0.61, 0.66), "severe": (0.70, 0.78)}[f.heart]
        ratio = u(lo, hi)
        total = 2 * self.width * ratio
        left, right = total * u(0.64, 0.70), 0.0
        right = total - left
        top, bottom = self.hilum_y - 0.02 - 0.25 * max(ratio - 0.45, 0), self.base + 0.10
        cy = top + (bottom - top) * 0.62
        half = np.where(x > 0, left, right)
        skew = y - cy - 0.18 * x
        vert = np.where(skew < 0, cy - top, bottom - cy)
        d = np.sqrt((x / half) ** 2 + (skew / vert) ** 2)
        heart = _edge(1 - d, 0.05)
        level = u(0.60, 0.70)
        self.image += np.clip(level - self.image, 0, 1) * heart + 0.05 * heart
        self.mark("heart", heart)
        band = u(0.10, 0.135) if not f.wide_mediastinum else u(0.22, 0.28)
        upper = _edge(band * (1 + 0.25 * np.sin(4 * y + 1)) - np.abs(x - 0.01), 0.025) * _edge(0.30 - y, 0.15)
        if f.wide_mediastinum:
            self.mark("mediastinum", upper * _edge(y + 0.75, 0.1))
        knob = self.gauss(band * 0.9 + 0.01, self.hilum_y - u(0.20, 0.26), 0.07, 0.07)
        centre = np.maximum(upper, _edge(knob - 0.5, 0.15))
        self.image += np.clip(level - 0.04 - self.image, 0, 1) * centre
        self.carina = self.hilum_y - 0.10
        trachea = _edge(0.042 - np.abs(x + 0.012), 0.012) * _edge(self.carina - y, 0.04)
        for sign in (-1, 1):
            trachea = np.maximum(trachea, 0.8 * _edge(0.03 - np.abs(y - self.carina - 0.8 * (sign * x)), 0.012) * _edge(0.13 - sign * x, 0.03) * _edge(sign * x, 0.02))
        self.image -= u(0.10, 0.20) * trachea
        spine = _edge(0.085 - np.abs(x), 0.03)
        self.image += spine * (0.05 + 0.03 * np.sin(y * u(40, 48)))

    def bones(self):
        """All posterior and all anterior ribs at once, as a periodic function of a bent height; then the clavicles."""
        f, u, x, y = self.f, self.rng.uniform, self.x, self.y
        gap = u(0.135, 0.165)
        a = np.abs(x)
        cage = np.clip(_edge(self.lateral + 0.03 - a, 0.02) * _edge(y - self.apex, 0.06) * _edge(self.base + 0.22 - y, 0.1), 0, 1)
        phase = (y - u(0.10, 0.25) * a + u(0.55, 0.85) * (a - 0.25) ** 2 + u(0, gap)) * (1 / gap)
        broken = 0
        if f.fracture:
            sign = 1 if f.fracture == "left" else -1
            fx, fy = u(0.50, 0.85) * self.width, u(-0.30, 0.25)
            near = _edge(0.15 - np.abs(y - fy), 0.03) * _edge(0.26 - np.abs(sign * x - fx - 0.13), 0.02)
            phase = phase + 0.42 * near * (sign * x > fx)
            broken = _edge(0.022 - np.abs(sign * x - fx), 0.01) * _edge(0.13 - np.abs(y - fy), 0.03)
            self.mark("fracture", np.maximum(broken, 0.15 * near * (sign * x > fx - 0.1)))
        def bars(p, thick):
            d = np.abs(p - np.floor(p) - 0.5)
            return _edge(thick - d, 0.06) * (0.65 + 1.2 * d)
        strength = u(0.09, 0.15)
        ribs = bars(phase, u(0.20, 0.26)) * _edge(a - 0.06, 0.04)
        front = bars((y + u(0.45, 0.7) * a - u(0, gap)) * (1 / (gap * 1.15)), 0.22) * _edge(a - 0.30, 0.06) * _edge(y + 0.5, 0.1)
        self.image += cage * (strength * ribs + 0.45 * strength * front * (1 - broken)) - 0.14 * cage * broken * np.clip(ribs + 0.5, 0, 1)
        for sign in (-1, 1):
            v = sign * x
            line = self.apex + u(0.10, 0.17) - u(0.10, 0.22) * v + 0.05 * np.sin(6 * v)
            bone = _edge(0.030 - np.abs(y - line), 0.012) * _edge(v - 0.06, 0.02) * _edge(self.width + 0.02 - v, 0.05)
            self.image += u(0.10, 0.16) * bone

    def pleura(self):
        f, u, x, y = self.f, self.rng.uniform, self.x, self.y
        for s, size in f.effusion.items():
            sign = 1 if s == "left" else -1
            v, dome = sign * x, self.dome_level[s]
            if size == "small":
                level = dome + u(0.00, 0.03) - 1.1 * np.clip(v - self.width * 0.45, 0, 1)
            else:
                rise = u(0.17, 0.26) if size == "moderate" else u(0.48, 0.68)
                level = dome - rise - 0.35 * np.clip(v - self.width * 0.35, 0, 1) - 0.12 * np.clip(0.2 - v, 0, 1)
            fluid = _edge(y - level, 0.035) * self.lung[s]
            dense = u(0.58, 0.68)
            self.image += np.clip(dense - self.image, 0, 1) * fluid
            self.mark("effusion", fluid)
        if f.thickening:
            sign = 1 if f.thickening == "left" else -1
            depth = u(0.05, 0.075) * (1 + 0.5 * self.smooth_noise(9))
            peel = _edge(depth - (self.lateral - sign * x), 0.012) * self.lung[f.thickening] * _edge(y + u(0.35, 0.5), 0.1)
            self.image += u(0.28, 0.36) * peel
            self.mark("thickening", peel)
        if f.pneumothorax:
            s, size = f.pneumothorax
            sign = 1 if s == "left" else -1
            if size == "small":
                depth = 0.04 + u(0.30, 0.40) * np.clip((self.apex + 0.62 - y) / 0.6, 0, 1) ** 1.2
                roof = self.apex + u(0.16, 0.22)
            else:
                depth = u(0.24, 0.32) + 0.12 * np.clip(-y, 0, 1)
                roof = self.apex + u(0.22, 0.30)
            inside = np.minimum(self.lateral - depth - sign * x, (y - roof) * 0.8 + 0.10 * np.clip(0.35 - sign * x, 0, 1))
            air = _edge(-inside, 0.006) * self.lung[s] * _edge(sign * x - 0.13, 0.03)
            if size == "small":
                air = air * _edge(self.apex + 0.75 - y, 0.06)
            line = _edge(0.011 - np.abs(inside), 0.007) * self.lung[s] * (air.max() > 0) * _edge(sign * x - 0.15, 0.03)
            if size == "small":
                line = line * _edge(self.apex + 0.75 - y, 0.06)
            dark = self.aerated - u(0.07, 0.11)
            self.image += (dark + 0.35 * (self.image - self.aerated) - self.image) * air * 0.85 + u(0.16, 0.22) * line
            self.mark("pneumothorax", np.clip(air + line, 0, 1))

    def devices(self):
        f, u = self.f, self.rng.uniform
        if f.et_tube:
            tip = self.carina - u(0.08, 0.16)
            ys = np.linspace(-1.1, tip, 8)
            for off in (-0.016, 0.016):
                self.stroke(-0.012 + off + 0.006 * np.sin(5 * ys), ys, 0.010, u(0.82, 0.92), "et_tube")
        if f.ng_tube:
            ys = np.linspace(-1.1, self.base + 0.12, 14)
            xs = 0.035 + 0.02 * np.sin(3 * ys) + 0.12 * np.clip(ys - self.base + 0.15, 0, 1)
            end = u(0.22, 0.38)
            xs, ys = np.append(xs, [0.16, end]), np.append(ys, [self.base + 0.2, self.base + u(0.24, 0.34)])
            self.stroke(xs, ys, 0.014, u(0.84, 0.94), "ng_tube")
        if f.central_line:
            sign = 1 if f.central_line == "left" else -1
            tip = (-0.085, self.hilum_y - u(-0.04, 0.08))
            if self.rng.random() < 0.5:
                xs, ys = [sign * 0.28, sign * 0.22, sign * 0.15, -0.09, tip[0]], [-1.1, -0.85, -0.65, -0.45, tip[1]]
            else:
                xs, ys = [sign * 0.98, sign * 0.70, sign * 0.40, sign * 0.16, -0.09, tip[0]], [-0.30, -0.60, -0.70, -0.60, -0.40, tip[1]]
            xs, ys = _curve(xs, ys)
            self.stroke(xs, ys, 0.011, u(0.82, 0.92), "central_line")
        if f.pacemaker:
            sign = 1 if f.pacemaker == "left" else -1
            cx, cy = sign * u(0.48, 0.60), u(-0.52, -0.42)
            d = ((self.x - cx) / u(0.095, 0.12)) ** 4 + ((self.y - cy) / u(0.085, 0.10)) ** 4
            box = _edge(1 - d, 0.25)
            self.image += (u(0.92, 0.98) - self.image) * box
            self.mark("pacemaker", box)
            for end in ((-0.10, self.hilum_y + 0.20), (0.16, self.hilum_y + 0.38))[:self.rng.integers(1, 3)]:
                xs, ys = _curve([cx, sign * 0.35, sign * 0.14, -0.07, -0.07, end[0]], [cy - 0.08, -0.66, -0.58, -0.40, self.hilum_y, end[1]])
                self.stroke(xs, ys, 0.011, u(0.84, 0.94), "pacemaker")

    def expose(self):
        """Exposure, scatter, noise, side marker, collimation."""
        u, rng = self.rng.uniform, self.rng
        image = np.clip(self.image + 0.02 * self.smooth_noise(3), 0, 1)
        image = image ** np.float32(u(0.8, 1.25)) * u(0.85, 1.12) + u(-0.03, 0.05)
        image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(u(0.006, 0.028))
        cut = [int(self.n * v) if rng.random() < 0.5 else 0 for v in rng.uniform(0, 0.05, 4)]
        n = self.n
        for rows, cols in ((slice(0, cut[0]), slice(None)), (slice(n - cut[1], n), slice(None)), (slice(None), slice(0, cut[2])), (slice(None), slice(n - cut[3], n))):
            image[rows, cols] = u(0, 0.03)
        letter = "L" if rng.random() < 0.6 else "R"
        scale = max(int(n * u(0.006, 0.012) + 0.5), 1)
        glyph = np.kron(_GLYPHS[letter], np.ones((scale, scale), np.float32))
        col = int(n * u(0.86, 0.90)) if letter == "L" else int(n * u(0.06, 0.09))
        row = int(n * u(0.06, 0.20))
        h, w = glyph.shape
        part = image[row:row + h, col:col + w]
        part += (1.0 - part) * glyph[:part.shape[0], :part.shape[1]] * u(0.85, 1.0)
        return np.clip(image, 0, 1).astype(np.float32)


def _curve(xs, ys, points=24):
    """A smooth curve through the given points (quadratic averaging of a dense polyline)."""
    t, s = np.arange(len(xs)), np.linspace(0, len(xs) - 1, points)
    x, y = np.interp(s, t, xs), np.interp(s, t, ys)
    for _ in range(3):
        x[1:-1], y[1:-1] = (x[:-2] + 2 * x[1:-1] + x[2:]) / 4, (y[:-2] + 2 * y[1:-1] + y[2:]) / 4
    return x, y


_GLYPHS = {
    "L": np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]], np.float32),
    "R": np.array([[1, 1, 1, 0], [1, 0, 0, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], np.float32),
}


def write_dicom(path, image, seed):
    """Write a 12-bit MONOCHROME2 Digital X-Ray Image For Presentation (PS3.3 A.26), Explicit VR Little Endian.

    Identifiers are made up and under 2.25 (UUID-derived UIDs, PS3.5 B.2), derived from the seed, so the file is repeatable.
    """
    import uuid
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian
    def uid(role):
        return f"2.25.{uuid.uuid5(uuid.UUID(int=seed), 'synthetic-cxr/' + role).int}"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = uid("instance")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    ds = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    rows, columns = image.shape
    for name, value in dict(
            SpecificCharacterSet="ISO_IR 192", ImageType=["ORIGINAL", "PRIMARY", ""], SOPClassUID=meta.MediaStorageSOPClassUID, SOPInstanceUID=meta.MediaStorageSOPInstanceUID,
            StudyDate="20260102", SeriesDate="20260102", AcquisitionDate="20260102", ContentDate="20260102", StudyTime="101500", SeriesTime="101500", AcquisitionTime="101500", ContentTime="101500",
            AccessionNumber="SYN0001", Modality="DX", PresentationIntentType="FOR PRESENTATION", Manufacturer="Synthetic", InstitutionName="Synthetic Demo Hospital", ReferringPhysicianName="SYNTHETIC^Referrer",
            StudyDescription="XR CHEST PA (SYNTHETIC)", SeriesDescription="Chest PA", PatientName="SYNTHETIC^Demo", PatientID="SYN-0001", PatientBirthDate="19600101", PatientSex="O", PatientAge="066Y",
            BodyPartExamined="CHEST", ViewPosition="PA", StudyInstanceUID=uid("study"), SeriesInstanceUID=uid("series"), StudyID="1", SeriesNumber=1, InstanceNumber=1,
            PatientOrientation=["L", "F"], Laterality="", ImageLaterality="U", ImagerPixelSpacing=[0.5, 0.5], PixelSpacing=[0.5, 0.5], BurnedInAnnotation="NO", PixelIntensityRelationship="LOG", PixelIntensityRelationshipSign=-1,
            SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=rows, Columns=columns, BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=0,
            WindowCenter=2048, WindowWidth=4096, RescaleIntercept=0, RescaleSlope=1, RescaleType="US", PresentationLUTShape="IDENTITY", LossyImageCompression="00").items():
        setattr(ds, name, value)
    ds.PixelData = (np.clip(image, 0, 1) * 4095 + 0.5).astype("<u2").tobytes()
    ds.save_as(path, enforce_file_format=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--sheet", type=pathlib.Path)
    a.add_argument("--dicom", type=pathlib.Path)
    a.add_argument("--count", type=int, default=24)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--side", type=int, default=768)
    a = a.parse_args()
    if a.sheet:
        from PIL import Image
        columns, tiles = 6, []
        for i in range(a.count):
            rng = np.random.default_rng((a.seed, i))
            found = sample_findings(rng)
            tiles.append(to_uint8(draw(rng, found)))
            print(i, {k: v for k, v in vars(found).items() if v})
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
        sheet = np.concatenate([np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)])
        Image.fromarray(sheet).save(a.sheet)
    if a.dicom:
        rng = np.random.default_rng(a.seed)
        found = Findings(heart="moderate", effusion={"right": "moderate"}, opacity={"left": ("upper", "consolidation")}, pacemaker="left")
        write_dicom(a.dicom, draw(rng, found, a.side), a.seed)
        print(a.dicom, {k: v for k, v in vars(found).items() if v})


if __name__ == "__main__":
    main()
