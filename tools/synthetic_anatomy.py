"""Thoraces as simple 3-D shapes, projected into attenuation: what every synthetic radiograph starts from.

A radiograph shows, to a good approximation, the sum of what each tissue on a ray attenuates (Beer and Lambert), so shapes are
described by the chord that a ray cuts through them. Ellipsoids and elliptic cylinders have it in closed form; ribs, clavicles,
vessels and tubes are swept circles, drawn as strokes whose height is the chord of a circle. Lengths are in half image sides:
x runs from -1 (image left, the patient's right) to 1, y from -1 (top) to 1 (bottom). One unit of attenuation is about what the
whole thorax's soft tissue does.
"""
import numpy as np

SIGN = {"right": -1.0, "left": 1.0}


def edge(v, width):
    """A soft step that reaches 0 and 1 exactly within +-width (smoothstep)."""
    t = np.clip(v * (0.5 / width) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def dome_chord(q):
    """Relative chord of an ellipsoid at squared normalised distance `q` from its axis: sqrt(1 - q), 0 outside."""
    return np.sqrt(np.clip(1 - q, 0, None))


class Plane:
    """The image plane: a grid of `side` pixels seen through a rotation, a zoom and a shift, and what can be drawn on it."""

    def __init__(self, rng, side):
        self.n = side
        u = rng.uniform
        axis = (np.arange(side, dtype=np.float32) + 0.5) * (2 / side) - 1
        angle = u(-0.08, 0.08)
        self.zoom, self.dx, self.dy = u(1.00, 1.20), u(-0.06, 0.06), u(-0.03, 0.08)
        self.cos, self.sin = np.cos(angle), np.sin(angle)
        gx, gy = axis[None, :] - self.dx, axis[:, None] - self.dy
        self.x = ((gx * self.cos + gy * self.sin) / self.zoom).astype(np.float32)
        self.y = ((gy * self.cos - gx * self.sin) / self.zoom).astype(np.float32)
        self.noise_grid = rng.standard_normal((26, 26)).astype(np.float32)

    def pixel(self, x, y):
        """Pixel coordinates (column, row) of normalised points."""
        x, y = np.asarray(x) * self.zoom, np.asarray(y) * self.zoom
        return (x * self.cos - y * self.sin + self.dx + 1) * self.n / 2 - 0.5, (x * self.sin + y * self.cos + self.dy + 1) * self.n / 2 - 0.5

    def smooth_noise(self, rng, cells):
        """Smooth noise with about `cells` cells a side, mean 0, deviation about 0.6, shape (side, side)."""
        g = np.roll(self.noise_grid, rng.integers(26, size=2), (0, 1))[:cells + 2, :cells + 2]
        t = np.linspace(0, cells + 0.99, self.n, dtype=np.float32)
        i = t.astype(int)
        w = t - i
        w = w * w * (3 - 2 * w)
        rows = g[i] * (1 - w)[:, None] + g[i + 1] * w[:, None]
        return rows[:, i] * (1 - w) + rows[:, i + 1] * w

    def ellipsoid(self, cx, cy, rx, ry, tilt=0.0):
        """Relative chord (1 at the centre) of an ellipsoid whose axes are turned by `tilt` radians."""
        dx, dy = self.x - cx, self.y - cy
        if tilt:
            c, s = np.cos(tilt), np.sin(tilt)
            dx, dy = dx * c + dy * s, dy * c - dx * s
        return dome_chord((dx * (1 / rx)) ** 2 + (dy * (1 / ry)) ** 2)

    def tubes(self, lines, smallest=0.6):
        """Chord of swept circles, relative to the radius: `lines` holds (xs, ys, radius or radii). Tubes unite, they do not add.

        A tube thinner than `smallest` pixels is drawn at that radius with its true chord.
        """
        columns, rows, radii = [], [], []
        for xs, ys, radius in lines:
            px, py = self.pixel(np.asarray(xs, np.float32), np.asarray(ys, np.float32))
            t = np.concatenate([[0], np.cumsum(np.hypot(np.diff(px), np.diff(py)))])
            s = np.linspace(0, t[-1], max(int(t[-1] * 1.4), 2))
            columns.append(np.interp(s, t, px))
            rows.append(np.interp(s, t, py))
            radii.append(np.interp(s, t, np.broadcast_to(radius, px.shape)))
        layer = np.zeros(self.n * self.n, np.float32)
        columns, rows, true = (np.concatenate(v).astype(np.float32) for v in (columns, rows, radii))
        true = true * (self.zoom * self.n / 2)
        drawn = np.maximum(true, smallest)
        for low, high in ((0, 2.5), (2.5, 6), (6, 1e9)):
            pick = (drawn > low) & (drawn <= high)
            if not pick.any():
                continue
            px, py, r, height = columns[pick], rows[pick], drawn[pick], (true / drawn)[pick]
            reach = int(np.ceil(r.max() + 0.5))
            ox, oy = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
            ix, iy = np.round(px).astype(np.int32)[:, None] + ox.ravel(), np.round(py).astype(np.int32)[:, None] + oy.ravel()
            d = ((ix - px[:, None]) ** 2 + (iy - py[:, None]) ** 2) / ((r + 0.35) ** 2)[:, None]
            keep = (d < 1) & (ix >= 0) & (iy >= 0) & (ix < self.n) & (iy < self.n)
            np.maximum.at(layer, (iy * self.n + ix)[keep], (np.sqrt(1 - np.minimum(d, 1)) * height[:, None])[keep])
        return layer.reshape(self.n, self.n)


class Frontal(Plane):
    """One patient's thorax from the front or the back (AP or PA), without heart and findings.

    `soft`, `bone`, `air` and `vessels` are attenuations; `lung` holds each lung's chord as if it had no floor and no heart;
    `lateral`, `dome` and the numbers beside them are the curves that findings are placed by.
    """

    def __init__(self, rng, side, view):
        super().__init__(rng, side)
        self.view, u, x, y = view, rng.uniform, self.x, self.y
        portable = view == "AP"
        self.width = u(0.68, 0.80)                                        # inner half width of the thorax
        self.apex = u(-0.82, -0.72)
        self.base = u(0.34, 0.48) if portable else u(0.42, 0.57)          # height of the right dome
        self.wide = u(0.05, 0.35)                                         # where the thorax is widest
        self.turn = u(-0.05, 0.05)                                        # rotation about the long axis: moves what lies in front
        self.hilum_y, self.depth = u(-0.12, 0.02), u(0.85, 1.1)
        self.carina = self.hilum_y - 0.09
        self._soft_tissue(rng)
        t = np.where(y < self.wide, (y - self.wide) / (self.apex - self.wide), (y - self.wide) * 0.35)
        self.lateral = self.width * np.sqrt(np.clip(1 - t * t * np.where(y < self.wide, 1, 0.8), 0, 1))
        self.lung, self.dome, self.dome_level = {}, {}, {}
        bend, medial = u(0.9, 1.5), 0.07 + 0.05 * np.clip(y, 0, 1)
        for s, sign in SIGN.items():
            v = sign * x
            self.dome_level[s] = self.base + (u(0.01, 0.07) if s == "left" else 0)
            centre = self.width * u(0.42, 0.55)
            self.dome[s] = self.dome_level[s] + bend * (v - centre) ** 2 + 1.2 * np.clip(v - centre - 0.15, 0, 1) ** 2
            half = np.maximum((self.lateral - medial) / 2, 0.01)
            across = np.abs((v - medial - half) / half)
            self.lung[s] = (0.70 * self.depth * np.sqrt(np.clip(1 - across ** 3.2, 0, 1)) * np.clip(0.55 + 0.45 * (y - self.apex) * 2, 0.3, 1)).astype(np.float32)
        self.vessels = self._vessels(rng)
        self._bones(rng)
        self.air = self._air(rng)

    def _soft_tissue(self, rng):
        u, x, y = rng.uniform, self.x, self.y
        shoulder = self.width + u(0.12, 0.30) - u(2.2, 3.4) * np.clip(-0.45 - y, 0, 1) ** 2
        outline = np.maximum(shoulder, u(0.20, 0.30))
        body = dome_chord((x / outline) ** 4)
        self.body = edge(outline - np.abs(x), 0.02)
        thick = self.depth * (1 - 0.25 * np.clip(-0.5 - y, 0, 1) * 2 + 0.12 * np.clip(y - self.base, 0, 0.6))
        self.soft = (thick * (0.25 + 0.75 * body) * self.body).astype(np.float32)
        if rng.random() < 0.45:                                           # breasts: half ellipsoids over the lower lungs
            ry, drop, much = u(0.2, 0.3), u(0.10, 0.3), u(0.08, 0.2)
            for sign in (-1, 1):
                self.soft += much * self.ellipsoid(sign * u(0.42, 0.52), drop, u(0.24, 0.32), ry)
        for sign in (-1, 1):                                              # folds of the axilla
            self.soft += u(0.02, 0.1) * edge(sign * x - self.width + 0.02, 0.05) * edge(y + 0.4, 0.2) * self.body

    def _vessels(self, rng):
        """Pulmonary vessels: a tree of tapering tubes from each hilum, and the hila themselves."""
        u, lines = rng.uniform, []
        for s, sign in SIGN.items():
            hx, hy = sign * (0.13 + sign * self.turn * 0.5), self.hilum_y - (0.035 if s == "left" else 0)
            for angle in np.linspace(-1.35, 1.25, 8) + rng.uniform(-0.12, 0.12, 8):
                length, r0 = u(0.42, 0.62) * (1.15 if angle > 0.4 else 0.9), u(0.013, 0.020) * (1.15 if angle > 0 else 0.85)
                self._branch(rng, lines, hx, hy, angle, length, r0, sign, 2)
            lines.append(([hx, hx + sign * 0.05, hx + sign * 0.09], [hy - 0.05, hy + 0.03, hy + 0.15], [0.036, 0.038, 0.016]))
        chord = self.tubes(lines)
        return (u(0.12, 0.18) * chord).astype(np.float32)

    def _branch(self, rng, lines, x, y, angle, length, radius, sign, depth):
        t = np.linspace(0, 1, 6)
        heading = angle + rng.uniform(-0.35, 0.35) * t
        step = length / 5
        xs = x + sign * np.concatenate([[0], np.cumsum(np.cos(heading[1:]))]) * step
        ys = y + np.concatenate([[0], np.cumsum(np.sin(heading[1:]))]) * step
        lines.append((xs, ys, radius * (1 - 0.75 * t)))
        if depth:
            for k in (2, 3, 4)[-2 - (depth > 1):]:
                self._branch(rng, lines, xs[k], ys[k], heading[k] + rng.choice((-1, 1)) * rng.uniform(0.35, 0.7), length * rng.uniform(0.4, 0.6), radius * (1 - 0.75 * t[k]) * 0.8, sign, depth - 1)

    def _bones(self, rng):
        u, x, y = rng.uniform, self.x, self.y
        gap, self.rib_radius = u(0.135, 0.160), u(0.024, 0.031)
        fall, front_fall, start = u(0.02, 0.10), u(0.25, 0.40), self.apex + u(-0.02, 0.03)
        self.ribs, lines_back, lines_front = {"right": [], "left": []}, [], []
        theta = np.linspace(0.05, np.pi * 0.86, 34)
        back = theta <= np.pi / 2 + 0.05
        for i in range(10):
            y0 = start + gap * i * 0.98
            reach = np.interp(y0 + 0.10, self.y[:, self.n // 2], self.lateral[:, self.n // 2]) + 0.015
            reach = max(reach, 0.28 + 0.05 * i) if i < 3 else reach
            for s, sign in SIGN.items():
                xs = sign * (0.05 + (reach - 0.05) * np.sin(theta)) + self.turn * np.cos(theta) * -0.5
                ys = y0 - 0.055 * np.sin(2 * theta) * (theta < np.pi / 2) + fall * np.sin(theta) + front_fall * (1 - np.cos(theta)) ** 2 / 4 * (0.5 + 0.07 * i)
                self.ribs[s].append((xs[back], ys[back]))
                lines_back.append((xs[back], ys[back], self.rib_radius))
                if 0 < i < 7:
                    lines_front.append((xs[~back], ys[~back], self.rib_radius * 1.05))
        self.rib_density = u(0.13, 0.19)
        back, front = self.tubes(lines_back), self.tubes(lines_front)
        cage = edge(self.base + 0.42 - y, 0.15)
        bone = cage * self.rib_density * (back * (1.25 - 0.45 * back) + 0.6 * front * (1.25 - 0.45 * front))
        lines = []
        for sign in (-1, 1):                                              # clavicles, S-shaped; higher and flatter when lying
            level, lift = self.apex + (u(0.03, 0.10) if self.view == "AP" else u(0.10, 0.17)), u(0.08, 0.20) * (0.6 if self.view == "AP" else 1)
            v = np.linspace(0.07, self.width + 0.06, 14)
            lines.append((sign * v + self.turn, level - lift * v + 0.035 * np.sin(6 * v), 0.024 + 0.012 * (np.abs(v - 0.07) < 0.08)))
        bone = np.maximum(bone, 0) + u(0.13, 0.19) * self.tubes(lines)
        inner = self.width * (u(0.78, 0.9) if self.view == "AP" else u(0.96, 1.1))
        for sign in (-1, 1):                                              # scapulae: thin plates with a dense border
            v = sign * x
            border = inner + 0.18 * (y + 0.55) ** 2
            plate = edge(v - border, 0.012) * edge(0.02 - y, 0.05) * edge(y - self.apex - 0.12, 0.05) * edge(border + 0.3 - v, 0.05)
            bone += plate * (u(0.02, 0.05) + 0.05 * edge(0.03 - np.abs(v - border - 0.02), 0.015))
            bone += 0.22 * self.ellipsoid(sign * (self.width + 0.27), self.apex + 0.28, 0.15, 0.17)
        spine = dome_chord(((x + 0.15 * self.turn) / 0.085) ** 2)
        discs = 0.5 + 0.5 * np.sin(y * u(40, 48) + u(0, 6))
        bone += spine * (0.13 + 0.07 * discs) + 0.06 * self.ellipsoid(self.turn, -0.15, 0.05, 0.5)
        self.bone = (bone * self.body).astype(np.float32)

    def _air(self, rng):
        u, tip, sway = rng.uniform, self.carina, 0.25 * self.turn
        lines = [([sway, -0.012, -0.012], [-1.2, -0.5, tip], 0.042)]
        lines += [([-0.012, sign * 0.10, sign * 0.16], [tip, tip + 0.10, tip + 0.15], [0.034, 0.028, 0.02]) for sign in (-1, 1)]
        air = u(0.16, 0.26) * self.tubes(lines)
        if rng.random() < 0.75:                                           # the stomach's bubble, under the left dome
            air += u(0.15, 0.4) * self.ellipsoid(u(0.26, 0.42), self.base + u(0.22, 0.30), u(0.11, 0.19), u(0.05, 0.09), u(-0.3, 0.3))
        for _ in range(rng.integers(0, 4)):
            air += u(0.05, 0.2) * self.ellipsoid(u(-0.4, 0.6), u(0.78, 0.98), u(0.05, 0.12), u(0.03, 0.06), u(-1, 1))
        return air.astype(np.float32)

    def heart(self, rng, ratio):
        """Chord of the heart for a cardiothoracic ratio, relative to the thorax's depth: two ellipsoids that unite."""
        u = rng.uniform
        total = 2 * self.width * ratio
        left = total * u(0.63, 0.70)
        right = total - left
        top, bottom = self.hilum_y - 0.03 - 0.3 * max(ratio - 0.45, 0), self.base + 0.12
        shift = self.turn * 0.8
        a = self.ellipsoid(shift + (left - right * 0.55) / 2, top + (bottom - top) * 0.64, (left + right * 0.55) / 2 * 1.03, (bottom - top) * 0.42, 0.35)
        b = self.ellipsoid(shift - right * 0.40, top + (bottom - top) * 0.55, right * 0.60, (bottom - top) * 0.46)
        return np.sqrt(np.maximum(a, b))

    def mediastinum(self, rng, wide):
        """Chord of the great vessels: a band above the heart with the aortic knob, broad when `wide`."""
        u, x, y = rng.uniform, self.x, self.y
        half = u(0.24, 0.30) if wide else u(0.085, 0.115)
        shift = 0.5 * self.turn
        band = dome_chord(((x - shift) / (half * (1 + 0.12 * np.sin(4 * y + 1)))) ** 2) * edge(0.25 - y, 0.15) * edge(y - self.apex - 0.04, 0.10)
        knob = self.ellipsoid(shift + half * 0.75, self.hilum_y - u(0.18, 0.24), 0.075 + 0.05 * wide, 0.075)
        return np.maximum(band, knob)


class Lateral(Plane):
    """One patient's thorax from the side, facing image left: both lungs over each other, the spine behind."""

    def __init__(self, rng, side):
        super().__init__(rng, side)
        self.view, u, x, y = "lateral", rng.uniform, self.x, self.y
        self.apex, self.base, self.width = u(-0.80, -0.70), u(0.38, 0.52), u(0.50, 0.62)
        self.hilum_y, self.depth = u(-0.12, 0.0), u(0.95, 1.15)
        bulge = self.width * (0.72 + 0.34 * np.clip((y + 0.8) / 1.1, 0, 1))
        self.body = edge(bulge + 0.14 - np.abs(x + 0.02), 0.02) * edge(y + 1.2, 0.05)
        self.soft = (self.depth * (0.25 + 0.75 * dome_chord((x / (bulge + 0.16)) ** 4)) * self.body + 0.35 * edge(-0.55 - y, 0.12) * edge(x + 0.1, 0.2) * self.body).astype(np.float32)
        t = np.clip((y - 0.15) / (self.apex - 0.15), 0, 1)
        reach = self.width * np.sqrt(np.clip(1 - t ** 2.6, 0, 1)) * np.where(y > 0.15, 1, 1)
        across = np.abs(x / np.maximum(reach, 0.01))
        chord = (0.40 * self.depth * np.sqrt(np.clip(1 - across ** 3, 0, 1))).astype(np.float32)
        self.floor, self.lung = {}, {"right": chord, "left": chord.copy()}
        for s in SIGN:
            level = self.base + (0.05 if s == "left" else 0)
            self.floor[s] = level + 0.35 * np.clip(x + 0.1, -1, 1) + 0.5 * np.clip(x + 0.1, -1, 1) ** 2
        lines = []
        for i in range(9):
            v = np.linspace(-self.width, self.width, 16)
            lines.append((v, self.apex + 0.14 + 0.135 * i - 0.20 * v - 0.10 * (v / self.width) ** 2, 0.020))
        bone = u(0.05, 0.09) * self.tubes(lines) * self.body
        back = self.width * 0.86
        xs = x - back + 0.10 * (y - 0.1) ** 2
        spine = dome_chord((xs / 0.085) ** 2)
        bone += spine * (0.16 + 0.12 * np.sin(y * u(34, 42) + u(0, 6))) * self.body
        bone += 0.14 * edge(0.018 - np.abs(x + self.width + 0.03 - 0.12 * (y + 0.3)), 0.012) * edge(0.30 - y, 0.08) * edge(y + 0.55, 0.08)
        self.bone = bone.astype(np.float32)
        self.air = (u(0.15, 0.22) * self.tubes([([0.02, 0.05, 0.10], [-1.1, -0.6, self.hilum_y], 0.04)])).astype(np.float32)
        tree = []
        for angle in rng.uniform(0, 2 * np.pi, 16):
            r = np.linspace(0, u(0.25, 0.45), 5)
            tree.append((0.08 + r * np.cos(angle + 0.4 * r), self.hilum_y + r * np.sin(angle + 0.4 * r), np.linspace(0.016, 0.004, 5)))
        self.vessels = (u(0.10, 0.15) * np.maximum(self.tubes(tree), self.ellipsoid(0.08, self.hilum_y, 0.10, 0.09))).astype(np.float32)

    def heart(self, rng, ratio):
        """Chord of the heart from the side: it lies in front, on the diaphragm, and grows backwards."""
        size = ratio / 0.45
        return self.ellipsoid(-self.width * 0.42 + 0.10 * (size - 1), self.base - 0.22, 0.25 * size, 0.28 * size ** 0.5, -0.5)
