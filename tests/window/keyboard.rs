//! From the locked window to a signed report without a pointer.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn reviewed_and_signed_by_keyboard_alone() {
    let Some(scene) = Scene::with_user().await else { return };
    let folder = scene.folder(
        "studies",
        &[
            ("1.dcm", radiograph("FIRST", "20240105").write_as(EXPLICIT_LE)),
            ("2.dcm", radiograph("SECOND", "20240106").write_as(EXPLICIT_LE)),
        ],
    );
    let window = scene.locked(Some(&folder)).await;
    window.until("the passphrase to be asked", 30, "return document.activeElement?.type === 'password'").await;
    window.keys_into("unlock-passphrase", PASSPHRASE).await;
    window.press(ENTER).await;
    // What was given at start is imported, and one of the two opened.
    window.see("reading-room", 60).await;
    window.see("report", 60).await;

    // To the worklist, and to the other study by its name.
    window.chord(CONTROL, '1').await;
    window.see("worklist-row", 30).await;
    window
        .until("both studies", 30, "return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === 2")
        .await;
    window.press('/').await;
    let there = "return document.activeElement?.dataset.testid === 'worklist-search'";
    window.until("the search to take the focus", 10, there).await;
    window.keys_into("worklist-search", "SECOND").await;
    window
        .until("the search", 20, "return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === 1")
        .await;
    window.press(ENTER).await;
    window.says("room-patient", "SECOND", 30).await;
    image_shown(&window).await;

    // The command palette does what has no key in reach.
    window.chord(CONTROL, 'k').await;
    window.see("palette", 10).await;
    window.keys("invert").await;
    window.press(ENTER).await;
    window
        .until(
            "the image to be inverted",
            10,
            "return document.querySelector('[data-testid=\"viewer\"]').innerText.includes('inverted')",
        )
        .await;

    zoomed_and_windowed(&window).await;

    // Draft, then each sentence: one edited, one dropped, the others accepted.
    window.until("the models to apply", 30, "return !!document.querySelector('[data-testid=\"draft-start\"]')").await;
    window.chord(CONTROL, 'g').await;
    let proposed = drafted(&window).await;
    println!("{proposed} sentences proposed");

    // A menu of which nothing can be chosen yet closes by its key too, and gives the focus back.
    window.press(F6).await;
    let in_report = "return !!document.activeElement?.closest('[data-room=\"report\"]')";
    window.until("the report to take the focus", 10, in_report).await;
    tab_to(&window, "preliminary-menu").await;
    window.press(ENTER).await;
    window.until("the menu", 10, "return !!document.querySelector('[popover]:popover-open')").await;
    window.press(ESCAPE).await;
    let closed = "return !document.querySelector('[popover]:popover-open') && document.activeElement?.dataset.testid === 'preliminary-menu'";
    window.until("the menu to close", 10, closed).await;

    let mut left = proposed;
    let mut decided = 0;
    while left > 0 {
        assert!(decided < 80, "the review by keyboard does not end");
        window.chord(ALT, DOWN).await;
        window
            .until(
                "a proposed sentence to have the focus",
                10,
                "return !!document.querySelector('[data-testid=\"report\"] .focused')",
            )
            .await;
        match decided {
            0 => {
                window.press('e').await;
                window.keys(" As edited by keyboard.").await;
                window.press(ESCAPE).await;
            }
            1 => window.press(BACKSPACE).await,
            _ => window.press(ENTER).await,
        }
        decided += 1;
        let fewer = format!("return {PROPOSED} < {left}");
        window.until("one sentence less to review", 10, &fewer).await;
        left = window.number(&format!("return {PROPOSED}")).await as usize;
    }
    let text = window.words("report").await;
    assert!(text.contains("As edited by keyboard."), "{text}");

    // A section that the model left empty is written by hand: from the last editor upwards.
    for name in ["findings", "impression"] {
        if section(&window, name).await.lines().count() < 3 {
            to_section(&window, name).await;
            window.keys("Written by keyboard.").await;
        }
    }
    saved(&window).await;
    if window.words("needs-list").await.contains("who was told") {
        window.chord(CONTROL, '\u{e007}').await;
        window.see("critical-dialog", 10).await;
        tab_to(&window, "critical-not-told").await;
        window.press(' ').await;
        tab_to(&window, "critical-reason").await;
        window.keys("A test of the keyboard.").await;
        tab_to(&window, "critical-record").await;
        window.press(ENTER).await;
    }
    window
        .until("signing to be possible", 30, "return !document.querySelector('[data-testid=\"sign-open\"]').disabled")
        .await;
    window.chord(CONTROL, '\u{e007}').await;
    window.see("sign-dialog", 20).await;
    // No other screen comes under a dialog, which would be hidden with its own and keep everything else from being reached.
    for screen in [',', '1', '3'] {
        window.chord(CONTROL, screen).await;
        pause(300).await;
        let shown = "return Number(document.querySelector('[data-testid=\"sign-dialog\"]').getClientRects().length > 0)";
        assert_eq!(window.number(shown).await, 1.0, "Ctrl {screen} went away under the dialog");
    }
    for id in ["sign-patient", "sign-accession"] {
        tab_to(&window, id).await;
        window.press(' ').await;
    }
    tab_to(&window, "sign-passphrase").await;
    window.keys_into("sign-passphrase", PASSPHRASE).await;
    window.press(ENTER).await;
    window.see("sign-close", 60).await;
    window.press(ESCAPE).await;
    window
        .until(
            "the report to be final",
            20,
            "return document.querySelector('[data-testid=\"report\"]').dataset.status === 'final'",
        )
        .await;
    // Signed, the keyboard leads on: back, and locked.
    window.chord(CONTROL, '1').await;
    window.see("worklist-row", 20).await;
    window.close().await;
}

/// The image nearer and further, its window wider and narrower, brighter and darker: each step, and back.
async fn zoomed_and_windowed(window: &crate::browser::Window) {
    let zoom = "Number(/Zoom ([0-9.]+)/.exec(document.querySelector('[data-testid=\"viewer\"]').innerText)?.[1])";
    let before = window.number(&format!("return {zoom}")).await;
    window.press('+').await;
    window.until("the image to be nearer", 10, &format!("return {zoom} > {before} * 1.1")).await;
    window.press('-').await;
    window.until("the image as it was", 10, &format!("return Math.abs({zoom} - {before}) < 0.02")).await;

    let words = "document.querySelector('[data-testid=\"window-text\"]').innerText";
    for (there, back) in [(RIGHT, LEFT), (LEFT, RIGHT), (UP, DOWN), (DOWN, UP)] {
        let before = window.text(&format!("return {words}")).await;
        window.chord(SHIFT, there).await;
        window.until("another window", 10, &format!("return {words} !== {before:?}")).await;
        window.chord(SHIFT, back).await;
        window.until("the window as it was", 10, &format!("return {words} === {before:?}")).await;
    }
}

/// Presses Tab until the element of this test id has the focus.
async fn tab_to(window: &crate::browser::Window, id: &str) {
    let there = format!("return document.activeElement?.dataset?.testid === {id:?}");
    for _ in 0..60 {
        if window.client().execute(&there, vec![]).await.is_ok_and(|value| value == serde_json::json!(true)) {
            return;
        }
        window.press(TAB).await;
    }
    panic!("Tab does not reach {id}");
}

/// Tabs to a section's button for a new sentence, and presses it.
async fn to_section(window: &crate::browser::Window, name: &str) {
    tab_to(window, &format!("add-sentence-{name}")).await;
    window.press(ENTER).await;
    let there = format!(
        "return document.querySelector('[data-testid=\"section-{name}\"]').contains(document.activeElement) && document.activeElement.isContentEditable"
    );
    window.until("the section to take the focus", 10, &there).await;
}
