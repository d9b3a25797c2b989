//! What a file lays over its image: overlay planes and shutters, on the screen at the middle of every pixel of the image,
//! mirrored and turned with it, and gone while the reader wants to see what is below.

use crate::browser::Window;
use crate::cases::{self, COLUMNS, ROWS};
use crate::display::{self, DRAWN, Display};
use crate::scene::{self, SHIFT, Scene, image_shown};
use crate::screen::{self, Laid, PLACE, ROUNDING, Turned};
use crate::standard::{Function, Shown, Voi, brightness};
use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE};
use serde_json::Value;
use std::time::{Duration, Instant};

/// What the viewer draws overlay planes in.
const INK: [f64; 3] = [255.0, 217.0, 138.0];
/// Pixels on a side of a square of a plane. Where two meet, the screen shows something in between.
const SIDE: i32 = 5;
/// How near to the edge of a shutter nothing is asked, pixels of the image: half of one is the nearest that a middle comes to a straight edge.
const EDGE: f64 = 0.3;
/// Words and marks over the image are no part of what is looked at; what its file lays over it is.
const BARE: &str = "document.querySelectorAll('[data-testid=\"viewer\"] > :not(.canvas, [data-testid=\"overlay-plane\"], [data-testid=\"shutter\"])')
    .forEach((e) => { e.style.visibility = 'hidden' }); return true";

/// An overlay plane of squares that are set by turns, in pixels of the image.
struct Plane {
    group: u32,
    top: i32,
    left: i32,
    rows: i32,
    columns: i32,
}

impl Plane {
    fn set(&self, row: i32, column: i32) -> bool {
        let (down, across) = (row - self.top, column - self.left);
        let within = (0..self.rows).contains(&down) && (0..self.columns).contains(&across);
        within && (down / SIDE + across / SIDE) % 2 == 0
    }

    /// Whether a pixel and all around it are set or not; none where they are not alike.
    fn plainly(&self, row: i32, column: i32) -> Option<bool> {
        let here = self.set(row, column);
        let around = (-1..=1).flat_map(|down| (-1..=1).map(move |across| (row + down, column + across)));
        around.map(|(row, column)| self.set(row, column)).all(|set| set == here).then_some(here)
    }

    /// Written into a file (PS3.3 C.9.2): an origin that counts from 1, bits from the least significant one on.
    fn onto(&self, file: DicomFile) -> DicomFile {
        let mut bits = vec![0u8; ((self.rows * self.columns) as usize).div_ceil(16) * 2];
        for down in 0..self.rows {
            for across in 0..self.columns {
                let at = (down * self.columns + across) as usize;
                bits[at / 8] |= u8::from(self.set(self.top + down, self.left + across)) << (at % 8);
            }
        }
        let origin = [self.top + 1, self.left + 1].into_iter().flat_map(|n| (n as i16).to_le_bytes()).collect();
        file.short(self.group | 0x0010, self.rows as u16)
            .short(self.group | 0x0011, self.columns as u16)
            .text(self.group | 0x0040, b"CS", "G")
            .words(self.group | 0x0050, b"SS", origin)
            .short(self.group | 0x0100, 1)
            .short(self.group | 0x0102, 0)
            .words(self.group | 0x3000, b"OW", bits)
    }
}

/// A shutter (PS3.3 C.7.6.11), in pixels of the image from its top left.
enum Shutter {
    Rectangle {
        left: f64,
        top: f64,
        right: f64,
        bottom: f64,
    },
    Circle {
        x: f64,
        y: f64,
        radius: f64,
    },
    /// Convex, clockwise on the screen.
    Polygon(Vec<(f64, f64)>),
}

impl Shutter {
    /// Whether it leaves a place in sight; none at its edge.
    fn leaves(&self, x: f64, y: f64) -> Option<bool> {
        let within = match self {
            Shutter::Rectangle { left, top, right, bottom } => (x - left).min(right - x).min(y - top).min(bottom - y),
            Shutter::Circle { x: across, y: down, radius } => radius - (x - across).hypot(y - down),
            Shutter::Polygon(corners) => {
                let next = corners.iter().cycle().skip(1);
                let inside = |((ax, ay), (bx, by)): (&(f64, f64), &(f64, f64))| {
                    ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / (bx - ax).hypot(by - ay)
                };
                corners.iter().zip(next).map(inside).fold(f64::MAX, f64::min)
            }
        };
        (within.abs() >= EDGE).then_some(within > 0.0)
    }
}

/// A picture with what its file lays over it.
struct Covered {
    name: &'static str,
    file: DicomFile,
    planes: Vec<Plane>,
    shutters: Vec<Shutter>,
}

impl Covered {
    /// What a pixel must be shown as, with what is laid over it or without; none where the screen may show something in between.
    fn wanted(&self, row: u32, column: u32, covered: bool) -> Option<[f64; 3]> {
        let whole = Voi::Windows { function: Function::Linear, windows: vec![(2048.0, 4096.0)] };
        let shown = Shown { voi: whole, inverted: false };
        let gray = [255.0 * brightness(f64::from(cases::wedge(row, column)), &shown, (0.0, 4095.0)); 3];
        if !covered {
            return Some(gray);
        }
        let (x, y) = (f64::from(column) + 0.5, f64::from(row) + 0.5);
        let left = self.shutters.iter().map(|shutter| shutter.leaves(x, y)).collect::<Option<Vec<bool>>>()?;
        // Several hide what any of them hides, of the planes as well.
        if left.contains(&false) {
            return Some([0.0; 3]);
        }
        let set = self.planes.iter().map(|plane| plane.plainly(row as i32, column as i32));
        let set = set.collect::<Option<Vec<bool>>>()?;
        Some(if set.contains(&true) { INK } else { gray })
    }
}

/// As a radiograph is shown that has nothing laid over it, from 0 to 4095.
fn picture() -> DicomFile {
    cases::window(cases::plain(), "2048", "4096")
}

fn all() -> Vec<Covered> {
    let two = vec![
        Plane { group: 0x6000_0000, top: 6, left: 9, rows: 20, columns: 30 },
        // It begins above the image, and ends beside it.
        Plane { group: 0x6002_0000, top: -5, left: 50, rows: 15, columns: 25 },
    ];
    let below = Plane { group: 0x6000_0000, top: 10, left: 2, rows: 20, columns: 40 };
    // Edges are the first and the last row and column in sight, places are those of pixels, the row first; both count from 1.
    let rounded = picture()
        .text(0x0018_1600, b"CS", "RECTANGULAR\\CIRCULAR")
        .text(0x0018_1602, b"IS", "9")
        .text(0x0018_1604, b"IS", "50")
        .text(0x0018_1606, b"IS", "5")
        .text(0x0018_1608, b"IS", "44")
        .text(0x0018_1610, b"IS", "25\\32")
        .text(0x0018_1612, b"IS", "22");
    let cornered = picture().text(0x0018_1600, b"CS", "POLYGONAL").text(0x0018_1620, b"IS", "2\\4\\6\\60\\46\\20");
    vec![
        Covered {
            name: "OVERLAID",
            file: two.iter().fold(picture(), |file, plane| plane.onto(file)),
            planes: two,
            shutters: vec![],
        },
        Covered {
            name: "SHUTTERED",
            file: below.onto(rounded),
            planes: vec![below],
            shutters: vec![
                Shutter::Rectangle { left: 8.0, top: 4.0, right: 50.0, bottom: 44.0 },
                Shutter::Circle { x: 31.5, y: 24.5, radius: 22.0 },
            ],
        },
        Covered {
            name: "CORNERED",
            file: cornered,
            planes: vec![],
            shutters: vec![Shutter::Polygon(vec![(3.5, 1.5), (59.5, 5.5), (19.5, 45.5)])],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_lays_over_its_image_is_where_it_says() {
    let Some(scene) = Scene::with_user().await else { return };
    if !display::seen("overlay planes and shutters on the screen") {
        return;
    }
    let cases = all();
    let names: Vec<String> = cases.iter().map(|case| format!("{}.dcm", case.name)).collect();
    let written = |(n, case): (usize, &Covered)| {
        (names[n].as_str(), cases::named(case.file.clone(), case.name, 900 + n).write_as(EXPLICIT_LE))
    };
    let files: Vec<(&str, Vec<u8>)> = cases.iter().enumerate().map(written).collect();
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    let corner = display::corner(&window).await;
    let mirrored = Turned { mirrored: true, ..Turned::default() };
    for case in &cases {
        screen::open(&window, case.name).await;
        let seen = check(&window, corner, case, Turned::default(), true).await;
        println!("{}: {seen} pixels as the file lays something over them, or nothing", case.name);
        // It goes with the image.
        window.press('x').await;
        check(&window, corner, case, mirrored, true).await;
        window.press('r').await;
        check(&window, corner, case, Turned { quarters: 1, ..mirrored }, true).await;
        window.chord(SHIFT, 'R').await;

        // What is below it can be looked at, and the image says that something is left out.
        window.chord(SHIFT, 'O').await;
        check(&window, corner, case, Turned::default(), false).await;
        let hidden = format!("{} overlays hidden", case.planes.len() + case.shutters.len());
        let said =
            format!("return document.querySelector('[data-testid=\"viewer\"]').textContent.includes({hidden:?})");
        window.until("how much is hidden", 10, &said).await;
        window.chord(SHIFT, 'O').await;
        check(&window, corner, case, Turned::default(), true).await;
    }
    window.close().await;
}

/// Waits until the display shows everything as it must be; how many pixels were looked at.
async fn check(window: &Window, corner: (f64, f64), case: &Covered, turned: Turned, covered: bool) -> usize {
    let until = Instant::now() + Duration::from_secs(DRAWN);
    loop {
        // What is laid over the image is made anew when something changes.
        window.client().execute(BARE, vec![]).await.expect("a bare image");
        let place = window.client().execute(PLACE, vec![]).await.expect("a place");
        let (seen, wrong) = compare(&Display::of(window), corner, &place, case, turned, covered);
        if wrong.is_empty() && seen > 1500 {
            return seen;
        }
        if Instant::now() >= until {
            let picture = std::env::temp_dir().join(format!("hilum-true-image-{}.png", case.name));
            window.picture(&picture);
            let first: Vec<&String> = wrong.iter().take(5).collect();
            panic!(
                "{} {turned:?}, covered {covered}: {} of {seen} pixels are shown otherwise: {first:#?}; {}",
                case.name,
                wrong.len(),
                picture.display()
            );
        }
        scene::pause(100).await;
    }
}

/// How many pixels were looked at, and what is wrong of them.
fn compare(
    display: &Display,
    corner: (f64, f64),
    place: &Value,
    case: &Covered,
    turned: Turned,
    covered: bool,
) -> (usize, Vec<String>) {
    let laid = Laid::new(corner, place, (ROWS, COLUMNS), turned);
    let (mut seen, mut wrong) = (0, Vec::new());
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let Some(wanted) = case.wanted(row, column, covered) else { continue };
            let (x, y) = laid.at(row, column);
            let shown = display.at(x, y);
            seen += 1;
            if shown.iter().zip(wanted).any(|(shown, wanted)| (f64::from(*shown) - wanted).abs() > ROUNDING) {
                wrong.push(format!("row {row}, column {column} is {shown:?} instead of {wanted:.1?}"));
            }
        }
    }
    (seen, wrong)
}
