//! One thin wrapper a command: Tauri's arguments in, the handler's answer out.
//!
//! Every wrapper is `async`, because a synchronous one would block the window.

use super::sealed::Sealed;
use crate::app::App;
use crate::commands as on;
use crate::dto::*;
use std::sync::Arc;
use tauri::State;
use tauri::ipc::{Invoke, Response};

type Answer<T> = Result<T, AppError>;
type Shell<'a> = State<'a, Arc<App>>;

/// What Tauri calls for every command in [`super::COMMANDS`].
pub fn handler() -> impl Fn(Invoke) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        figures, logo, logo_choose, logo_remove, set_figures, set_time_stamp_url, sign_without_time_stamp, time_stamp, time_stamp_certificate,
        signing_key, signing_key_import, signing_certificate_save, accept_intended_use,
        annotation_put, annotation_remove, annotations, assign_study, draft_queue, draft_queue_add, draft_queue_pause, draft_queue_remove, move_study, preference, prior_shown, second_dictate, second_show, second_study, set_comparison, set_preference, set_priority, timeline, undo_import,
        macros, macro_put, macro_remove, macros_import, macros_export, spelling, word_add, word_remove, template_choices, template_choose, report_texts, report_reveal, report_take_over, report_release, sign_preliminary,
        backup_cancel, backup_choose, backup_start, backups, restore_choose, restore_start,
        calibration, calibration_fit, evidence_map, index_cancel, similar_cases, similar_reveal,
        add_user, app_status, audit, audit_export, audit_verify, cancel_import, change_passphrase, close_window, create_first_user, draft_cancel,
        draft_preview_pdf, draft_section, draft_start, engines, evidence, evidence_requery, export_report, image_overview, image_pixels, import_files, import_folder, lock, models, open_study,
        pack_add, pack_add_cancel, pack_choose, pack_remove, page_renew,
        recovery_renew, proposal_view, report_edit, report_view, save_pdf, sealing_key, set_settings, settings, watch_choose, sign, signed_pdf, started, template_export, template_import, templates, thumbnail, touch,
        unlock, unlock_with_recovery, verify_model, worklist,
    ]
}

#[tauri::command]
async fn app_status(app: Shell<'_>) -> Answer<AppStatus> {
    on::session::app_status(&app).await
}

#[tauri::command]
async fn create_first_user(app: Shell<'_>, name: String, passphrase: Sealed<String>) -> Answer<FirstUser> {
    on::session::create_first_user(&app, name, passphrase.0).await
}

#[tauri::command]
async fn unlock(app: Shell<'_>, user: String, passphrase: Sealed<String>) -> Answer<AppStatus> {
    on::session::unlock(&app, user, passphrase.0).await
}

#[tauri::command]
async fn unlock_with_recovery(
    app: Shell<'_>,
    recovery_key: Sealed<String>,
    user: String,
    new_passphrase: Sealed<String>,
) -> Answer<AppStatus> {
    on::session::unlock_with_recovery(&app, recovery_key.0, user, new_passphrase.0).await
}

#[tauri::command]
async fn add_user(app: Shell<'_>, name: String, passphrase: Sealed<String>, trainee: bool) -> Answer<UserSummary> {
    on::session::add_user(&app, name, passphrase.0, trainee).await
}

#[tauri::command]
async fn change_passphrase(app: Shell<'_>, old: Sealed<String>, new: Sealed<String>) -> Answer<()> {
    on::session::change_passphrase(&app, old.0, new.0).await
}

#[tauri::command]
async fn close_window(app: Shell<'_>, window: tauri::WebviewWindow) -> Answer<()> {
    app.allow_close();
    // Destroyed rather than closed: the page has just said that it is done.
    window.destroy().map_err(|e| AppError { code: "window.close".into(), detail: e.to_string() })
}

#[tauri::command]
async fn recovery_renew(app: Shell<'_>, passphrase: Sealed<String>) -> Answer<String> {
    on::session::recovery_renew(&app, passphrase.0).await
}

#[tauri::command]
async fn sealing_key(app: Shell<'_>) -> Answer<SealingKey> {
    on::session::sealing_key(&app).await
}

#[tauri::command]
async fn lock(app: Shell<'_>) -> Answer<()> {
    on::session::lock(&app).await
}

#[tauri::command]
async fn page_renew(app: Shell<'_>, second: bool) -> Answer<()> {
    on::session::page_renew(&app, second).await
}

#[tauri::command]
async fn touch(app: Shell<'_>) -> Answer<()> {
    app.touch();
    Ok(())
}

#[tauri::command]
async fn started(app: Shell<'_>) -> Answer<()> {
    on::studies::started(&app).await
}

#[tauri::command]
async fn worklist(app: Shell<'_>, search: String, filter: Option<WorklistFilter>) -> Answer<Vec<StudyRow>> {
    on::reading::worklist(&app, search, filter.unwrap_or_default()).await
}

#[tauri::command]
async fn import_files(app: Shell<'_>) -> Answer<Option<String>> {
    on::studies::import_files(&app).await
}

#[tauri::command]
async fn import_folder(app: Shell<'_>) -> Answer<Option<String>> {
    on::studies::import_folder(&app).await
}

#[tauri::command]
async fn cancel_import(app: Shell<'_>, job: String) -> Answer<()> {
    on::studies::cancel_import(&app, job).await
}

#[tauri::command]
async fn open_study(app: Shell<'_>, study_uid: String) -> Answer<StudyDetail> {
    on::studies::open_study(&app, study_uid).await
}

#[tauri::command]
async fn image_overview(app: Shell<'_>, instance_uid: String, width: u32, height: u32) -> Answer<Response> {
    on::images::image_overview(&app, instance_uid, width, height).await.map(Response::new)
}

#[tauri::command]
async fn image_pixels(app: Shell<'_>, instance_uid: String) -> Answer<Response> {
    on::images::image_pixels(&app, instance_uid).await.map(Response::new)
}

#[tauri::command]
async fn thumbnail(app: Shell<'_>, instance_uid: String) -> Answer<Response> {
    on::images::thumbnail(&app, instance_uid).await.map(Response::new)
}

#[tauri::command]
async fn report_view(app: Shell<'_>, study_uid: String) -> Answer<ReportView> {
    on::reports::report_view(&app, study_uid).await
}

#[tauri::command]
async fn report_edit(
    app: Shell<'_>,
    report_id: String,
    revision: f64,
    commands: Vec<EditCommand>,
) -> Answer<ReportView> {
    on::reports::report_edit(&app, report_id, revision, commands).await
}

#[tauri::command]
async fn templates(app: Shell<'_>) -> Answer<Vec<TemplateView>> {
    on::reports::templates(&app).await
}

#[tauri::command]
async fn draft_start(app: Shell<'_>, report_id: String, options: DraftOptions) -> Answer<()> {
    on::reports::draft_start(&app, report_id, options).await
}

#[tauri::command]
async fn draft_section(app: Shell<'_>, report_id: String, section: SectionToDraft, how: SectionHow) -> Answer<()> {
    on::reports::draft_section(&app, report_id, section, how).await
}

#[tauri::command]
async fn proposal_view(app: Shell<'_>, proposal_id: String) -> Answer<ProposalView> {
    on::reports::proposal_view(&app, proposal_id).await
}

#[tauri::command]
async fn evidence(app: Shell<'_>, report_id: String) -> Answer<Vec<SentenceEvidence>> {
    on::evidence::evidence(&app, report_id).await
}

#[tauri::command]
async fn evidence_requery(app: Shell<'_>, report_id: String) -> Answer<()> {
    on::evidence::evidence_requery(&app, report_id).await
}

#[tauri::command]
async fn draft_cancel(app: Shell<'_>, report_id: String) -> Answer<()> {
    on::reports::draft_cancel(&app, report_id).await
}

#[tauri::command]
async fn sign(app: Shell<'_>, request: Sealed<SignRequest>) -> Answer<SignedResult> {
    on::signing::sign(&app, request.0).await
}

#[tauri::command]
async fn sign_without_time_stamp(app: Shell<'_>, request: Sealed<SignRequest>) -> Answer<SignedResult> {
    on::signing::sign_without_time_stamp(&app, request.0).await
}

#[tauri::command]
async fn figures(app: Shell<'_>, report_id: String) -> Answer<FigureChoice> {
    on::printing::figures(&app, report_id).await
}

#[tauri::command]
async fn set_figures(app: Shell<'_>, report_id: String, choice: FigureChoice) -> Answer<FigureChoice> {
    on::printing::set_figures(&app, report_id, choice).await
}

#[tauri::command]
async fn logo(app: Shell<'_>) -> Answer<Response> {
    on::printing::logo(&app).await.map(Response::new)
}

#[tauri::command]
async fn logo_choose(app: Shell<'_>) -> Answer<bool> {
    on::printing::logo_choose(&app).await
}

#[tauri::command]
async fn logo_remove(app: Shell<'_>) -> Answer<()> {
    on::printing::logo_remove(&app).await
}

#[tauri::command]
async fn time_stamp(app: Shell<'_>) -> Answer<TimeStampSettings> {
    on::printing::time_stamp(&app).await
}

#[tauri::command]
async fn set_time_stamp_url(app: Shell<'_>, url: String) -> Answer<TimeStampSettings> {
    on::printing::set_time_stamp_url(&app, url).await
}

#[tauri::command]
async fn time_stamp_certificate(app: Shell<'_>) -> Answer<Option<TimeStampSettings>> {
    on::printing::time_stamp_certificate(&app).await
}

#[tauri::command]
async fn signing_key(app: Shell<'_>) -> Answer<SigningKey> {
    on::signing_key::signing_key(&app).await
}

#[tauri::command]
async fn signing_key_import(app: Shell<'_>, password: Sealed<String>, passphrase: Sealed<String>) -> Answer<Option<SigningKey>> {
    on::signing_key::signing_key_import(&app, password.0, passphrase.0).await
}

#[tauri::command]
async fn signing_certificate_save(app: Shell<'_>) -> Answer<Option<String>> {
    on::signing_key::signing_certificate_save(&app).await
}

#[tauri::command]
async fn accept_intended_use(app: Shell<'_>) -> Answer<()> {
    on::signing_key::accept_intended_use(&app).await
}

#[tauri::command]
async fn signed_pdf(app: Shell<'_>, version_id: String) -> Answer<Response> {
    on::signing::signed_pdf(&app, version_id).await.map(Response::new)
}

#[tauri::command]
async fn template_import(app: Shell<'_>) -> Answer<Option<TemplateView>> {
    on::templates::template_import(&app).await
}

#[tauri::command]
async fn template_export(app: Shell<'_>, id: String) -> Answer<Option<String>> {
    on::templates::template_export(&app, id).await
}

#[tauri::command]
async fn export_report(app: Shell<'_>, version_id: String, form: ExportAs) -> Answer<Option<String>> {
    on::signing::export_report(&app, version_id, form).await
}

#[tauri::command]
async fn save_pdf(app: Shell<'_>, version_id: String) -> Answer<Option<String>> {
    on::signing::save_pdf(&app, version_id).await
}

#[tauri::command]
async fn draft_preview_pdf(app: Shell<'_>, report_id: String) -> Answer<Response> {
    on::signing::draft_preview_pdf(&app, report_id).await.map(Response::new)
}

#[tauri::command]
async fn engines(app: Shell<'_>) -> Answer<Vec<EngineStatus>> {
    on::models::engines(&app).await
}

#[tauri::command]
async fn models(app: Shell<'_>) -> Answer<Vec<ModelPack>> {
    on::models::models(&app).await
}

#[tauri::command]
async fn verify_model(app: Shell<'_>, id: String) -> Answer<()> {
    on::models::verify_model(&app, id).await
}

#[tauri::command]
async fn pack_choose(app: Shell<'_>) -> Answer<Option<PackCandidate>> {
    on::models::pack_choose(&app).await
}

#[tauri::command]
async fn pack_add(app: Shell<'_>, token: String, quantize: String, terms_accepted: bool) -> Answer<String> {
    on::models::pack_add(&app, token, quantize, terms_accepted).await
}

#[tauri::command]
async fn pack_add_cancel(app: Shell<'_>, job: String) -> Answer<()> {
    on::models::pack_add_cancel(&app, job).await
}

#[tauri::command]
async fn pack_remove(app: Shell<'_>, id: String) -> Answer<()> {
    on::models::pack_remove(&app, id).await
}

#[tauri::command]
async fn settings(app: Shell<'_>) -> Answer<Settings> {
    on::settings::settings(&app).await
}

#[tauri::command]
async fn set_settings(app: Shell<'_>, settings: Settings) -> Answer<Settings> {
    on::settings::set_settings(&app, settings).await
}

#[tauri::command]
async fn watch_choose(app: Shell<'_>) -> Answer<Option<Settings>> {
    on::settings::watch_choose(&app).await
}

#[tauri::command]
async fn audit(app: Shell<'_>, limit: u32, before: Option<f64>, filter: AuditFilter) -> Answer<Vec<AuditLine>> {
    on::audit::audit(&app, limit, before, filter).await
}

#[tauri::command]
async fn audit_export(app: Shell<'_>, filter: AuditFilter) -> Answer<Option<AuditExported>> {
    on::audit::audit_export(&app, filter).await
}

#[tauri::command]
async fn audit_verify(app: Shell<'_>) -> Answer<AuditVerdict> {
    on::audit::audit_verify(&app).await
}

#[tauri::command]
async fn evidence_map(app: Shell<'_>, instance_uid: String, finding: String) -> Answer<Response> {
    on::similar::evidence_map(&app, instance_uid, finding).await.map(Response::new)
}

#[tauri::command]
async fn similar_cases(app: Shell<'_>, instance_uid: String, filter: SimilarFilter) -> Answer<SimilarCases> {
    on::similar::similar_cases(&app, instance_uid, filter).await
}

#[tauri::command]
async fn similar_reveal(app: Shell<'_>, instance_uid: String) -> Answer<SimilarIdentity> {
    on::similar::similar_reveal(&app, instance_uid).await
}

#[tauri::command]
async fn calibration(app: Shell<'_>) -> Answer<Vec<CalibrationRow>> {
    on::similar::calibration(&app).await
}

#[tauri::command]
async fn calibration_fit(app: Shell<'_>) -> Answer<Vec<CalibrationRow>> {
    on::similar::calibration_fit(&app).await
}

#[tauri::command]
async fn index_cancel(app: Shell<'_>) -> Answer<()> {
    on::similar::index_cancel(&app).await
}

#[tauri::command]
async fn annotations(app: Shell<'_>, study_uid: String) -> Answer<Vec<Annotation>> {
    on::reading::annotations(&app, study_uid).await
}

#[tauri::command]
async fn annotation_put(app: Shell<'_>, annotation: Annotation) -> Answer<()> {
    on::reading::annotation_put(&app, annotation).await
}

#[tauri::command]
async fn annotation_remove(app: Shell<'_>, id: String) -> Answer<()> {
    on::reading::annotation_remove(&app, id).await
}

#[tauri::command]
async fn preference(app: Shell<'_>, key: String) -> Answer<Option<String>> {
    on::reading::preference(&app, key).await
}

#[tauri::command]
async fn set_preference(app: Shell<'_>, key: String, value: String) -> Answer<()> {
    on::reading::set_preference(&app, key, value).await
}

#[tauri::command]
async fn prior_shown(app: Shell<'_>, study_uid: String, prior_uid: String) -> Answer<()> {
    on::reading::prior_shown(&app, study_uid, prior_uid).await
}

#[tauri::command]
async fn timeline(app: Shell<'_>, study_uid: String) -> Answer<Vec<TimelineStudy>> {
    on::reading::timeline(&app, study_uid).await
}

#[tauri::command]
async fn set_comparison(app: Shell<'_>, study_uid: String, prior_uid: String, linked: bool) -> Answer<()> {
    on::reading::set_comparison(&app, study_uid, prior_uid, linked).await
}

#[tauri::command]
async fn move_study(app: Shell<'_>, study_uid: String, to_patient_of: String, reason: String) -> Answer<()> {
    on::reading::move_study(&app, study_uid, to_patient_of, reason).await
}

#[tauri::command]
async fn assign_study(app: Shell<'_>, study_uid: String, user_id: Option<String>) -> Answer<()> {
    on::reading::assign_study(&app, study_uid, user_id).await
}

#[tauri::command]
async fn set_priority(app: Shell<'_>, study_uid: String, priority: String) -> Answer<()> {
    on::reading::set_priority(&app, study_uid, priority).await
}

#[tauri::command]
async fn undo_import(app: Shell<'_>, job: String) -> Answer<ImportUndone> {
    on::reading::undo_import(&app, job).await
}

#[tauri::command]
async fn draft_queue(app: Shell<'_>) -> Answer<DraftQueue> {
    crate::queue::draft_queue(&app).await
}

#[tauri::command]
async fn draft_queue_add(app: Shell<'_>, study_uids: Vec<String>, first: bool) -> Answer<()> {
    crate::queue::draft_queue_add(&app, study_uids, first).await
}

#[tauri::command]
async fn draft_queue_remove(app: Shell<'_>, study_uid: String) -> Answer<()> {
    crate::queue::draft_queue_remove(&app, study_uid).await
}

#[tauri::command]
async fn draft_queue_pause(app: Shell<'_>, paused: bool) -> Answer<()> {
    crate::queue::draft_queue_pause(&app, paused).await
}

#[tauri::command]
async fn second_show(app: Shell<'_>, study_uid: Option<String>, open: bool) -> Answer<()> {
    on::reading::second_show(&app, study_uid, open).await
}

#[tauri::command]
async fn second_study(app: Shell<'_>) -> Answer<Option<String>> {
    on::reading::second_study(&app).await
}

#[tauri::command]
async fn second_dictate(app: Shell<'_>, study_uid: String, text: String) -> Answer<()> {
    on::reading::second_dictate(&app, study_uid, text).await
}

#[tauri::command]
async fn macros(app: Shell<'_>) -> Answer<Vec<MacroView>> {
    on::writing::macros(&app).await
}

#[tauri::command]
async fn macro_put(app: Shell<'_>, one: MacroView, instead: Option<MacroView>) -> Answer<Vec<MacroView>> {
    on::writing::macro_put(&app, one, instead).await
}

#[tauri::command]
async fn macro_remove(app: Shell<'_>, one: MacroView) -> Answer<Vec<MacroView>> {
    on::writing::macro_remove(&app, one).await
}

#[tauri::command]
async fn macros_import(app: Shell<'_>) -> Answer<Option<Vec<MacroView>>> {
    on::writing::macros_import(&app).await
}

#[tauri::command]
async fn macros_export(app: Shell<'_>) -> Answer<Option<String>> {
    on::writing::macros_export(&app).await
}

#[tauri::command]
async fn spelling(app: Shell<'_>) -> Answer<Spelling> {
    on::writing::spelling(&app).await
}

#[tauri::command]
async fn word_add(app: Shell<'_>, word: String) -> Answer<()> {
    on::writing::word_add(&app, word).await
}

#[tauri::command]
async fn word_remove(app: Shell<'_>, word: String) -> Answer<()> {
    on::writing::word_remove(&app, word).await
}

#[tauri::command]
async fn template_choices(app: Shell<'_>) -> Answer<Vec<TemplateChoice>> {
    on::writing::template_choices(&app).await
}

#[tauri::command]
async fn template_choose(app: Shell<'_>, situation: SituationName, template: Option<String>) -> Answer<()> {
    on::writing::template_choose(&app, situation, template).await
}

#[tauri::command]
async fn report_texts(app: Shell<'_>, report_id: String) -> Answer<Vec<ReportText>> {
    on::reports::report_texts(&app, report_id).await
}

#[tauri::command]
async fn report_reveal(app: Shell<'_>, report_id: String) -> Answer<ReportView> {
    on::reports::report_reveal(&app, report_id).await
}

#[tauri::command]
async fn report_take_over(app: Shell<'_>, report_id: String) -> Answer<ReportView> {
    on::reports::report_take_over(&app, report_id).await
}

#[tauri::command]
async fn report_release(app: Shell<'_>, report_id: String) -> Answer<()> {
    on::reports::report_release(&app, report_id).await
}

#[tauri::command]
async fn sign_preliminary(app: Shell<'_>, request: Sealed<SignRequest>) -> Answer<ReportView> {
    on::signing::sign_preliminary(&app, request.0).await
}

#[tauri::command]
async fn backup_choose(app: Shell<'_>) -> Answer<Option<Settings>> {
    on::backup::backup_choose(&app).await
}

#[tauri::command]
async fn backups(app: Shell<'_>) -> Answer<Vec<BackupView>> {
    on::backup::backups(&app).await
}

#[tauri::command]
async fn backup_start(app: Shell<'_>) -> Answer<()> {
    on::backup::backup_start(&app).await
}

#[tauri::command]
async fn backup_cancel(app: Shell<'_>) -> Answer<()> {
    on::backup::backup_cancel(&app).await
}

#[tauri::command]
async fn restore_choose(app: Shell<'_>) -> Answer<Option<RestoreChoice>> {
    on::backup::restore_choose(&app).await
}

#[tauri::command]
async fn restore_start(
    app: Shell<'_>,
    token: String,
    user: String,
    secret: Sealed<String>,
    by_recovery_key: bool,
) -> Answer<()> {
    on::backup::restore_start(&app, token, user, secret.0, by_recovery_key).await
}
