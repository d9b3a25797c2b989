//! Random paths through the real window: whatever is clicked and pressed in the report and in the sign dialog, in
//! whatever order, nothing is final without a signature that somebody asked for there, nothing signed changes, and
//! no signature covers an unreviewed sentence.
//!
//! `HILUM_PATHS` says how many (8 where it is not set), `HILUM_GUARD_SEED` which; `window_paths_by_seed` runs it with
//! several and adds up what they did, as `./dev check-long` does ten times with 100 paths. Clicks and keys are real
//! ones, given by WebKitWebDriver to the app on a display of its own; the demonstration pack drafts. After every path
//! the report is read back through the window's own handlers; at the end the folder is opened again, and every report
//! in it is judged by `report_life/ledger.rs`. Left out is what opens a dialog of the desktop or leaves the report:
//! saving and exporting, the second screen, the other tabs, the other screens.

#![cfg(target_os = "linux")]

#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;
#[path = "common.rs"]
mod chance;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
mod hand;
mod known;
#[path = "report_life/ledger.rs"]
mod ledger;
#[allow(dead_code)]
#[path = "../window/scene.rs"]
mod scene;

use browser::Window;
use chance::Random;
use hand::Hand;
use hilum_store::{AuditEntry, AuditVerdict};
use hilum_testkit::dicom::EXPLICIT_LE;
use known::Known;
use scene::{ALT, BACKSPACE, CONTROL, DOWN, ENTER, ESCAPE, PASSPHRASE, SHIFT, Scene, TAB, open_study, pause, radiograph};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const UP: char = '\u{e013}';
const DELETE: char = '\u{e017}';
const F7: char = '\u{e037}';

/// Controls within reach of the pointer: those of the dialog or menu that is open, else of the report. One of them, by
/// the number given, is scrolled into view and described; `null` where there is none.
const CONTROL_AT: &str = r#"
    const left_out = /^(save-pdf|export|tab-timeline|tab-similar|requery$|image|view|unlock)/;
    const shown = (e) => {
        const r = e.getBoundingClientRect();
        return r.width > 2 && r.height > 2 && !e.disabled && getComputedStyle(e).visibility !== 'hidden' && !left_out.test(e.dataset.testid ?? '');
    };
    const over = [...document.querySelectorAll('dialog[open], [popover]:popover-open')].pop();
    const root = over ?? document.querySelector('[data-testid="report"]');
    if (!root) return null;
    const all = [...root.querySelectorAll('button, input, select, textarea, [contenteditable="true"], [data-sentence]')].filter(shown);
    if (all.length === 0) return null;
    const e = all[arguments[0] % all.length];
    e.scrollIntoView({ block: 'nearest' });
    if (e.tagName === 'SELECT') {
        // A list of the platform is a window of its own, which the driver does not reach.
        e.selectedIndex = arguments[0] % e.options.length;
        e.dispatchEvent(new Event('change', { bubbles: true }));
        return null;
    }
    const r = e.getBoundingClientRect();
    return [r.left + r.width / 2, r.top + Math.min(r.height / 2, 12)];
"#;

/// Clicks of the sign dialog's button are counted where they arrive, and what the page asks the shell while it is asked.
const COUNT: &str = r#"
    window.asked = window.sent = window.underWay = 0;
    const fetch = window.fetch;
    window.fetch = (...given) => { window.sent += 1; window.underWay += 1; return fetch(...given).finally(() => { window.underWay -= 1; }); };
    document.addEventListener('click', (e) => { if (e.target.closest('[data-testid="sign-submit"]')) window.asked += 1; }, true);
    return true;
"#;

/// The report of a study as the handlers have it: shown, replayed from the journal, and in the audit trail.
const READ_BACK: &str = r#"
    const [study, done] = [arguments[0], arguments[arguments.length - 1]];
    const invoke = window.__TAURI_INTERNALS__.invoke;
    (async () => {
        const view = await invoke('report_view', { studyUid: study });
        const texts = await invoke('report_texts', { reportId: view.id });
        return { view, texts, audit: await invoke('audit', { limit: 3000, before: null, filter: {} }), asked: window.asked };
    })().then(done, (e) => done({ failed: JSON.stringify(e) }));
"#;

/// The report's own word of where it stands.
const STATUS: &str = "return document.querySelector('[data-testid=\"report\"]')?.dataset.status ?? ''";
/// What is open or under way in the page; empty where it is at rest.
const BUSY: &str = r#"
    if (document.querySelector('dialog[open], [popover]:popover-open')) return 'open';
    if (document.querySelector('[data-testid="draft-cancel"]')) return 'a draft';
    if (['typing', 'saving'].includes(document.querySelector('[data-testid="save-state"]')?.dataset.state)) return 'saving';
    return window.underWay > 0 ? 'a question to the shell' : '';
"#;
/// Looks at a page at rest, one after another, until it counts as settled: what was asked for may open a moment later.
const CALM: usize = 4;
/// The code with which the sign dialog refuses.
const REFUSAL: &str = "return document.querySelector('[data-testid=\"sign-dialog\"] [role=\"alert\"]')?.dataset.code ?? ''";

#[tokio::test(flavor = "multi_thread")]
async fn random_paths_through_the_window() {
    let Some(scene) = Scene::with_user().await else { return };
    let paths: usize = std::env::var("HILUM_PATHS").map_or(8, |n| n.parse().expect("HILUM_PATHS is a number"));
    let mut random = Random::new(0x9A7B);
    let names: Vec<String> = (0..(paths / 8).clamp(3, 120)).map(|n| format!("PATH{n:03}")).collect();
    let files: Vec<(String, Vec<u8>)> = names
        .iter()
        .map(|name| (format!("{name}.dcm"), radiograph(name, "20240105").write_as(EXPLICIT_LE)))
        .collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let folder = scene.folder("studies", &files);
    let hand = Hand::new(scene.open(Some(&folder)).await);
    hand.window.see("report", 120).await;
    let studies = studies(&hand.window, names.len()).await;
    hand.ask(COUNT).await;
    let mut known = Known { line: newest_line(&hand.window).await, ..Known::default() };
    let began = Instant::now();
    let mut open = String::new();
    for path in 0..paths {
        let next = known.next(path, &open, &names, &mut random);
        if open != next || !hand.there("report").await {
            open = next;
            hand.window.click("go-worklist").await;
            open_study(&hand.window, &open).await;
        }
        *known.visits.entry(open.clone()).or_default() += 1;
        match path % 8 {
            1 | 5 => hand.chord(&[CONTROL], 'g').await,
            3 => hand.click(random.pick(&["addendum", "amend"])).await,
            _ => {}
        }
        for _ in 0..8 + random.below(16) {
            act(&hand, &mut random, &mut known).await;
        }
        settle(&hand).await;
        if path % 2 == 0 {
            conclude(&hand, &mut random, &mut known).await;
            settle(&hand).await;
        }
        // A key may have led to another study.
        let patient = hand.ask("return document.querySelector('[data-testid=\"room-patient\"]')?.innerText ?? ''").await;
        if let Some(shown) = names.iter().find(|name| patient.as_str().is_some_and(|words| words.contains(name.as_str()))) {
            open = shown.clone();
        }
        let place = format!("path {path} on {open}");
        let read = hand.window.client().execute_async(READ_BACK, vec![json!(studies[&open])]).await.expect("what is read back");
        check(&place, &read, &mut known);
        known.signed.remove(&open);
        if read["view"]["status"] == "final" {
            known.signed.insert(open.clone());
        }
        on_the_screen(&hand, &place, &read).await;
        if path % 50 == 49 {
            println!("{} paths in {:.0} s", path + 1, began.elapsed().as_secs_f64());
        }
    }
    let (counted, took) = (hand.counted(), began.elapsed());
    println!("{paths} paths in {:.0} s, each of them in order", took.as_secs_f64());
    hand.window.close().await;
    let (found, verified) = judged(&scene, &studies, &known).await;
    println!("{}", known.account(paths, took, counted, &found, verified));
    known.check_enough(paths, &found, counted);
}

/// The UID of each study by its patient's name, once all are imported.
async fn studies(window: &Window, wanted: usize) -> BTreeMap<String, String> {
    let until = Instant::now() + Duration::from_secs(180);
    let script = "const done = arguments[arguments.length - 1];
        window.__TAURI_INTERNALS__.invoke('worklist', { search: '', filter: null }).then(done, (e) => done({ failed: JSON.stringify(e) }))";
    loop {
        let rows = window.client().execute_async(script, vec![]).await.expect("the worklist");
        let found: BTreeMap<String, String> = rows
            .as_array()
            .unwrap_or_else(|| panic!("{rows}"))
            .iter()
            .filter_map(|row| Some((row["patient"]["id"].as_str()?.to_owned(), row["studyUid"].as_str()?.to_owned())))
            .collect();
        if found.len() == wanted {
            return found;
        }
        assert!(Instant::now() < until, "{} of {wanted} studies were imported", found.len());
        pause(200).await;
    }
}

/// The number of the audit trail's last line.
async fn newest_line(window: &Window) -> f64 {
    let script = "const done = arguments[arguments.length - 1];
        window.__TAURI_INTERNALS__.invoke('audit', { limit: 1, before: null, filter: {} }).then((lines) => done(lines[0].seq), () => done(null))";
    window.client().execute_async(script, vec![]).await.expect("a script").as_f64().expect("the last audit line")
}

/// One thing that a person might do next.
async fn act(hand: &Hand, random: &mut Random, known: &mut Known) {
    match random.below(20) {
        0..=7 => click_anything(hand, random).await,
        8..=11 => press_anything(hand, random).await,
        12..=13 => {
            let words = random.pick(&["Small left effusion. ", "The lungs are clear. ", "no ", "A [number] mm nodule", " and so on."]);
            let section = random.pick(&["indication", "findings", "impression", "addendum"]);
            hand.click(&format!("add-sentence-{section}")).await;
            hand.keys(words).await;
        }
        14..=16 => {
            // The next proposed sentence is looked at and decided, or the one before.
            hand.chord(&[ALT], random.pick(&[DOWN, DOWN, DOWN, UP])).await;
            hand.key(random.pick(&[ENTER, ENTER, ENTER, BACKSPACE, 'e', 'n', TAB])).await;
        }
        17..=18 => sign(hand, random, known).await,
        _ => finish(hand, random).await,
    }
}

async fn click_anything(hand: &Hand, random: &mut Random) {
    let at = hand.ask_with(CONTROL_AT, vec![json!(random.below(1 << 20))]).await;
    if let (Some(x), Some(y)) = (at[0].as_f64(), at[1].as_f64()) {
        hand.pointer(x, y, random.one_in(12)).await;
    }
    if random.one_in(3) {
        hand.keys(random.pick(&["x", "7", " ", "No effusion. "])).await;
    }
}

async fn press_anything(hand: &Hand, random: &mut Random) {
    match random.below(16) {
        0..=3 => hand.key(random.pick(&[ENTER, ESCAPE, TAB, ' ', BACKSPACE, DELETE, F7])).await,
        4..=5 => hand.chord(&[CONTROL], 'g').await,
        6 => hand.chord(&[CONTROL], '.').await,
        7..=8 => hand.chord(&[CONTROL], 'z').await,
        9 => hand.chord(&[CONTROL, SHIFT], 'Z').await,
        10..=11 => hand.chord(&[CONTROL], ENTER).await,
        12 => hand.chord(&[CONTROL, SHIFT], random.pick(&['G', 'S', 'D'])).await,
        13 => hand.chord(&[CONTROL], random.pick(&['i', 's', 'f', 'p'])).await,
        14 => hand.chord(&[CONTROL, SHIFT], random.pick(&['X', 'B', 'K', 'F', DELETE])).await,
        _ => hand.chord(&[SHIFT], TAB).await,
    }
}

/// Opens the sign dialog, or does some of what it asks for in the one that is open.
async fn sign(hand: &Hand, random: &mut Random, known: &mut Known) {
    if !hand.there("sign-submit").await {
        return hand.click(if hand.there("sign-close").await { "sign-close" } else { "sign-open" }).await;
    }
    for tick in ["sign-patient", "sign-accession"] {
        if !random.one_in(6) {
            hand.click(tick).await;
        }
    }
    hand.click("sign-passphrase").await;
    hand.keys(if random.one_in(8) { "not the passphrase" } else { PASSPHRASE }).await;
    match random.one_in(2) {
        true => hand.click("sign-submit").await,
        false => hand.key(ENTER).await,
    }
    pause(250).await;
    known.refused(&hand.ask(REFUSAL).await);
}

/// As a person who wants the report to be done with: decides what is proposed, and writes what is required.
async fn finish(hand: &Hand, random: &mut Random) {
    for _ in 0..12 {
        if hand.number(&format!("return {}", scene::PROPOSED)).await == 0.0 {
            break;
        }
        hand.chord(&[ALT], DOWN).await;
        hand.key(random.pick(&[ENTER, ENTER, ENTER, BACKSPACE])).await;
    }
    for section in ["exam", "findings", "impression", "addendum"] {
        let empty = format!(
            "const s = document.querySelector('[data-testid=\"section-{section}\"]');
            return !!s && !s.querySelector('[data-sentence][data-empty=\"false\"]')"
        );
        if hand.ask(&empty).await == json!(true) {
            hand.click(&format!("add-sentence-{section}")).await;
            hand.keys("Written by a person. ").await;
        }
    }
    hand.chord(&[CONTROL], 's').await;
}

/// Signs as a person who wants to be done with the report, from wherever the path has led, and mistypes the passphrase once.
async fn conclude(hand: &Hand, random: &mut Random, known: &mut Known) {
    if hand.ask(STATUS).await == "final" {
        hand.click(random.pick(&["addendum", "amend"])).await;
        pause(200).await;
    }
    for _ in 0..4 {
        finish(hand, random).await;
        pause(150).await;
    }
    hand.click("sign-open").await;
    pause(150).await;
    if !hand.there("sign-submit").await {
        return;
    }
    for tick in ["sign-patient", "sign-accession"] {
        hand.click(tick).await;
    }
    answer(hand, "not the passphrase", REFUSAL, known).await;
    answer(hand, PASSPHRASE, "return document.querySelector('[data-testid=\"sign-close\"]') ? 'signed' : ''", known).await;
}

/// Sends the sign dialog off with these words, and waits for an answer of the kind that `come` gives.
async fn answer(hand: &Hand, words: &str, come: &str, known: &mut Known) {
    hand.click("sign-passphrase").await;
    hand.keys(words).await;
    hand.click("sign-submit").await;
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        if hand.ask(come).await.as_str().is_some_and(|answer| !answer.is_empty()) {
            break;
        }
        pause(50).await;
    }
    known.refused(&hand.ask(REFUSAL).await);
}

/// Lets go of whatever is open, saves, and waits until nothing is under way.
async fn settle(hand: &Hand) {
    let until = Instant::now() + Duration::from_secs(scene::DRAFT);
    let (mut calm, mut saved) = (0, false);
    while calm < CALM {
        let busy = hand.ask(BUSY).await;
        if Instant::now() > until {
            let focus = hand.ask("return document.activeElement?.outerHTML.slice(0, 200)").await;
            let open = hand.ask("return document.querySelector('dialog[open], [popover]:popover-open')?.innerText ?? ''").await;
            panic!("the page does not settle, {busy} goes on; the focus is at {focus}: {open}");
        }
        if busy == "" && saved {
            calm += 1;
        } else if busy == "" {
            hand.chord(&[CONTROL], 's').await;
            saved = true;
        } else {
            (calm, saved) = (0, false);
            // A key may have led to the desktop's own dialog for a file, over which the page hears nothing.
            if !hand.window.cancel_dialog() && busy == "open" {
                hand.key(ESCAPE).await;
            }
        }
        pause(60).await;
    }
    assert!(hand.number("return window.sent").await > 0.0, "what the page asks the shell is not seen");
}

/// What must be true of a report, whatever was done to it.
fn check(place: &str, read: &Value, known: &mut Known) {
    assert!(read["failed"].is_null(), "{place}: {read}");
    let (view, texts) = (&read["view"], read["texts"].as_array().expect("texts"));
    let status = view["status"].as_str().expect("a status");
    let versions = view["versions"].as_array().expect("versions");
    *known.ended.entry(status.to_owned()).or_default() += 1;
    let sentences = |sections: &Value, state: &str| -> usize {
        let sections = sections.as_array().into_iter().flatten();
        sections.flat_map(|s| s["sentences"].as_array().into_iter().flatten()).filter(|s| s["state"] == state).count()
    };
    let proposed = sentences(&view["sections"], "proposed");
    match status {
        "final" => {
            assert!(!versions.is_empty() && proposed == 0, "{place}: {view}");
            let open = view["sections"].as_array().into_iter().flatten().any(|s| s["open"] == true);
            assert!(!open, "{place}: final and open");
        }
        "preliminary" => assert_eq!(proposed, 0, "{place}"),
        "draft" => assert!(versions.is_empty(), "{place}"),
        "reopened" => assert!(!versions.is_empty(), "{place}"),
        other => panic!("{place}: {other}"),
    }
    let signed: Vec<&Value> =
        texts.iter().filter(|t| ["signed", "addendum", "amendment"].iter().any(|kind| t["kind"] == *kind)).collect();
    assert_eq!(signed.len(), versions.len(), "{place}: signed texts in the journal, and versions");
    for (number, (text, version)) in signed.iter().zip(versions).enumerate() {
        for state in ["proposed", "accepted_in_bulk"] {
            assert_eq!(sentences(&text["sections"], state), 0, "{place}: {state} and signed: {text}");
        }
        assert_eq!(number == 0, version["kind"] == "original", "{place}: {version}");
        let now = (text["sections"].clone(), version["pdfSha256"].clone());
        let first = known.versions.entry(version["id"].as_str().expect("an id").into()).or_insert_with(|| now.clone());
        assert_eq!(*first, now, "{place}: a signed version changed");
    }
    let lines = read["audit"].as_array().expect("audit lines");
    for line in lines.iter().filter(|l| l["seq"].as_f64() > Some(known.line)) {
        match line["action"].as_str() {
            Some("report.sign") => *known.events.entry(line["object"].as_str().expect("an id").into()).or_default() += 1,
            Some("report.sign_preliminary") => known.preliminary += 1,
            Some("report.draft") => known.drafts += 1,
            _ => {}
        }
    }
    let oldest = lines.last().and_then(|l| l["seq"].as_f64()).unwrap_or_default();
    assert!(oldest <= known.line + 1.0, "{place}: a path has more audit lines than are read");
    known.line = lines.first().and_then(|l| l["seq"].as_f64()).unwrap_or_default();
    let events = known.events.get(view["id"].as_str().expect("an id")).copied().unwrap_or_default();
    assert_eq!(events, versions.len() as u64, "{place}: signatures in the audit trail, and versions");
    let asked = read["asked"].as_u64().expect("a number");
    let signatures = known.events.values().sum::<u64>() + known.preliminary;
    assert!(signatures <= asked, "{place}: {signatures} signatures, the dialog was answered {asked} times");
}

/// The screen says the same, and gives nothing final to type into.
async fn on_the_screen(hand: &Hand, place: &str, read: &Value) {
    let script = "const r = document.querySelector('[data-testid=\"report\"]');
        return r && { status: r.dataset.status, revision: r.dataset.revision, editable: r.querySelectorAll('[contenteditable=\"true\"]').length,
            sign: !!r.querySelector('[data-testid=\"sign-open\"]:not(:disabled)'), proposed: r.querySelectorAll('[data-testid=\"proposed-sentence\"]').length }";
    let shown = hand.ask(script).await;
    // A report that was given up leaves the room.
    if shown.is_null() {
        return;
    }
    let view = &read["view"];
    assert_eq!(shown["status"], view["status"], "{place}");
    assert_eq!(shown["revision"], json!(view["revision"].as_f64().expect("a number").to_string()), "{place}");
    if shown["status"] == "final" {
        assert_eq!(shown["editable"], 0, "{place}: final and editable");
    }
    assert!(shown["proposed"] == 0 || shown["sign"] == false, "{place}: unreviewed and signable");
}

/// At the end: the folder as the next start finds it; gives the number of signed versions that were verified too.
async fn judged(scene: &Scene, studies: &BTreeMap<String, String>, known: &Known) -> (ledger::Found, usize) {
    let store = scene.store().await;
    assert!(matches!(store.verify_audit(None).await.expect("a verdict"), AuditVerdict::Intact(_)));
    let mut lines: Vec<AuditEntry> = Vec::new();
    loop {
        let page = store.audit_entries(1000, lines.last().map(|line| line.seq)).await.expect("audit lines");
        if page.is_empty() {
            break;
        }
        lines.extend(page);
    }
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(&scene.data).expect("certificates").into_iter().map(|c| c.der).collect();
    let mut account = ledger::Found::default();
    let mut signed = 0;
    for uid in studies.values() {
        for row in store.study(uid).await.expect("a study").reports {
            let record = ledger::Record::read(&store, &row.id).await;
            let of: Vec<&AuditEntry> = lines.iter().filter(|line| line.event.object == row.id.as_str()).collect();
            let found = ledger::judge(&row.id, &record, &of).unwrap_or_else(|e| panic!("report {}: {e}", row.id));
            account.add(found);
            for version in &record.versions {
                if let Some((_, hash)) = known.versions.get(version.id.as_str()) {
                    assert_eq!(*hash, json!(version.pdf_sha256), "a signed version changed");
                }
                let pdf = store.signed_pdf(version).await.expect("the document");
                let verdict = hilum_export::verify::verify(&pdf, &trusted);
                assert!(verdict.is_ok(), "version {}: {verdict:?}", version.id);
                signed += 1;
            }
        }
    }
    store.close().await.expect("to close");
    (account, signed)
}
