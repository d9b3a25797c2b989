//! Three hundred payloads in tags, file names, templates, macros, names, settings, typed and drafted text,
//! shown on every screen of the real window and printed: none runs, none loads anything.

use crate::browser::Window;
use crate::common;
use crate::desk::{Desk, NAME, PASSPHRASE, app_on};
use crate::guard::full;
use crate::payloads::{ALL, payload};
use crate::scene::*;
use hilum_app::App;
use hilum_app::commands::{reading, reports, session, settings, signing, studies, templates, writing};
use hilum_app::dto::{
    Annotation, AnnotationKind, AppEvent, EditCommand, ExportAs, MacroView, SectionName, SentenceState, SignRequest,
};
use hilum_report::{Command, Entry, PackHash, ProposalId, ProposedText, SectionKind, SentenceId};
use hilum_store::{DataFolder, NewProposal, ProposalOutcome, ProposalStatus, StoreError};
use hilum_testkit::dicom;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use time::OffsetDateTime;

/// Hands out payloads in turn, and remembers which.
struct Supply {
    address: String,
    round: usize,
    next: Cell<usize>,
    used: RefCell<BTreeSet<usize>>,
}

impl Supply {
    fn take(&self) -> String {
        let n = self.next.get();
        self.next.set(n + 1);
        let number = (n + self.round * 77) % ALL;
        self.used.borrow_mut().insert(number);
        payload(number, &self.address)
    }

    /// One that may be signed: without characters that no printed face has.
    fn printable(&self) -> String {
        loop {
            let text = self.take();
            if !text.contains('\u{2028}') {
                return text;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_text_on_every_screen() {
    common::use_demo_packs();
    for round in 0..if full() { 4 } else { 1 } {
        let Some(scene) = Scene::with_user().await else { return };
        one_round(&scene, round).await;
    }
}

async fn one_round(scene: &Scene, round: usize) {
    let (address, requests) = listener();
    let supply = Supply { address, round, next: Cell::new(0), used: RefCell::default() };
    let studies = fill(scene, &supply).await;
    let used = supply.used.borrow().len();
    assert!(used >= ALL * 9 / 10, "{used} payloads are planted");

    let given = given(scene, &supply);
    let window = scene.locked(Some(&given)).await;
    hook(&window).await;
    let mut seen = Seen::default();
    look(&window, &mut seen, "unlock").await;
    window.choose("unlock-user", NAME).await;
    window.fill("unlock-passphrase", PASSPHRASE).await;
    window.click("unlock-submit").await;
    window.see("lock", 60).await;
    pause(4000).await;
    look(&window, &mut seen, "what was given at start").await;
    window.click("go-worklist").await;
    window.see("worklist-row", 30).await;
    look(&window, &mut seen, "worklist with its verdicts").await;
    window.click("verdicts-close").await;
    for (number, study) in studies.iter().enumerate() {
        worklist_row(&window, number).await;
        look(&window, &mut seen, "preview").await;
        open(&window, study).await;
        look(&window, &mut seen, "reading room").await;
        for tab in ["timeline", "similar", "report"] {
            let script = format!(
                "const t = document.querySelector('[data-testid=\"tab-{tab}\"]'); if (t) t.click(); return !!t"
            );
            if window.client.execute(&script, vec![]).await.expect("a script") == serde_json::json!(true) {
                pause(if tab == "similar" { 1200 } else { 400 }).await;
                look(&window, &mut seen, tab).await;
            }
        }
        dialogs(&window, &mut seen).await;
        window.click("go-worklist").await;
        window.see("worklist-row", 30).await;
    }
    for screen in ["models", "calibration", "audit", "settings", "help"] {
        window.click(&format!("go-{screen}")).await;
        pause(700).await;
        look(&window, &mut seen, screen).await;
    }
    // The answers of a search, the palette, an error with a hostile detail.
    window.chord(CONTROL, 'k').await;
    pause(300).await;
    window.keys("<img src=x onerror=__x(1)>").await;
    look(&window, &mut seen, "palette").await;
    window.press(ESCAPE).await;
    window.close().await;
    assert_eq!(requests.load(Ordering::SeqCst), 0, "somebody asked for what a payload names");
    println!(
        "round {round}: {used} payloads planted, {} of them on {} looks at {} kinds of screens, 0 run, 0 violations of the policy, 0 elements made, 0 requests",
        seen.payloads.len(),
        seen.looks,
        seen.screens.len()
    );
    // The others stand in tags and fields that no screen shows.
    assert!(seen.payloads.len() >= used * 6 / 10, "{} of {used} were on a screen", seen.payloads.len());
}

/// Counts whoever connects.
fn listener() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = count.clone();
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counting.fetch_add(1, Ordering::SeqCst);
        }
    });
    // The count can rise.
    std::net::TcpStream::connect(&address).expect("it listens");
    while count.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    count.store(0, Ordering::SeqCst);
    (address, count)
}

const STUDIES: usize = 12;
/// Of these, signed and printed.
const SIGNED: usize = 4;

/// A data folder in which every place that takes text holds a payload; its studies.
async fn fill(scene: &Scene, supply: &Supply) -> Vec<String> {
    let (app, desk) = app_on(&scene.data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    session::add_user(&app, supply.take(), PASSPHRASE.into(), false).await.expect("a user");
    let mut known = settings::settings(&app).await.expect("settings");
    (known.institution, known.department, known.address) = (supply.printable(), supply.printable(), supply.printable());
    settings::set_settings(&app, known).await.expect("kept");
    for n in 0..12 {
        let one = MacroView { name: format!("guard{n}"), sections: vec![SectionName::Findings], text: supply.take() };
        // What a macro's own grammar refuses is not kept.
        let _ = writing::macro_put(&app, one, None).await;
    }
    let searches: Vec<_> = (0..4).map(|_| serde_json::json!({ "name": supply.take(), "search": supply.take(), "filter": "all", "from": "", "to": "" })).collect();
    reading::set_preference(&app, "filters".into(), serde_json::json!(searches).to_string()).await.expect("kept");
    own_templates(&app, &desk, scene, supply).await;
    let mut studies = Vec::new();
    for n in 0..STUDIES {
        studies.push(one_study(&app, &desk, scene, supply, n).await);
    }
    app.close().await;
    drop(app);
    draft_payloads(scene, supply, &studies).await;
    let (app, desk) = app_on(&scene.data);
    session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
    for study in &studies[..SIGNED] {
        print(&app, &desk, scene, study).await;
    }
    app.close().await;
    studies
}

async fn own_templates(app: &Arc<App>, desk: &Desk, scene: &Scene, supply: &Supply) {
    let file = scene.path("template.html");
    desk.save_as(&file);
    templates::template_export(app, "cxr-frontal".into()).await.expect("a template");
    let document = std::fs::read_to_string(&file).expect("a template");
    let escaped =
        |text: String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    for n in 0..6 {
        let title =
            document.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>")).expect("a title").0;
        let mut hostile =
            document.replace(&format!("<title>{title}</title>"), &format!("<title>{}</title>", escaped(supply.take())));
        hostile = hostile.replace("cxr-frontal", &format!("guard-{n}")).replacen(
            "</p>",
            &format!(" {}.</p>", escaped(supply.take())),
            1,
        );
        if n >= 4 {
            // As markup, not as text: whatever is made of it must be none.
            hostile = hostile.replacen("</section>", &format!("<p>{}</p></section>", supply.take()), 1);
        }
        std::fs::write(&file, hostile).expect("a template");
        desk.give_file(&file);
        let taken = templates::template_import(app).await;
        assert!(taken.is_ok() || n >= 4, "{taken:?}");
    }
}

async fn one_study(app: &Arc<App>, desk: &Desk, scene: &Scene, supply: &Supply, n: usize) -> String {
    let study = format!("2.25.950.{n}");
    let tags = [
        (dicom::PATIENT_ID, b"LO"),
        (dicom::ACCESSION_NUMBER, b"SH"),
        (0x0008_1030, b"LO"),
        (0x0008_0080, b"LO"),
        (0x0008_103E, b"LO"),
        (0x0018_1030, b"LO"),
        (0x0020_4000, b"LT"),
        (0x0008_0070, b"LO"),
        (0x0008_1090, b"LO"),
        (0x0020_0020, b"CS"),
        (0x0020_0062, b"CS"),
    ];
    let name = |text: String| text.replace(['^', '=', '\\'], "");
    let film = tags.into_iter().fold(radiograph(&format!("X{n}"), "20240105"), |film, (tag, vr)| {
        film.text(tag, vr, &supply.printable().replace('\\', ""))
    });
    let film = film
        .text(dicom::PATIENT_NAME, b"PN", &name(supply.printable()))
        .text(0x0008_0090, b"PN", &name(supply.printable()))
        .text(dicom::STUDY_UID, b"UI", &study)
        .text(dicom::SERIES_UID, b"UI", &format!("{study}.1"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("{study}.1.1"));
    let file = scene.path(&format!("{n}.dcm"));
    std::fs::write(&file, film.write()).expect("a file");
    desk.give_file(&file);
    studies::import_files(app).await.expect("an import");
    let done = desk.wait("end of the import", |e| match e {
        AppEvent::ImportDone { study_uids, .. } => Some(study_uids.clone()),
        AppEvent::ImportProgress { file, .. } if file.verdict == "refused" => panic!("{file:?}"),
        _ => None,
    });
    assert_eq!(done.await, [study.clone()]);
    let view = reports::report_view(app, study.clone()).await.expect("a report");
    let insert = |number: usize, section, text| {
        let (after, region, from) = (None, None, None);
        EditCommand::Insert { section, after, id: format!("typed-{number}"), text, region, from }
    };
    let sections = [
        SectionName::Indication,
        SectionName::Technique,
        SectionName::Findings,
        SectionName::Findings,
        SectionName::Impression,
    ];
    let typed =
        sections.into_iter().enumerate().map(|(number, section)| insert(number, section, supply.printable())).collect();
    let view = reports::report_edit(app, view.id, view.revision, typed).await.expect("typed");
    let told = EditCommand::NotCommunicated { reason: supply.printable() };
    let _ = reports::report_edit(app, view.id, view.revision, vec![told]).await;
    for (number, kind) in [AnnotationKind::Text, AnnotationKind::Arrow].into_iter().enumerate() {
        let mark = Annotation {
            id: format!("mark-{n}-{number}"),
            instance_uid: format!("{study}.1.1"),
            kind,
            points: if kind == AnnotationKind::Text { vec![[60.0, 60.0]] } else { vec![[60.0, 60.0], [90.0, 90.0]] },
            label: supply.take(),
            measured: Vec::new(),
            spacing: None,
        };
        reading::annotation_put(app, mark).await.expect("a mark");
    }
    study
}

/// As if a model had written them: past every grammar, straight into the folder.
async fn draft_payloads(scene: &Scene, supply: &Supply, studies: &[String]) {
    // Work in the background lets go of the folder a moment after it was told to end.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let folder = loop {
        match DataFolder::open(&scene.data) {
            Ok(folder) => break folder,
            Err(StoreError::InUse(_)) if std::time::Instant::now() < until => pause(50).await,
            Err(e) => panic!("{e}"),
        }
    };
    let store = folder.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
    for (n, study) in studies.iter().enumerate() {
        let report = store.study(study).await.expect("a study").reports.remove(0).id;
        let revision = store.report(&report).await.expect("a report").revision();
        let id = ProposalId::new(format!("drafted-{n}"));
        let now = OffsetDateTime::now_utc();
        let proposal = NewProposal {
            id: id.clone(),
            study_uid: study.clone(),
            report: Some(report.clone()),
            pack_id: supply.take(),
            pack_hash: PackHash::new("hash"),
            demo: true,
            prompt: serde_json::json!({ "raw": { "prompt": supply.take() } }).to_string(),
            image_hashes: Vec::new(),
            settings: serde_json::json!({ "note": supply.take() }),
            started_at: now,
        };
        store.begin_proposal(&proposal).await.expect("a proposal");
        let outcome = ProposalOutcome {
            status: ProposalStatus::Complete,
            finished_at: now,
            raw_text: supply.take(),
            token_ids: vec![1],
            logprobs: vec![-0.5],
            timings: serde_json::json!({}),
            error_code: None,
        };
        store.finish_proposal(&id, &outcome).await.expect("its end");
        let propose = |section, name: &str| Entry {
            by: hilum_report::UserId::new("u-reader"),
            at: now,
            command: Command::Propose {
                proposal: id.clone(),
                pack: PackHash::new("hash"),
                demo: true,
                section,
                sentences: (0..3)
                    .map(|k| ProposedText {
                        id: SentenceId::new(format!("{name}-{k}")),
                        text: supply.printable(),
                        region: None,
                    })
                    .collect(),
            },
        };
        let entries = [propose(SectionKind::Findings, "pf"), propose(SectionKind::Impression, "pi")];
        store.append(&report, revision, &entries).await.expect("drafted");
    }
    store.close().await.expect("closed");
}

/// Accepts all, signs, and looks at every form in which it leaves.
async fn print(app: &Arc<App>, desk: &Desk, scene: &Scene, study: &str) {
    let view = reports::report_view(app, study.to_owned()).await.expect("a report");
    let proposed = view.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == SentenceState::Proposed);
    let accept: Vec<EditCommand> = proposed.map(|s| EditCommand::Accept { id: s.id.clone() }).collect();
    let view = reports::report_edit(app, view.id, view.revision, accept).await.expect("accepted");
    let request = SignRequest {
        report_id: view.id,
        revision: view.revision,
        passphrase: PASSPHRASE.into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let version = signing::sign(app, request).await.unwrap_or_else(|e| panic!("{study}: {e:?}")).version_id;
    for (form, extension) in [(ExportAs::Pdf, "pdf"), (ExportAs::Fhir, "json"), (ExportAs::Hl7, "hl7")] {
        let file = scene.path(&format!("{version}.{extension}"));
        desk.save_as(&file);
        signing::export_report(app, version.clone(), form).await.expect("exported");
        let bytes = std::fs::read(&file).expect("a file");
        match form {
            ExportAs::Pdf => inert(&bytes, &file, &scene.data),
            ExportAs::Fhir => {
                let bundle: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                let mut texts = Vec::new();
                narratives(&bundle, &mut texts);
                for text in texts {
                    let markup = [
                        "<script", "<img", "<svg", "<iframe", "<a ", "<input", "<details", "<video", "<style", "<link",
                        "<object", "<form", "<math", "<meta",
                    ];
                    assert!(markup.iter().all(|m| !text.contains(m)), "{text}");
                }
            }
            _ => {
                let text = String::from_utf8(bytes).expect("UTF-8");
                let segments = ["MSH|", "PID|", "PV1|", "ORC|", "OBR|", "OBX|", "NTE|", "TXA|"];
                assert!(
                    text.split('\r').filter(|l| !l.is_empty()).all(|l| segments.iter().any(|s| l.starts_with(s))),
                    "{text}"
                );
            }
        }
    }
}

/// Every narrative of a FHIR bundle.
fn narratives(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(parts) => {
            into.extend(parts.get("div").and_then(|d| d.as_str()).map(str::to_owned));
            parts.values().for_each(|v| narratives(v, into));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|v| narratives(v, into)),
        _ => {}
    }
}

/// Nothing in the document acts, and no link leads out of it.
fn inert(pdf: &[u8], file: &Path, data: &Path) {
    let trusted: Vec<Vec<u8>> =
        hilum_store::certificates(data).expect("certificates").into_iter().map(|c| c.der).collect();
    let found = hilum_export::verify::verify(pdf, &trusted);
    assert!(found.is_ok(), "{}: {found:?}", file.display());
    for key in [
        "/JavaScript",
        "/JS",
        "/URI",
        "/Launch",
        "/OpenAction",
        "/AA",
        "/SubmitForm",
        "/GoToR",
        "/RichMedia",
        "/EmbeddedFile",
    ] {
        assert!(!pdf.windows(key.len()).any(|w| w == key.as_bytes()), "{key} in {}", file.display());
    }
    // And the words are there to be read, as words.
    if let Some(text) = printed("pdftotext", &["-q", &file.display().to_string(), "-"]) {
        assert!(text.contains("__x(") || text.contains("http://127.0.0.1"), "{text}");
    }
}

/// Files whose names are payloads, good and bad ones.
fn given(scene: &Scene, supply: &Supply) -> PathBuf {
    let good = radiograph("GIVEN", "20240109").write();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for n in 0..8 {
        let name: String = supply.take().replace('/', "\u{2044}").chars().take(120).collect();
        files.push((format!("{n}{name}"), if n == 0 { good.clone() } else { b"not an image".to_vec() }));
    }
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    scene.folder("given", &files)
}

/// What was seen on all screens together.
#[derive(Default)]
struct Seen {
    payloads: BTreeSet<String>,
    screens: BTreeSet<String>,
    looks: usize,
}

/// Counts what runs, and what the page's policy kept from running.
async fn hook(window: &Window) {
    let script = "window.__hits = []; window.__x = (n) => window.__hits.push(n);
        window.alert = window.confirm = window.prompt = (m) => window.__hits.push(String(m));
        document.addEventListener('securitypolicyviolation', (e) => window.__hits.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));
        // The hooks work: a call and a violation are counted.
        window.__x('try');
        const s = document.createElement('script'); s.textContent = '1'; document.head.append(s); s.remove();
        // And so does the look: what a careless page would make of a payload is found.
        const d = document.createElement('div'); d.id = 'careless'; d.innerHTML = '<img src=x onerror=__x(0)>'; document.body.append(d);
        return true";
    window.client.execute(script, vec![]).await.expect("hooks");
    pause(300).await;
    let found = examined(window).await;
    let hits = found["hits"].as_array().expect("a list");
    let of_policy = hits.iter().filter(|h| h.as_str().is_some_and(|h| h.starts_with("policy: script-src"))).count();
    assert!(hits[0] == "try" && of_policy >= 2, "{hits:?}");
    assert_eq!(found["made"].as_array().map(Vec::len), Some(1), "{found}");
    let script = "document.getElementById('careless').remove(); window.__hits = []; return true";
    window.client.execute(script, vec![]).await.expect("hooks");
}

/// Nothing ran on this screen, nothing was made that our page does not make; which payloads it shows.
async fn look(window: &Window, seen: &mut Seen, screen: &str) {
    let found = examined(window).await;
    assert_eq!(found["hits"], serde_json::json!([]), "{screen}: something ran, or tried to");
    assert_eq!(found["made"], serde_json::json!([]), "{screen}: text became elements");
    assert_eq!(found["styles"], serde_json::json!(0), "{screen}: text became a style");
    seen.payloads
        .extend(found["shown"].as_array().expect("a list").iter().filter_map(|n| n.as_str().map(str::to_owned)));
    seen.screens.insert(screen.to_owned());
    seen.looks += 1;
}

/// What ran so far, what stands in the page that is not the page's own, and which payloads it holds.
async fn examined(window: &Window) -> serde_json::Value {
    const MADE: &str = "script:not([src^='/assets']):not([src^='tauri:']):not([type='application/json']), iframe, object, embed, base, math, video, source, \
        marquee, form[action], meta[http-equiv='refresh'], link[href^='http:'], img[src*='127.0.0.1'], img[src='x'], a[href^='javascript'], a[href^='http'], \
        [onerror], [onload], [onfocus], [ontoggle], [onanimationstart], [style*='127.0.0.1'], svg script";
    let script = "const made = [...document.querySelectorAll(arguments[0])].map((e) => e.outerHTML.slice(0, 200));
        const styles = [...document.querySelectorAll('style')].filter((s) => s.textContent.includes('127.0.0.1')).length;
        const values = [...document.querySelectorAll('input, textarea')].map((e) => e.value).join(' ');
        const text = document.documentElement.outerHTML + ' ' + values;
        const shown = [...text.matchAll(/__x\\((\\d+)\\)|127\\.0\\.0\\.1:\\d+\\/(\\d+)/g)].map((m) => m[1] ?? m[2]);
        return { hits: window.__hits, made, styles, shown: [...new Set(shown)] }";
    window.client.execute(script, vec![serde_json::json!(MADE)]).await.expect("a look")
}

async fn worklist_row(window: &Window, number: usize) {
    let script = format!(
        "const r = document.querySelectorAll('[data-testid=\"worklist-row\"]')[{number}]; if (r) r.click(); return !!r"
    );
    window.until("a row of the worklist", 20, &script).await;
    pause(500).await;
}

/// Opens a study as the worklist does; its name is no name that could be looked for.
async fn open(window: &Window, study: &str) {
    let script = format!(
        "const b = document.querySelector('[data-study-uid={study:?}] [data-testid=\"open-study\"]'); if (b) b.click(); return !!b"
    );
    window.until("a study in the worklist", 20, &script).await;
    image_shown(window).await;
    pause(600).await;
}

/// Every dialog of the room that shows words of others.
async fn dialogs(window: &Window, seen: &mut Seen) {
    for (name, button) in [
        ("origin", "origin-open"),
        ("compare", "compare-open"),
        ("critical", "critical-open"),
        ("sign", "sign-open"),
        ("signed document", "show-signed"),
    ] {
        let script = format!(
            "const b = document.querySelector('[data-testid=\"{button}\"]'); if (b && !b.disabled) b.click(); return !!b && !b.disabled"
        );
        if window.client.execute(&script, vec![]).await.expect("a script") == serde_json::json!(true) {
            pause(700).await;
            look(window, seen, name).await;
            window.press(ESCAPE).await;
            pause(200).await;
        }
    }
}
