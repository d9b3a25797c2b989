//! Screens that come up only when somebody asks for them.

use super::looks::Seen;
use super::{dismissed, planted, there};
use crate::browser::Window;
use crate::scene::*;

/// Payloads of the folder that becomes no model: where its publisher names the architecture, and in their own words.
const OF_A_MODEL: [usize; 2] = [904, 905];

/// The list of background drafts, which names patients. Paused, it drafts nothing.
pub async fn queue(window: &Window, studies: &[String], seen: &mut Seen) {
    let script = format!(
        "const ask = window.__TAURI_INTERNALS__.invoke;
        ask('draft_queue_pause', {{ paused: true }}).then(() => ask('draft_queue_add', {{ studyUids: {studies:?}, first: true }}));
        return ''"
    );
    window.text(&script).await;
    let listed = format!("return document.querySelectorAll('[data-testid=\"draft-queue\"] li').length === {}", studies.len());
    window.until("the patients of background drafts", 30, &listed).await;
    seen.look(window, "queue").await;
}

/// Whose a similar image is: name and id of another patient.
pub async fn identity(window: &Window, seen: &mut Seen) {
    window.until("a similar case", 60, &there("similar-whose")).await;
    window.click("similar-whose").await;
    window.click("reveal-confirm").await;
    window.see("similar-identity", 20).await;
    seen.look(window, "whose image").await;
}

/// The macros that are offered where somebody writes.
pub async fn macros(window: &Window, seen: &mut Seen) {
    window.begin_sentence("findings").await;
    window.chord(CONTROL, ' ').await;
    window.see("macro-choice", 20).await;
    seen.look(window, "macros").await;
    window.press(ESCAPE).await;
    window.until("the macros to be gone", 20, "return !document.querySelector('[data-testid=\"macro-menu\"]')").await;
}

/// What a folder would become, with its publisher's words.
pub async fn model(window: &Window, scene: &Scene, seen: &mut Seen) {
    let folder = planted::model(scene, OF_A_MODEL);
    window.click("go-models").await;
    window.click("pack-choose").await;
    window.type_into_dialog("Choose the folder of a model", &folder.display().to_string());
    window.see("add-pack", 60).await;
    seen.look(window, "a model to be added").await;
    dismissed(window).await;
    assert!(OF_A_MODEL.iter().all(|number| seen.payloads.contains(number)), "its publisher's words are shown");
}
