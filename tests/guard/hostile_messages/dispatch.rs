// Generated from src-tauri/src/desktop/wrappers.rs by the test `guard_hostile_messages`. Do not edit.

use super::{Answered, Malformed, Response, answered, argument};
use hilum_app::App;
use hilum_app::commands as on;
use hilum_app::dto::*;
use serde_json::Value;
use std::sync::Arc;

type Answer<T> = Result<T, AppError>;

/// Every message with its arguments and their types.
#[rustfmt::skip]
pub const MESSAGES: &[(&str, &[(&str, &str)])] = &[
    ("app_status", &[]),
    ("create_first_user", &[("name", "String"), ("passphrase", "String")]),
    ("unlock", &[("user", "String"), ("passphrase", "String")]),
    ("unlock_with_recovery", &[("recoveryKey", "String"), ("user", "String"), ("newPassphrase", "String")]),
    ("add_user", &[("name", "String"), ("passphrase", "String"), ("trainee", "bool")]),
    ("change_passphrase", &[("old", "String"), ("new", "String")]),
    ("recovery_renew", &[("passphrase", "String")]),
    ("sealing_key", &[]),
    ("lock", &[]),
    ("page_renew", &[("second", "bool")]),
    ("touch", &[]),
    ("started", &[]),
    ("worklist", &[("search", "String"), ("filter", "Option<WorklistFilter>")]),
    ("import_files", &[]),
    ("import_folder", &[]),
    ("cancel_import", &[("job", "String")]),
    ("open_study", &[("studyUid", "String")]),
    ("image_overview", &[("instanceUid", "String"), ("width", "u32"), ("height", "u32")]),
    ("image_pixels", &[("instanceUid", "String")]),
    ("thumbnail", &[("instanceUid", "String")]),
    ("report_view", &[("studyUid", "String")]),
    ("report_edit", &[("reportId", "String"), ("revision", "f64"), ("commands", "Vec<EditCommand>")]),
    ("templates", &[]),
    ("draft_start", &[("reportId", "String"), ("options", "DraftOptions")]),
    ("draft_section", &[("reportId", "String"), ("section", "SectionToDraft"), ("how", "SectionHow")]),
    ("proposal_view", &[("proposalId", "String")]),
    ("evidence", &[("reportId", "String")]),
    ("evidence_requery", &[("reportId", "String")]),
    ("draft_cancel", &[("reportId", "String")]),
    ("sign", &[("request", "SignRequest")]),
    ("sign_without_time_stamp", &[("request", "SignRequest")]),
    ("figures", &[("reportId", "String")]),
    ("set_figures", &[("reportId", "String"), ("choice", "FigureChoice")]),
    ("logo", &[]),
    ("logo_choose", &[]),
    ("logo_remove", &[]),
    ("time_stamp", &[]),
    ("set_time_stamp_url", &[("url", "String")]),
    ("time_stamp_certificate", &[]),
    ("signing_key", &[]),
    ("signing_key_import", &[("password", "String"), ("passphrase", "String")]),
    ("signing_certificate_save", &[]),
    ("accept_intended_use", &[]),
    ("signed_pdf", &[("versionId", "String")]),
    ("template_import", &[]),
    ("template_export", &[("id", "String")]),
    ("export_report", &[("versionId", "String"), ("form", "ExportAs")]),
    ("save_pdf", &[("versionId", "String")]),
    ("draft_preview_pdf", &[("reportId", "String")]),
    ("engines", &[]),
    ("models", &[]),
    ("verify_model", &[("id", "String")]),
    ("pack_choose", &[]),
    ("pack_add", &[("token", "String"), ("quantize", "String"), ("termsAccepted", "bool")]),
    ("pack_add_cancel", &[("job", "String")]),
    ("pack_remove", &[("id", "String")]),
    ("settings", &[]),
    ("set_settings", &[("settings", "Settings")]),
    ("watch_choose", &[]),
    ("audit", &[("limit", "u32"), ("before", "Option<f64>"), ("filter", "AuditFilter")]),
    ("audit_export", &[("filter", "AuditFilter")]),
    ("audit_verify", &[]),
    ("evidence_map", &[("instanceUid", "String"), ("finding", "String")]),
    ("similar_cases", &[("instanceUid", "String"), ("filter", "SimilarFilter")]),
    ("similar_reveal", &[("instanceUid", "String")]),
    ("calibration", &[]),
    ("calibration_fit", &[]),
    ("index_cancel", &[]),
    ("annotations", &[("studyUid", "String")]),
    ("annotation_put", &[("annotation", "Annotation")]),
    ("annotation_remove", &[("id", "String")]),
    ("preference", &[("key", "String")]),
    ("set_preference", &[("key", "String"), ("value", "String")]),
    ("prior_shown", &[("studyUid", "String"), ("priorUid", "String")]),
    ("timeline", &[("studyUid", "String")]),
    ("set_comparison", &[("studyUid", "String"), ("priorUid", "String"), ("linked", "bool")]),
    ("move_study", &[("studyUid", "String"), ("toPatientOf", "String"), ("reason", "String")]),
    ("assign_study", &[("studyUid", "String"), ("userId", "Option<String>")]),
    ("set_priority", &[("studyUid", "String"), ("priority", "String")]),
    ("undo_import", &[("job", "String")]),
    ("draft_queue", &[]),
    ("draft_queue_add", &[("studyUids", "Vec<String>"), ("first", "bool")]),
    ("draft_queue_remove", &[("studyUid", "String")]),
    ("draft_queue_pause", &[("paused", "bool")]),
    ("second_show", &[("studyUid", "Option<String>"), ("open", "bool")]),
    ("second_study", &[]),
    ("second_dictate", &[("studyUid", "String"), ("text", "String")]),
    ("macros", &[]),
    ("macro_put", &[("one", "MacroView"), ("instead", "Option<MacroView>")]),
    ("macro_remove", &[("one", "MacroView")]),
    ("macros_import", &[]),
    ("macros_export", &[]),
    ("spelling", &[]),
    ("word_add", &[("word", "String")]),
    ("word_remove", &[("word", "String")]),
    ("template_choices", &[]),
    ("template_choose", &[("situation", "SituationName"), ("template", "Option<String>")]),
    ("report_texts", &[("reportId", "String")]),
    ("report_reveal", &[("reportId", "String")]),
    ("report_take_over", &[("reportId", "String")]),
    ("report_release", &[("reportId", "String")]),
    ("sign_preliminary", &[("request", "SignRequest")]),
    ("backup_choose", &[]),
    ("backups", &[]),
    ("backup_start", &[]),
    ("backup_cancel", &[]),
    ("restore_choose", &[]),
    ("restore_start", &[("token", "String"), ("user", "String"), ("secret", "String"), ("byRecoveryKey", "bool")]),
];

/// Does what a message asks.
#[rustfmt::skip]
pub async fn message(app: &Arc<App>, name: &str, arguments: &Value) -> Result<Answered, Malformed> {
    match name {
        "app_status" => {
            let answer: Answer<AppStatus> = async { on::session::app_status(&app).await }.await;
            answered(answer)
        }
        "create_first_user" => {
            let name: String = argument(arguments, "name")?;
            let passphrase: String = argument(arguments, "passphrase")?;
            let answer: Answer<FirstUser> = async { on::session::create_first_user(&app, name, passphrase).await }.await;
            answered(answer)
        }
        "unlock" => {
            let user: String = argument(arguments, "user")?;
            let passphrase: String = argument(arguments, "passphrase")?;
            let answer: Answer<AppStatus> = async { on::session::unlock(&app, user, passphrase).await }.await;
            answered(answer)
        }
        "unlock_with_recovery" => {
            let recovery_key: String = argument(arguments, "recoveryKey")?;
            let user: String = argument(arguments, "user")?;
            let new_passphrase: String = argument(arguments, "newPassphrase")?;
            let answer: Answer<AppStatus> = async { on::session::unlock_with_recovery(&app, recovery_key, user, new_passphrase).await }.await;
            answered(answer)
        }
        "add_user" => {
            let name: String = argument(arguments, "name")?;
            let passphrase: String = argument(arguments, "passphrase")?;
            let trainee: bool = argument(arguments, "trainee")?;
            let answer: Answer<UserSummary> = async { on::session::add_user(&app, name, passphrase, trainee).await }.await;
            answered(answer)
        }
        "change_passphrase" => {
            let old: String = argument(arguments, "old")?;
            let new: String = argument(arguments, "new")?;
            let answer: Answer<()> = async { on::session::change_passphrase(&app, old, new).await }.await;
            answered(answer)
        }
        "recovery_renew" => {
            let passphrase: String = argument(arguments, "passphrase")?;
            let answer: Answer<String> = async { on::session::recovery_renew(&app, passphrase).await }.await;
            answered(answer)
        }
        "sealing_key" => {
            let answer: Answer<SealingKey> = async { on::session::sealing_key(&app).await }.await;
            answered(answer)
        }
        "lock" => {
            let answer: Answer<()> = async { on::session::lock(&app).await }.await;
            answered(answer)
        }
        "page_renew" => {
            let second: bool = argument(arguments, "second")?;
            let answer: Answer<()> = async { on::session::page_renew(&app, second).await }.await;
            answered(answer)
        }
        "touch" => {
            let answer: Answer<()> = async { app.touch();
            Ok(()) }.await;
            answered(answer)
        }
        "started" => {
            let answer: Answer<()> = async { on::studies::started(&app).await }.await;
            answered(answer)
        }
        "worklist" => {
            let search: String = argument(arguments, "search")?;
            let filter: Option<WorklistFilter> = argument(arguments, "filter")?;
            let answer: Answer<Vec<StudyRow>> = async { on::reading::worklist(&app, search, filter.unwrap_or_default()).await }.await;
            answered(answer)
        }
        "import_files" => {
            let answer: Answer<Option<String>> = async { on::studies::import_files(&app).await }.await;
            answered(answer)
        }
        "import_folder" => {
            let answer: Answer<Option<String>> = async { on::studies::import_folder(&app).await }.await;
            answered(answer)
        }
        "cancel_import" => {
            let job: String = argument(arguments, "job")?;
            let answer: Answer<()> = async { on::studies::cancel_import(&app, job).await }.await;
            answered(answer)
        }
        "open_study" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let answer: Answer<StudyDetail> = async { on::studies::open_study(&app, study_uid).await }.await;
            answered(answer)
        }
        "image_overview" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let width: u32 = argument(arguments, "width")?;
            let height: u32 = argument(arguments, "height")?;
            let answer: Answer<Response> = async { on::images::image_overview(&app, instance_uid, width, height).await.map(Response::new) }.await;
            answered(answer)
        }
        "image_pixels" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let answer: Answer<Response> = async { on::images::image_pixels(&app, instance_uid).await.map(Response::new) }.await;
            answered(answer)
        }
        "thumbnail" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let answer: Answer<Response> = async { on::images::thumbnail(&app, instance_uid).await.map(Response::new) }.await;
            answered(answer)
        }
        "report_view" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let answer: Answer<ReportView> = async { on::reports::report_view(&app, study_uid).await }.await;
            answered(answer)
        }
        "report_edit" => {
            let report_id: String = argument(arguments, "reportId")?;
            let revision: f64 = argument(arguments, "revision")?;
            let commands: Vec<EditCommand> = argument(arguments, "commands")?;
            let answer: Answer<ReportView> = async { on::reports::report_edit(&app, report_id, revision, commands).await }.await;
            answered(answer)
        }
        "templates" => {
            let answer: Answer<Vec<TemplateView>> = async { on::reports::templates(&app).await }.await;
            answered(answer)
        }
        "draft_start" => {
            let report_id: String = argument(arguments, "reportId")?;
            let options: DraftOptions = argument(arguments, "options")?;
            let answer: Answer<()> = async { on::reports::draft_start(&app, report_id, options).await }.await;
            answered(answer)
        }
        "draft_section" => {
            let report_id: String = argument(arguments, "reportId")?;
            let section: SectionToDraft = argument(arguments, "section")?;
            let how: SectionHow = argument(arguments, "how")?;
            let answer: Answer<()> = async { on::reports::draft_section(&app, report_id, section, how).await }.await;
            answered(answer)
        }
        "proposal_view" => {
            let proposal_id: String = argument(arguments, "proposalId")?;
            let answer: Answer<ProposalView> = async { on::reports::proposal_view(&app, proposal_id).await }.await;
            answered(answer)
        }
        "evidence" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<Vec<SentenceEvidence>> = async { on::evidence::evidence(&app, report_id).await }.await;
            answered(answer)
        }
        "evidence_requery" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<()> = async { on::evidence::evidence_requery(&app, report_id).await }.await;
            answered(answer)
        }
        "draft_cancel" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<()> = async { on::reports::draft_cancel(&app, report_id).await }.await;
            answered(answer)
        }
        "sign" => {
            let request: SignRequest = argument(arguments, "request")?;
            let answer: Answer<SignedResult> = async { on::signing::sign(&app, request).await }.await;
            answered(answer)
        }
        "sign_without_time_stamp" => {
            let request: SignRequest = argument(arguments, "request")?;
            let answer: Answer<SignedResult> = async { on::signing::sign_without_time_stamp(&app, request).await }.await;
            answered(answer)
        }
        "figures" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<FigureChoice> = async { on::printing::figures(&app, report_id).await }.await;
            answered(answer)
        }
        "set_figures" => {
            let report_id: String = argument(arguments, "reportId")?;
            let choice: FigureChoice = argument(arguments, "choice")?;
            let answer: Answer<FigureChoice> = async { on::printing::set_figures(&app, report_id, choice).await }.await;
            answered(answer)
        }
        "logo" => {
            let answer: Answer<Response> = async { on::printing::logo(&app).await.map(Response::new) }.await;
            answered(answer)
        }
        "logo_choose" => {
            let answer: Answer<bool> = async { on::printing::logo_choose(&app).await }.await;
            answered(answer)
        }
        "logo_remove" => {
            let answer: Answer<()> = async { on::printing::logo_remove(&app).await }.await;
            answered(answer)
        }
        "time_stamp" => {
            let answer: Answer<TimeStampSettings> = async { on::printing::time_stamp(&app).await }.await;
            answered(answer)
        }
        "set_time_stamp_url" => {
            let url: String = argument(arguments, "url")?;
            let answer: Answer<TimeStampSettings> = async { on::printing::set_time_stamp_url(&app, url).await }.await;
            answered(answer)
        }
        "time_stamp_certificate" => {
            let answer: Answer<Option<TimeStampSettings>> = async { on::printing::time_stamp_certificate(&app).await }.await;
            answered(answer)
        }
        "signing_key" => {
            let answer: Answer<SigningKey> = async { on::signing_key::signing_key(&app).await }.await;
            answered(answer)
        }
        "signing_key_import" => {
            let password: String = argument(arguments, "password")?;
            let passphrase: String = argument(arguments, "passphrase")?;
            let answer: Answer<Option<SigningKey>> = async { on::signing_key::signing_key_import(&app, password, passphrase).await }.await;
            answered(answer)
        }
        "signing_certificate_save" => {
            let answer: Answer<Option<String>> = async { on::signing_key::signing_certificate_save(&app).await }.await;
            answered(answer)
        }
        "accept_intended_use" => {
            let answer: Answer<()> = async { on::signing_key::accept_intended_use(&app).await }.await;
            answered(answer)
        }
        "signed_pdf" => {
            let version_id: String = argument(arguments, "versionId")?;
            let answer: Answer<Response> = async { on::signing::signed_pdf(&app, version_id).await.map(Response::new) }.await;
            answered(answer)
        }
        "template_import" => {
            let answer: Answer<Option<TemplateView>> = async { on::templates::template_import(&app).await }.await;
            answered(answer)
        }
        "template_export" => {
            let id: String = argument(arguments, "id")?;
            let answer: Answer<Option<String>> = async { on::templates::template_export(&app, id).await }.await;
            answered(answer)
        }
        "export_report" => {
            let version_id: String = argument(arguments, "versionId")?;
            let form: ExportAs = argument(arguments, "form")?;
            let answer: Answer<Option<String>> = async { on::signing::export_report(&app, version_id, form).await }.await;
            answered(answer)
        }
        "save_pdf" => {
            let version_id: String = argument(arguments, "versionId")?;
            let answer: Answer<Option<String>> = async { on::signing::save_pdf(&app, version_id).await }.await;
            answered(answer)
        }
        "draft_preview_pdf" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<Response> = async { on::signing::draft_preview_pdf(&app, report_id).await.map(Response::new) }.await;
            answered(answer)
        }
        "engines" => {
            let answer: Answer<Vec<EngineStatus>> = async { on::models::engines(&app).await }.await;
            answered(answer)
        }
        "models" => {
            let answer: Answer<Vec<ModelPack>> = async { on::models::models(&app).await }.await;
            answered(answer)
        }
        "verify_model" => {
            let id: String = argument(arguments, "id")?;
            let answer: Answer<()> = async { on::models::verify_model(&app, id).await }.await;
            answered(answer)
        }
        "pack_choose" => {
            let answer: Answer<Option<PackCandidate>> = async { on::models::pack_choose(&app).await }.await;
            answered(answer)
        }
        "pack_add" => {
            let token: String = argument(arguments, "token")?;
            let quantize: String = argument(arguments, "quantize")?;
            let terms_accepted: bool = argument(arguments, "termsAccepted")?;
            let answer: Answer<String> = async { on::models::pack_add(&app, token, quantize, terms_accepted).await }.await;
            answered(answer)
        }
        "pack_add_cancel" => {
            let job: String = argument(arguments, "job")?;
            let answer: Answer<()> = async { on::models::pack_add_cancel(&app, job).await }.await;
            answered(answer)
        }
        "pack_remove" => {
            let id: String = argument(arguments, "id")?;
            let answer: Answer<()> = async { on::models::pack_remove(&app, id).await }.await;
            answered(answer)
        }
        "settings" => {
            let answer: Answer<Settings> = async { on::settings::settings(&app).await }.await;
            answered(answer)
        }
        "set_settings" => {
            let settings: Settings = argument(arguments, "settings")?;
            let answer: Answer<Settings> = async { on::settings::set_settings(&app, settings).await }.await;
            answered(answer)
        }
        "watch_choose" => {
            let answer: Answer<Option<Settings>> = async { on::settings::watch_choose(&app).await }.await;
            answered(answer)
        }
        "audit" => {
            let limit: u32 = argument(arguments, "limit")?;
            let before: Option<f64> = argument(arguments, "before")?;
            let filter: AuditFilter = argument(arguments, "filter")?;
            let answer: Answer<Vec<AuditLine>> = async { on::audit::audit(&app, limit, before, filter).await }.await;
            answered(answer)
        }
        "audit_export" => {
            let filter: AuditFilter = argument(arguments, "filter")?;
            let answer: Answer<Option<AuditExported>> = async { on::audit::audit_export(&app, filter).await }.await;
            answered(answer)
        }
        "audit_verify" => {
            let answer: Answer<AuditVerdict> = async { on::audit::audit_verify(&app).await }.await;
            answered(answer)
        }
        "evidence_map" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let finding: String = argument(arguments, "finding")?;
            let answer: Answer<Response> = async { on::similar::evidence_map(&app, instance_uid, finding).await.map(Response::new) }.await;
            answered(answer)
        }
        "similar_cases" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let filter: SimilarFilter = argument(arguments, "filter")?;
            let answer: Answer<SimilarCases> = async { on::similar::similar_cases(&app, instance_uid, filter).await }.await;
            answered(answer)
        }
        "similar_reveal" => {
            let instance_uid: String = argument(arguments, "instanceUid")?;
            let answer: Answer<SimilarIdentity> = async { on::similar::similar_reveal(&app, instance_uid).await }.await;
            answered(answer)
        }
        "calibration" => {
            let answer: Answer<Vec<CalibrationRow>> = async { on::similar::calibration(&app).await }.await;
            answered(answer)
        }
        "calibration_fit" => {
            let answer: Answer<Vec<CalibrationRow>> = async { on::similar::calibration_fit(&app).await }.await;
            answered(answer)
        }
        "index_cancel" => {
            let answer: Answer<()> = async { on::similar::index_cancel(&app).await }.await;
            answered(answer)
        }
        "annotations" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let answer: Answer<Vec<Annotation>> = async { on::reading::annotations(&app, study_uid).await }.await;
            answered(answer)
        }
        "annotation_put" => {
            let annotation: Annotation = argument(arguments, "annotation")?;
            let answer: Answer<()> = async { on::reading::annotation_put(&app, annotation).await }.await;
            answered(answer)
        }
        "annotation_remove" => {
            let id: String = argument(arguments, "id")?;
            let answer: Answer<()> = async { on::reading::annotation_remove(&app, id).await }.await;
            answered(answer)
        }
        "preference" => {
            let key: String = argument(arguments, "key")?;
            let answer: Answer<Option<String>> = async { on::reading::preference(&app, key).await }.await;
            answered(answer)
        }
        "set_preference" => {
            let key: String = argument(arguments, "key")?;
            let value: String = argument(arguments, "value")?;
            let answer: Answer<()> = async { on::reading::set_preference(&app, key, value).await }.await;
            answered(answer)
        }
        "prior_shown" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let prior_uid: String = argument(arguments, "priorUid")?;
            let answer: Answer<()> = async { on::reading::prior_shown(&app, study_uid, prior_uid).await }.await;
            answered(answer)
        }
        "timeline" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let answer: Answer<Vec<TimelineStudy>> = async { on::reading::timeline(&app, study_uid).await }.await;
            answered(answer)
        }
        "set_comparison" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let prior_uid: String = argument(arguments, "priorUid")?;
            let linked: bool = argument(arguments, "linked")?;
            let answer: Answer<()> = async { on::reading::set_comparison(&app, study_uid, prior_uid, linked).await }.await;
            answered(answer)
        }
        "move_study" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let to_patient_of: String = argument(arguments, "toPatientOf")?;
            let reason: String = argument(arguments, "reason")?;
            let answer: Answer<()> = async { on::reading::move_study(&app, study_uid, to_patient_of, reason).await }.await;
            answered(answer)
        }
        "assign_study" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let user_id: Option<String> = argument(arguments, "userId")?;
            let answer: Answer<()> = async { on::reading::assign_study(&app, study_uid, user_id).await }.await;
            answered(answer)
        }
        "set_priority" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let priority: String = argument(arguments, "priority")?;
            let answer: Answer<()> = async { on::reading::set_priority(&app, study_uid, priority).await }.await;
            answered(answer)
        }
        "undo_import" => {
            let job: String = argument(arguments, "job")?;
            let answer: Answer<ImportUndone> = async { on::reading::undo_import(&app, job).await }.await;
            answered(answer)
        }
        "draft_queue" => {
            let answer: Answer<DraftQueue> = async { hilum_app::queue::draft_queue(&app).await }.await;
            answered(answer)
        }
        "draft_queue_add" => {
            let study_uids: Vec<String> = argument(arguments, "studyUids")?;
            let first: bool = argument(arguments, "first")?;
            let answer: Answer<()> = async { hilum_app::queue::draft_queue_add(&app, study_uids, first).await }.await;
            answered(answer)
        }
        "draft_queue_remove" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let answer: Answer<()> = async { hilum_app::queue::draft_queue_remove(&app, study_uid).await }.await;
            answered(answer)
        }
        "draft_queue_pause" => {
            let paused: bool = argument(arguments, "paused")?;
            let answer: Answer<()> = async { hilum_app::queue::draft_queue_pause(&app, paused).await }.await;
            answered(answer)
        }
        "second_show" => {
            let study_uid: Option<String> = argument(arguments, "studyUid")?;
            let open: bool = argument(arguments, "open")?;
            let answer: Answer<()> = async { on::reading::second_show(&app, study_uid, open).await }.await;
            answered(answer)
        }
        "second_study" => {
            let answer: Answer<Option<String>> = async { on::reading::second_study(&app).await }.await;
            answered(answer)
        }
        "second_dictate" => {
            let study_uid: String = argument(arguments, "studyUid")?;
            let text: String = argument(arguments, "text")?;
            let answer: Answer<()> = async { on::reading::second_dictate(&app, study_uid, text).await }.await;
            answered(answer)
        }
        "macros" => {
            let answer: Answer<Vec<MacroView>> = async { on::writing::macros(&app).await }.await;
            answered(answer)
        }
        "macro_put" => {
            let one: MacroView = argument(arguments, "one")?;
            let instead: Option<MacroView> = argument(arguments, "instead")?;
            let answer: Answer<Vec<MacroView>> = async { on::writing::macro_put(&app, one, instead).await }.await;
            answered(answer)
        }
        "macro_remove" => {
            let one: MacroView = argument(arguments, "one")?;
            let answer: Answer<Vec<MacroView>> = async { on::writing::macro_remove(&app, one).await }.await;
            answered(answer)
        }
        "macros_import" => {
            let answer: Answer<Option<Vec<MacroView>>> = async { on::writing::macros_import(&app).await }.await;
            answered(answer)
        }
        "macros_export" => {
            let answer: Answer<Option<String>> = async { on::writing::macros_export(&app).await }.await;
            answered(answer)
        }
        "spelling" => {
            let answer: Answer<Spelling> = async { on::writing::spelling(&app).await }.await;
            answered(answer)
        }
        "word_add" => {
            let word: String = argument(arguments, "word")?;
            let answer: Answer<()> = async { on::writing::word_add(&app, word).await }.await;
            answered(answer)
        }
        "word_remove" => {
            let word: String = argument(arguments, "word")?;
            let answer: Answer<()> = async { on::writing::word_remove(&app, word).await }.await;
            answered(answer)
        }
        "template_choices" => {
            let answer: Answer<Vec<TemplateChoice>> = async { on::writing::template_choices(&app).await }.await;
            answered(answer)
        }
        "template_choose" => {
            let situation: SituationName = argument(arguments, "situation")?;
            let template: Option<String> = argument(arguments, "template")?;
            let answer: Answer<()> = async { on::writing::template_choose(&app, situation, template).await }.await;
            answered(answer)
        }
        "report_texts" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<Vec<ReportText>> = async { on::reports::report_texts(&app, report_id).await }.await;
            answered(answer)
        }
        "report_reveal" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<ReportView> = async { on::reports::report_reveal(&app, report_id).await }.await;
            answered(answer)
        }
        "report_take_over" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<ReportView> = async { on::reports::report_take_over(&app, report_id).await }.await;
            answered(answer)
        }
        "report_release" => {
            let report_id: String = argument(arguments, "reportId")?;
            let answer: Answer<()> = async { on::reports::report_release(&app, report_id).await }.await;
            answered(answer)
        }
        "sign_preliminary" => {
            let request: SignRequest = argument(arguments, "request")?;
            let answer: Answer<ReportView> = async { on::signing::sign_preliminary(&app, request).await }.await;
            answered(answer)
        }
        "backup_choose" => {
            let answer: Answer<Option<Settings>> = async { on::backup::backup_choose(&app).await }.await;
            answered(answer)
        }
        "backups" => {
            let answer: Answer<Vec<BackupView>> = async { on::backup::backups(&app).await }.await;
            answered(answer)
        }
        "backup_start" => {
            let answer: Answer<()> = async { on::backup::backup_start(&app).await }.await;
            answered(answer)
        }
        "backup_cancel" => {
            let answer: Answer<()> = async { on::backup::backup_cancel(&app).await }.await;
            answered(answer)
        }
        "restore_choose" => {
            let answer: Answer<Option<RestoreChoice>> = async { on::backup::restore_choose(&app).await }.await;
            answered(answer)
        }
        "restore_start" => {
            let token: String = argument(arguments, "token")?;
            let user: String = argument(arguments, "user")?;
            let secret: String = argument(arguments, "secret")?;
            let by_recovery_key: bool = argument(arguments, "byRecoveryKey")?;
            let answer: Answer<()> = async { on::backup::restore_start(&app, token, user, secret, by_recovery_key).await }.await;
            answered(answer)
        }
        other => panic!("no message {other}"),
    }
}
