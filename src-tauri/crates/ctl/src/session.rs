//! The workstation of the data folder, unlocked for one command.

use crate::{
    failure::{Failure, Result},
    library::{choose, describe},
    models::this_program,
    settings::Settings,
};
use hilum_packs::Kind;
use hilum_workers::{DecodeChild, DraftWorker, EncodeWorker, WorkerLimits};
use hilum_workflow::{
    Drafter, Outside, RandomIds, Scorer, SystemClock, Workstation,
    children::{PackDrafter, PackScorer},
};
use std::sync::Arc;

/// Which models a command may need; none is loaded before it is asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Models {
    None,
    Both,
}

/// Takes hold of the data folder, still locked.
pub fn open(settings: &Settings, models: Models) -> Result<Workstation> {
    let folder = settings.data()?;
    let outside = Outside {
        clock: Arc::new(SystemClock::local()),
        ids: Arc::new(RandomIds),
        decoder: Arc::new(DecodeChild::located()?),
        scorer: if models == Models::Both { scorer(settings)? } else { None },
        drafter: if models == Models::Both { drafter(settings)? } else { None },
    };
    Workstation::open(&folder, outside).map_err(|e| Failure::from(e).about(&folder))
}

/// Takes hold of the data folder and unlocks it as `user`, or as its only user.
pub async fn unlock(settings: &Settings, user: Option<&str>, models: Models) -> Result<Workstation> {
    let workstation = open(settings, models)?;
    let name = match user {
        Some(name) => name.to_owned(),
        None => match &workstation.users()[..] {
            [] => {
                let message = "nobody has an account in this data folder; see `hilumctl help user`";
                return Err(Failure::refused("vault.missing", message).about(&settings.data()?));
            }
            [only] => only.name.clone(),
            _ => return Err(Failure::usage("several people use this data folder: say who with --user NAME")),
        },
    };
    workstation.unlock(&name, &settings.passphrase()?).await?;
    Ok(workstation)
}

/// Closes the store in good order; what the command did counts either way.
pub async fn close<T>(workstation: &Workstation, result: Result<T>) -> Result<T> {
    let locked = workstation.lock().await;
    let value = result?;
    locked?;
    Ok(value)
}

fn scorer(settings: &Settings) -> Result<Option<Arc<dyn Scorer>>> {
    let Ok(pack) = choose(settings, Kind::MedSigLip, None) else { return Ok(None) };
    let worker = EncodeWorker::measuring(this_program()?, WorkerLimits::default(), &settings.packs()?);
    Ok(Some(Arc::new(PackScorer { worker, pack: describe(&pack) })))
}

/// The drafting engine with the pack that is used where nobody chose.
pub fn drafter(settings: &Settings) -> Result<Option<Arc<dyn Drafter>>> {
    let Ok(pack) = choose(settings, Kind::MedGemma, None) else { return Ok(None) };
    let worker = DraftWorker::measuring(this_program()?, WorkerLimits::default(), &settings.packs()?);
    Ok(Some(Arc::new(PackDrafter { worker, pack: describe(&pack) })))
}
