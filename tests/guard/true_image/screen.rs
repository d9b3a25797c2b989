//! What the screen shows: gray levels of the display itself, at the middle of every pixel of the image, against the
//! formulas of the standard, as the file asks for it, and turned, mirrored and inverted.

use crate::browser::Window;
use crate::cases::{self, Case, Pixels};
use crate::display::{self, DRAWN, Display};
use crate::scene::{self, SHIFT, Scene, image_shown};
use crate::standard::brightness;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How far a level of 0 to 255 may be off: the shader computes in 32 bits and the card rounds either way.
pub const ROUNDING: f64 = 1.0;
/// Words and marks over the image are no part of what is looked at.
const BARE: &str = "document.querySelectorAll('[data-testid=\"viewer\"] > :not(.canvas)').forEach((e) => { e.style.visibility = 'hidden' }); return true";
/// Where the canvas lies, in CSS pixels of the page, and how many device pixels one of them is.
pub const PLACE: &str = "const v = document.querySelector('[data-testid=\"viewer\"]'), b = v.querySelector('canvas').getBoundingClientRect();
    return [b.left, b.top, v.clientWidth, v.clientHeight, devicePixelRatio]";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_screen_shows_is_what_the_standard_asks_for() {
    let Some(scene) = Scene::with_user().await else { return };
    if !display::seen("gray levels of the screen") {
        return;
    }
    let full = std::env::var_os("HILUM_GUARD_FORM").is_some_and(|form| form == "full");
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| full || case.always).collect();
    let files: Vec<(String, Vec<u8>)> =
        cases.iter().map(|case| (format!("{}.dcm", case.name), case.file.clone())).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (&name[..], bytes.clone())).collect();
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    let corner = display::corner(&window).await;
    for case in &cases {
        open(&window, &case.name).await;
        let surface = window.text("return document.querySelector('[data-testid=\"viewer\"]').dataset.surface").await;
        let seen = check(&window, corner, case, Turned::default()).await;
        println!("{}: {seen} pixels as they were made ({surface})", case.name);
    }
    turned(&window, corner, &cases[0]).await;
    window.close().await;
}

/// What a reader did to the view.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turned {
    pub mirrored: bool,
    /// Quarter turns clockwise.
    pub quarters: u32,
    pub inverted: bool,
}

/// Each pixel goes where it must, and the letters at the edges with it.
async fn turned(window: &Window, corner: (f64, f64), case: &Case) {
    open(window, &case.name).await;
    let steps = [
        (Some('x'), Turned { mirrored: true, ..Turned::default() }, ["L", "R", "H", "F"]),
        (Some('r'), Turned { mirrored: true, quarters: 1, inverted: false }, ["F", "H", "L", "R"]),
        (Some('i'), Turned { mirrored: true, quarters: 1, inverted: true }, ["F", "H", "L", "R"]),
        // All of it back at once.
        (None, Turned::default(), ["R", "L", "H", "F"]),
    ];
    assert_eq!(case.orientation, ["L", "F"], "{}", case.name);
    for (key, turned, letters) in steps {
        match key {
            Some(key) => window.press(key).await,
            None => window.chord(SHIFT, 'R').await,
        }
        check(window, corner, case, turned).await;
        let script = "return ['left', 'right', 'top', 'bottom'].map((side) => document.querySelector(`[data-testid=\"viewer\"] .at-${side}`)?.textContent ?? '')";
        let said = window.client().execute(script, vec![]).await.expect("letters");
        assert_eq!(said, serde_json::json!(letters), "{turned:?}: left, right, top, bottom");
    }
}

/// Opens a study with no pointer over the image, whose tooltips would be on it.
pub async fn open(window: &Window, patient: &str) {
    let script = "document.querySelector('[data-testid=\"go-worklist\"]')?.click(); return true";
    window.client().execute(script, vec![]).await.expect("a click");
    scene::open_study(window, patient).await;
    let focus = "document.querySelector('[data-room=\"images\"]').focus(); return true";
    window.client().execute(focus, vec![]).await.expect("the focus");
}

/// Waits until the display shows the image as it must be; how many of its pixels were looked at.
async fn check(window: &Window, corner: (f64, f64), case: &Case, turned: Turned) -> usize {
    let until = Instant::now() + Duration::from_secs(DRAWN);
    loop {
        // What is laid over the image is made anew when something changes.
        window.client().execute(BARE, vec![]).await.expect("a bare image");
        let place = window.client().execute(PLACE, vec![]).await.expect("a place");
        let (seen, wrong) = compare(&Display::of(window), corner, &place, case, turned);
        if wrong.is_empty() && seen > 0 {
            return seen;
        }
        if Instant::now() >= until {
            let picture = std::env::temp_dir().join(format!("hilum-true-image-{}.png", case.name));
            window.picture(&picture);
            let first: Vec<&String> = wrong.iter().take(5).collect();
            panic!(
                "{} {turned:?}: {} of {seen} pixels are shown otherwise: {first:#?}; {}",
                case.name,
                wrong.len(),
                picture.display()
            );
        }
        scene::pause(100).await;
    }
}

/// How many pixels were looked at, and what is wrong of them.
fn compare(display: &Display, corner: (f64, f64), place: &Value, case: &Case, turned: Turned) -> (usize, Vec<String>) {
    let laid = Laid::new(corner, place, (case.rows, case.columns), turned);
    let range = case.range();
    let (mut seen, mut wrong) = (0, Vec::new());
    for row in (case.block / 2..case.rows).step_by(case.block as usize) {
        for column in (case.block / 2..case.columns).step_by(case.block as usize) {
            let (x, y) = laid.at(row, column);
            let shown = display.at(x, y);
            let at = (row * case.columns + column) as usize;
            let (wanted, within) = match &case.pixels {
                Pixels::Colour(colours) => (colours[at].map(f64::from), 0.0),
                Pixels::Grey { values, within } => {
                    let level = |value: f64| 255.0 * brightness(value, &case.shown, range);
                    let value = values[at];
                    // What a lossy compression may miss a value by, as levels; it moves the ends of a computed window as well.
                    let miss =
                        (level(value + within) - level(value)).abs().max((level(value - within) - level(value)).abs());
                    ([level(value); 3], 2.0 * miss)
                }
            };
            let wanted = if turned.inverted { wanted.map(|level| 255.0 - level) } else { wanted };
            seen += 1;
            if shown.iter().zip(wanted).any(|(shown, wanted)| (f64::from(*shown) - wanted).abs() > ROUNDING + within) {
                wrong.push(format!("row {row}, column {column} is {shown:?} instead of {wanted:.1?}"));
            }
        }
    }
    (seen, wrong)
}

/// How an image lies on the display, shown to fit.
pub struct Laid {
    /// Its middle, in device pixels.
    middle: (f64, f64),
    /// Device pixels of one pixel of the image.
    scale: f64,
    rows: u32,
    columns: u32,
    turned: Turned,
}

impl Laid {
    /// `place` is what [`PLACE`] returns.
    pub fn new(corner: (f64, f64), place: &Value, (rows, columns): (u32, u32), turned: Turned) -> Laid {
        let number = |n: usize| place[n].as_f64().expect("a number");
        let (left, top, across, down, density) = (number(0), number(1), number(2), number(3), number(4));
        let (width, height) = (f64::from(columns), f64::from(rows));
        let lies = turned.quarters % 2 == 1;
        let zoom = if lies { (across / height).min(down / width) } else { (across / width).min(down / height) };
        let middle = (corner.0 + (left + across / 2.0) * density, corner.1 + (top + down / 2.0) * density);
        Laid { middle, scale: zoom * density, rows, columns, turned }
    }

    /// The pixel of the display at the middle of a pixel of the image.
    pub fn at(&self, row: u32, column: u32) -> (usize, usize) {
        let x = f64::from(column) + 0.5 - f64::from(self.columns) / 2.0;
        let y = f64::from(row) + 0.5 - f64::from(self.rows) / 2.0;
        let x = if self.turned.mirrored { -x } else { x };
        let (x, y) = match self.turned.quarters {
            0 => (x, y),
            1 => (-y, x),
            2 => (-x, -y),
            _ => (y, -x),
        };
        ((self.middle.0 + x * self.scale).floor() as usize, (self.middle.1 + y * self.scale).floor() as usize)
    }
}
