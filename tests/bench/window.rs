//! The figures of docs/performance.md that need the window: click to first frame, redraw while
//! the window is dragged, switch to a neighbouring study, first drafted word, signing, and the
//! memory of all processes, also over many switches of study.
//!
//! `./dev bench` runs it; by hand:
//! `cargo test --release --workspace --features hilum/custom-protocol --bench window`, with
//! `HILUM_BENCH_STAGES=1` for what each first frame is made of.

#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "../common/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../common/mod.rs"]
mod common;

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
    const STUDIES: usize = 6;
    /// None is beside the one before it in the list, whose neighbours' pixels are decoded ahead. Scores that come in may still
    /// have moved the list meanwhile: what was decoded ahead all the same is told by its request, and left out.
    const OPENED: [usize; 12] = [0, 3, 1, 4, 2, 5, 0, 2, 4, 1, 5, 3];
    const SWITCHES: usize = 200;
    const READY: &str = "return document.querySelector('[data-testid=\"viewer\"]')?.dataset.ready === 'true'";
    const FIRST_FRAME: &str = "return Number(document.querySelector('[data-testid=\"viewer\"]').dataset.firstFrameMs)";
    const SCORED: &str = "return /[+\\u2212-][0-9][.][0-9][0-9]/.test(document.querySelector('[data-testid=\"report\"]')?.innerText ?? '')";

    /// Notes what the page asks the app for: the command, its arguments and when.
    const ASKED: &str = "
        const asks = window.benchAsks = [];
        const asked = window.fetch;
        window.fetch = (...a) => {
            asks.push([String(a[0]?.url ?? a[0]).split('/').pop(), String(a[1]?.body ?? ''), performance.now()]);
            return asked(...a);
        };";
    /// Whether the first pixels of the image on the screen were asked for between the click and its first frame.
    const ASKED_FOR: &str = "
        const viewer = document.querySelector('[data-testid=\"viewer\"]');
        const end = window.benchClick + Number(viewer.dataset.firstFrameMs);
        return Number(window.benchAsks.some(([name, body, at]) =>
            name === 'image_overview' && at >= window.benchClick && at <= end && body.includes(`\"${viewer.dataset.instance}\"`)));";

    /// Notes when the page asks the app, and when its answer is there, and each call of the graphics library that takes time.
    const WATCH: &str = "
        const spans = window.benchSpans = [];
        const timed = (of, name, more) => {
            const inner = of[name];
            of[name] = function (...a) {
                const from = performance.now();
                const result = inner.apply(this, a);
                spans.push([more?.(a) ?? name, from, performance.now()]);
                return result;
            };
        };
        for (const name of ['texSubImage2D', 'compileShader', 'linkProgram', 'getUniformLocation', 'drawArrays', 'readPixels', 'finish'])
            timed(WebGL2RenderingContext.prototype, name);
        timed(HTMLCanvasElement.prototype, 'getContext');
        const asked = window.fetch;
        window.fetch = async (...a) => {
            const from = performance.now();
            const name = String(a[0]?.url ?? a[0]).split('/').pop();
            const response = await asked(...a);
            spans.push([name + ' answered', from, performance.now()]);
            for (const read of ['arrayBuffer', 'json', 'text']) {
                const inner = response[read].bind(response);
                response[read] = async () => {
                    const body = await inner();
                    spans.push([name + ' read', from, performance.now()]);
                    return body;
                };
            }
            return response;
        };";
    /// What was noted since the click until the first frame: name, first begin, last end, sum, number.
    const SPANS: &str = "
        const end = window.benchClick + Number(document.querySelector('[data-testid=\"viewer\"]').dataset.firstFrameMs);
        const by = new Map();
        for (const [name, from, to] of window.benchSpans) {
            if (from < window.benchClick || from > end) continue;
            const one = by.get(name) ?? [from - window.benchClick, 0, 0, 0];
            by.set(name, [one[0], Math.max(one[1], to - window.benchClick), one[2] + to - from, one[3] + 1]);
        }
        window.benchSpans.length = 0;
        return [...by].map(([name, [a, b, c, n]]) => `  ${name}: from ${a.toFixed(0)} to ${b.toFixed(0)} ms, ${c.toFixed(1)} ms in ${n}`).join('\\n');";

    pub async fn measure() {
        let folder = tempfile::tempdir().expect("a folder");
        let studies = folder.path().join("studies");
        std::fs::create_dir(&studies).expect("a folder");
        for n in 0..STUDIES {
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
            .text(dicom::PATIENT_ID, b"LO", &format!("BENCH{n}"))
            .text(dicom::PATIENT_NAME, b"PN", &format!("BENCH{n}"));
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
        window.click("first-run-key").await;
        window.click("first-run-understood").await;
        // The list of models moves the button when it comes, and a click may hit nothing.
        let begin = "const b = document.querySelector('[data-testid=\"first-run-begin\"]'); if (b && !b.disabled) b.click(); return !b";
        window.until("the first run to end", 30, begin).await;
        window.until("first image", 90, READY).await;
        window.until("support", 120, SCORED).await;
        tokio::time::sleep(Duration::from_secs(3)).await;

        first_frames(&window).await;
        redraws(&window).await;
        frames(&window).await;
        switches(&window).await;
        many_switches(&window).await;

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

    /// Studies opened from the worklist, none of them open already and the pixels of none decoded ahead.
    async fn first_frames(window: &Window) {
        let stages = std::env::var_os("HILUM_BENCH_STAGES").is_some();
        window.client().execute(ASKED, vec![]).await.expect("the page's requests are noted");
        if stages {
            window.client().execute(WATCH, vec![]).await.expect("the page is watched");
        }
        let (mut times, mut wholes) = (Vec::new(), Vec::new());
        let (mut already_open, mut decoded_ahead) = (0, 0);
        for n in OPENED.into_iter().cycle().take(3 * OPENED.len()) {
            if times.len() == OPENED.len() {
                break;
            }
            window.click("go-worklist").await;
            window.see("worklist-row", 30).await;
            let rows =
                format!("return document.querySelectorAll('[data-testid=\"worklist-row\"]').length === {STUDIES}");
            window.until("all studies", 60, &rows).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let open = format!(
                "const b = document.querySelectorAll('[data-testid=\"open-study\"]')[{n}];
                const open = document.querySelector('[data-testid=\"reading-room\"] [data-testid=\"viewer\"]')?.dataset.instance;
                if (open === b.innerText.replace('BENCH', '2.25.300')) return '';
                window.benchAsks.length = 0;
                const clicked = window.benchClick = performance.now();
                const whole = () => {{
                    const v = document.querySelector('[data-testid=\"viewer\"]');
                    if (v?.dataset.whole === 'true' && v.innerText.includes(b.innerText)) window.benchWhole = performance.now() - clicked;
                    else requestAnimationFrame(whole);
                }};
                window.benchWhole = 0;
                setTimeout(() => requestAnimationFrame(whole), 100);
                b.click(); return b.innerText"
            );
            let name = window.text(&open).await;
            // A click on the study that is open shows what is there, and measures nothing.
            if name.is_empty() {
                already_open += 1;
                continue;
            }
            // The study that was open before is ready all the time.
            let shown = format!(
                "const v = document.querySelector('[data-testid=\"viewer\"]');
                return v?.dataset.ready === 'true' && (v.innerText.match(/BENCH\\d+/)?.[0] ?? '') === {name:?}"
            );
            window.until("image", 60, &shown).await;
            let first = window.number(FIRST_FRAME).await;
            let counts = window.number(ASKED_FOR).await == 1.0;
            if stages {
                println!("first frame after {first:.0} ms\n{}", window.text(SPANS).await);
            }
            window.until("all pixels", 60, "return window.benchWhole > 0").await;
            if counts {
                times.push(first);
                wholes.push(window.number("return window.benchWhole").await);
            } else {
                decoded_ahead += 1;
            }
            // Each is scored in the background the first time it is opened.
            window.until("support", 120, SCORED).await;
        }
        println!("first frames left out: {already_open} of a study that was open, {decoded_ahead} decoded ahead");
        assert!(!times.is_empty(), "no first frame of an image that was asked for at the click");
        report("click to first frame, 2500x3000 16 bit", "ms", &mut times);
        report("click to all of its pixels", "ms", &mut wholes);
    }

    /// From the first call of the graphics library for a frame to its last pixel, while the window is dragged.
    async fn redraws(window: &Window) {
        let script = "const done = arguments[arguments.length - 1], alone = arguments[0];
            const viewer = document.querySelector('[data-testid=\"viewer\"]');
            const canvas = viewer.querySelector('canvas');
            const gl = canvas.getContext('webgl2');
            if (!gl) return done([]);
            let began = 0;
            const draw = gl.viewport.bind(gl);
            gl.viewport = (...a) => { began = performance.now(); draw(...a); };
            const last = () => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
            const drawArrays = gl.drawArrays.bind(gl);
            // The drawing alone, before the page lays out, paints and puts its layers together.
            if (alone) gl.drawArrays = (...a) => { drawArrays(...a); last(); times.push(performance.now() - began); };
            const box = viewer.getBoundingClientRect();
            const at = (type, n) => viewer.dispatchEvent(new PointerEvent(type, { pointerId: 1, button: 0, buttons: 1, bubbles: true,
                clientX: box.left + 200 + n, clientY: box.top + 200 + (n * 7) % 60 }));
            viewer.setPointerCapture = () => {};
            at('pointerdown', 0);
            const times = [];
            let n = 0;
            const one = () => {
                began = 0;
                at('pointermove', ++n);
                setTimeout(() => requestAnimationFrame(() => setTimeout(() => {
                    last();
                    if (began > 0 && !alone) times.push(performance.now() - began);
                    if (n < 80) one(); else { at('pointerup', n); gl.viewport = draw; gl.drawArrays = drawArrays; done(times); }
                })));
            };
            one();";
        for (alone, what) in [(false, "with its last pixel read back"), (true, "drawn alone")] {
            let times = window.client().execute_async(script, vec![alone.into()]).await.expect("the times");
            let mut times: Vec<f64> = times.as_array().expect("times").iter().filter_map(|t| t.as_f64()).collect();
            if times.is_empty() {
                println!("window/level redraw: not measured (no WebGL2)");
                return;
            }
            report(&format!("window/level redraw, {what}, 2500x3000 shown to fit"), "ms", &mut times);
        }
    }

    /// From one frame to the next while the window is dragged without a stop: what the hand feels, with all that the page
    /// does for a frame until the next one may be drawn.
    async fn frames(window: &Window) {
        let script = "const done = arguments[arguments.length - 1];
            const viewer = document.querySelector('[data-testid=\"viewer\"]');
            const box = viewer.getBoundingClientRect();
            const at = (type, n) => viewer.dispatchEvent(new PointerEvent(type, { pointerId: 1, button: 0, buttons: 1, bubbles: true,
                clientX: box.left + 200 + n % 200, clientY: box.top + 200 + (n * 7) % 60 }));
            viewer.setPointerCapture = () => {};
            at('pointerdown', 0);
            const times = [];
            let n = 0, last = performance.now();
            const one = (now) => {
                times.push(now - last);
                last = now;
                at('pointermove', ++n);
                if (n < 200) requestAnimationFrame(one); else { at('pointerup', n); done(times.slice(1)); }
            };
            requestAnimationFrame(one);";
        let times = window.client().execute_async(script, vec![]).await.expect("the times");
        let mut times: Vec<f64> = times.as_array().expect("times").iter().filter_map(|t| t.as_f64()).collect();
        report("from frame to frame while the window is dragged", "ms", &mut times);
    }

    /// To the study after or before, whose pixels were decoded ahead.
    async fn switches(window: &Window) {
        let mut times = Vec::new();
        for n in 0..10 {
            // Decoding ahead waits until the open study is on the screen.
            tokio::time::sleep(Duration::from_millis(3500)).await;
            step(window, if n % 2 == 0 { '[' } else { ']' }).await;
            times.push(window.number(FIRST_FRAME).await);
        }
        report("switch to a neighbouring study decoded ahead, key to first frame", "ms", &mut times);
    }

    /// Presses a key that leads to another study, and waits for its image.
    async fn step(window: &Window, key: char) {
        let shown = "return document.querySelector('[data-room=\"images\"] [data-testid=\"viewer\"]')?.innerText.match(/BENCH\\d/)?.[0] ?? ''";
        let before = window.text(shown).await;
        window.press(key).await;
        let other = format!("const v = document.querySelector('[data-testid=\"viewer\"]'); const now = v?.innerText.match(/BENCH\\d/)?.[0];
            return v?.dataset.ready === 'true' && !!now && now !== {before:?}");
        window.until("another study", 60, &other).await;
    }

    /// Memory must not grow with the number of studies looked at.
    async fn many_switches(window: &Window) {
        for n in 0..=SWITCHES {
            if n % 50 == 0 {
                // What is freed at the next collection is not growth.
                tokio::time::sleep(Duration::from_secs(6)).await;
                let by_role = memory_by_role(window);
                println!(
                    "memory (PSS) after {n} switches of study: window {:.0} MB",
                    by_role.get("window").unwrap_or(&0.0)
                );
            }
            // Three forth and three back, with time now and then for decoding ahead.
            step(window, if n % 6 < 3 { '[' } else { ']' }).await;
            if n % 5 == 0 {
                tokio::time::sleep(Duration::from_millis(2500)).await;
            }
        }
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
        println!(
            "{what}: median {median:.0} {unit}, {:.0} to {:.0}, n {}",
            values[0],
            values[values.len() - 1],
            values.len()
        );
    }

    fn memory(window: &Window) {
        for (role, megabytes) in memory_by_role(window) {
            println!("memory (PSS), {role}: {megabytes:.0} MB");
        }
    }

    /// Proportional set size of the app's processes by role in MB, from /proc.
    fn memory_by_role(window: &Window) -> BTreeMap<&'static str, f64> {
        let mut by_role: BTreeMap<&'static str, f64> = BTreeMap::new();
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
            let pss = rollup
                .lines()
                .find_map(|l| l.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
            *by_role.entry(role).or_default() += pss.unwrap_or(0.0) / 1024.0;
        }
        by_role
    }
}
