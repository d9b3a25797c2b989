//! The installed models and the engines that run them.

use crate::app::App;
use crate::dto::{AppError, AppEvent, EngineStatus, ModelPack, PackCandidate, PackChoice, PackPhase, PackProblem};
use crate::engines::statuses;
use crate::packs::{self, Candidate};
use hilum_workflow::{Cancel, Fault, PackKind};
use std::path::Path;
use std::sync::Arc;

pub async fn engines(app: &App) -> Result<Vec<EngineStatus>, AppError> {
    Ok(statuses(&app.open().await?.installed()).into())
}

pub async fn models(app: &App) -> Result<Vec<ModelPack>, AppError> {
    let installed = app.open().await?.installed();
    // Figures come with each load and draft, the rest of a pack does not change.
    let fresh = packs::list(app.data()).await.unwrap_or_default();
    let measured =
        |hash: &str| fresh.iter().find(|pack| pack.hash == hash).map(|pack| pack.measured.clone()).unwrap_or_default();
    let in_use = |id: &str| {
        installed.encode.as_ref().is_some_and(|e| e.pack.id == id)
            || installed.draft.as_ref().is_some_and(|d| d.pack.id == id)
    };
    Ok(installed
        .packs
        .iter()
        .map(|pack| (pack, measured(&pack.hash)))
        .map(|(pack, measured)| ModelPack {
            id: pack.id.clone(),
            kind: match pack.kind {
                PackKind::Medgemma => "medgemma".into(),
                PackKind::MedgemmaText => "medgemma-text".into(),
                PackKind::Medsiglip => "medsiglip".into(),
            },
            name: pack.name.clone(),
            demo: pack.demo,
            hash: pack.hash.clone(),
            bytes: pack.bytes as f64,
            source: pack.source.clone(),
            terms: pack.terms.clone(),
            notice: pack.notice.clone(),
            quantization: pack.quantization.clone(),
            arithmetic: pack.arithmetic.clone(),
            card: pack.card.clone(),
            terms_accepted_at: pack.terms_accepted_at.clone(),
            in_use: in_use(&pack.id),
            device: measured.device,
            memory_bytes: measured.memory_bytes.map(|bytes| bytes as f64),
            load_seconds: measured.load_seconds,
            tokens_per_second: measured.tokens_per_second,
            image_seconds: measured.image_seconds,
        })
        .collect())
}

/// Checks a pack's files. How far it is, is said as of an addition, by the job `verify <id>`, which
/// [`pack_add_cancel`] stops.
pub async fn verify_model(app: &App, id: String) -> Result<(), AppError> {
    let job = format!("verify {id}");
    let Some(cancel) = app.begin(&job) else {
        return Err(AppError { code: "pack.busy".into(), detail: format!("The files of {id} are being checked.") });
    };
    let verified = packs::verify(app.data(), &id, &cancel, |at| say(app, &job, at)).await;
    app.end(&job);
    Ok(verified?)
}

/// Lets the person choose a folder and says what it would become; `None` when the dialog
/// was closed. A folder that is refused comes with its problem.
pub async fn pack_choose(app: &App) -> Result<Option<PackCandidate>, AppError> {
    let workstation = app.workstation().await?;
    let Some(folder) = app.host.choose_folder("Choose the folder of a model").await else { return Ok(None) };
    let token = workstation.fresh_id();
    let found = packs::check(app.data(), &folder).await;
    if found.is_ok() {
        app.keep_chosen(token.clone(), folder.clone());
    }
    Ok(Some(candidate(token, &folder, found)))
}

/// Makes a pack of the folder behind `token`, in the background; the job's id.
pub async fn pack_add(
    app: &Arc<App>,
    token: String,
    quantize: String,
    terms_accepted: bool,
) -> Result<String, AppError> {
    let workstation = app.workstation().await?.clone();
    if workstation.is_locked() {
        return Err(AppError { code: "vault.locked".into(), detail: "Log in to add a model.".into() });
    }
    let folder = app.chosen(&token).ok_or_else(|| AppError {
        code: "pack.not_chosen".into(),
        detail: "The folder was not chosen in this session.".into(),
    })?;
    let job = workstation.fresh_id();
    let cancel = app.begin(&job).unwrap_or_default();
    let (app, name) = (app.clone(), job.clone());
    tokio::spawn(async move {
        let added = add(&app, &name, &folder, &quantize, terms_accepted, &cancel).await;
        app.end(&name);
        app.host.emit(match added {
            Ok(id) => AppEvent::PackAdded { job: name, id },
            Err(e) => AppEvent::PackFailed { job: name, code: e.code, detail: e.detail },
        });
    });
    Ok(job)
}

/// Stops an addition, or a check.
pub async fn pack_add_cancel(app: &App, job: String) -> Result<(), AppError> {
    app.cancel(&job);
    Ok(())
}

pub async fn pack_remove(app: &App, id: String) -> Result<(), AppError> {
    let workstation = app.workstation().await?;
    if workstation.is_locked() {
        return Err(AppError { code: "vault.locked".into(), detail: "Log in to remove a model.".into() });
    }
    packs::remove(app.data(), &id).await?;
    app.refresh_packs().await?;
    Ok(workstation.note_pack("pack.remove", &id).await?)
}

async fn add(
    app: &App,
    job: &str,
    folder: &Path,
    quantize: &str,
    terms_accepted: bool,
    cancel: &Cancel,
) -> Result<String, AppError> {
    let say = |at| say(app, job, at);
    let added = packs::add(app.data(), folder, quantize, terms_accepted, cancel, say).await;
    // Listed anew also after a failure: that sweeps what a killed child left.
    app.refresh_packs().await?;
    let id = added?;
    // The pack is there whether or not the session still is.
    if let Err(e) = app.workstation().await?.note_pack("pack.add", &id).await {
        tracing::warn!("the addition of a pack is not in the audit chain: {}", e.code());
    }
    Ok(id)
}

fn say(app: &App, job: &str, at: packs::Progress) {
    // A phase of a newer hilumctl is shown as the one that everything begins with.
    let phase = match at.phase.as_str() {
        "hashing" => PackPhase::Hashing,
        "converting" => PackPhase::Converting,
        "copying" => PackPhase::Copying,
        _ => PackPhase::Checking,
    };
    app.host.emit(AppEvent::PackProgress { job: job.to_owned(), phase, fraction: at.fraction, detail: at.detail });
}

fn candidate(token: String, folder: &Path, found: Result<Candidate, Fault>) -> PackCandidate {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match found {
        Ok(found) => {
            let choices: Vec<PackChoice> = found
                .choices
                .into_iter()
                .map(|choice| PackChoice { quantize: choice.quantize, disk: choice.disk, memory: choice.memory })
                .collect();
            PackCandidate {
                token,
                name: found.name,
                kind: found.kind,
                architecture: found.architecture,
                files: found.files,
                bytes: found.bytes,
                estimate_disk: choices.first().map_or(0.0, |choice| choice.disk),
                estimate_memory: choices.first().map_or(0.0, |choice| choice.memory),
                terms: found.terms,
                notice: found.notice,
                demo: found.demo,
                quantize: choices.iter().map(|choice| choice.quantize.clone()).collect(),
                choices,
                problem: None,
            }
        }
        Err(fault) => PackCandidate {
            token,
            name,
            problem: Some(PackProblem { code: fault.code, detail: fault.detail }),
            ..PackCandidate::default()
        },
    }
}
