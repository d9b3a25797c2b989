//! Every command of the window, and what it leaves in the audit chain: a command without a decision here
//! fails, and so does one that leaves something else.

use crate::common;
use crate::desk::{Desk, NAME, PASSPHRASE, app_on, make_user};
use crate::scene::radiograph;
use hilum_app::commands::*;
use hilum_app::dto::{
    Annotation, AnnotationKind, AppError, AppEvent, AuditFilter, DraftMode, DraftOptions, EditCommand, ExportAs,
    MacroView, SectionHow, SectionName, SectionToDraft, SignRequest, SimilarFilter, SituationName, WorklistFilter,
};
use hilum_app::{App, COMMANDS, queue};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What a command leaves in the chain.
enum Leaves {
    /// At least a line of each of these actions.
    Lines(&'static [&'static str]),
    /// No line, and why none is needed.
    Nothing(&'static str),
}
use Leaves::{Lines, Nothing};

const OF_THE_SESSION: &str = "concerns this run of the program alone";
const NO_PATIENT: &str = "shows nothing of a patient";
const STOPS: &str = "stops something of which the end, or the beginning, is a line";

fn leaves(command: &str) -> Leaves {
    match command {
        "app_status" | "engines" | "models" | "verify_model" | "settings" | "preference" | "logo" | "time_stamp"
        | "backups" => Nothing(NO_PATIENT),
        "templates" | "template_choices" | "template_export" | "macros" | "macros_export" | "spelling"
        | "calibration" => Nothing(NO_PATIENT),
        "signing_key" | "signing_certificate_save" => {
            Nothing("shows a certificate, which every signed document carries")
        }
        "signing_key_import" => Lines(&["user.identity"]),
        "accept_intended_use" => Lines(&["terms.accept"]),
        "touch" | "close_window" | "draft_queue_pause" => Nothing(OF_THE_SESSION),
        "lock" => Nothing("nothing is read or changed until somebody unlocks, which is a line"),
        "cancel_import" | "draft_cancel" | "index_cancel" | "backup_cancel" | "pack_add_cancel" => Nothing(STOPS),
        "started" => Nothing("imports what was given at start, each file of which is a line"),
        "pack_choose" | "restore_choose" => Nothing("looks at a folder; what is made of it is a line"),
        "report_release" => Nothing("gives back what lapses by itself; taking it is a line"),
        "figures" | "annotations" => Nothing("part of the study, whose reading is a line"),
        "second_show" | "second_study" => Nothing("names a study; its images are lines of their own"),
        "draft_queue" => Nothing("names the studies that wait; the worklist's reading is a line"),
        "audit_verify" => Nothing("computes hashes"),
        "audit" => Lines(&["audit.read"]),
        "audit_export" => Lines(&["audit.export"]),
        "create_first_user" => Lines(&["vault.create", "user.identity"]),
        "unlock" => Lines(&["vault.unlock"]),
        "unlock_with_recovery" => Lines(&["vault.recover", "user.identity"]),
        "add_user" => Lines(&["user.add", "user.identity"]),
        "change_passphrase" => Lines(&["user.passphrase"]),
        "recovery_renew" => Lines(&["vault.renew_recovery"]),
        "worklist" => Lines(&["worklist.read"]),
        "import_files" | "import_folder" => Lines(&["instance.import"]),
        "undo_import" => Lines(&["study.delete"]),
        "open_study" => Lines(&["study.read", "report.read"]),
        "prior_shown" => Lines(&["study.read"]),
        "image_overview" | "image_pixels" => Lines(&["image.read"]),
        "thumbnail" => Lines(&["image.thumbnail"]),
        "evidence_map" => Lines(&["image.map"]),
        "similar_cases" => Lines(&["similar.search"]),
        "similar_reveal" => Lines(&["similar.reveal"]),
        "report_view" | "report_texts" | "evidence" | "timeline" => Lines(&["report.read"]),
        "proposal_view" => Lines(&["proposal.read"]),
        "signed_pdf" => Lines(&["report.read"]),
        "draft_preview_pdf" => Lines(&["report.preview"]),
        "report_edit" => Lines(&["report.edit"]),
        "report_reveal" => Lines(&["report.reveal"]),
        "report_take_over" => Lines(&["report.take_over"]),
        "draft_start" | "draft_section" => Lines(&["report.propose", "report.draft"]),
        "evidence_requery" => Lines(&["report.requery"]),
        "sign" | "sign_without_time_stamp" => Lines(&["report.sign"]),
        "sign_preliminary" => Lines(&["report.sign_preliminary", "report.edit"]),
        "save_pdf" | "export_report" => Lines(&["report.export"]),
        "set_figures" => Lines(&["report.figures"]),
        "logo_choose" | "logo_remove" => Lines(&["letterhead.logo"]),
        "set_time_stamp_url" | "time_stamp_certificate" | "set_settings" | "set_preference" | "backup_choose" => {
            Lines(&["setting.change"])
        }
        "template_import" => Lines(&["template.import"]),
        "template_choose" => Lines(&["template.choose"]),
        "macro_put" => Lines(&["macro.put"]),
        "macro_remove" => Lines(&["macro.remove"]),
        "macros_import" => Lines(&["macros.import"]),
        "word_add" => Lines(&["word.add"]),
        "word_remove" => Lines(&["word.remove"]),
        "calibration_fit" => Lines(&["calibration.fit"]),
        "annotation_put" => Lines(&["annotation.put"]),
        "annotation_remove" => Lines(&["annotation.remove"]),
        "set_comparison" => Lines(&["comparison.link"]),
        "move_study" => Lines(&["study.move"]),
        "assign_study" => Lines(&["study.assign"]),
        "set_priority" => Lines(&["study.priority"]),
        "draft_queue_add" => Lines(&["study.queue"]),
        "draft_queue_remove" => Lines(&["study.unqueue"]),
        "pack_add" => Lines(&["pack.add"]),
        "pack_remove" => Lines(&["pack.remove"]),
        "backup_start" => Lines(&["backup.make"]),
        "restore_start" => Lines(&["backup.restore"]),
        other => panic!("{other} has no decision: say here what it leaves in the audit chain, or why nothing"),
    }
}

/// Lines that come by themselves after an import, at any moment.
const BY_THEMSELVES: [&str; 1] = ["image.encode"];

/// A folder with studies, and the app on it.
struct World {
    app: Arc<App>,
    desk: Arc<Desk>,
    folder: PathBuf,
    recovery: String,
    /// Of one patient, the newer first, and of another; by study.
    studies: Vec<String>,
    /// The job of the last import.
    import: String,
    /// The newest signed version.
    version: String,
    token: String,
    pack_job: String,
}

impl World {
    async fn new(folder: &Path) -> World {
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
        };
        world.unlock(NAME).await;
        for (who, date) in [("ONE", "20240105"), ("ONE", "20220105"), ("TWO", "20240106")] {
            let study = world.import(who, date).await.expect("an import");
            world.studies.push(study);
        }
        world
    }

    async fn unlock(&self, name: &str) {
        session::lock(&self.app).await.expect("locked");
        session::unlock(&self.app, name.into(), PASSPHRASE.into()).await.expect("unlocked");
    }

    /// A study of its own.
    async fn import(&mut self, who: &str, date: &str) -> Result<String, AppError> {
        let file = self.folder.join(format!("{who}-{date}.dcm"));
        std::fs::write(&file, radiograph(who, date).write()).expect("a file");
        self.desk.give_file(&file);
        self.import = studies::import_files(&self.app).await?.expect("a job");
        Ok(self.imported().await)
    }

    async fn imported(&self) -> String {
        let studies = self.desk.wait("end of the import", |e| match e {
            AppEvent::ImportDone { study_uids, imported: 1, .. } => Some(study_uids.clone()),
            _ => None,
        });
        studies.await.remove(0)
    }

    fn image(&self, study: usize) -> String {
        format!("{}.1.1", self.studies[study])
    }

    async fn report(&self, study: usize) -> (String, f64) {
        let view = reports::report_view(&self.app, self.studies[study].clone()).await.expect("a report");
        (view.id, view.revision)
    }

    async fn insert(&self, study: usize, section: SectionName, text: &str) -> Result<(), AppError> {
        let (id, revision) = self.report(study).await;
        let (after, region, from) = (None, None, None);
        let insert =
            EditCommand::Insert { section, after, id: format!("s-{revision}"), text: text.into(), region, from };
        reports::report_edit(&self.app, id, revision, vec![insert]).await.map(drop)
    }

    /// Fills what a signature needs, with nothing unreviewed left.
    async fn complete(&self, study: usize) -> SignRequest {
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
        let proposed = view
            .sections
            .iter()
            .flat_map(|s| &s.sentences)
            .filter(|s| s.state == hilum_app::dto::SentenceState::Proposed);
        let drops: Vec<EditCommand> = proposed.map(|s| EditCommand::Drop { id: s.id.clone() }).collect();
        if !drops.is_empty() {
            reports::report_edit(&self.app, view.id, view.revision, drops).await.expect("reviewed");
        }
    }

    async fn drafted(&self) {
        let end = self.desk.wait("end of the draft", |e| match e {
            AppEvent::DraftDone { .. } => Some(Ok(())),
            AppEvent::DraftFailed { code, detail, .. } => Some(Err(format!("{code}: {detail}"))),
            _ => None,
        });
        end.await.expect("a draft");
    }

    /// The actions of all lines after the one numbered `after`, and the newest number.
    async fn lines(&self, after: f64) -> (Vec<String>, f64) {
        let lines = audit::audit(&self.app, 500, None, AuditFilter::default()).await.expect("lines");
        let newest = lines.first().map_or(0.0, |l| l.seq);
        (lines.into_iter().filter(|l| l.seq > after).map(|l| l.action).collect(), newest)
    }

    /// Waits until nothing is written any more by what goes on by itself.
    async fn still(&self) -> f64 {
        let (mut newest, mut calm) = (-1.0, 0);
        while calm < 4 {
            let (_, now) = self.lines(0.0).await;
            calm = if now == newest { calm + 1 } else { 0 };
            newest = now;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        newest
    }

    /// Does what the window's command does, with good arguments.
    async fn call(&mut self, command: &str) -> Result<(), AppError> {
        let app = self.app.clone();
        let (study, prior, other) = (self.studies[0].clone(), self.studies[1].clone(), self.studies[2].clone());
        let image = self.image(0);
        let annotation = |id: &str| Annotation {
            id: id.into(),
            instance_uid: image.clone(),
            kind: AnnotationKind::Arrow,
            points: vec![[10.0, 10.0], [40.0, 40.0]],
            label: "nodule".into(),
            measured: Vec::new(),
            spacing: None,
        };
        let macro_of =
            |text: &str| MacroView { name: "guard".into(), sections: vec![SectionName::Findings], text: text.into() };
        let options = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior: false };
        match command {
            "app_status" => session::app_status(&app).await.map(drop),
            "create_first_user" => {
                let data = self.folder.join("another");
                let (fresh, _) = app_on(&data);
                session::create_first_user(&fresh, NAME.into(), PASSPHRASE.into()).await?;
                let lines = audit::audit(&fresh, 9, None, AuditFilter::default()).await?;
                let actions: BTreeSet<&str> = lines.iter().map(|l| l.action.as_str()).collect();
                assert!(["vault.create", "user.identity"].iter().all(|a| actions.contains(a)), "{actions:?}");
                fresh.close().await;
                Ok(())
            }
            "unlock" => {
                session::lock(&app).await?;
                session::unlock(&app, NAME.into(), PASSPHRASE.into()).await.map(drop)
            }
            "unlock_with_recovery" => {
                session::lock(&app).await?;
                session::unlock_with_recovery(&app, self.recovery.clone(), NAME.into(), PASSPHRASE.into())
                    .await
                    .map(drop)
            }
            "lock" => session::lock(&app).await,
            "add_user" => session::add_user(&app, "Dr B. Reader".into(), PASSPHRASE.into(), false).await.map(drop),
            "change_passphrase" => session::change_passphrase(&app, PASSPHRASE.into(), PASSPHRASE.into()).await,
            "recovery_renew" => {
                self.recovery = session::recovery_renew(&app, PASSPHRASE.into()).await?;
                Ok(())
            }
            "signing_key" => signing_key::signing_key(&app).await.map(drop),
            "signing_certificate_save" => {
                self.desk.save_as(&self.folder.join("own.der"));
                signing_key::signing_certificate_save(&app).await.map(drop)
            }
            "signing_key_import" => {
                let file = own_key(&self.folder);
                self.desk.give_file(&file);
                signing_key::signing_key_import(&app, "geheim".into(), PASSPHRASE.into()).await.map(drop)
            }
            "accept_intended_use" => signing_key::accept_intended_use(&app).await,
            "touch" => {
                app.touch();
                Ok(())
            }
            // The rest of this command is the windowing system's.
            "close_window" => Ok(()),
            "started" => studies::started(&app).await,
            "worklist" => reading::worklist(&app, String::new(), WorklistFilter::default()).await.map(drop),
            "import_files" => self.import("THREE", "20240107").await.map(drop),
            "import_folder" => {
                let folder = self.folder.join("incoming");
                std::fs::create_dir_all(&folder).expect("a folder");
                std::fs::write(folder.join("a.dcm"), radiograph("FOUR", "20240108").write()).expect("a file");
                self.desk.give_folder(&folder);
                self.import = studies::import_folder(&app).await?.expect("a job");
                self.imported().await;
                Ok(())
            }
            "cancel_import" => studies::cancel_import(&app, self.import.clone()).await,
            "undo_import" => reading::undo_import(&app, self.import.clone()).await.map(drop),
            "open_study" => studies::open_study(&app, study).await.map(drop),
            "prior_shown" => reading::prior_shown(&app, study, prior).await,
            "image_overview" => images::image_overview(&app, image, 1920, 1080).await.map(drop),
            "image_pixels" => images::image_pixels(&app, image).await.map(drop),
            "thumbnail" => images::thumbnail(&app, image).await.map(|png| assert!(!png.is_empty())),
            "evidence_map" => similar::evidence_map(&app, image, "cardiomegaly".into()).await.map(drop),
            "similar_cases" => similar::similar_cases(&app, image, SimilarFilter::default()).await.map(drop),
            "similar_reveal" => similar::similar_reveal(&app, self.image(2)).await.map(drop),
            "index_cancel" => similar::index_cancel(&app).await,
            "report_view" => reports::report_view(&app, study).await.map(drop),
            "report_edit" => self.insert(0, SectionName::Findings, "The heart is normal.").await,
            "report_texts" => reports::report_texts(&app, self.report_id(0).await).await.map(drop),
            "evidence" => evidence::evidence(&app, self.report_id(0).await).await.map(drop),
            "timeline" => reading::timeline(&app, study).await.map(drop),
            "templates" => reports::templates(&app).await.map(drop),
            "draft_start" => {
                reports::draft_start(&app, self.report_id(0).await, options).await?;
                self.drafted().await;
                Ok(())
            }
            "draft_section" => {
                let id = self.report_id(0).await;
                reports::draft_section(&app, id, SectionToDraft::Findings, SectionHow::Again).await?;
                self.drafted().await;
                Ok(())
            }
            "draft_cancel" => reports::draft_cancel(&app, self.report_id(0).await).await,
            "proposal_view" => {
                let view = reports::report_view(&app, study).await?;
                let proposal = view.sections.iter().flat_map(|s| &s.sentences).find_map(|s| s.proposal_id.clone());
                reports::proposal_view(&app, proposal.expect("a proposal")).await.map(drop)
            }
            "evidence_requery" => {
                evidence::evidence_requery(&app, self.report_id(0).await).await?;
                let end = self.desk.wait("end of the questions", |e| match e {
                    AppEvent::EvidenceReady { .. } => Some(Ok(())),
                    AppEvent::EvidenceFailed { code, detail, .. } => Some(Err(format!("{code}: {detail}"))),
                    _ => None,
                });
                end.await.expect("answers");
                Ok(())
            }
            "report_reveal" => {
                images::image_pixels(&app, image).await?;
                reports::report_reveal(&app, self.report_id(0).await).await.map(drop)
            }
            "report_take_over" => {
                self.unlock("Dr B. Reader").await;
                self.insert(2, SectionName::Findings, "The ribs are whole.").await?;
                self.unlock(NAME).await;
                let id = self.report_id(2).await;
                reports::report_take_over(&app, id).await.map(drop)
            }
            "report_release" => reports::report_release(&app, self.report_id(2).await).await,
            "sign_preliminary" => {
                let request = self.complete(1).await;
                signing::sign_preliminary(&app, request).await.map(drop)
            }
            "sign" => {
                let request = self.complete(0).await;
                self.version = signing::sign(&app, request).await?.version_id;
                Ok(())
            }
            "sign_without_time_stamp" => {
                let request = self.complete(2).await;
                signing::sign_without_time_stamp(&app, request).await.map(drop)
            }
            "figures" => printing::figures(&app, self.report_id(0).await).await.map(drop),
            "set_figures" => {
                let id = self.report_id(0).await;
                let choice = hilum_app::dto::FigureChoice { images: vec![image], measurements: Vec::new() };
                printing::set_figures(&app, id, choice).await.map(drop)
            }
            "logo" => printing::logo(&app).await.map(drop),
            "logo_choose" => {
                self.desk.give_file(&common::root().join("icons/128x128.png"));
                printing::logo_choose(&app).await.map(|taken| assert!(taken))
            }
            "logo_remove" => printing::logo_remove(&app).await,
            "time_stamp" => printing::time_stamp(&app).await.map(drop),
            "set_time_stamp_url" => {
                printing::set_time_stamp_url(&app, "http://127.0.0.1:9/tsr".into()).await?;
                printing::set_time_stamp_url(&app, String::new()).await.map(drop)
            }
            "time_stamp_certificate" => {
                let der = hilum_store::certificates(app.data()).expect("certificates").remove(0).der;
                let file = self.folder.join("server.der");
                std::fs::write(&file, der).expect("a file");
                self.desk.give_file(&file);
                printing::time_stamp_certificate(&app).await.map(drop)
            }
            "signed_pdf" => signing::signed_pdf(&app, self.version.clone()).await.map(drop),
            "draft_preview_pdf" => {
                self.complete(1).await;
                signing::draft_preview_pdf(&app, self.report_id(1).await).await.map(drop)
            }
            "save_pdf" => {
                self.desk.save_as(&self.folder.join("saved.pdf"));
                signing::save_pdf(&app, self.version.clone()).await.map(drop)
            }
            "export_report" => {
                self.desk.save_as(&self.folder.join("saved.json"));
                signing::export_report(&app, self.version.clone(), ExportAs::Fhir).await.map(drop)
            }
            "template_export" => {
                self.desk.save_as(&self.folder.join("template.html"));
                templates::template_export(&app, "cxr-frontal".into()).await.map(drop)
            }
            "template_import" => {
                self.desk.give_file(&self.folder.join("template.html"));
                templates::template_import(&app).await.map(drop)
            }
            "template_choices" => writing::template_choices(&app).await.map(drop),
            "template_choose" => writing::template_choose(&app, SituationName::Child, Some("cxr-frontal".into())).await,
            "macros" => writing::macros(&app).await.map(drop),
            "macro_put" => writing::macro_put(&app, macro_of("The lungs are clear."), None).await.map(drop),
            "macros_export" => {
                self.desk.save_as(&self.folder.join("macros.json"));
                writing::macros_export(&app).await.map(drop)
            }
            "macros_import" => {
                self.desk.give_file(&self.folder.join("macros.json"));
                writing::macros_import(&app).await.map(drop)
            }
            "macro_remove" => writing::macro_remove(&app, macro_of("The lungs are clear.")).await.map(drop),
            "spelling" => writing::spelling(&app).await.map(drop),
            "word_add" => writing::word_add(&app, "silhouetting".into()).await,
            "word_remove" => writing::word_remove(&app, "silhouetting".into()).await,
            "engines" => models::engines(&app).await.map(drop),
            "models" => models::models(&app).await.map(drop),
            "verify_model" => models::verify_model(&app, "medsiglip-demo".into()).await,
            "pack_choose" => {
                let folder = self.folder.join("MedSigLIP tiny");
                hilum_testkit::siglip::TinySiglip::references()[0].1.write(&folder).expect("a model");
                self.desk.give_folder(&folder);
                let found = models::pack_choose(&app).await?.expect("a candidate");
                assert!(found.problem.is_none(), "{:?}", found.problem);
                self.token = found.token;
                Ok(())
            }
            "pack_add" => {
                self.pack_job = models::pack_add(&app, self.token.clone(), "none".into(), true).await?;
                let end = self.desk.wait("end of the addition", |e| match e {
                    AppEvent::PackAdded { .. } => Some(Ok(())),
                    AppEvent::PackFailed { code, detail, .. } => Some(Err(format!("{code}: {detail}"))),
                    _ => None,
                });
                end.await.expect("a pack");
                Ok(())
            }
            "pack_add_cancel" => models::pack_add_cancel(&app, self.pack_job.clone()).await,
            "pack_remove" => models::pack_remove(&app, "medsiglip-tiny".into()).await,
            "settings" => settings::settings(&app).await.map(drop),
            "set_settings" => {
                let mut now = settings::settings(&app).await?;
                now.idle_lock_minutes += 1;
                settings::set_settings(&app, now).await.map(drop)
            }
            "preference" => reading::preference(&app, "guard".into()).await.map(drop),
            "set_preference" => reading::set_preference(&app, "guard".into(), "on".into()).await,
            "audit" => {
                // The guard itself has looked in this session.
                self.unlock(NAME).await;
                audit::audit(&app, 9, None, AuditFilter::default()).await.map(drop)
            }
            "audit_verify" => audit::audit_verify(&app).await.map(|verdict| assert!(verdict.ok, "{verdict:?}")),
            "audit_export" => {
                self.desk.save_as(&self.folder.join("audit.csv"));
                audit::audit_export(&app, AuditFilter::default()).await.map(drop)
            }
            "calibration" => similar::calibration(&app).await.map(drop),
            "calibration_fit" => similar::calibration_fit(&app).await.map(drop),
            "annotations" => reading::annotations(&app, study).await.map(drop),
            "annotation_put" => reading::annotation_put(&app, annotation("a1")).await,
            "annotation_remove" => reading::annotation_remove(&app, "a1".into()).await,
            "set_comparison" => reading::set_comparison(&app, study, other, true).await,
            "move_study" => reading::move_study(&app, prior, other, "Filed under the wrong patient.".into()).await,
            "assign_study" => reading::assign_study(&app, study, Some("u-reader".into())).await,
            "set_priority" => reading::set_priority(&app, study, "stat".into()).await,
            "draft_queue" => queue::draft_queue(&app).await.map(drop),
            "draft_queue_add" => queue::draft_queue_add(&app, vec![other], false).await,
            "draft_queue_remove" => queue::draft_queue_remove(&app, other).await,
            "draft_queue_pause" => queue::draft_queue_pause(&app, true).await,
            "second_show" => reading::second_show(&app, Some(study), false).await,
            "second_study" => reading::second_study(&app).await.map(drop),
            "backup_choose" => {
                let folder = self.folder.join("backups");
                std::fs::create_dir_all(&folder).expect("a folder");
                self.desk.give_folder(&folder);
                backup::backup_choose(&app).await.map(drop)
            }
            "backups" => backup::backups(&app).await.map(drop),
            "backup_start" => {
                backup::backup_start(&app).await?;
                let end = self.desk.wait("end of the backup", |e| match e {
                    AppEvent::BackupDone { .. } => Some(Ok(())),
                    AppEvent::BackupFailed { code, detail } => Some(Err(format!("{code}: {detail}"))),
                    _ => None,
                });
                end.await.expect("a backup");
                Ok(())
            }
            "backup_cancel" => backup::backup_cancel(&app).await,
            "restore_choose" => {
                self.desk.give_folder(&self.folder.join("backups"));
                self.token = backup::restore_choose(&app).await?.expect("a backup").token;
                Ok(())
            }
            "restore_start" => {
                session::lock(&app).await?;
                backup::restore_start(&app, self.token.clone(), NAME.into(), PASSPHRASE.into(), false).await?;
                let end = self.desk.wait("end of the restoring", |e| match e {
                    AppEvent::RestoreDone { .. } => Some(Ok(())),
                    AppEvent::BackupFailed { code, detail } => Some(Err(format!("{code}: {detail}"))),
                    _ => None,
                });
                end.await.expect("restored");
                Ok(())
            }
            other => panic!("{other} is called nowhere: call it here with good arguments"),
        }
    }

    async fn report_id(&self, study: usize) -> String {
        self.report(study).await.0
    }
}

/// A key and certificate of the person's own, made by OpenSSL.
fn own_key(folder: &Path) -> PathBuf {
    let openssl = |arguments: &str| {
        let done = std::process::Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
        assert!(done.expect("openssl; ./dev test installs it").status.success(), "openssl {arguments}");
    };
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=Reader",
    );
    openssl("pkcs12 -export -inkey key.pem -in cert.pem -out own.p12 -passout pass:geheim");
    folder.join("own.p12")
}

/// In an order in which each finds what it needs. What is missing here is called first, and fails if it needs more.
const ORDER: &[&str] = &[
    "add_user",
    "started",
    "worklist",
    "import_files",
    "cancel_import",
    "undo_import",
    "import_folder",
    "open_study",
    "image_overview",
    "image_pixels",
    "thumbnail",
    "index_cancel",
    "evidence_map",
    "similar_cases",
    "similar_reveal",
    "report_view",
    "report_edit",
    "draft_queue_pause",
    "draft_queue_add",
    "draft_queue",
    "draft_queue_remove",
    "draft_start",
    "proposal_view",
    "evidence_requery",
    "draft_section",
    "draft_cancel",
    "report_reveal",
    "report_take_over",
    "report_release",
    "set_figures",
    "annotation_put",
    "annotation_remove",
    "draft_preview_pdf",
    "sign_preliminary",
    "sign",
    "sign_without_time_stamp",
    "signed_pdf",
    "save_pdf",
    "export_report",
    "timeline",
    "logo_choose",
    "logo_remove",
    "template_export",
    "template_import",
    "macro_put",
    "macros_export",
    "macros_import",
    "macro_remove",
    "word_add",
    "word_remove",
    "calibration_fit",
    "move_study",
    "pack_choose",
    "pack_add",
    "pack_add_cancel",
    "pack_remove",
    "backup_choose",
    "backup_start",
    "backups",
    "restore_choose",
    "restore_start",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_each_leaves_in_the_chain() {
    common::use_demo_packs();
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::new(folder.path()).await;
    let early: Vec<&str> = COMMANDS.iter().copied().filter(|c| !ORDER.contains(c)).collect();
    for gone in ORDER.iter().filter(|c| !COMMANDS.contains(c)) {
        panic!("{gone} is no command any more");
    }
    let (mut lines_of, mut silent) = (0, 0);
    for command in early.into_iter().chain(ORDER.iter().copied()) {
        // What is written once a session is new again.
        world.unlock(NAME).await;
        let before = world.still().await;
        world.call(command).await.unwrap_or_else(|e| panic!("{command}: {e:?}"));
        let status = session::app_status(&world.app).await.expect("a status");
        let locked = status.locked;
        if locked {
            session::unlock(&world.app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked");
        }
        // A restored folder has a chain of its own.
        let before = if command == "restore_start" { 0.0 } else { before };
        let (mut left, _) = world.lines(before).await;
        left.retain(|action| {
            !BY_THEMSELVES.contains(&action.as_str()) && !(locked && action == "vault.unlock") && action != "audit.read"
                || command == "audit"
        });
        match leaves(command) {
            Lines(wanted) if command != "create_first_user" => {
                lines_of += 1;
                for action in wanted {
                    assert!(left.iter().any(|a| a == action), "{command} leaves no {action}: {left:?}");
                }
            }
            // On a folder of its own, looked at where it is called.
            Lines(_) => lines_of += 1,
            Nothing(why) => {
                silent += 1;
                assert!(left.is_empty() || only_reads(command, &left), "{command} leaves {left:?}, though it {why}");
            }
        }
    }
    println!("{lines_of} commands leave their lines, {silent} leave none and need none");
    let verdict = audit::audit_verify(&world.app).await.expect("a verdict");
    assert!(verdict.ok, "{verdict:?}");
    world.app.close().await;
}

/// Lines of what the call above read first in order to call the command.
fn only_reads(command: &str, left: &[String]) -> bool {
    let needs_report = ["draft_cancel", "report_release", "figures"];
    needs_report.contains(&command) && left.iter().all(|a| a == "report.read" || a == "report.create")
}
