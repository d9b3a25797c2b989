//! `hilumctl report`: the whole job without a window.

use crate::{
    cli::Report,
    commands::import,
    failure::{Failure, Result},
    models::phase_name,
    output,
    session::{self, Models},
    settings::Settings,
};
use hilum_report::{Command, TemplateId};
use hilum_workers::DraftEvent;
use hilum_workflow::{DraftChoice, SentenceEvidence, SignatureRequest, Signed, Workstation};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Instant};
use tokio::sync::mpsc::unbounded_channel;

pub async fn run(options: Report, settings: &Settings) -> Result<()> {
    let passphrase = settings.passphrase()?;
    std::fs::create_dir_all(&options.out).map_err(|e| Failure::write(&options.out, &e))?;
    let workstation = session::open(settings, Models::Both)?;
    let mut recovery_key = None;
    if workstation.has_users() {
        workstation.unlock(&options.signer, &passphrase).await?;
    } else {
        let first = workstation.create_first_user(&options.signer, &passphrase).await?;
        eprintln!("hilumctl: recovery key of the new data folder, shown this once: {}", first.recovery_key);
        recovery_key = Some(first.recovery_key);
    }
    let done = job(&workstation, &options, &passphrase, settings).await;
    let done = session::close(&workstation, done).await?;
    if settings.json {
        let mut result = done.as_json(&options);
        result["recovery_key"] = json!(recovery_key);
        output::json(&result);
    } else {
        output::line(done.path.display().to_string());
    }
    Ok(())
}

/// What the job left behind, and how long its steps took.
struct Done {
    path: PathBuf,
    study_uid: String,
    signed: Signed,
    evidence: Vec<SentenceEvidence>,
    seconds: [(&'static str, f64); 4],
}

impl Done {
    fn as_json(&self, options: &Report) -> Value {
        let seconds: serde_json::Map<_, _> =
            self.seconds.iter().map(|(step, seconds)| ((*step).to_owned(), json!(seconds))).collect();
        json!({
            "pdf": self.path.display().to_string(),
            "pdf_sha256": self.signed.pdf_sha256,
            "version": self.signed.version,
            "report": self.signed.report.report.id(),
            "study_uid": self.study_uid,
            "audit_head": self.signed.audit_head,
            "accepted_in_bulk": options.accept_all,
            "evidence": self.evidence,
            "flags": self.signed.report.flags,
            "seconds": seconds,
        })
    }
}

async fn job(workstation: &Workstation, options: &Report, passphrase: &str, settings: &Settings) -> Result<Done> {
    let about = |failure: Failure| failure.about(&options.file);
    let begun = Instant::now();
    let (events, _) = unbounded_channel();
    let imported = workstation.import(std::slice::from_ref(&options.file), &events, &settings.cancel).await?;
    import::verdict(&imported)?;
    let [study_uid] = &imported.study_uids[..] else {
        return Err(about(Failure::usage("report takes one file of one study")));
    };
    let import_seconds = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    workstation.score(study_uid, &settings.cancel).await.map_err(|e| about(e.into()))?;
    let score_seconds = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let detail = workstation.report_of(study_uid, &TemplateId::new("")).await?;
    let id = detail.report.id().clone();
    let (events, mut inbox) = unbounded_channel();
    let telling = tokio::spawn(async move {
        let mut last = None;
        while let Some(event) = inbox.recv().await {
            if let DraftEvent::Progress { phase, .. } = event
                && last.replace(phase) != Some(phase)
            {
                output::progress(phase_name(phase));
            }
        }
    });
    let drafted = workstation.draft(&id, DraftChoice::default(), &events, &settings.cancel).await;
    drop(events);
    let _ = telling.await;
    let drafted = drafted.map_err(|e| about(e.into()))?;
    let mut detail =
        drafted.report.ok_or_else(|| about(Failure::refused("worker.cancelled", "the draft was cancelled")))?;
    let draft_seconds = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    if options.accept_all {
        let revision = detail.report.revision();
        detail = workstation.edit(&id, revision, vec![Command::AcceptAllDemo]).await.map_err(|e| about(e.into()))?;
    }
    let request = SignatureRequest {
        report: id,
        revision: detail.report.revision(),
        passphrase: passphrase.to_owned(),
        // The person named file and signer together on the command line.
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let evidence = workstation.evidence(&request.report).await.map_err(|e| about(e.into()))?;
    let signed = workstation.sign(request).await.map_err(|e| about(e.into()))?;
    let path = options.out.join(format!("report-{}.pdf", signed.version));
    workstation.save_pdf(&signed.version, &path).await?;
    let seconds = [
        ("import", import_seconds),
        ("score", score_seconds),
        ("draft", draft_seconds),
        ("sign", begun.elapsed().as_secs_f64()),
    ];
    Ok(Done { path, study_uid: study_uid.clone(), signed, evidence, seconds })
}
