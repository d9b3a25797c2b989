//! `hilumctl pack`.

use crate::{
    cli::{PackCommand, PackKindName, Quantize},
    convert::EngineConversion,
    failure::{Failure, Result},
    library::{describe, describe_measured, library},
    output,
    settings::Settings,
};
use hilum_packs::{
    AddOptions, AddProgress, Candidate, InstalledPack, Kind, Manifest, PackError, Quantization, Surroundings,
    ThisMachine, verify_with,
};
use serde_json::{Value, json};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub async fn run(command: PackCommand, settings: &Settings) -> Result<()> {
    // What a killed program left behind goes at the next start of any. Where it cannot
    // be removed it is still no pack, so nothing else waits for it.
    if let Err(error) = library(settings)?.sweep() {
        tracing::warn!("leftovers of an addition stay: {error}");
    }
    match command {
        PackCommand::Add { dir, quantize, id, name, source, kind, accept_terms } => {
            let options = AddOptions {
                id,
                name,
                source,
                kind: kind.map(kind_of),
                quantization: match quantize {
                    Quantize::None => Quantization::None,
                    Quantize::Q4k => Quantization::Q4k,
                    Quantize::Q8 => Quantization::Q8,
                },
                terms_accepted_at: accept_terms.then(now).transpose()?,
            };
            add(dir, options, settings).await
        }
        PackCommand::Check { dir } => check(&dir, settings),
        PackCommand::List => list(settings),
        PackCommand::Verify { id } => verify_packs(id.as_deref(), settings).await,
        PackCommand::Remove { id } => {
            library(settings)?.remove(&id)?;
            if settings.json {
                output::json(&json!({ "removed": id }));
            } else {
                output::line(format!("removed {id}"));
            }
            Ok(())
        }
    }
}

async fn add(dir: PathBuf, mut options: AddOptions, settings: &Settings) -> Result<()> {
    let library = library(settings)?;
    if options.terms_accepted_at.is_none() {
        let candidate = library.look(&dir, &EngineConversion).map_err(|e| in_folder(e.into(), &dir))?;
        if !candidate.demo {
            options.terms_accepted_at = ask(&candidate, settings)?;
        }
    } else if let Some(terms) = library.terms(&dir).map_err(|e| in_folder(e.into(), &dir))? {
        // Whoever accepts them on the command line has them before the eyes all the same.
        say_terms(&terms, settings);
    }
    let (folder, json) = (dir.clone(), settings.json);
    let added = stoppable(settings, move |cancel| {
        let mut progress = Progress::new(json);
        let mut say = |at: AddProgress| progress.say(&at);
        let around = Surroundings { machine: &ThisMachine, convert: &EngineConversion, progress: &mut say, cancel };
        library.add(&folder, &options, around)
    })
    .await?;
    let manifest: Manifest = added.map_err(|e| in_folder(refused(e), &dir))?;
    let pack = describe(&self::library(settings)?.find(&manifest.id)?);
    if settings.json {
        output::json(&pack);
    } else {
        output::line(format!("added {} ({}), hash {}", pack.id, megabytes(pack.bytes), pack.hash));
        output::line(output::plain(&pack.notice));
    }
    Ok(())
}

/// Does what takes long on a thread of its own, which an interrupt asks to stop.
async fn stoppable<T: Send + 'static>(
    settings: &Settings,
    work: impl FnOnce(&AtomicBool) -> T + Send + 'static,
) -> Result<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let working = tokio::task::spawn_blocking(move || work(&stopped));
    let cancel = settings.cancel.clone();
    let watching = tokio::spawn(async move {
        cancel.cancelled().await;
        stop.store(true, Ordering::Relaxed);
    });
    let done = working.await;
    watching.abort();
    done.map_err(|e| Failure::internal("ctl.thread", e.to_string()))
}

/// Prints the terms where the result does not go: as lines for a person, as one line of JSON for a program.
fn say_terms(terms: &str, settings: &Settings) {
    let said = match settings.json {
        true => json!({ "terms": terms }).to_string(),
        false => format!("--accept-terms accepts these terms for this pack:\n\n{}\n", output::plain_lines(terms)),
    };
    // A reader that has gone away does not stop the work.
    let _ = writeln!(std::io::stderr(), "{said}");
}

/// Shows the terms to a person and takes their word; nobody is asked where nobody can answer.
fn ask(candidate: &Candidate, settings: &Settings) -> Result<Option<String>> {
    if settings.json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    let terms = output::plain_lines(&candidate.terms);
    eprintln!("{} comes under these terms:\n\n{terms}\n", output::plain(&candidate.name));
    eprint!("Type \"yes\" if you have read and accept them for this pack: ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(|e| Failure::internal("ctl.input", e.to_string()))?;
    if answer.trim().eq_ignore_ascii_case("yes") { now().map(Some) } else { Ok(None) }
}

fn check(dir: &Path, settings: &Settings) -> Result<()> {
    let found = library(settings)?.look(dir, &EngineConversion).map_err(|e| in_folder(e.into(), dir))?;
    if settings.json {
        output::json(&candidate_json(&found));
        return Ok(());
    }
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    output::table(&[
        row("name", output::plain(&found.name)),
        row("kind", found.kind.as_str().to_owned()),
        row("architecture", output::plain(&found.architecture)),
        row("weights", format!("{:.1} million numbers", found.parameters as f64 / 1e6)),
        row("download", format!("{} in {} files", megabytes(found.bytes), found.files)),
    ]);
    for (quantization, estimate) in &found.choices {
        let disk = megabytes(estimate.disk);
        let memory = match found.kind {
            Kind::MedGemmaText => "kept and checked; nothing drafts with it yet".to_owned(),
            Kind::MedGemma | Kind::MedSigLip => format!("about {} of memory", megabytes(estimate.memory)),
        };
        output::line(format!("--quantize {}: {disk} of disk, {memory}", quantization.as_str()));
    }
    output::line(format!("\n{}", output::plain_lines(&found.terms)));
    Ok(())
}

fn candidate_json(found: &Candidate) -> Value {
    let choices: Vec<_> = found
        .choices
        .iter()
        .map(|(quantization, estimate)| {
            json!({ "quantize": quantization.as_str(), "disk": estimate.disk, "memory": estimate.memory })
        })
        .collect();
    json!({
        "name": found.name, "kind": found.kind.as_str(), "demo": found.demo, "architecture": found.architecture,
        "parameters": found.parameters, "files": found.files, "bytes": found.bytes, "terms": found.terms,
        "notice": found.notice, "choices": choices,
    })
}

/// Says how far an addition or a check is: to a person every second, to a program five times a second.
struct Progress {
    json: bool,
    said: Option<(Instant, &'static str)>,
}

impl Progress {
    fn new(json: bool) -> Self {
        Self { json, said: None }
    }

    fn say(&mut self, at: &AddProgress) {
        let pause = if self.json { Duration::from_millis(200) } else { Duration::from_secs(1) };
        let phase = at.phase.as_str();
        let whole = at.total_bytes > 0 && at.done_bytes == at.total_bytes;
        if !whole && self.said.is_some_and(|(when, said)| said == phase && when.elapsed() < pause) {
            return;
        }
        self.said = Some((Instant::now(), phase));
        if self.json {
            let line = json!({ "progress": { "phase": phase, "fraction": at.fraction(), "detail": at.file } });
            // A reader that has gone away does not stop the work.
            let _ = writeln!(std::io::stderr(), "{line}");
        } else {
            let percent = at.fraction().map_or_else(String::new, |f| format!("{:3.0} %  ", f * 100.0));
            output::progress(&format!("{phase} {percent}{}", output::plain(&at.file)));
        }
    }
}

fn refused(error: PackError) -> Failure {
    if matches!(error, PackError::TermsNotAccepted) {
        let message =
            format!("{error}; `hilumctl pack check DIR` shows them, --accept-terms accepts them for this pack");
        return Failure::refused(error.code(), message);
    }
    error.into()
}

fn kind_of(name: PackKindName) -> Kind {
    match name {
        PackKindName::Medgemma => Kind::MedGemma,
        PackKindName::MedgemmaText => Kind::MedGemmaText,
        PackKindName::Medsiglip => Kind::MedSigLip,
    }
}

fn now() -> Result<String> {
    OffsetDateTime::now_utc().format(&Rfc3339).map_err(|e| Failure::internal("ctl.clock", e.to_string()))
}

fn list(settings: &Settings) -> Result<()> {
    let listing = library(settings)?.list()?;
    let packs = listing.packs.iter().map(|pack| describe_measured(pack, settings)).collect::<Result<Vec<_>>>()?;
    if settings.json {
        let broken: Vec<_> = listing
            .broken
            .iter()
            .map(|(dir, e)| json!({ "dir": dir, "code": e.code(), "message": e.to_string() }))
            .collect();
        output::json(&json!({ "packs": packs, "broken": broken, "engine": { "overlay": hilum_drafting::overlay() } }));
        return Ok(());
    }
    let head =
        ["PACK", "KIND", "STORED AS", "SIZE", "DEVICE", "MEMORY", "SPEED", "", "NAME"].map(str::to_owned).to_vec();
    let row = |(pack, found): (&hilum_workflow::ModelPack, &InstalledPack)| {
        let mark = if pack.demo { "demonstration" } else { "" };
        let kind = found.manifest.kind.as_str();
        let measured = &pack.measured;
        let tokens = measured.tokens_per_second.map(|speed| format!("{speed:.1} tokens/s"));
        let image = measured.image_seconds.map(|seconds| format!("{seconds:.2} s an image"));
        let speed = tokens.or(image).unwrap_or_default();
        vec![
            pack.id.clone(),
            kind.to_owned(),
            pack.quantization.clone(),
            megabytes(pack.bytes),
            measured.device.clone(),
            measured.memory_bytes.map_or_else(String::new, megabytes),
            speed,
            mark.to_owned(),
            output::plain(&pack.name),
        ]
    };
    let rows: Vec<_> = std::iter::once(head).chain(packs.iter().zip(&listing.packs).map(row)).collect();
    output::table(&rows);
    for (dir, error) in &listing.broken {
        output::line(format!("broken: {}: {error} [{}]", dir.display(), error.code()));
    }
    let engine = match hilum_drafting::overlay() {
        "" => "as released (`./dev` builds the one with our edits: quantised packs, long prompts, faster images)",
        edits => edits,
    };
    output::line(format!("engine: mistral.rs 0.8.1, {engine}"));
    Ok(())
}

async fn verify_packs(id: Option<&str>, settings: &Settings) -> Result<()> {
    let library = library(settings)?;
    let packs = match id {
        Some(id) => vec![library.find(id)?],
        None => {
            let listing = library.list()?;
            if let Some((dir, error)) = listing.broken.into_iter().next() {
                return Err(in_folder(error.into(), &dir));
            }
            listing.packs
        }
    };
    let mut results = Vec::new();
    let mut first_problem = None;
    for pack in packs {
        let (dir, json) = (pack.dir.clone(), settings.json);
        let checked = stoppable(settings, move |cancel| {
            let mut progress = Progress::new(json);
            verify_with(&dir, &mut |at| progress.say(&at), cancel)
        })
        .await?;
        if let Err([PackError::Cancelled]) = checked.as_ref().map_err(Vec::as_slice) {
            return Err(PackError::Cancelled.into());
        }
        let id = &pack.manifest.id;
        match checked {
            Ok(whole) => results.push(json!({ "id": id, "ok": true, "hash": whole.pack_hash, "problems": [] })),
            Err(problems) => {
                let listed: Vec<_> = problems
                    .iter()
                    .map(|e| json!({ "code": e.code(), "file": e.file(), "message": e.to_string() }))
                    .collect();
                results.push(json!({ "id": id, "ok": false, "problems": listed }));
                let first = problems.into_iter().next().expect("a refusal has a reason");
                first_problem.get_or_insert_with(|| in_folder(first.into(), &pack.dir));
            }
        }
    }
    if settings.json {
        output::json(&json!({ "packs": results }));
    } else {
        for result in &results {
            let verdict = if result["ok"] == true { "whole" } else { "NOT as its manifest says" };
            output::line(format!("{}: {verdict}", result["id"].as_str().unwrap_or_default()));
        }
    }
    first_problem.map_or(Ok(()), Err)
}

/// Names a pack's file with the folder that it is in.
fn in_folder(failure: Failure, dir: &Path) -> Failure {
    let file = failure.file.as_ref().map_or_else(|| dir.to_owned(), |file| dir.join(file));
    Failure { file: Some(file), ..failure }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
