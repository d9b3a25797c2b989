//! Which images are shown where: by the rules of the reader, through the stack, by thumbnails, and on the whole screen.

use crate::browser::Window;
use crate::picture::{FRONTAL, LATERAL, instance};
use crate::scene::*;
use crate::viewer::{PANES, click, open_whole, wheel, whole};
use std::process::{Child, Command};

/// Waits until the panes show these images, row by row.
async fn hangs(window: &Window, what: &str, images: &[String]) {
    let script = format!("return {PANES}.map((v) => v.dataset.instance).join(' ') === {:?}", images.join(" "));
    window.until(what, 20, &script).await;
}

/// Chooses what the two panes of the rule for two views show.
const OTHER_WAY_ROUND: &str = "const rules = [...document.querySelectorAll('[data-testid=\"hanging-rules\"] li')];
    const rule = rules.find((one) => one.querySelector('input').value === 'Frontal and lateral');
    for (const [pane, slot] of [[0, 'lateral'], [1, 'frontal']]) {
        const choice = rule.querySelectorAll('.slots select')[pane];
        choice.value = slot;
        choice.dispatchEvent(new Event('change', { bubbles: true }));
    }
    return [...rule.querySelectorAll('.slots select')].map((choice) => choice.value).join(' ')";

#[tokio::test(flavor = "multi_thread")]
async fn two_views_by_a_rule_of_ones_own() {
    let Some(scene) = Scene::with_user().await else { return };
    let files = [
        ("1.dcm", FRONTAL.file("HUNG", 1, 1)),
        ("2.dcm", LATERAL.file("HUNG", 1, 2)),
        ("3.dcm", LATERAL.file("OTHER", 2, 2)),
        ("4.dcm", FRONTAL.file("OTHER", 2, 1)),
    ];
    let [frontal, lateral] = [1, 2].map(|image| instance(1, image));
    let [others_frontal, others_lateral] = [1, 2].map(|image| instance(2, image));
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    image_shown(&window).await;
    open_whole(&window, "HUNG", 2).await;
    hangs(&window, "the frontal view beside the lateral", &[frontal.clone(), lateral.clone()]).await;
    stack(&window, &frontal, &lateral).await;

    // A rule is changed and kept; what is open stays as it hangs.
    window.chord(SHIFT, 'H').await;
    window.see("hanging-rules", 10).await;
    assert_eq!(window.text(OTHER_WAY_ROUND).await, "lateral frontal");
    window.click("hanging-keep").await;
    window.until("the rules to close", 10, "return !document.querySelector('[data-testid=\"hanging-rules\"]')").await;
    hangs(&window, "the study to hang as it did", &[frontal.clone(), lateral.clone()]).await;
    // It is used for the next study, and for this one when it is opened again.
    open_whole(&window, "OTHER", 2).await;
    hangs(&window, "the next study by the rule", &[others_lateral.clone(), others_frontal.clone()]).await;
    open_whole(&window, "HUNG", 2).await;
    hangs(&window, "this study by the rule", &[lateral.clone(), frontal.clone()]).await;
    window.close().await;

    // It was kept for the next day.
    scene.store().await.close().await.expect("to close");
    let window = scene.open(None).await;
    window.see("worklist-row", 30).await;
    open_study(&window, "HUNG").await;
    whole(&window, 2).await;
    hangs(&window, "the study by the rule that was kept", &[lateral, frontal]).await;
    window.close().await;
}

/// One pane leads through both images by keys, by the wheel and by thumbnails; then both are beside each other again.
async fn stack(window: &Window, frontal: &str, lateral: &str) {
    let one = async |what: &str, image: &str| hangs(window, what, &[image.to_owned()]).await;
    click(window, "layout-1x1").await;
    whole(window, 1).await;
    one("the frontal view alone", frontal).await;
    window.press(PAGE_DOWN).await;
    one("the next image", lateral).await;
    window.press(PAGE_UP).await;
    one("the image before", frontal).await;
    whole(window, 1).await;
    let middle =
        "const b = document.querySelector('[data-testid=\"viewer\"]').getBoundingClientRect(); return Math.round";
    let x = window.number(&format!("{middle}(b.left + b.width / 2)")).await;
    let y = window.number(&format!("{middle}(b.top + b.height / 2)")).await;
    wheel(window, 0, (x, y), 120, true).await;
    one("the next image by the wheel", lateral).await;

    // A thumbnail is a picture of its image, and the one that is shown is marked.
    let drawn = "const all = [...document.querySelectorAll('[data-testid=\"strip-image\"] img')]; return all.length === 2 && all.every((one) => one.complete && one.naturalWidth > 0)";
    window.until("two thumbnails", 30, drawn).await;
    for (nth, image) in [(0, frontal), (1, lateral), (0, frontal)] {
        let pick = format!("document.querySelectorAll('[data-testid=\"strip-image\"]')[{nth}].click(); return true");
        window.client().execute(&pick, vec![]).await.expect("a click");
        one("the image of a thumbnail", image).await;
        let pressed = format!(
            "return [...document.querySelectorAll('[data-testid=\"strip-image\"]')].findIndex((one) => one.getAttribute('aria-pressed') === 'true') === {nth}"
        );
        window.until("its thumbnail to be marked", 10, &pressed).await;
    }
    click(window, "layout-1x2").await;
    whole(window, 2).await;
    hangs(window, "both again", &[frontal.to_owned(), lateral.to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn full_screen_by_one_key() {
    let Some(scene) = Scene::with_user().await else { return };
    let Some(program) = manager(&scene) else { return };
    let files = [("1.dcm", FRONTAL.file("FULL", 1, 1)), ("2.dcm", FRONTAL.file("OTHER", 2, 1))];
    let window = scene.open(Some(&scene.folder("studies", &files))).await;
    let manager = Command::new(program).env("DISPLAY", &window.display).spawn().expect("what grants full screen");
    let _ended = Ended(manager);
    image_shown(&window).await;
    open_whole(&window, "FULL", 1).await;
    let before = window.number("return innerWidth").await;

    pressed(&window, "F11");
    becomes(&window, true).await;
    window.until("the width of the screen", 20, "return innerWidth === screen.width").await;
    // As the desktop offers it to whoever is on a full screen; one press of the key is enough for the next.
    pressed(&window, "Escape");
    becomes(&window, false).await;
    window.until("the width that it had", 20, &format!("return innerWidth === {before}")).await;
    pressed(&window, "F11");
    becomes(&window, true).await;
    // It lasts while another study is opened, and one press ends it there.
    open_whole(&window, "OTHER", 1).await;
    becomes(&window, true).await;
    pressed(&window, "F11");
    becomes(&window, false).await;

    // Locked in full screen, the page that comes has every key: WebKit's view would keep F of one that ended there.
    pressed(&window, "F11");
    becomes(&window, true).await;
    lock(&window).await;
    becomes(&window, false).await;
    window.see("unlock-passphrase", 20).await;
    pressed(&window, "f");
    let typed = "return document.querySelector('[data-testid=\"unlock-passphrase\"]').value === 'f'";
    window.until("a letter of the passphrase", 10, typed).await;
    window.close().await;
}

/// Presses a key of the display: full screen is granted to a person's own key alone, and WebKit's driver has none of these.
fn pressed(window: &Window, key: &str) {
    let keys = ["mousemove", "400", "300", "key", key];
    let done = Command::new("xdotool").args(keys).env("DISPLAY", &window.display).status();
    assert!(done.is_ok_and(|done| done.success()), "xdotool presses no key");
}

/// Waits until the page has the whole screen, or no longer.
async fn becomes(window: &Window, full: bool) {
    let script = format!("return (document.fullscreenElement !== null) === {full}");
    window.until(&format!("full screen to be {full}"), 20, &script).await;
}

/// Ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What grants full screen in the place of a window manager, compiled; `None`, with the reason printed, where the headers
/// of X11 are not there.
fn manager(scene: &Scene) -> Option<std::path::PathBuf> {
    let program = scene.path("full-screen");
    let source = crate::common::root().join("tests/window/full_screen.c");
    let done = Command::new("cc").args(["-w", "-o"]).arg(&program).arg(source).arg("-lX11").status();
    if !done.is_ok_and(|d| d.success()) {
        hilum_testkit::skipped("no C compiler, or no X11 to compile what grants full screen with");
        return None;
    }
    Some(program)
}
