//! What a reader writes with: own macros, the list of them, spelling, find and replace, and undo of it all.

use crate::browser::Window;
use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn own_macros_spelling_and_undo() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("WRITTEN", "20240105").write_as(EXPLICIT_LE)).await;

    // A macro of one's own, made in Settings.
    window.click("go-worklist").await;
    window.click("go-settings").await;
    window.click("macro-new").await;
    window.fill("macro-name", ".nodule").await;
    window.fill("macro-text", "A ${2:number} mm nodule in the ${1:left|right} upper lobe.").await;
    window.says("macro-preview", "A [number] mm nodule in the [left|right] upper lobe.", 10).await;
    window.click("macro-keep").await;
    window.says("macro-row", ".nodule", 10).await;
    accessible(&window, "settings").await;
    window.click("go-worklist").await;
    open_study(&window, "WRITTEN").await;

    // Chosen from the list by its words, its fields filled on the way.
    window.begin_sentence("impression").await;
    window.chord(CONTROL, ' ').await;
    window.see("macro-choice", 10).await;
    window.keys("upper").await;
    window.says("macro-choice", ".nodule", 10).await;
    accessible(&window, "macros").await;
    window.press(ENTER).await;
    window.keys("7").await;
    window.press(TAB).await;
    window.press(DOWN).await;
    window.says("section-impression", "A 7 mm nodule in the left upper lobe.", 10).await;
    // Written words become a macro.
    window.press(HOME).await;
    window.chord(SHIFT, END).await;
    window.chord(CONTROL, ' ').await;
    window.see("macro-menu-words", 10).await;
    window.keys("kept").await;
    window.press(ENTER).await;
    window.until("the list to go", 10, "return !document.querySelector('[data-testid=\"macro-menu\"]')").await;
    window.begin_sentence("comparison").await;
    window.keys(".kept ").await;
    window.says("section-comparison", "A 7 mm nodule in the left upper lobe.", 10).await;

    // Misspelt words are underlined, and put right with the keyboard; one is added to the dictionary.
    write(&window, "findings", "There is a smal efusion at the left base, a quux sign.").await;
    saved(&window).await;
    // The word at the cursor is not called wrong while it may still be typed.
    misspelt(&window, 3).await;
    for (found, words) in [("smal", "There is a small"), ("efusion", "a small effusion at")] {
        window.press(F9).await;
        suggested(&window, found).await;
        window.press(ENTER).await;
        window.says("section-findings", words, 10).await;
    }
    window.press(F9).await;
    window.says("spell-menu", "quux", 20).await;
    window.click("spell-add").await;
    misspelt(&window, 0).await;

    // Every place at once, taken back and done again.
    window.chord(CONTROL, 'f').await;
    window.fill("find-words", "left").await;
    window.fill("find-replacement", "right").await;
    window.click("replace-all").await;
    for (name, words) in
        [("findings", "at the right base"), ("impression", "the right upper"), ("comparison", "the right upper")]
    {
        window.says(&format!("section-{name}"), words, 10).await;
    }
    window.press(ESCAPE).await;
    for _ in 0..3 {
        window.chord(CONTROL, 'z').await;
    }
    for (name, words) in
        [("findings", "at the left base"), ("impression", "the left upper"), ("comparison", "the left upper")]
    {
        window.says(&format!("section-{name}"), words, 10).await;
    }
    // The spelling too, and in the end the words themselves.
    window.chord(CONTROL, 'z').await;
    window.says("section-findings", "a small efusion at the left base", 10).await;
    for _ in 0..40 {
        window.chord(CONTROL, 'z').await;
    }
    let gone = "return ['findings', 'impression', 'comparison'].every((s) => !/nodule|fusion/.test(document.querySelector(`[data-testid=\"section-${s}\"]`).innerText))";
    window.until("nothing of it", 10, gone).await;
    for _ in 0..48 {
        window.chord(CONTROL, 'y').await;
    }
    window.says("section-findings", "a small effusion at the right base, a quux sign.", 10).await;
    saved(&window).await;

    // The same from the disk, and the dictionary too.
    window.click("go-worklist").await;
    open_study(&window, "WRITTEN").await;
    window.says("section-findings", "a small effusion at the right base, a quux sign.", 20).await;
    window.says("section-impression", "A 7 mm nodule in the right upper lobe.", 20).await;
    pause(1500).await;
    misspelt(&window, 0).await;
    window.close().await;
}

/// Waits until so many words are called misspelt.
async fn misspelt(window: &Window, count: usize) {
    let script = format!("return document.querySelectorAll('.misspelt').length === {count}");
    window.until(&format!("{count} misspelt words"), 30, &script).await;
}

/// Waits until words are suggested for this one, the first of them under the focus.
async fn suggested(window: &Window, word: &str) {
    window.says("spell-menu", word, 20).await;
    let first = "const a = document.activeElement; return a?.getAttribute('role') === 'menuitem' && a.dataset.testid !== 'spell-add'";
    window.until("a suggestion", 20, first).await;
}
