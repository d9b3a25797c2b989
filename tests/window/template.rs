//! Templates, macros with parameters, fields by Tab, and undo.

use crate::scene::*;
use hilum_testkit::dicom::EXPLICIT_LE;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_and_macros() {
    let Some(scene) = Scene::with_user().await else { return };
    let window = scene.reading(radiograph("TEMPLATED", "20240105").write_as(EXPLICIT_LE)).await;

    // Every template of the list can be used while nobody has written.
    let ids = "return JSON.stringify([...document.querySelectorAll('[data-testid=\"template\"] option')].map((o) => o.value))";
    window
        .until("the templates", 20, &ids.replace("return", "return JSON.parse(").replace("))", "))).length > 3"))
        .await;
    let ids: Vec<String> = serde_json::from_str(&window.text(ids).await).expect("templates");
    println!("templates: {ids:?}");
    let before = window.words("report").await;
    let plain = ids.iter().find(|id| id.as_str() == "cxr-frontal").expect("the standard template");
    assert_ne!(ids.last(), Some(plain), "the last one tried looks unlike the first");
    for id in &ids {
        window.choose("template", id).await;
        let used = format!(
            "return document.querySelector('[data-testid=\"template\"]').dataset.used === {id:?} && !document.querySelector('[role=\"alert\"]')"
        );
        window.until(id, 20, &used).await;
    }
    assert_ne!(before, window.words("report").await, "templates differ");
    window.choose("template", plain).await;
    window
        .until(
            "the standard template again",
            20,
            "return document.querySelector('[data-testid=\"template\"]').dataset.used === 'cxr-frontal'",
        )
        .await;
    saved(&window).await;

    // A macro with its parameter, expanded by a space.
    write(&window, "findings", ".ett(4) ").await;
    window.says("section-findings", "ends 4 cm above the carina", 10).await;
    // One without: Tab goes to its field, arrow keys choose, typing fills.
    window.press(END).await;
    window.press(ENTER).await;
    window.keys(".eff").await;
    window.press(TAB).await;
    window.until("the first field", 10, "return /\\[|Small|Moderate|left/.test(getSelection().toString())").await;
    window.press(DOWN).await;
    window.press(TAB).await;
    window.press(DOWN).await;
    window.says("section-findings", "Small left pleural effusion.", 10).await;
    // A field left open is said before it is signed.
    window.press(END).await;
    window.press(ENTER).await;
    window.keys(".fu ").await;
    saved(&window).await;
    window.until("the open field to be flagged", 20, "return /field|placeholder|\\[/i.test(document.querySelector('[data-testid=\"report-flags\"]')?.innerText ?? '')").await;
    window.keys("6").await;
    window.says("section-findings", "radiograph in 6 weeks", 10).await;

    // Undone to the beginning and done again.
    for _ in 0..40 {
        window.chord(CONTROL, 'z').await;
    }
    window
        .until(
            "nothing of it",
            10,
            "return !document.querySelector('[data-testid=\"section-findings\"]').innerText.includes('carina')",
        )
        .await;
    for _ in 0..40 {
        window.chord(CONTROL, 'y').await;
    }
    for words in ["ends 4 cm above the carina.", "Small left pleural effusion.", "radiograph in 6 weeks is advised."] {
        window.says("section-findings", words, 10).await;
    }
    window.close().await;
}
