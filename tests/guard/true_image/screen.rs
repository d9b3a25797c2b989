//! What the screen shows: gray levels of the display itself, at the middle of every pixel of the image, against the
//! formulas of the standard, as the file asks for it, and turned, mirrored and inverted.

use crate::browser::Window;
use crate::cases::{self, Case, Pixels};
use crate::scene::{self, SHIFT, Scene, image_shown};
use crate::standard::brightness;
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

/// Of the display that a scene's window is opened on.
const DISPLAY: (usize, usize) = (1600, 1000);
/// How long the screen may take to show what the viewer has drawn, seconds.
const DRAWN: u64 = 20;
/// How far a level of 0 to 255 may be off: the shader computes in 32 bits and the card rounds either way.
const ROUNDING: f64 = 1.0;
/// A square that no image has, at the page's top left.
const MARK: &str = "const d = document.createElement('div'); d.id = 'corner-of-the-page';
    Object.assign(d.style, { position: 'fixed', left: '0', top: '0', width: '6px', height: '6px', background: 'rgb(255, 0, 255)', zIndex: '99999' });
    document.body.append(d); return true";
const UNMARK: &str = "document.getElementById('corner-of-the-page').remove(); return true";
/// Words and marks over the image are no part of what is looked at.
const BARE: &str = "document.querySelectorAll('[data-testid=\"viewer\"] > :not(.canvas)').forEach((e) => { e.style.visibility = 'hidden' }); return true";
/// Where the canvas lies, in CSS pixels of the page, and how many device pixels one of them is.
const PLACE: &str = "const v = document.querySelector('[data-testid=\"viewer\"]'), b = v.querySelector('canvas').getBoundingClientRect();
    return [b.left, b.top, v.clientWidth, v.clientHeight, devicePixelRatio]";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_screen_shows_is_what_the_standard_asks_for() {
    let Some(scene) = Scene::with_user().await else { return };
    if Command::new("import").arg("-version").output().is_err() {
        return hilum_testkit::skipped("gray levels of the screen (ImageMagick's import is not installed)");
    }
    let full = std::env::var_os("HILUM_GUARD_FORM").is_some_and(|form| form == "full");
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| full || case.always).collect();
    let files: Vec<(String, Vec<u8>)> =
        cases.iter().map(|case| (format!("{}.dcm", case.name), case.file.clone())).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (&name[..], bytes.clone())).collect();
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    let corner = corner(&window).await;
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
struct Turned {
    mirrored: bool,
    /// Quarter turns clockwise.
    quarters: u32,
    inverted: bool,
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
        let said = window.client.execute(script, vec![]).await.expect("letters");
        assert_eq!(said, serde_json::json!(letters), "{turned:?}: left, right, top, bottom");
    }
}

/// Opens a study with no pointer over the image, whose tooltips would be on it.
async fn open(window: &Window, patient: &str) {
    let script = "document.querySelector('[data-testid=\"go-worklist\"]')?.click(); return true";
    window.client.execute(script, vec![]).await.expect("a click");
    scene::open_study(window, patient).await;
    let focus = "document.querySelector('[data-room=\"images\"]').focus(); return true";
    window.client.execute(focus, vec![]).await.expect("the focus");
}

/// Where the page's top left lies on the display, in device pixels.
async fn corner(window: &Window) -> (f64, f64) {
    window.client.execute(MARK, vec![]).await.expect("a mark");
    let until = Instant::now() + Duration::from_secs(DRAWN);
    let at = loop {
        let picture = Display::of(window);
        if let Some(at) = picture.0.iter().position(|pixel| *pixel == [255, 0, 255]) {
            break ((at % DISPLAY.0) as f64, (at / DISPLAY.0) as f64);
        }
        assert!(Instant::now() < until, "the page is not on the display");
        scene::pause(100).await;
    };
    window.client.execute(UNMARK, vec![]).await.expect("no mark");
    at
}

/// Waits until the display shows the image as it must be; how many of its pixels were looked at.
async fn check(window: &Window, corner: (f64, f64), case: &Case, turned: Turned) -> usize {
    let until = Instant::now() + Duration::from_secs(DRAWN);
    loop {
        // What is laid over the image is made anew when something changes.
        window.client.execute(BARE, vec![]).await.expect("a bare image");
        let place = window.client.execute(PLACE, vec![]).await.expect("a place");
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
    let number = |n: usize| place[n].as_f64().expect("a number");
    let (left, top, across, down, density) = (number(0), number(1), number(2), number(3), number(4));
    let (width, height) = (f64::from(case.columns), f64::from(case.rows));
    let lies = turned.quarters % 2 == 1;
    let zoom = if lies { (across / height).min(down / width) } else { (across / width).min(down / height) };
    let range = case.range();
    let (mut seen, mut wrong) = (0, Vec::new());
    for row in (case.block / 2..case.rows).step_by(case.block as usize) {
        for column in (case.block / 2..case.columns).step_by(case.block as usize) {
            let (x, y) = (f64::from(column) + 0.5 - width / 2.0, f64::from(row) + 0.5 - height / 2.0);
            let x = if turned.mirrored { -x } else { x };
            let (x, y) = match turned.quarters {
                0 => (x, y),
                1 => (-y, x),
                2 => (-x, -y),
                _ => (y, -x),
            };
            let on = |corner: f64, edge: f64, side: f64, of: f64| {
                (corner + (edge + side / 2.0 + of * zoom) * density).floor() as usize
            };
            let shown = display.at(on(corner.0, left, across, x), on(corner.1, top, down, y));
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

/// The display's pixels, row by row, as the X server has them.
struct Display(Vec<[u8; 3]>);

impl Display {
    fn of(window: &Window) -> Display {
        let arguments = ["-display", &window.display, "-window", "root", "-depth", "8", "rgb:-"];
        let output = Command::new("import").args(arguments).output().expect("import");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.len(), 3 * DISPLAY.0 * DISPLAY.1, "the display is of another size");
        Display(output.stdout.as_chunks::<3>().0.to_vec())
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        assert!(x < DISPLAY.0 && y < DISPLAY.1, "{x}, {y} is not on the display");
        self.0[y * DISPLAY.0 + x]
    }
}
