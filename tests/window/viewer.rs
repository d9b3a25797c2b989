//! The viewer in the real window: where every pixel of a known picture lies on the display after the pointer and the keys
//! moved it, what is measured of known values, what is done to marks, what enhances and enlarges.

use crate::browser::Window;
use crate::display::{self, DRAWN, Display};
use crate::picture::{FRONTAL, LATERAL, Look, Pane, Picture, REGION, ROWS, View, known};
use crate::scene::*;
use hilum_testkit::dicom::{DicomFile, EXPLICIT_LE};
use std::time::{Duration, Instant};

/// The panes with an image, as an expression of the page.
pub const PANES: &str = "[...document.querySelectorAll('[data-testid=\"viewer\"]')]";
const MARKS: &str = "document.querySelectorAll('[data-testid=\"mark\"]').length";

/// Clicks with no pointer, whose tooltip would lie over the image.
pub async fn click(window: &Window, id: &str) {
    window.see(id, 20).await;
    let script = format!("document.querySelector('[data-testid=\"{id}\"]').click(); return true");
    window.client().execute(&script, vec![]).await.expect("a click");
}

/// Turns a wheel over a place of the page, with Alt where it leads through the images.
pub async fn wheel(window: &Window, nth: usize, (x, y): (f64, f64), by: i32, alt: bool) {
    let script = format!(
        "{PANES}[{nth}].dispatchEvent(new WheelEvent('wheel', {{ clientX: {x}, clientY: {y}, deltaY: {by}, altKey: {alt}, bubbles: true, cancelable: true }}));
        return true"
    );
    window.client().execute(&script, vec![]).await.expect("a wheel");
}

/// Waits until so many panes have all pixels of their image, and gives the focus to the images.
pub async fn whole(window: &Window, panes: usize) {
    let all = format!(
        "const all = {PANES}; return all.length === {panes} && all.every((v) => v.dataset.ready === 'true' && v.dataset.whole === 'true')"
    );
    window.until(&format!("{panes} whole images"), 60, &all).await;
    let focus = "document.querySelector('[data-room=\"images\"]').focus(); return true";
    window.client().execute(focus, vec![]).await.expect("the focus");
}

/// Opens a study that is hung in so many panes.
pub async fn open_whole(window: &Window, who: &str, panes: usize) {
    click(window, "go-worklist").await;
    open_study(window, who).await;
    whole(window, panes).await;
}

/// Waits until a pane shows its picture under a view.
pub async fn shows(window: &Window, corner: (f64, f64), what: &str, pane: Pane, picture: Picture, view: View) {
    Look { pane, picture, view, lens: None }.shown(window, corner, what).await;
}

fn moved(view: View, (across, down): (f64, f64)) -> View {
    View { pan: (view.pan.0 + across, view.pan.1 + down), ..view }
}

fn beside((x, y): (f64, f64), (across, down): (f64, f64)) -> (f64, f64) {
    (x + across, y + down)
}

#[tokio::test(flavor = "multi_thread")]
async fn zoomed_panned_and_linked() {
    let Some(scene) = Scene::with_user().await else { return };
    if !display::seen("views on the screen") {
        return;
    }
    let files = [("1.dcm", FRONTAL.file("VIEWED", 1, 1)), ("2.dcm", LATERAL.file("VIEWED", 1, 2))];
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    open_whole(&window, "VIEWED", 2).await;
    let corner = display::corner(&window).await;
    click(&window, "layout-1x1").await;
    whole(&window, 1).await;
    alone(&window, corner).await;
    click(&window, "layout-1x2").await;
    whole(&window, 2).await;
    linked(&window, corner).await;
    window.close().await;
}

/// One image in one pane.
async fn alone(window: &Window, corner: (f64, f64)) {
    let pane = Pane::of(window, 0).await;
    let fit = pane.fit(FRONTAL);
    shows(window, corner, "at first", pane, FRONTAL, fit).await;

    // The wheel, then a drag: what the pointer is at stays where it is.
    let at = pane.at(fit, FRONTAL, (60.0, 60.0));
    wheel(window, 0, at, -250, false).await;
    let nearer = pane.zoomed(fit, at, 0.5f64.exp());
    shows(window, corner, "by the wheel", pane, FRONTAL, nearer).await;
    window.press('z').await;
    let at = pane.at(nearer, FRONTAL, (100.0, 90.0));
    window.drag(&[at, beside(at, (0.0, -30.0)), beside(at, (0.0, -72.0))]).await;
    let near = pane.zoomed(nearer, at, 0.4f64.exp());
    shows(window, corner, "by a drag", pane, FRONTAL, near).await;

    window.press('h').await;
    window.drag(&[at, beside(at, (45.0, 20.0)), beside(at, (90.0, 60.0))]).await;
    shows(window, corner, "panned", pane, FRONTAL, moved(near, (90.0, 60.0))).await;

    window.press('0').await;
    shows(window, corner, "one to one", pane, FRONTAL, pane.actual()).await;
    window.press('f').await;
    shows(window, corner, "fitted", pane, FRONTAL, fit).await;
}

/// Two images of different size: what is done to one is done to the other, until they are let go.
async fn linked(window: &Window, corner: (f64, f64)) {
    let (left, right) = (Pane::of(window, 0).await, Pane::of(window, 1).await);
    let both = async |what: &str, view: View| {
        shows(window, corner, what, left, FRONTAL, view).await;
        shows(window, corner, what, right, LATERAL, left.linked(view, FRONTAL, right, LATERAL)).await;
    };
    let fit = left.fit(FRONTAL);
    both("both at first", fit).await;
    let at = left.at(fit, FRONTAL, (240.0, 100.0));
    window.press('z').await;
    window.drag(&[at, beside(at, (0.0, -72.0))]).await;
    let near = left.zoomed(fit, at, 0.4f64.exp());
    both("both zoomed", near).await;
    window.press('h').await;
    window.drag(&[at, beside(at, (40.0, -30.0))]).await;
    let panned = moved(near, (40.0, -30.0));
    both("both panned", panned).await;

    window.chord(SHIFT, 'P').await;
    window.drag(&[at, beside(at, (-60.0, 50.0))]).await;
    shows(window, corner, "panned alone", left, FRONTAL, moved(panned, (-60.0, 50.0))).await;
    let stays = left.linked(panned, FRONTAL, right, LATERAL);
    shows(window, corner, "let go", right, LATERAL, stays).await;
    window.chord(SHIFT, 'P').await;
    window.press('f').await;
    both("both fitted", fit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_measured_and_marks_edited() {
    let Some(scene) = Scene::with_user().await else { return };
    let files = [("1.dcm", FRONTAL.file("MEASURED", 1, 1)), ("2.dcm", FRONTAL.file("ANOTHER", 2, 1))];
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    open_whole(&window, "MEASURED", 1).await;
    let pane = Pane::of(&window, 0).await;
    regions(&window, pane).await;
    edited(&window, pane).await;

    // What was drawn is there when the study is read again.
    open_whole(&window, "ANOTHER", 1).await;
    window.until("no mark on another study", 20, &format!("return {MARKS} === 0")).await;
    open_whole(&window, "MEASURED", 1).await;
    window.until("all four marks", 20, &format!("return {MARKS} === 4")).await;
    window.close().await;
}

/// What stands beside the last mark of a kind, as an expression of the page.
fn told(kind: &str) -> String {
    format!(
        "[...([...document.querySelectorAll('[data-testid=\"mark\"][data-kind=\"{kind}\"]')].at(-1)?.querySelectorAll('text') ?? [])].map((t) => t.textContent).join('; ')"
    )
}

/// Statistics of a rectangle and of an ellipse, on pixels of known values.
async fn regions(window: &Window, pane: Pane) {
    let fit = pane.fit(FRONTAL);
    let at = |column: f64, row: f64| pane.at(fit, FRONTAL, (column, row));
    // 119.25 pixels of 0.15 mm are 17.9 mm: as far from the next number that would be said as a pointer of whole pixels needs.
    window.press('q').await;
    window.drag(&[at(120.0, 160.0), at(200.0, 200.0), at(239.25, 279.25)]).await;
    let wanted = "Area 3.2 cm², 18 mm × 18 mm; Mean 1100, SD 100; Min 1000, max 1200";
    window.until("a rectangle's statistics", 20, &format!("return {} === {wanted:?}", told("rectangle"))).await;

    // An ellipse does not reach into the corners of the region, a rectangle of the same place does.
    let (top, left, side) = REGION;
    let (from, to) = (3.375, f64::from(side) - 3.375);
    let ends = (at(f64::from(left) + from, f64::from(top) + from), at(f64::from(left) + to, f64::from(top) + to));
    window.press('o').await;
    window.drag(&[ends.0, ends.1]).await;
    let wanted = "Area 6.6 cm², 29 mm × 29 mm; Mean 1100, SD 100; Min 1000, max 1200";
    window.until("an ellipse's statistics", 20, &format!("return {} === {wanted:?}", told("ellipse"))).await;
    window.press('q').await;
    window.drag(&[ends.0, ends.1]).await;
    let script = format!("return {MARKS} === 3 && {}.includes('Min 1000, max 4000')", told("rectangle"));
    window.until("the corners' value", 20, &script).await;
    let words = window.text(&format!("return {}", told("rectangle"))).await;
    let said = |name: &str| {
        let number = words.split(&format!("{name} ")).nth(1).and_then(|rest| rest.split([',', ';']).next());
        number.and_then(|number| number.parse::<f64>().ok()).unwrap_or_else(|| panic!("no {name} in {words:?}"))
    };
    let (mean, deviation) = statistics(pane.under(fit, FRONTAL, ends.0), pane.under(fit, FRONTAL, ends.1));
    // A row of pixels more or less at an edge is worth three and nine.
    assert!((said("Mean") - mean).abs() < 3.0, "{words:?}: the mean is {mean}");
    assert!((said("SD") - deviation).abs() < 9.0, "{words:?}: the deviation is {deviation}");
}

/// Mean and deviation of the pixels of the frontal picture whose middle lies between two places.
fn statistics(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
    let within = |at: u32, from: f64, to: f64| (from..=to).contains(&(f64::from(at) + 0.5));
    let mut values = Vec::new();
    for row in (0..ROWS).filter(|row| within(*row, from.1, to.1)) {
        for column in (0..FRONTAL.columns).filter(|column| within(*column, from.0, to.0)) {
            values.push(f64::from(FRONTAL.value(row, column)));
        }
    }
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / number).sqrt())
}

/// The ends of the line on the image, as an expression of the page: x, y, x, y in CSS pixels of the pane.
const LINE: &str = "(document.querySelector('[data-testid=\"mark\"][data-kind=\"length\"] .stroke')?.getAttribute('d').match(/-?[0-9.]+/g) ?? []).map(Number)";
const CHOSEN: &str = "[...document.querySelectorAll('[data-testid=\"mark\"]')].filter((mark) => mark.classList.contains('chosen')).map((mark) => mark.dataset.kind).join()";

/// A line is selected, its end and the whole of it dragged, both taken back; it is deleted, and there again.
async fn edited(window: &Window, pane: Pane) {
    let fit = pane.fit(FRONTAL);
    let at = |column: f64, row: f64| pane.at(fit, FRONTAL, (column, row));
    window.press('l').await;
    window.drag(&[at(100.0, 400.0), at(200.0, 400.0), at(300.0, 400.0)]).await;
    window.until("the line", 10, &format!("return {MARKS} === 4 && {} === '30 mm'", told("length"))).await;
    let drawn = window.client().execute(&format!("return {LINE}"), vec![]).await.expect("a line");
    let drawn: Vec<f64> = drawn.as_array().expect("numbers").iter().filter_map(|n| n.as_f64()).collect();
    assert_eq!(drawn.len(), 4, "{drawn:?}");

    // A press beside every mark selects none, one on the line selects it.
    window.press('s').await;
    window.drag(&[at(40.0, 440.0)]).await;
    window.until("nothing to be selected", 10, &format!("return {CHOSEN} === ''")).await;
    window.drag(&[at(200.0, 400.0)]).await;
    window.until("the line to be selected", 10, &format!("return {CHOSEN} === 'length'")).await;
    lies(window, "the line as drawn", &drawn).await;

    let end = at(300.0, 400.0);
    window.drag(&[end, beside(end, (20.0, -20.0)), beside(end, (56.0, -37.0))]).await;
    let bent = [drawn[0], drawn[1], drawn[2] + 56.0, drawn[3] - 37.0];
    lies(window, "its end to be dragged", &bent).await;
    let longer = format!("return {} !== '30 mm' && {}.endsWith(' mm')", told("length"), told("length"));
    window.until("another length", 10, &longer).await;
    // The middle of the line as it lies now.
    let middle = beside(at(200.0, 400.0), (28.0, -18.0));
    window.drag(&[middle, beside(middle, (15.0, 10.0)), beside(middle, (30.0, 20.0))]).await;
    let away = [bent[0] + 30.0, bent[1] + 20.0, bent[2] + 30.0, bent[3] + 20.0];
    lies(window, "the line to be dragged", &away).await;
    window.chord(CONTROL, 'z').await;
    lies(window, "the line where it was", &bent).await;
    window.chord(CONTROL, 'z').await;
    lies(window, "its end where it was", &drawn).await;

    window.press(DELETE).await;
    window.until("the line to go", 10, &format!("return {MARKS} === 3 && {LINE}.length === 0")).await;
    window.chord(CONTROL, 'z').await;
    lies(window, "the line again", &drawn).await;
}

/// Waits until the line has its ends there.
async fn lies(window: &Window, what: &str, ends: &[f64]) {
    let script = format!(
        "const line = {LINE}, ends = {ends:?}; return line.length === ends.length && ends.every((at, n) => Math.abs(at - line[n]) < 0.3)"
    );
    window.until(what, 10, &script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enhanced_and_magnified() {
    let Some(scene) = Scene::with_user().await else { return };
    if !display::seen("enhanced views and the magnifier on the screen") {
        return;
    }
    // The same rise over and over, once in each tile of the equalisation, with a fall between.
    let shaded =
        DicomFile::radiograph(ROWS as u16, FRONTAL.columns as u16, 12, |_, column| (1000 + 8 * (column % 50)) as u16);
    let shaded = known(shaded, "SHADED", 2, 1).text(0x0020_0020, b"CS", "L\\F").write_as(EXPLICIT_LE);
    let files = [("1.dcm", FRONTAL.file("VIEWED", 1, 1)), ("2.dcm", shaded)];
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    let corner = display::corner(&window).await;
    open_whole(&window, "SHADED", 1).await;
    enhanced(&window, corner).await;
    open_whole(&window, "VIEWED", 1).await;
    magnified(&window, corner).await;
    window.close().await;
}

/// Two columns of the shaded picture whose levels are told apart.
struct Contrast<'a> {
    window: &'a Window,
    corner: (f64, f64),
    pane: Pane,
    columns: (f64, f64),
}

impl Contrast<'_> {
    /// Waits until they differ as they must, in levels of the display.
    async fn becomes(&self, what: &str, right: impl Fn(f64) -> bool) {
        let fit = self.pane.fit(FRONTAL);
        let until = Instant::now() + Duration::from_secs(DRAWN);
        loop {
            let display = Display::of(self.window);
            let level = |column: f64| self.pane.level(&display, self.corner, fit, FRONTAL, (column, 270.5));
            let differ = (level(self.columns.0) - level(self.columns.1)).abs();
            if right(differ) {
                return;
            }
            assert!(Instant::now() < until, "{what}: {:?} differ by {differ} levels", self.columns);
            pause(100).await;
        }
    }
}

/// Equalised, a slow rise becomes a steep one; with edges enhanced, a fall becomes deeper. Both are said on the image.
async fn enhanced(window: &Window, corner: (f64, f64)) {
    let pane = Pane::of(window, 0).await;
    let plain = "return !document.querySelector('[data-testid=\"enhanced\"]')";
    let rise = Contrast { window, corner, pane, columns: (165.5, 185.5) };
    let fall = Contrast { window, corner, pane, columns: (148.5, 151.5) };
    // 20 columns of 8 of 4095, and 47 less.
    let (rises, falls) = (|by: f64| (by - 10.0).abs() <= 2.0, |by: f64| (by - 23.4).abs() <= 4.0);
    rise.becomes("as it is", rises).await;
    fall.becomes("as it is", falls).await;
    window.until("nothing enhanced", 10, plain).await;

    window.press('k').await;
    window.says("enhanced", "ENHANCED: CLAHE", 10).await;
    rise.becomes("equalised", |by| by > 20.0).await;
    window.press('k').await;
    window.until("nothing enhanced", 10, plain).await;
    rise.becomes("no longer equalised", rises).await;

    window.chord(SHIFT, 'K').await;
    window.says("enhanced", "ENHANCED: edges", 10).await;
    fall.becomes("with edges enhanced", |by| by > 36.0).await;
    window.chord(SHIFT, 'K').await;
    window.until("nothing enhanced", 10, plain).await;
    fall.becomes("with no edges enhanced", falls).await;
}

/// The magnifier shows what is below it larger, and all around it stays as it is.
async fn magnified(window: &Window, corner: (f64, f64)) {
    let pane = Pane::of(window, 0).await;
    let fit = pane.fit(FRONTAL);
    shows(window, corner, "without a magnifier", pane, FRONTAL, fit).await;
    window.press('m').await;
    for place in [(200.0, 360.0), (280.0, 360.0)] {
        // Where four squares meet, so that each quarter of it is of one square.
        let pointer = pane.at(fit, FRONTAL, place);
        window.point(pointer).await;
        let look = Look { pane, picture: FRONTAL, view: fit, lens: Some(pointer) };
        look.shown(window, corner, "under the magnifier").await;
    }
    window.press('w').await;
    shows(window, corner, "with the magnifier laid away", pane, FRONTAL, fit).await;
}
