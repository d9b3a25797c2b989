//! Loaded models, each in a worker process started from this very program.

use crate::{
    failure::{Failure, Result},
    library::{choose, describe},
    output,
    settings::Settings,
};
use hilum_packs::Kind;
use hilum_workers::{
    DraftEvent, DraftWorker, DrafterLoaded, EncodeWorker, EncoderLoaded, WorkerLimits, messages::draft::DraftPhase,
};
use hilum_workflow::ModelPack;
use std::{env, path::PathBuf};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub struct LoadedEncoder {
    pub worker: EncodeWorker,
    pub pack: ModelPack,
    pub about: EncoderLoaded,
}

pub struct LoadedDrafter {
    pub worker: DraftWorker,
    pub pack: ModelPack,
    pub about: DrafterLoaded,
}

pub async fn encoder(settings: &Settings, pack: Option<&str>) -> Result<LoadedEncoder> {
    let pack = describe(&choose(settings, Kind::MedSigLip, pack)?);
    notice(&pack);
    let worker = EncodeWorker::measuring(this_program()?, WorkerLimits::default(), &settings.packs()?);
    let about = worker.load(&pack.dir, &settings.cancel).await.map_err(|e| Failure::from(e).about(&pack.dir))?;
    Ok(LoadedEncoder { worker, pack, about })
}

pub async fn drafter(settings: &Settings, pack: Option<&str>) -> Result<LoadedDrafter> {
    let pack = describe(&choose(settings, Kind::MedGemma, pack)?);
    notice(&pack);
    let worker = DraftWorker::measuring(this_program()?, WorkerLimits::default(), &settings.packs()?);
    let (events, inbox) = unbounded_channel();
    let load = worker.load(&pack.dir, Some(events), &settings.cancel);
    let (about, ()) = tokio::join!(load, say_phases(inbox));
    let about = about.map_err(|e| Failure::from(e).about(&pack.dir))?;
    Ok(LoadedDrafter { worker, pack, about })
}

/// The program that runs the workers: this one, wherever it was started from.
pub fn this_program() -> Result<PathBuf> {
    env::current_exe().map_err(|e| Failure::internal("worker.not_found", e.to_string()))
}

/// Tells a person which phase a draft is in, until the sender is gone.
async fn say_phases(mut inbox: UnboundedReceiver<DraftEvent>) {
    let mut last = None;
    while let Some(event) = inbox.recv().await {
        if let DraftEvent::Progress { phase, .. } = event
            && last.replace(phase) != Some(phase)
        {
            output::progress(phase_name(phase));
        }
    }
}

pub fn phase_name(phase: DraftPhase) -> &'static str {
    match phase {
        DraftPhase::LoadingModel => "loading the model",
        DraftPhase::ReadingImage => "reading the image",
        DraftPhase::Writing => "writing",
    }
}

/// A demonstration says so wherever it speaks.
fn notice(pack: &ModelPack) {
    if pack.demo {
        eprintln!("hilumctl: {} is a demonstration without medical meaning", pack.id);
    }
}
