//! What this process asks `hilumctl` about model packs, since it reads no model itself.

use crate::heap::HEAP;
use hilum_workers::locate;
use hilum_workflow::{Cancel, Fault, ModelPack};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

/// Longest time that listing the packs may take; it reads manifests only, and sweeps
/// what a killed addition left.
const LISTING: Duration = Duration::from_secs(20);

/// Longest time that a look at a folder may take; it reads headers and small files only.
const LOOK: Duration = Duration::from_secs(60);

/// A model's folder before it is a pack, as `hilumctl pack check` describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Candidate {
    pub name: String,
    pub kind: String,
    pub architecture: String,
    pub files: f64,
    pub bytes: f64,
    pub terms: String,
    pub notice: String,
    #[serde(default)]
    pub demo: bool,
    pub choices: Vec<Choice>,
}

/// One way of storing it, and what that takes, bytes.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Choice {
    pub quantize: String,
    pub disk: f64,
    pub memory: f64,
}

/// How far an addition or a check is, as `hilumctl` says it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Progress {
    pub phase: String,
    pub fraction: Option<f64>,
    pub detail: String,
}

/// The installed packs.
pub(crate) async fn list(data: &Path) -> Result<Vec<ModelPack>, Fault> {
    #[derive(Deserialize)]
    struct Listing {
        packs: Vec<ModelPack>,
    }
    let output = hilumctl(data, &["pack", "list"], None, Some(LISTING)).await?;
    let listing: Listing = serde_json::from_slice(&output.stdout).map_err(|e| {
        tracing::warn!("the packs could not be listed: {e}");
        unreadable("The installed models could not be listed.")
    })?;
    Ok(listing.packs)
}

/// Checks a pack's files against its manifest. `say` is told how far it is; a cancel kills the child.
///
/// # Errors
/// `pack.cancelled`, or the code that `hilumctl` gives, for example "pack.hash_mismatch".
pub(crate) async fn verify(data: &Path, id: &str, cancel: &Cancel, say: impl FnMut(Progress)) -> Result<(), Fault> {
    let mut command = command(data)?;
    // An identifier never looks like an option, but what the window sends may.
    command.args(["pack", "verify", "--", id]);
    let ended = run(command, cancel, say).await?.ok_or_else(|| cancelled("The check was stopped."))?;
    ended.answered("The pack could not be checked.").map(|_| ())
}

/// Says what a folder would become.
///
/// # Errors
/// The code of what is wrong with the folder, for example "pack.text_only".
pub(crate) async fn check(data: &Path, folder: &Path) -> Result<Candidate, Fault> {
    let output = hilumctl(data, &["pack", "check"], Some(folder), Some(LOOK)).await?;
    answered(&output, "The folder could not be looked at.")?;
    serde_json::from_slice(&output.stdout).map_err(|_| unreadable("The folder could not be looked at."))
}

/// Removes a pack.
///
/// # Errors
/// `pack.read_only`, `pack.not_found`, `pack.busy`.
pub(crate) async fn remove(data: &Path, id: &str) -> Result<(), Fault> {
    // An identifier never looks like an option, but what the window sends may.
    let output = hilumctl(data, &["pack", "remove", "--", id], None, None).await?;
    answered(&output, "The pack could not be removed.")
}

/// Makes a pack of a folder and returns its identifier. `say` is told how far it is.
/// A cancel kills the child, and what it left is swept at once.
///
/// # Errors
/// `pack.cancelled`, or the code that `hilumctl` gives.
pub(crate) async fn add(
    data: &Path,
    folder: &Path,
    quantize: &str,
    terms_accepted: bool,
    cancel: &Cancel,
    say: impl FnMut(Progress),
) -> Result<String, Fault> {
    let mut command = command(data)?;
    command.args(["pack", "add", "--quantize", quantize]);
    if terms_accepted {
        command.arg("--accept-terms");
    }
    command.arg("--").arg(folder);
    let ended = run(command, cancel, say).await?.ok_or_else(|| cancelled("The model was not added."))?;
    let out = ended.answered("The model could not be added.")?;
    let added: Value = serde_json::from_slice(&out).unwrap_or_default();
    added["id"].as_str().map(str::to_owned).ok_or_else(|| unreadable("The model was added under no name."))
}

/// How a child that says its progress ended.
struct Ended {
    success: bool,
    out: Vec<u8>,
    /// The last line of standard error that is no progress.
    last: String,
}

impl Ended {
    fn answered(self, otherwise: &str) -> Result<Vec<u8>, Fault> {
        match self.success {
            true => Ok(self.out),
            false => Err(fault(&self.last).unwrap_or_else(|| unreadable(otherwise))),
        }
    }
}

/// Runs a child to its end, telling `say` its progress; `None` where a cancel killed it.
async fn run(mut command: Command, cancel: &Cancel, mut say: impl FnMut(Progress)) -> Result<Option<Ended>, Fault> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| failed(e.to_string()))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let result = async {
        let mut out = Vec::new();
        if let Some(mut stdout) = stdout {
            let _ = stdout.read_to_end(&mut out).await;
        }
        out
    };
    let lines = async {
        let mut last = String::new();
        let Some(stderr) = stderr else { return last };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match progress(&line) {
                Some(progress) => say(progress),
                None => last = line,
            }
        }
        last
    };
    let running = async {
        let (out, last, status) = tokio::join!(result, lines, child.wait());
        (out, last, status)
    };
    let ended = tokio::select! {
        ended = running => Some(ended),
        () = cancel.cancelled() => None,
    };
    let Some((out, last, status)) = ended else {
        // Waited for, so that its lock on the packs is gone before they are listed again.
        let _ = child.kill().await;
        return Ok(None);
    };
    let success = status.map_err(|e| failed(e.to_string()))?.success();
    Ok(Some(Ended { success, out, last }))
}

fn cancelled(detail: &str) -> Fault {
    Fault { code: "pack.cancelled".into(), detail: detail.into() }
}

fn progress(line: &str) -> Option<Progress> {
    #[derive(Deserialize)]
    struct Said {
        progress: Progress,
    }
    serde_json::from_str::<Said>(line).ok().map(|said| said.progress)
}

fn fault(line: &str) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Said {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
        message: String,
    }
    let said = serde_json::from_str::<Said>(line).ok()?;
    Some(Fault { code: said.error.code, detail: said.error.message })
}

/// The refusal in the last line that is one, where the program did not succeed.
fn answered(output: &Output, otherwise: &str) -> Result<(), Fault> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(said.lines().rev().find_map(fault).unwrap_or_else(|| unreadable(otherwise)))
}

fn unreadable(detail: &str) -> Fault {
    Fault { code: "pack.unreadable".into(), detail: detail.into() }
}

fn failed(detail: String) -> Fault {
    Fault { code: "worker.start".into(), detail }
}

fn command(data: &Path) -> Result<Command, Fault> {
    let mut command = Command::new(locate("hilumctl")?);
    command.arg("--data").arg(data).arg("--json").stdin(Stdio::null()).kill_on_drop(true);
    for (name, _) in HEAP {
        command.env_remove(name);
    }
    Ok(command)
}

async fn hilumctl(
    data: &Path,
    arguments: &[&str],
    folder: Option<&Path>,
    limit: Option<Duration>,
) -> Result<Output, Fault> {
    let mut command = command(data)?;
    command.args(arguments);
    if let Some(folder) = folder {
        command.arg("--").arg(folder);
    }
    let running = command.output();
    match limit {
        None => running.await.map_err(|e| failed(e.to_string())),
        Some(limit) => match tokio::time::timeout(limit, running).await {
            Ok(output) => output.map_err(|e| failed(e.to_string())),
            Err(_) => Err(failed("hilumctl did not answer in time".into())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_hilumctl() {
        let said = progress(r#"{"progress":{"phase":"copying","fraction":0.5,"detail":"model.safetensors"}}"#);
        let expected = Progress { phase: "copying".into(), fraction: Some(0.5), detail: "model.safetensors".into() };
        assert_eq!(said, Some(expected));
        let started = progress(r#"{"progress":{"phase":"checking","fraction":null,"detail":""}}"#).expect("progress");
        assert_eq!(started.fraction, None);
        let line = r#"{"error":{"code":"pack.terms","message":"not accepted","file":null}}"#;
        assert_eq!(progress(line), None);
        assert_eq!(fault(line).map(|fault| fault.code), Some("pack.terms".into()));
        assert!(fault("thread 'main' panicked").is_none() && progress("").is_none());
    }
}
