//! Every command of the window, called as the window calls it, with good arguments.

use super::world::World;
use crate::common;
use crate::desk::{NAME, PASSPHRASE, app_on, own_key};
use crate::scene::radiograph;
use hilum_app::commands::*;
use hilum_app::dto::{
    Annotation, AnnotationKind, AppError, AppEvent, AuditFilter, DraftMode, DraftOptions, EditCommand, ExportAs,
    MacroView, SectionHow, SectionName, SectionToDraft, SimilarFilter, SituationName, WorklistFilter,
};
use hilum_app::queue;
use std::collections::BTreeSet;

impl World {
    /// Makes ready what a command needs and what leaves lines of its own: a report that is there, text to be signed,
    /// somebody else's hold on a report.
    pub async fn prepare(&mut self, command: &str) -> Result<(), AppError> {
        match command {
            "report_view" | "report_edit" | "report_texts" | "report_reveal" | "evidence" | "evidence_requery"
            | "timeline" | "draft_start" | "draft_section" | "draft_cancel" | "figures" | "set_figures" => {
                self.ready.report = self.report(0).await;
            }
            "report_release" => self.ready.report = self.report(2).await,
            "report_take_over" => {
                self.unlock("Dr B. Reader").await;
                self.insert(2, SectionName::Findings, "The ribs are whole.").await?;
                self.unlock(NAME).await;
                self.ready.report = self.report(2).await;
            }
            "proposal_view" => {
                let view = reports::report_view(&self.app, self.studies[0].clone()).await?;
                let proposal = view.sections.iter().flat_map(|s| &s.sentences).find_map(|s| s.proposal_id.clone());
                self.ready.proposal = proposal.expect("a proposal");
            }
            "open_study" => self.ready.study = self.import("OPENED", "20240110").await?,
            "draft_preview_pdf" => self.ready.report.0 = self.complete(1).await.report_id,
            "sign_preliminary" => self.ready.request = Some(self.complete(1).await),
            "sign" => self.ready.request = Some(self.complete(0).await),
            "sign_without_time_stamp" => self.ready.request = Some(self.complete(2).await),
            _ => {}
        }
        Ok(())
    }

    /// Does what the window's command does, with good arguments.
    pub async fn call(&mut self, command: &str) -> Result<(), AppError> {
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
        let (report, revision) = self.ready.report.clone();
        let request = self.ready.request.take();
        let unready = "a report that was made ready";
        match command {
            "app_status" => session::app_status(&app).await.map(drop),
            "sealing_key" => session::sealing_key(&app).await.map(drop),
            "create_first_user" => {
                let data = self.folder.join("another");
                let (fresh, _) = app_on(&data);
                session::create_first_user(&fresh, NAME.into(), PASSPHRASE.into()).await?;
                let lines = audit::audit(&fresh, 9, None, AuditFilter::default()).await?;
                let actions: BTreeSet<&str> = lines.iter().map(|l| l.action.as_str()).collect();
                // The guard's own look is the third.
                assert_eq!(actions, BTreeSet::from(["vault.create", "user.identity", "audit.read"]));
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
            "page_renew" => session::page_renew(&app, false).await,
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
            "open_study" => studies::open_study(&app, self.ready.study.clone()).await.map(drop),
            "prior_shown" => reading::prior_shown(&app, study, prior).await,
            "image_overview" => images::image_overview(&app, image, 1920, 1080).await.map(drop),
            "image_pixels" => images::image_pixels(&app, image).await.map(drop),
            "thumbnail" => images::thumbnail(&app, image).await.map(|png| assert!(!png.is_empty())),
            "evidence_map" => similar::evidence_map(&app, image, "cardiomegaly".into()).await.map(drop),
            "similar_cases" => similar::similar_cases(&app, image, SimilarFilter::default()).await.map(drop),
            "similar_reveal" => similar::similar_reveal(&app, self.image(2)).await.map(drop),
            "index_cancel" => similar::index_cancel(&app).await,
            "report_view" => reports::report_view(&app, study).await.map(drop),
            "report_edit" => {
                let (after, region, from) = (None, None, None);
                let (section, text) = (SectionName::Findings, "The heart is normal.".to_owned());
                let insert = EditCommand::Insert { section, after, id: format!("s-{revision}"), text, region, from };
                reports::report_edit(&app, report, revision, vec![insert]).await.map(drop)
            }
            "report_texts" => reports::report_texts(&app, report).await.map(drop),
            "evidence" => evidence::evidence(&app, report).await.map(drop),
            "timeline" => reading::timeline(&app, study).await.map(drop),
            "templates" => reports::templates(&app).await.map(drop),
            "draft_start" => {
                let (notes, mode) = (String::new(), DraftMode::Structured);
                let options = DraftOptions { indication_confirmed: false, notes, mode, use_prior: false };
                reports::draft_start(&app, report, options).await?;
                self.drafted().await;
                Ok(())
            }
            "draft_section" => {
                reports::draft_section(&app, report, SectionToDraft::Findings, SectionHow::Again).await?;
                self.drafted().await;
                Ok(())
            }
            "draft_cancel" => reports::draft_cancel(&app, report).await,
            "proposal_view" => reports::proposal_view(&app, self.ready.proposal.clone()).await.map(drop),
            "evidence_requery" => {
                evidence::evidence_requery(&app, report).await?;
                let end = self.desk.wait("end of the questions", |e| match e {
                    AppEvent::EvidenceReady { .. } => Some(Ok(())),
                    AppEvent::EvidenceFailed { code, detail, .. } => Some(Err(format!("{code}: {detail}"))),
                    _ => None,
                });
                end.await.expect("answers");
                Ok(())
            }
            "report_reveal" => reports::report_reveal(&app, report).await.map(drop),
            "report_take_over" => reports::report_take_over(&app, report).await.map(drop),
            "report_release" => reports::report_release(&app, report).await,
            "sign_preliminary" => signing::sign_preliminary(&app, request.expect(unready)).await.map(drop),
            "sign" => {
                self.version = signing::sign(&app, request.expect(unready)).await?.version_id;
                Ok(())
            }
            "sign_without_time_stamp" => {
                signing::sign_without_time_stamp(&app, request.expect(unready)).await.map(drop)
            }
            "figures" => printing::figures(&app, report).await.map(drop),
            "set_figures" => {
                let choice = hilum_app::dto::FigureChoice { images: vec![image], measurements: Vec::new() };
                printing::set_figures(&app, report, choice).await.map(drop)
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
            "draft_preview_pdf" => signing::draft_preview_pdf(&app, report).await.map(drop),
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
            "watch_choose" => {
                let folder = self.folder.join("arrivals");
                std::fs::create_dir_all(&folder).expect("a folder");
                self.desk.give_folder(&folder);
                settings::watch_choose(&app).await.map(drop)
            }
            "preference" => reading::preference(&app, "guard".into()).await.map(drop),
            "set_preference" => reading::set_preference(&app, "guard".into(), "on".into()).await,
            "audit" => {
                // The guard itself has looked in this session.
                self.unlock(NAME).await;
                audit::audit(&app, 9, None, AuditFilter::default()).await?;
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
            "second_dictate" => {
                reading::second_show(&app, Some(study.clone()), false).await?;
                reading::second_dictate(&app, study, "Measured length 30 mm.".into()).await
            }
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
}
