//! `hilumctl pack`.

use crate::{
    cli::{PackCommand, Quantize},
    failure::{Failure, Result},
    library::{describe, library},
    output,
    settings::Settings,
};
use hilum_packs::{AddOptions, InstalledPack, verify};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub async fn run(command: PackCommand, settings: &Settings) -> Result<()> {
    match command {
        PackCommand::Add { dir, quantize, id, name, source } => {
            if quantize != Quantize::None {
                let message = "weights quantised ahead of time cannot read images in this version of the engine";
                return Err(Failure::refused("pack.quantize_unsupported", message));
            }
            add(dir, AddOptions { id, name, source }, settings).await
        }
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

async fn add(dir: PathBuf, options: AddOptions, settings: &Settings) -> Result<()> {
    let library = library(settings)?;
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, folder) = (stop.clone(), dir.clone());
    let copying = tokio::task::spawn_blocking(move || {
        let mut said = Instant::now();
        let mut progress = |at: hilum_packs::AddProgress| {
            if said.elapsed() > Duration::from_secs(1) {
                said = Instant::now();
                let percent = at.done_bytes * 100 / at.total_bytes.max(1);
                output::progress(&format!("{percent} %  {}", at.file));
            }
        };
        library.add(&folder, &options, &mut progress, &stopped)
    });
    let cancel = settings.cancel.clone();
    let watching = tokio::spawn(async move {
        cancel.cancelled().await;
        stop.store(true, Ordering::Relaxed);
    });
    let added = copying.await.map_err(|e| Failure::internal("ctl.thread", e.to_string()))?;
    watching.abort();
    let manifest = added.map_err(|e| in_folder(e.into(), &dir))?;
    let pack = describe(&self::library(settings)?.find(&manifest.id)?);
    if settings.json {
        output::json(&pack);
    } else {
        output::line(format!("added {} ({}), hash {}", pack.id, megabytes(pack.bytes), pack.hash));
        output::line(output::plain(&pack.notice));
    }
    Ok(())
}

fn list(settings: &Settings) -> Result<()> {
    let listing = library(settings)?.list()?;
    let packs: Vec<_> = listing.packs.iter().map(describe).collect();
    if settings.json {
        let broken: Vec<_> = listing
            .broken
            .iter()
            .map(|(dir, e)| json!({ "dir": dir, "code": e.code(), "message": e.to_string() }))
            .collect();
        output::json(&json!({ "packs": packs, "broken": broken }));
        return Ok(());
    }
    let head = ["PACK", "KIND", "SIZE", "", "NAME"].map(str::to_owned).to_vec();
    let row = |(pack, found): (&hilum_workflow::ModelPack, &InstalledPack)| {
        let mark = if pack.demo { "demonstration" } else { "" };
        let kind = found.manifest.kind.as_str();
        vec![pack.id.clone(), kind.to_owned(), megabytes(pack.bytes), mark.to_owned(), output::plain(&pack.name)]
    };
    let rows: Vec<_> = std::iter::once(head).chain(packs.iter().zip(&listing.packs).map(row)).collect();
    output::table(&rows);
    for (dir, error) in &listing.broken {
        output::line(format!("broken: {}: {error} [{}]", dir.display(), error.code()));
    }
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
        let dir = pack.dir.clone();
        let checked = tokio::task::spawn_blocking(move || verify(&dir))
            .await
            .map_err(|e| Failure::internal("ctl.thread", e.to_string()))?;
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
