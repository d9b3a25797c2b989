//! A picture of which every value is known, and what a pane must show of it. What the viewer reckons
//! (`viewer/view.ts`, `viewer/tools.svelte.ts`) is reckoned anew here, and held against the display.

use crate::browser::Window;
use crate::display::{DRAWN, Display};
use crate::scene::pause;
use hilum_testkit::dicom::{self, DicomFile, EXPLICIT_LE};
use std::time::{Duration, Instant};

/// Pixels on a side of a square of one value.
const SIDE: u32 = 40;
pub const ROWS: u32 = 480;
/// How near to another value nothing is asked, pixels of the image: the screen may show something in between.
const MIXED: f64 = 3.0;
/// Words stand at the edges of a pane and in its corners, CSS pixels.
const EDGE: f64 = 36.0;
const CORNER: (f64, f64) = (230.0, 84.0);
/// CSS pixels between two places that are looked at.
const STEP: f64 = 7.0;
/// How far a level of 0 to 255 may be off: the shader computes in 32 bits and the card rounds either way.
const ROUNDING: f64 = 1.0;

/// Squares of one value each, so that what lies where is told by its level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Picture {
    pub columns: u32,
    /// Times a square's number, modulo how many there are, it is the square's rank among the values: no neighbours are alike.
    stride: u32,
}

/// It has a region to measure in.
pub const FRONTAL: Picture = Picture { columns: 400, stride: 37 };
pub const LATERAL: Picture = Picture { columns: 320, stride: 29 };

/// First row, first column and side of the region: 1000 and 1200 by turns, so that wherever a mark lies in it its mean is
/// 1100 and its deviation 100, but 4000 in its corners, which no ellipse within reaches.
pub const REGION: (u32, u32, u32) = (120, 80, 200);
const REGION_CORNER: u32 = 20;

fn in_region(row: u32, column: u32) -> Option<u16> {
    let (top, left, side) = REGION;
    let (down, across) = (row.checked_sub(top)?, column.checked_sub(left)?);
    if down >= side || across >= side {
        return None;
    }
    let at_end = |n: u32| n < REGION_CORNER || n >= side - REGION_CORNER;
    Some(match () {
        () if at_end(down) && at_end(across) => 4000,
        () if (down + across) % 2 == 0 => 1000,
        () => 1200,
    })
}

impl Picture {
    pub fn value(self, row: u32, column: u32) -> u16 {
        if self == FRONTAL
            && let Some(value) = in_region(row, column)
        {
            return value;
        }
        let (across, down) = (self.columns / SIDE, ROWS / SIDE);
        let number = row / SIDE * across + column / SIDE;
        (number * self.stride % (across * down) * 4095 / (across * down - 1)) as u16
    }

    /// A file of it, of a patient's study and an image by their numbers.
    pub fn file(self, who: &str, study: u32, image: u32) -> Vec<u8> {
        let (view, orientation) = if self == FRONTAL { ("PA", "L\\F") } else { ("LL", "A\\F") };
        let picture =
            DicomFile::radiograph(ROWS as u16, self.columns as u16, 12, |row, column| self.value(row, column));
        known(picture, who, study, image)
            .text(0x0018_5101, b"CS", view)
            .text(0x0020_0020, b"CS", orientation)
            .write_as(EXPLICIT_LE)
    }

    /// The level of a place of the image; none near another value, and in the region.
    fn level(self, column: f64, row: f64) -> Option<f64> {
        let (width, height) = (f64::from(self.columns), f64::from(ROWS));
        if column < -MIXED || row < -MIXED || column > width + MIXED || row > height + MIXED {
            // Beside the image it is black.
            return Some(0.0);
        }
        let near = |at: f64| !(MIXED..=f64::from(SIDE) - MIXED).contains(&at.rem_euclid(f64::from(SIDE)));
        let (top, left, side) = REGION;
        let in_it = |at: f64, from: u32| at > f64::from(from) - MIXED && at < f64::from(from + side) + MIXED;
        if near(column) || near(row) || (self == FRONTAL && in_it(row, top) && in_it(column, left)) {
            return None;
        }
        Some(255.0 * f64::from(self.value(row as u32, column as u32)) / 4095.0)
    }
}

/// A file with a patient and identifiers of its own, shown from 0 to 4095.
pub fn known(file: DicomFile, who: &str, study: u32, image: u32) -> DicomFile {
    file.text(0x0008_0060, b"CS", "DX")
        .text(dicom::PATIENT_NAME, b"PN", &format!("{who}^TEST"))
        .text(dicom::PATIENT_ID, b"LO", who)
        .text(dicom::ACCESSION_NUMBER, b"SH", &format!("A{study}"))
        .text(dicom::STUDY_UID, b"UI", &format!("2.25.71{study:02}"))
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.72{study:02}{image}"))
        .text(dicom::INSTANCE_UID, b"UI", &instance(study, image))
        .text(0x0020_0013, b"IS", &image.to_string())
        // A hand, so that no model is asked about it.
        .text(0x0018_0015, b"CS", "HAND")
        .text(0x0008_1030, b"LO", "Hand")
        .text(0x0028_1050, b"DS", "2048")
        .text(0x0028_1051, b"DS", "4096")
}

/// The identifier of an image.
pub fn instance(study: u32, image: u32) -> String {
    format!("2.25.73{study:02}{image}")
}

/// How an image lies in its pane: CSS pixels of one of its pixels, and its middle from the middle of the pane.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub zoom: f64,
    pub pan: (f64, f64),
}

/// A pane in the page, in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub struct Pane {
    /// Its number among the panes.
    pub nth: usize,
    /// The top left of what is drawn, from where the pointer is reckoned too.
    canvas: (f64, f64),
    size: (f64, f64),
    /// Device pixels of one CSS pixel.
    density: f64,
}

impl Pane {
    pub async fn of(window: &Window, nth: usize) -> Pane {
        let script = format!(
            "const v = document.querySelectorAll('[data-testid=\"viewer\"]')[{nth}];
            const c = v.querySelector('canvas').getBoundingClientRect();
            return [c.left, c.top, v.clientWidth, v.clientHeight, devicePixelRatio]"
        );
        let place = window.client().execute(&script, vec![]).await.expect("a pane");
        let number = |n: usize| place[n].as_f64().expect("a number");
        Pane { nth, canvas: (number(0), number(1)), size: (number(2), number(3)), density: number(4) }
    }

    pub fn fit(self, picture: Picture) -> View {
        let zoom = (self.size.0 / f64::from(picture.columns)).min(self.size.1 / f64::from(ROWS));
        View { zoom, pan: (0.0, 0.0) }
    }

    /// One device pixel for each pixel of the image.
    pub fn actual(self) -> View {
        View { zoom: 1.0 / self.density, pan: (0.0, 0.0) }
    }

    /// Where the pointer has to be for a place of the image (column, row): the nearest whole CSS pixel of the page.
    pub fn at(self, view: View, picture: Picture, (column, row): (f64, f64)) -> (f64, f64) {
        let on = |start: f64, side: f64, pan: f64, of: f64, sides: u32| {
            (start + side / 2.0 + pan + view.zoom * (of - f64::from(sides) / 2.0)).round()
        };
        (
            on(self.canvas.0, self.size.0, view.pan.0, column, picture.columns),
            on(self.canvas.1, self.size.1, view.pan.1, row, ROWS),
        )
    }

    /// The place of the image (column, row) that the pointer is at.
    pub fn under(self, view: View, picture: Picture, (x, y): (f64, f64)) -> (f64, f64) {
        let of = |at: f64, start: f64, side: f64, pan: f64, sides: u32| {
            (at - start - side / 2.0 - pan) / view.zoom + f64::from(sides) / 2.0
        };
        (
            of(x, self.canvas.0, self.size.0, view.pan.0, picture.columns),
            of(y, self.canvas.1, self.size.1, view.pan.1, ROWS),
        )
    }

    /// Larger by a factor, with what the pointer is at where it was.
    pub fn zoomed(self, view: View, (x, y): (f64, f64), factor: f64) -> View {
        let pan = |at: f64, start: f64, side: f64, pan: f64| {
            let from = at - start - side / 2.0;
            from - (from - pan) * factor
        };
        View {
            zoom: view.zoom * factor,
            pan: (pan(x, self.canvas.0, self.size.0, view.pan.0), pan(y, self.canvas.1, self.size.1, view.pan.1)),
        }
    }

    /// What a linked pane shows of its own picture when this one is at a view.
    pub fn linked(self, view: View, picture: Picture, other: Pane, its: Picture) -> View {
        let size = |of: Picture, zoom: f64| f64::from(of.columns.max(ROWS)) * zoom;
        let zoom = other.fit(its).zoom * view.zoom / self.fit(picture).zoom;
        let by = size(its, zoom) / size(picture, view.zoom);
        View { zoom, pan: (view.pan.0 * by, view.pan.1 * by) }
    }

    /// The level of the display at a place of the image (column, row).
    pub fn level(self, display: &Display, corner: (f64, f64), view: View, picture: Picture, at: (f64, f64)) -> f64 {
        let on =
            |side: f64, pan: f64, of: f64, sides: u32| side / 2.0 + pan + view.zoom * (of - f64::from(sides) / 2.0);
        let x = on(self.size.0, view.pan.0, at.0, picture.columns);
        let y = on(self.size.1, view.pan.1, at.1, ROWS);
        f64::from(self.shown(display, corner, x, y)[0])
    }

    /// What the display shows at a point of what is drawn.
    fn shown(self, display: &Display, corner: (f64, f64), x: f64, y: f64) -> [u8; 3] {
        let on = |corner: f64, canvas: f64, of: f64| (corner + (canvas + of) * self.density).floor() as usize;
        display.at(on(corner.0, self.canvas.0, x), on(corner.1, self.canvas.1, y))
    }
}

/// What a pane must show.
pub struct Look {
    pub pane: Pane,
    pub picture: Picture,
    pub view: View,
    /// Where the pointer is in the page while the magnifier is in hand.
    pub lens: Option<(f64, f64)>,
}

impl Look {
    /// Waits until the display shows it, and the pane says how large.
    pub async fn shown(&self, window: &Window, corner: (f64, f64), what: &str) {
        let until = Instant::now() + Duration::from_secs(DRAWN);
        loop {
            let (seen, wrong) = self.compare(&Display::of(window), corner);
            if wrong.is_empty() && seen > 200 {
                break;
            }
            if Instant::now() >= until {
                let picture = std::env::temp_dir().join("hilum-viewer.png");
                window.picture(&picture);
                let first: Vec<&String> = wrong.iter().take(5).collect();
                panic!(
                    "{what} {:?}: {} of {seen} places are shown otherwise: {first:#?}; {}",
                    self.view,
                    wrong.len(),
                    picture.display()
                );
            }
            pause(100).await;
        }
        let zoom = format!(
            "const v = document.querySelectorAll('[data-testid=\"viewer\"]')[{}];
            return Math.abs(Number(/Zoom ([0-9.]+)/.exec(v.innerText)[1]) - {}) < 0.006",
            self.pane.nth, self.view.zoom
        );
        window.until(&format!("{what}: a zoom of {:.2}", self.view.zoom), 10, &zoom).await;
    }

    /// How many places were looked at, and what is wrong of them.
    fn compare(&self, display: &Display, corner: (f64, f64)) -> (usize, Vec<String>) {
        let (width, height) = self.pane.size;
        let (mut seen, mut wrong) = (0, Vec::new());
        for y in places(height) {
            for x in places(width) {
                let at_side = x < CORNER.0 || x > width - CORNER.0;
                if at_side && (y < CORNER.1 || y > height - CORNER.1) {
                    continue;
                }
                let Some(view) = self.view_at(x, y) else { continue };
                let column = (x - width / 2.0 - view.pan.0) / view.zoom + f64::from(self.picture.columns) / 2.0;
                let row = (y - height / 2.0 - view.pan.1) / view.zoom + f64::from(ROWS) / 2.0;
                let Some(level) = self.picture.level(column, row) else { continue };
                let shown = self.pane.shown(display, corner, x, y);
                seen += 1;
                if shown.iter().any(|of| (f64::from(*of) - level).abs() > ROUNDING) {
                    wrong.push(format!(
                        "column {column:.1}, row {row:.1} at {x}, {y} is {shown:?} instead of {level:.1}"
                    ));
                }
            }
        }
        (seen, wrong)
    }

    /// The view that a point of the pane is drawn in: under the magnifier, which is a square around the pointer, one that is
    /// two and a half times as large. None at the magnifier's edge.
    fn view_at(&self, x: f64, y: f64) -> Option<View> {
        let Some(pointer) = self.lens else { return Some(self.view) };
        let radius = 150f64.min(self.pane.size.0 / 4.0);
        let (across, down) = (x - (pointer.0 - self.pane.canvas.0), y - (pointer.1 - self.pane.canvas.1));
        let beyond = across.abs().max(down.abs()) - radius;
        match () {
            () if beyond.abs() < MIXED => None,
            () if beyond < 0.0 => Some(self.pane.zoomed(self.view, pointer, 2.5)),
            () => Some(self.view),
        }
    }
}

/// Where one looks along a side of a pane.
fn places(side: f64) -> impl Iterator<Item = f64> {
    (0u32..).map(|n| EDGE + f64::from(n) * STEP).take_while(move |at| *at < side - EDGE)
}
