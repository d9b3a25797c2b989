//! The figures of docs/performance.md that need the window: click to first frame, first
//! drafted word, signing, and the memory of all processes.
//!
//! `./dev bench` runs it; by hand:
//! `cargo test --release --workspace --features hilum/custom-protocol --bench window`.

#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;
#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the window is measured on Linux only");
}

#[cfg(target_os = "linux")]
fn main() {
    let missing = browser::missing_programs();
    if !missing.is_empty() {
        println!("skipped: needs {missing:?}");
        return;
    }
    common::use_demo_packs();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(linux::measure());
}

#[cfg(target_os = "linux")]
mod linux {
    use super::browser::Window;
    use hilum_testkit::dicom::{self, DicomFile};
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    const ENTER: char = '\u{e007}';
    const ALT: char = '\u{e00a}';
    const DOWN: char = '\u{e015}';
    const OPENINGS: usize = 10;

    pub async fn measure() {
        let folder = tempfile::tempdir().expect("a folder");
        let studies = folder.path().join("studies");
        std::fs::create_dir(&studies).expect("a folder");
        for n in 0..2u32 {
            // 3000 rows of 2500 pixels, 16 bits, a phantom with noise so that nothing compresses.
            let file = DicomFile::radiograph(3000, 2500, 16, |row, column| {
                let (y, x) = (f64::from(row) / 3000.0 - 0.5, f64::from(column) / 2500.0 - 0.5);
                let body = 40000.0 * (1.0 - (x * x * 3.0 + y * y)).max(0.0);
                let noise = row.wrapping_mul(2_654_435_761).wrapping_add(column.wrapping_mul(40_503)) >> 20;
                (body as u32 + noise % 4096).min(65535) as u16
            })
            .text(dicom::STUDY_UID, b"UI", &format!("2.25.100{n}"))
            .text(dicom::SERIES_UID, b"UI", &format!("2.25.200{n}"))
            .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.300{n}"))
            .text(dicom::PATIENT_ID, b"LO", &format!("BENCH{n}"));
            std::fs::write(studies.join(format!("{n}.dcm")), file.write()).expect("a study");
        }
        let data = folder.path().join("data");
        let arguments = ["--data".to_owned(), data.display().to_string(), studies.display().to_string()];
        let window = Window::open(&arguments, (1920, 1080), folder.path()).await;
        window.fill("first-run-name", "Dr Bench").await;
        window.fill("first-run-passphrase", "a long passphrase").await;
        window.fill("first-run-passphrase-again", "a long passphrase").await;
        window.click("first-run-create").await;
        window.click("recovery-written").await;
        window.click("recovery-done").await;
        let ready = "return document.querySelector('[data-testid=\"viewer\"]')?.dataset.ready === 'true'";
        window.until("first image", 90, ready).await;
        let scored = "return /[+\\u2212-][0-9][.][0-9][0-9]/.test(document.querySelector('[data-testid=\"report\"]')?.innerText ?? '')";
        window.until("support", 120, scored).await;
        tokio::time::sleep(Duration::from_secs(3)).await;

        let mut first_frames = Vec::new();
        for n in 0..OPENINGS {
            window.click("go-worklist").await;
            window.see("worklist-row", 30).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let open = format!("document.querySelectorAll('[data-testid=\"open-study\"]')[{}].click(); return true", n % 2);
            window.client.execute(&open, vec![]).await.expect("a click");
            window.until("image", 60, ready).await;
            let script = "return Number(document.querySelector('[data-testid=\"viewer\"]').dataset.firstFrameMs)";
            first_frames.push(window.number(script).await);
            // Both studies are scored in the background the first time they are opened.
            window.until("support", 120, scored).await;
        }
        report("click to first frame, 2500x3000 16 bit", "ms", &mut first_frames);

        // The first draft loads the engine; the second is measured.
        draft(&window).await;
        let (word, whole) = draft(&window).await;
        println!("first drafted word, engine loaded: {:.2} s", word.as_secs_f64());
        println!("whole draft, engine loaded: {:.2} s", whole.as_secs_f64());
        memory(&window);

        let left = "return document.querySelectorAll('[data-testid=\"proposed-sentence\"]').length";
        while window.number(left).await > 0.0 {
            window.chord(ALT, DOWN).await;
            window.press(ENTER).await;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        for section in ["findings", "impression"] {
            window.click(&format!("add-sentence-{section}")).await;
            for key in "Reviewed.".chars() {
                window.press(key).await;
            }
        }
        window.click("sign-open").await;
        window.click("sign-patient").await;
        window.click("sign-accession").await;
        window.fill("sign-passphrase", "a long passphrase").await;
        let began = Instant::now();
        window.click("sign-submit").await;
        window.see("sign-close", 60).await;
        println!("report signed to PDF: {:.2} s (with 0.1 s of polling)", began.elapsed().as_secs_f64());
        window.close().await;
    }

    /// Drafts once; the times to the first word on the screen and to the proposal.
    async fn draft(window: &Window) -> (Duration, Duration) {
        let began = Instant::now();
        window.click("draft-start").await;
        let running = "return document.querySelector('[data-testid=\"draft-bar\"]')?.dataset.running === 'true'";
        window.until("the draft to begin", 30, running).await;
        // The stream shows the phase first; words come in an element of their own. A draft
        // may also be done between two looks.
        let word = "const s = document.querySelector('[data-testid=\"draft-stream\"] .words'); const d = document.querySelector('[data-testid=\"draft-bar\"]'); return !!(s && s.innerText.trim().length) || d?.dataset.running === 'false'";
        window.until("a word", 300, word).await;
        let first = began.elapsed();
        let done = "return document.querySelector('[data-testid=\"draft-bar\"]')?.dataset.running === 'false'";
        window.until("the draft", 300, done).await;
        (first, began.elapsed())
    }

    fn report(what: &str, unit: &str, values: &mut [f64]) {
        values.sort_by(f64::total_cmp);
        let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
        println!("{what}: median {median:.0} {unit}, {:.0} to {:.0}, n {}", values[0], values[values.len() - 1], values.len());
    }

    /// Proportional set size of the app's processes by role, from /proc.
    fn memory(window: &Window) {
        let mut by_role: BTreeMap<&str, f64> = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let path = entry.path();
            let Ok(command) = std::fs::read(path.join("cmdline")) else { continue };
            let Ok(environment) = std::fs::read(path.join("environ")) else { continue };
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            let environment = String::from_utf8_lossy(&environment).into_owned();
            let ours = environment.split('\0').any(|v| v == format!("DISPLAY={}", window.display));
            let role = match () {
                () if command.contains("worker encode") => "worker encode",
                () if command.contains("worker draft") => "worker draft",
                () if !ours => continue,
                () if command.contains("WebKitWebProcess") || command.contains("WebKitNetworkProcess") => "window",
                () if command.split(' ').next().is_some_and(|p| p.ends_with("/hilum")) => "window",
                () => continue,
            };
            let Ok(rollup) = std::fs::read_to_string(path.join("smaps_rollup")) else { continue };
            let pss = rollup.lines().find_map(|l| l.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
            *by_role.entry(role).or_default() += pss.unwrap_or(0.0) / 1024.0;
        }
        for (role, megabytes) in by_role {
            println!("memory (PSS), {role}: {megabytes:.0} MB");
        }
    }
}
