#!/usr/bin/env python3
"""Draw synthetic chest radiographs together with what was drawn in them.

    synthetic_cxr.py --sheet OUT.png [--count 24] [--seed 0]      contact sheet to look at
    synthetic_cxr.py --dicom OUT.dcm [--seed 7] [--side 768]      one DX object (needs pydicom)

Every image is drawn by rules from random numbers; no radiograph of a person was used. A thorax (synthetic_anatomy.py) is a
sum of attenuations; findings and devices change that sum where they lie; exposure turns it into brightness. The picture follows
the display convention: the patient's left is on the image's right, dense tissue is bright (MONOCHROME2).
"""
import argparse
import pathlib

import numpy as np

from synthetic_anatomy import SIGN, Frontal, Lateral, dome_chord, edge
from synthetic_findings import GRADES, SIDES, SIZES, ZONES, Findings, sample_findings

# Channels of the coarse masks that `draw` returns: the thirteen findings by their zero-shot names, then what else has a place.
FINDING_MASKS = ("atelectasis", "cardiomegaly", "consolidation", "edema", "enlarged_cardiomediastinum", "fracture", "lung_lesion", "lung_opacity",
                 "pleural_effusion", "pleural_other", "pneumonia", "pneumothorax", "support_devices")
MASKS = FINDING_MASKS + ("hazy_opacity", "et_tube", "ng_tube", "central_line", "pacemaker", "lung_right", "lung_left", "heart")
MASK_SIDE = 16
THIN = {"atelectasis": 3, "fracture": 4, "support_devices": 5, "et_tube": 6, "ng_tube": 6, "central_line": 6, "pneumothorax": 2, "pleural_other": 2}
LUNG = 0.80          # attenuation that air takes away from a chord of tissue of length one
AERATED = 0.22       # share of tissue in healthy lung


def anatomy(rng, view, side=224):
    """A thorax to draw findings into. Several images, such as a prior and a current one, may share it."""
    return Lateral(rng, side) if view == "lateral" else Frontal(rng, side, view)


def draw(rng, findings, body, masks=False):
    """Draw one radiograph of `findings` in the thorax `body`.

    Returns float32 brightness in 0..1, shape (side, side). With `masks` also a uint8 array (len(MASKS), 16, 16) that says how
    much of each cell shows what (0..255; the side must then be a multiple of 16), and {mask name: [boxes]} with each box
    (left, top, right, bottom) in relative units 0..1 of the image.
    """
    painter = (_Side if body.view == "lateral" else _Front)(rng, findings, body)
    image = expose(rng, body, painter.paint())
    return (image, painter.cells(), painter.boxes()) if masks else image


def to_uint8(image):
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


class _Marks:
    """Where each thing was drawn: one map of shares for every separate thing, so that each gets its own box."""

    def __init__(self, rng, findings, body):
        self.rng, self.f, self.b = rng, findings, body
        self.marks = {}

    def mark(self, mask, *names):
        for name in names:
            self.marks.setdefault(name, []).append(mask)

    def cells(self):
        cell = self.b.n // MASK_SIDE
        out = np.zeros((len(MASKS), MASK_SIDE, MASK_SIDE), np.uint8)
        for i, name in enumerate(MASKS):
            if name in self.marks:
                m = np.max([v.reshape(MASK_SIDE, cell, MASK_SIDE, cell).mean((1, 3)) for v in self.marks[name]], 0)
                out[i] = np.clip(m * THIN.get(name, 1.3), 0, 1) * 255
        return out

    def boxes(self):
        out = {}
        for name in FINDING_MASKS:
            for m in self.marks.get(name, ()):
                seen = m > 0.3 * m.max()
                if m.max() > 0.05:
                    (c,), (r,) = np.nonzero(seen.any(0)), np.nonzero(seen.any(1))
                    n = self.b.n
                    out.setdefault(name, []).append([round(float(v), 4) for v in (c[0] / n, r[0] / n, (c[-1] + 1) / n, (r[-1] + 1) / n)])
        return out


class _Front(_Marks):
    """Findings and devices of a frontal view."""

    def paint(self):
        f, b, rng = self.f, self.b, self.rng
        u = rng.uniform
        rough = b.smooth_noise(rng, 14)
        lo, hi = {None: (0.40, 0.475), "mild": (0.555, 0.60), "moderate": (0.635, 0.68), "severe": (0.72, 0.79)}[f.heart]
        heart = b.heart(rng, u(lo, hi) + (0.02 if b.view == "AP" else 0))
        vessels = b.mediastinum(rng, f.wide_mediastinum)
        self.mark(heart > 0, "heart")
        if f.heart:
            self.mark((heart > 0.15).astype(np.float32), "cardiomegaly")
        if f.wide_mediastinum:
            self.mark(((vessels > 0.15) & (b.y < b.hilum_y + 0.05)).astype(np.float32), "enlarged_cardiomediastinum")
        centre = np.maximum(heart * u(0.80, 0.95), vessels * 0.75) * b.depth * 0.72
        self.inside, self.dome = {}, {}
        total = b.soft + b.bone - b.air
        tree = 0
        for s, sign in SIGN.items():
            lift = u(0.08, 0.14) if s in f.atelectasis else 0
            dome = b.dome[s] - lift
            open_ = edge(sign * b.x - 0.015, 0.03) * edge(dome - b.y, 0.022)
            lung = np.clip(b.lung[s] * open_ - centre, 0, None)
            self.inside[s], self.dome[s] = lung > 0.04, dome
            self.mark(self.inside[s].astype(np.float32), "lung_" + s)
            filled = np.full_like(lung, AERATED) + 0.03 * rough
            bare = None
            if f.edema:
                filled, tree = self.edema(s, filled, rough, tree, lung)
            if s in f.opacity:
                filled = self.opacity(s, filled, rough)
            if f.lesion and f.lesion[0] == s:
                filled = self.lesion(s, filled, lung)
            if s in f.atelectasis:
                filled = self.bands(s, filled, lung)
            if f.pneumothorax and f.pneumothorax[0] == s:
                filled, bare = self.pneumothorax(s, filled, lung)
            if f.thickening == s:
                filled = self.thickening(s, filled, lung)
            if s in f.effusion:
                filled = self.effusion(s, filled)
            filled = np.minimum(filled, 1)
            total = total - LUNG * lung * (1 - filled)
            seen = b.vessels * edge(lung - 0.04, 0.04) * (1 - edge(filled - 0.6, 0.25))
            total += seen if bare is None else seen * (1 - bare)
        total += tree
        if f.fracture:
            total += self.fracture(f.fracture)
        return self.devices(total)

    def spot(self, s, zone):
        """A point inside one zone of one lung, clear of the heart."""
        u, b = self.rng.uniform, self.b
        top, i = b.apex + 0.18, ZONES.index(zone)
        height = (b.dome_level[s] - 0.10 - top) / 3
        big = {"severe": 0.14, "moderate": 0.07}.get(self.f.heart, 0) * (s == "left") * (i > 0)
        inner = ((0.24, 0.36, 0.50)[i] if s == "left" else (0.24, 0.30, 0.32)[i]) + big
        return SIGN[s] * u(inner, max(inner + 0.02, b.width * (0.58, 0.72, 0.74)[i])), top + height * (i + u(0.3, 0.7))

    def edema(self, s, filled, rough, tree, lung):
        b, u, f = self.b, self.rng.uniform, self.f
        strength = {"mild": u(0.20, 0.25), "moderate": u(0.30, 0.37), "severe": u(0.50, 0.60)}[f.edema]
        reach = {"mild": 0.36, "moderate": 0.44, "severe": 0.55}[f.edema]
        d = ((b.x - SIGN[s] * 0.27) / reach) ** 2 + ((b.y - b.hilum_y - 0.10) / (reach * 1.15)) ** 2
        haze = (1 / (1 + d * d * 2)).astype(np.float32)
        filled = filled + strength * haze * (1 + 0.45 * rough)
        at = b.lateral - SIGN[s] * b.x                                    # Kerley's lines: short, level, at the lateral lower border
        lines = edge(np.sin(b.y * u(95, 110)) - 0.55, 0.3) * edge(0.10 - at, 0.03) * edge(b.y - 0.02, 0.08) * (lung > 0.05)
        self.mark(haze * (haze > 0.3) * self.inside[s], "edema", "lung_opacity")
        return filled, tree + u(0.05, 0.08) * lines

    def opacity(self, s, filled, rough):
        b, u = self.b, self.rng.uniform
        zone, kind = self.f.opacity[s]
        x, y = self.spot(s, zone)
        rx, ry = u(0.15, 0.24), u(0.13, 0.20)
        d = ((b.x - x) / rx) ** 2 + ((b.y - y) / ry) ** 2
        blob = edge(1 / (1 + 0.3 * d + 1.2 * d * d) * (1 + 0.4 * rough) - 0.36, 0.20 if kind == "consolidation" else 0.30)
        shown = blob * self.inside[s]
        if kind == "opacity":
            self.mark(shown, "hazy_opacity", "lung_opacity")
            return filled + u(0.32, 0.41) * blob
        hx, hy, lines = SIGN[s] * 0.16, b.hilum_y + 0.02, []
        toward = np.arctan2(y - hy, x - hx)
        for angle in toward + np.linspace(-0.45, 0.45, self.rng.integers(4, 7)):
            r0, r1 = 0.35 * np.hypot(x - hx, y - hy), np.hypot(x - hx, y - hy) + 0.16
            r = np.linspace(r0, r1, 5)
            bend = angle + u(-0.25, 0.25) * (r - r0)
            lines.append((hx + r * np.cos(bend), hy + r * np.sin(bend), np.linspace(0.017, 0.011, 5)))
        self.mark(shown, "consolidation", "pneumonia", "lung_opacity")
        return filled + blob * (u(0.68, 0.82) - 0.50 * b.tubes(lines))

    def lesion(self, s, filled, lung):
        b, u = self.b, self.rng.uniform
        _, zone, kind = self.f.lesion
        x, y = self.spot(s, zone)
        r = {"nodule": u(0.065, 0.085), "mass": u(0.11, 0.15), "cavity": u(0.10, 0.14)}[kind]
        d = np.sqrt((b.x - x) ** 2 + ((b.y - y) * u(0.9, 1.1)) ** 2)
        disc = edge(r - d, 0.014)
        self.mark(disc, "lung_lesion", "lung_opacity")
        solid = disc * (0.75 + 0.25 * dome_chord((d / r) ** 2))
        if kind == "cavity":
            solid = solid - 0.95 * edge(r * 0.60 - d, 0.014)
        return filled + u(0.70, 0.84) * solid

    def bands(self, s, filled, lung):
        b, u, lines = self.b, self.rng.uniform, []
        floor = b.dome_level[s] - 0.10
        inner = 0.20 if s == "right" else 0.44 if self.f.heart else 0.36
        for i in range(self.rng.integers(2, 4)):
            v = np.linspace(inner, inner + u(0.28, 0.42), 6)
            tilt, bow = u(-0.22, 0.22), u(-0.05, 0.05)
            lines.append((SIGN[s] * v, floor - u(0.03, 0.06) - 0.085 * i - tilt * (v - inner - 0.16) + bow * np.sin(5 * v), u(0.016, 0.025)))
        chord = b.tubes(lines)
        self.mark(np.sqrt(chord) * self.inside[s], "atelectasis", "lung_opacity")
        return filled + u(0.50, 0.64) * np.sqrt(chord)

    def pneumothorax(self, s, filled, lung):
        """Air between lung and chest wall: no vessels there, a fine bright line where the lung begins, a denser lung."""
        b, u = self.b, self.rng.uniform
        v = SIGN[s] * b.x
        if self.f.pneumothorax[1] == "small":
            depth = 0.05 + u(0.22, 0.32) * np.clip((b.apex + 0.70 - b.y) / 0.6, 0, 1) ** 1.2
            roof = b.apex + u(0.17, 0.24)
            low = edge(b.apex + 0.80 - b.y, 0.06)
        else:
            depth = u(0.24, 0.34) + 0.12 * np.clip(-b.y, 0, 1)
            roof, low = b.apex + u(0.24, 0.32), 1
        inside = np.minimum(b.lateral - depth - v, (b.y - roof) * 0.8 + 0.10 * np.clip(0.35 - v, 0, 1))
        apart = self.inside[s] * edge(v - 0.13, 0.03) * low
        air = edge(-inside, 0.006) * apart
        line = edge(0.013 - np.abs(inside), 0.007) * apart
        self.mark(np.maximum(air, line).astype(np.float32), "pneumothorax")
        return (filled + (u(0.05, 0.10) if self.f.pneumothorax[1] == "small" else u(0.14, 0.22))) * (1 - air) + u(0.26, 0.34) * line - 0.06 * air, np.maximum(air, line)

    def thickening(self, s, filled, lung):
        """A ragged band along the lateral wall down to the angle, with plaques."""
        b, u = self.b, self.rng.uniform
        depth = u(0.085, 0.125) * (1 + 0.35 * b.smooth_noise(self.rng, 9))
        top = u(-0.45, -0.25)
        peel = edge(depth - (b.lateral - SIGN[s] * b.x), 0.013) * edge(b.y - top, 0.08) * self.inside[s]
        self.mark(peel.astype(np.float32), "pleural_other")
        plaques = edge(b.smooth_noise(self.rng, 20) - 0.35, 0.2)
        return filled + peel * (u(0.66, 0.80) + 0.30 * plaques) * np.minimum(0.45 / np.maximum(lung, 0.15), 2)

    def effusion(self, s, filled):
        b, u = self.b, self.rng.uniform
        v, level0 = SIGN[s] * b.x, b.dome_level[s]
        size = self.f.effusion[s]
        if size == "small":
            level = level0 + u(-0.02, 0.02) - u(1.3, 1.8) * np.clip(v - b.width * 0.42, 0, 1) ** 1.4
        else:
            rise = u(0.18, 0.26) if size == "moderate" else u(0.50, 0.68)
            level = level0 - rise - 0.35 * np.clip(v - b.width * 0.35, 0, 1) - 0.12 * np.clip(0.2 - v, 0, 1)
        fluid = edge(b.y - level, 0.03)
        self.mark((fluid * self.inside[s]).astype(np.float32), "pleural_effusion")
        return filled + fluid

    def fracture(self, s):
        """Break two or three neighbouring ribs at about the same place, part and shift the pieces, and let it bleed around them."""
        b, u = self.b, self.rng.uniform
        first, count = self.rng.integers(3, 6), self.rng.integers(2, 4)
        at, whole, broken, places = u(0.46, 0.72), [], [], []
        shift, gap, way = u(0.075, 0.100), u(0.030, 0.045), 1 if self.rng.random() < 0.7 else -1
        for xs, ys in b.ribs[s][first:first + count]:
            v = SIGN[s] * (xs - xs[0]) / max(abs(xs[-1] - xs[0]), 0.1)
            cut = np.searchsorted(v, at + u(-0.04, 0.04))
            cut = int(np.clip(cut, 4, len(xs) - 4))
            whole.append((xs, ys, b.rib_radius))
            out = np.linspace(1, 0.6, len(xs) - cut)
            broken += [(xs[:cut], ys[:cut], b.rib_radius), (xs[cut:] + SIGN[s] * gap, ys[cut:] + way * shift * out, b.rib_radius)]
            places.append((xs[cut], ys[cut]))
        a, c = b.tubes(whole), b.tubes(broken)
        near = np.max([edge(0.14 - np.hypot(b.x - px, b.y - py), 0.04) for px, py in places], 0)
        self.mark((near * (np.abs(a - c) > 0.2)).astype(np.float32), "fracture")
        return b.rib_density * (c * (1.25 - 0.45 * c) - a * (1.25 - 0.45 * a) + 0.75 * c * near) + u(0.08, 0.12) * near

    def devices(self, total):
        f, b, u = self.f, self.b, self.rng.uniform
        lines = {}
        if f.et_tube:
            ys = np.linspace(-1.15, b.carina - u(0.08, 0.16), 8)
            sway = u(-0.006, 0.006) * np.sin(5 * ys)
            lines["et_tube"] = [(-0.012 + off + sway, ys, 0.009) for off in (-0.02, 0.02)]
        if f.ng_tube:
            ys = np.linspace(-1.15, b.base + 0.12, 14)
            xs = 0.04 + 0.02 * np.sin(3 * ys) + 0.12 * np.clip(ys - b.base + 0.15, 0, 1)
            end = u(0.22, 0.38)
            lines["ng_tube"] = [(np.append(xs, [0.16, end]), np.append(ys, [b.base + 0.2, b.base + u(0.24, 0.34)]), 0.012)]
        if f.central_line:
            sign, tip = SIGN[f.central_line], (-0.095, b.hilum_y - u(-0.04, 0.08))
            if self.rng.random() < 0.5:
                way = [sign * 0.30, sign * 0.24, sign * 0.16, -0.09, tip[0]], [-1.15, -0.85, -0.65, -0.45, tip[1]]
            else:
                way = [sign * 1.02, sign * 0.72, sign * 0.42, sign * 0.16, -0.09, tip[0]], [-0.30, -0.58, -0.70, -0.60, -0.40, tip[1]]
            lines["central_line"] = [(*_curve(*way), 0.010)]
        if f.pacemaker:
            sign = SIGN[f.pacemaker]
            cx, cy = sign * u(0.48, 0.60), u(-0.52, -0.40)
            box = edge(1 - ((b.x - cx) / u(0.10, 0.125)) ** 4 - ((b.y - cy) / u(0.085, 0.105)) ** 4, 0.25)
            total = total + box * u(0.9, 1.2)
            self.mark(box.astype(np.float32), "pacemaker", "support_devices")
            lines["pacemaker"] = []
            for end in ((-0.10, b.hilum_y + 0.20), (0.16, b.hilum_y + 0.38))[:self.rng.integers(1, 3)]:
                way = _curve([cx, sign * 0.35, sign * 0.14, -0.07, -0.07, end[0]], [cy - 0.08, -0.66, -0.58, -0.40, b.hilum_y, end[1]])
                lines["pacemaker"].append((*way, 0.010))
        for name, tubes in lines.items():
            chord = b.tubes(tubes, smallest=0.9)
            total = total + u(0.40, 0.60) * np.sqrt(chord)
            if name == "pacemaker":
                self.marks["pacemaker"][0] = np.maximum(self.marks["pacemaker"][0], chord)
            else:
                self.mark(np.sqrt(chord), name, "support_devices")
        return total


class _Side(_Marks):
    """Findings of a lateral view: those that one can be told from the side."""

    def paint(self):
        f, b, rng = self.f, self.b, self.rng
        u = rng.uniform
        lo, hi = {None: (0.40, 0.47), "mild": (0.56, 0.60), "moderate": (0.64, 0.68), "severe": (0.72, 0.78)}[f.heart]
        heart = b.heart(rng, u(lo, hi))
        self.mark(heart > 0, "heart")
        if f.heart:
            self.mark((heart > 0.15).astype(np.float32), "cardiomegaly")
        rough = b.smooth_noise(rng, 14)
        total = b.soft + b.bone - b.air
        for s in SIDES:
            lung = b.lung[s] * edge(b.floor[s] - b.y, 0.02)
            if s == "left":
                lung = np.clip(lung - 0.5 * heart, 0, None)
            inside = lung > 0.04
            self.mark(inside.astype(np.float32), "lung_" + s)
            filled = np.full_like(lung, AERATED) + 0.03 * rough
            if s in f.opacity:
                zone, kind = f.opacity[s]
                x, y = self.spot(zone)
                d = ((b.x - x) / u(0.17, 0.24)) ** 2 + ((b.y - y) / u(0.14, 0.19)) ** 2
                blob = edge(1 / (1 + 0.3 * d + 1.2 * d * d) * (1 + 0.4 * rough) - 0.36, 0.2)
                self.mark(blob * inside, *(("consolidation", "pneumonia", "lung_opacity") if kind == "consolidation" else ("hazy_opacity", "lung_opacity")))
                filled = filled + blob * (u(0.9, 1.1) if kind == "consolidation" else u(0.45, 0.55)) * AERATED * 3.5
            if f.lesion and f.lesion[0] == s:
                x, y = self.spot(f.lesion[1])
                r = u(0.06, 0.08) if f.lesion[2] == "nodule" else u(0.11, 0.14)
                d = np.hypot(b.x - x, b.y - y)
                disc = edge(r - d, 0.014)
                self.mark(disc, "lung_lesion", "lung_opacity")
                filled = filled + 1.3 * (disc - (0.9 * edge(r * 0.6 - d, 0.014) if f.lesion[2] == "cavity" else 0))
            if s in f.effusion:
                level = b.base - {"small": 0.06, "moderate": 0.24, "large": 0.55}[f.effusion[s]] + u(-0.03, 0.03) + 0.9 * np.clip(0.30 - b.x, 0, 2) * (f.effusion[s] == "small")
                fluid = edge(b.y - level, 0.03)
                self.mark((fluid * inside).astype(np.float32), "pleural_effusion")
                filled = filled + fluid * 1.6
            total = total - LUNG * lung * (1 - np.minimum(filled, 1.9))
        total = total + b.vessels * edge(b.lung["right"] - 0.05, 0.05) + heart * 0.05
        if f.pacemaker:
            cx, cy = -b.width * u(0.80, 0.95), u(-0.50, -0.36)
            box = edge(1 - ((b.x - cx) / 0.05) ** 4 - ((b.y - cy) / 0.10) ** 4, 0.25)
            chord = b.tubes([(*_curve([cx, -0.1, 0.02, -0.05, -0.25], [cy - 0.06, -0.62, -0.35, b.hilum_y + 0.1, b.base - 0.15]), 0.010)], smallest=0.9)
            total = total + box * 1.1 + 0.5 * np.sqrt(chord)
            self.mark(np.maximum(box, chord).astype(np.float32), "pacemaker", "support_devices")
        return total

    def spot(self, zone):
        b, u = self.b, self.rng.uniform
        top, i = b.apex + 0.20, ZONES.index(zone)
        return u(0.02, 0.28), top + (b.base - 0.12 - top) / 3 * (i + u(0.35, 0.65))


def expose(rng, body, total):
    """From attenuation to brightness: characteristic curve, quantum noise, grid lines, collimation, side marker."""
    u, n = rng.uniform, body.n
    total = total + 0.03 * body.smooth_noise(rng, 3) * body.body
    centre, latitude = u(0.62, 0.80), u(0.22, 0.31)
    image = 0.5 + 0.5 * np.tanh((total - centre) * (0.5 / latitude))
    image = image * u(0.92, 1.05) + u(-0.02, 0.03)
    grain = u(0.006, 0.026)
    image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(grain) * (0.6 + 0.6 * image)
    if rng.random() < 0.15:                                               # a stationary anti-scatter grid
        lines = np.sin(np.arange(n) * (2 * np.pi / u(2.3, 5.0)) + u(0, 6)) * u(0.006, 0.016)
        image += lines[None, :] if rng.random() < 0.7 else lines[:, None]
    cut = [int(n * v) if rng.random() < 0.5 else 0 for v in u(0, 0.05, 4)]
    level = u(0, 0.03)
    image[:cut[0]], image[n - cut[1]:], image[:, :cut[2]], image[:, n - cut[3]:] = level, level, level, level
    if rng.random() < 0.9:
        letter = "L" if rng.random() < 0.6 else "R"
        scale = max(int(n * u(0.006, 0.012) + 0.5), 1)
        glyph = np.kron(_GLYPHS[letter], np.ones((scale, scale), np.float32))
        row, col = int(n * u(0.05, 0.20)), int(n * (u(0.86, 0.90) if letter == "L" else u(0.06, 0.09)))
        part = image[row:row + glyph.shape[0], col:col + glyph.shape[1]]
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
            tiles.append(to_uint8(draw(rng, found, anatomy(rng, found.view))))
            print(i, {k: v for k, v in vars(found).items() if v})
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
        sheet = np.concatenate([np.concatenate(tiles[i:i + columns], 1) for i in range(0, len(tiles), columns)])
        Image.fromarray(sheet).save(a.sheet)
    if a.dicom:
        rng = np.random.default_rng(a.seed)
        found = Findings(heart="moderate", effusion={"right": "moderate"}, opacity={"left": ("upper", "consolidation")}, pacemaker="left")
        write_dicom(a.dicom, draw(rng, found, anatomy(rng, found.view, a.side)), a.seed)
        print(a.dicom, {k: v for k, v in vars(found).items() if v})


if __name__ == "__main__":
    main()
