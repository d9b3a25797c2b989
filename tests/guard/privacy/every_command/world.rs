//! What the commands are called on: a data folder with studies, and the app on it.

use crate::desk::{Desk, NAME, PASSPHRASE, app_on, make_user};
use crate::scene::radiograph;
use hilum_app::App;
use hilum_app::commands::{audit, reports, session, studies};
use hilum_app::dto::{AppError, AppEvent, AuditFilter, EditCommand, SectionName, SentenceState, SignRequest};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A folder with studies, and the app on it.
pub(super) struct World {
    pub(super) app: Arc<App>,
    pub(super) desk: Arc<Desk>,
    pub(super) folder: PathBuf,
    pub(super) recovery: String,
    /// Of one patient, the newer first, and of another; by study.
    pub(super) studies: Vec<String>,
    /// The job of the last import.
    pub(super) import: String,
    /// The newest signed version.
    pub(super) version: String,
    pub(super) token: String,
    pub(super) pack_job: String,
    pub(super) ready: Ready,
}

/// What was made ready for the command that comes next.
#[derive(Default)]
pub(super) struct Ready {
    /// A report, and the revision that it is at.
    pub report: (String, f64),
    pub proposal: String,
    /// A study that nobody has opened.
    pub study: String,
    pub request: Option<SignRequest>,
}

impl World {
    pub async fn new(folder: &Path) -> World {
        let data = folder.join("data");
        let recovery = make_user(&data).await;
        let (app, desk) = app_on(&data);
        let (version, token, pack_job, import) = Default::default();
        let mut world = World {
            app,
            desk,
            folder: folder.to_owned(),
            recovery,
            studies: Vec::new(),
            import,
            version,
            token,
            pack_job,
            ready: Ready::default(),
        };
        world.unlock(NAME).await;
        for (who, date) in [("ONE", "20240105"), ("ONE", "20220105"), ("TWO", "20240106")] {
            let study = world.import(who, date).await.expect("an import");
            world.studies.push(study);
        }
        world
    }

    pub async fn unlock(&self, name: &str) {
        session::lock(&self.app).await.expect("locked");
        session::unlock(&self.app, name.into(), PASSPHRASE.into()).await.expect("unlocked");
    }

    /// A study of its own.
    pub async fn import(&mut self, who: &str, date: &str) -> Result<String, AppError> {
        let file = self.folder.join(format!("{who}-{date}.dcm"));
        std::fs::write(&file, radiograph(who, date).write()).expect("a file");
        self.desk.give_file(&file);
        self.import = studies::import_files(&self.app).await?.expect("a job");
        Ok(self.imported().await)
    }

    pub async fn imported(&self) -> String {
        let studies = self.desk.wait("end of the import", |e| match e {
            AppEvent::ImportDone { study_uids, imported: 1, .. } => Some(study_uids.clone()),
            _ => None,
        });
        studies.await.remove(0)
    }

    pub fn image(&self, study: usize) -> String {
        format!("{}.1.1", self.studies[study])
    }

    pub async fn report(&self, study: usize) -> (String, f64) {
        let view = reports::report_view(&self.app, self.studies[study].clone()).await.expect("a report");
        (view.id, view.revision)
    }

    pub async fn insert(&self, study: usize, section: SectionName, text: &str) -> Result<(), AppError> {
        let (id, revision) = self.report(study).await;
        let (after, region, from) = (None, None, None);
        let insert =
            EditCommand::Insert { section, after, id: format!("s-{revision}"), text: text.into(), region, from };
        reports::report_edit(&self.app, id, revision, vec![insert]).await.map(drop)
    }

    /// Fills what a signature needs, with nothing unreviewed left.
    pub async fn complete(&self, study: usize) -> SignRequest {
        self.drop_proposed(study).await;
        for section in [SectionName::Findings, SectionName::Impression] {
            self.insert(study, section, "The lungs are clear.").await.expect("an edit");
        }
        let (report_id, revision) = self.report(study).await;
        SignRequest {
            report_id,
            revision,
            passphrase: PASSPHRASE.into(),
            patient_confirmed: true,
            accession_confirmed: true,
        }
    }

    async fn drop_proposed(&self, study: usize) {
        let view = reports::report_view(&self.app, self.studies[study].clone()).await.expect("a report");
        let proposed = view.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == SentenceState::Proposed);
        let drops: Vec<EditCommand> = proposed.map(|s| EditCommand::Drop { id: s.id.clone() }).collect();
        if !drops.is_empty() {
            reports::report_edit(&self.app, view.id, view.revision, drops).await.expect("reviewed");
        }
    }

    pub async fn drafted(&self) {
        let end = self.desk.wait("end of the draft", |e| match e {
            AppEvent::DraftDone { .. } => Some(Ok(())),
            AppEvent::DraftFailed { code, detail, .. } => Some(Err(format!("{code}: {detail}"))),
            _ => None,
        });
        end.await.expect("a draft");
    }

    /// The actions of all lines after the one numbered `after`, and the newest number.
    pub async fn lines(&self, after: f64) -> (Vec<String>, f64) {
        let lines = audit::audit(&self.app, 500, None, AuditFilter::default()).await.expect("lines");
        let newest = lines.first().map_or(0.0, |l| l.seq);
        (lines.into_iter().filter(|l| l.seq > after).map(|l| l.action).collect(), newest)
    }

    /// Waits until nothing is written any more by what goes on by itself.
    pub async fn still(&self) -> f64 {
        let (mut newest, mut calm) = (-1.0, 0);
        while calm < 4 {
            let (_, now) = self.lines(0.0).await;
            calm = if now == newest { calm + 1 } else { 0 };
            newest = now;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        newest
    }
}
