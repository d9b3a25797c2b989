//! A folder whose new files are imported by themselves.

use crate::app::App;
use crate::commands::studies;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often the folder is looked at. A file is taken once two looks in a row found it alike,
/// so that one that is still being written is left alone.
const EVERY: Duration = Duration::from_secs(8);
/// Where it is kept which files were taken already.
const KEPT: &str = "watch.taken";

/// Size in bytes and time of the last change in milliseconds since 1970.
type Look = (u64, u64);

/// Looks at the folder of the settings for ever.
pub async fn run(app: Arc<App>) {
    let mut before: BTreeMap<PathBuf, Look> = BTreeMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        before = look(&app, before).await;
    }
}

/// One look; gives what was found for the next.
pub async fn look(app: &Arc<App>, before: BTreeMap<PathBuf, Look>) -> BTreeMap<PathBuf, Look> {
    let Some(workstation) = app.opened().filter(|w| !w.is_locked()) else { return before };
    let Ok(settings) = app.settings(&workstation).await else { return before };
    if settings.watched_folder.is_empty() {
        return BTreeMap::new();
    }
    let folder = PathBuf::from(settings.watched_folder);
    let found = tokio::task::spawn_blocking(move || found_below(folder)).await.unwrap_or_default();
    let kept = workstation.setting(KEPT).await.ok().flatten();
    let taken: BTreeMap<PathBuf, Look> = kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
    let settled = |path: &PathBuf, look: &Look| before.get(path) == Some(look) && taken.get(path) != Some(look);
    let fresh: Vec<PathBuf> =
        found.iter().filter(|(path, look)| settled(path, look)).map(|(path, _)| path.clone()).collect();
    if fresh.is_empty() {
        return found;
    }
    // What is gone from the folder is forgotten, so that the list does not grow for ever.
    let now: BTreeMap<&PathBuf, &Look> =
        found.iter().filter(|(path, look)| settled(path, look) || taken.get(*path) == Some(look)).collect();
    if let Ok(value) = serde_json::to_value(&now)
        && workstation.set_setting(KEPT, &value).await.is_ok()
        && let Err(e) = studies::import_dropped(app, fresh).await
    {
        tracing::warn!("the watched folder was not imported: {}", e.code);
    }
    found
}

fn found_below(folder: PathBuf) -> BTreeMap<PathBuf, Look> {
    let files = hilum_workflow::files_below(&[folder]);
    let look = |path: &PathBuf| {
        let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let changed = about.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some((about.len(), changed.as_millis() as u64))
    };
    files.into_iter().filter_map(|path| look(&path).map(|look| (path, look))).collect()
}
