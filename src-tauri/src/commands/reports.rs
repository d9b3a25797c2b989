//! Writing a report, and letting a model propose.

use crate::app::App;
use crate::convert;
use crate::dto::{
    AppError, AppEvent, DraftMode, DraftOptions, DraftStage, EditCommand, ProposalView, ReportText, ReportView, SectionHow, SectionToDraft, TemplateView,
};
use hilum_report::{ProposalId, ReportId, TemplateId};
use hilum_workers::DraftEvent;
use hilum_workers::messages::draft::{DraftPhase, DraftedPart, Rewrite};
use hilum_workflow::{Cancel, DraftChoice};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// The window is told of a draft on its way so often at most: more than anybody reads, and less than would hold up the page
/// where a drafter writes without end.
const TOLD_EVERY: Duration = Duration::from_millis(50);

pub async fn report_view(app: &App, study_uid: String) -> Result<ReportView, AppError> {
    let workstation = app.workstation().await?;
    let template = TemplateId::new(app.settings(workstation).await?.default_template);
    let report = workstation.report_of(&study_uid, &template).await?;
    let support = workstation.known_support(&study_uid).await.ok().flatten();
    Ok(convert::report_view(&report, support.as_ref()))
}

pub async fn report_edit(
    app: &App,
    report_id: String,
    revision: f64,
    commands: Vec<EditCommand>,
) -> Result<ReportView, AppError> {
    let workstation = app.workstation().await?;
    let commands = commands.into_iter().map(convert::command).collect();
    let report = workstation.edit(&ReportId::new(report_id), revision as u64, commands).await?;
    let support = workstation.known_support(report.report.study_uid()).await.ok().flatten();
    Ok(convert::report_view(&report, support.as_ref()))
}

pub async fn templates(app: &App) -> Result<Vec<TemplateView>, AppError> {
    let templates = app.workstation().await?.templates().await?;
    Ok(templates.into_iter().map(|t| TemplateView { id: t.id.to_string(), name: t.name }).collect())
}

/// The texts that the report had in its life, the oldest first.
pub async fn report_texts(app: &App, report_id: String) -> Result<Vec<ReportText>, AppError> {
    let texts = app.workstation().await?.report_texts(&ReportId::new(report_id)).await?;
    Ok(texts.into_iter().map(convert::writing::report_text).collect())
}

/// Uncovers the draft for who is logged in.
pub async fn report_reveal(app: &App, report_id: String) -> Result<ReportView, AppError> {
    let workstation = app.workstation().await?;
    let report = workstation.uncover(&ReportId::new(report_id)).await?;
    let support = workstation.known_support(report.report.study_uid()).await.ok().flatten();
    Ok(convert::report_view(&report, support.as_ref()))
}

/// Takes the report from whoever is writing in it.
pub async fn report_take_over(app: &App, report_id: String) -> Result<ReportView, AppError> {
    let workstation = app.workstation().await?;
    let report = workstation.take_over(&ReportId::new(report_id)).await?;
    let support = workstation.known_support(report.report.study_uid()).await.ok().flatten();
    Ok(convert::report_view(&report, support.as_ref()))
}

/// The person has left the report.
pub async fn report_release(app: &App, report_id: String) -> Result<(), AppError> {
    Ok(app.workstation().await?.release(&ReportId::new(report_id)).await?)
}

/// Begins a draft; how it goes is told by events.
pub async fn draft_start(app: &Arc<App>, report_id: String, options: DraftOptions) -> Result<(), AppError> {
    begin(app, report_id, Wanted::Whole(convert::draft_choice(options))).await
}

/// Begins to write one section again; how it goes is told by the same events.
pub async fn draft_section(
    app: &Arc<App>,
    report_id: String,
    section: SectionToDraft,
    how: SectionHow,
) -> Result<(), AppError> {
    let (section, how) = convert::section_how(section, how);
    begin(app, report_id, Wanted::Section(section, how)).await
}

/// Where a drafted sentence comes from.
pub async fn proposal_view(app: &App, proposal_id: String) -> Result<ProposalView, AppError> {
    let workstation = app.workstation().await?;
    let proposal = workstation.proposal(&ProposalId::new(proposal_id)).await?;
    Ok(convert::proposal_view(proposal, workstation.now().offset()))
}

/// What is to be written.
#[derive(Clone)]
enum Wanted {
    Whole(DraftChoice),
    Section(DraftedPart, Rewrite),
}

async fn begin(app: &Arc<App>, report_id: String, wanted: Wanted) -> Result<(), AppError> {
    let open = app.open().await?;
    let Some(engine) = open.installed().draft.clone() else {
        return Err(hilum_workflow::WorkflowError::NoDrafter.into());
    };
    // Asked before anything runs, so that a wrong id or a locked folder is said at once.
    open.workstation.report(&ReportId::new(&report_id)).await?;
    let Some(cancel) = app.begin(&report_id) else {
        return Err(hilum_workflow::WorkflowError::DraftRunning.into());
    };
    // An engine that died several times in a row starts again when a person asks for a draft, and only then.
    if engine.worker.state().borrow().is_crash_loop() {
        engine.worker.retry().await;
    }
    // Whoever waits goes before what is drafted in the background.
    crate::queue::make_way(app, &report_id);
    let app = app.clone();
    tokio::spawn(async move {
        let event = draft(&app, &report_id, wanted, &cancel).await;
        app.end(&report_id);
        app.host.emit(event);
        app.queue.wake();
    });
    Ok(())
}

/// Drafts a report that nobody waits for, and gives the event that tells its end.
pub(crate) async fn draft_in_background(app: &Arc<App>, report_id: String, use_prior: bool) -> Result<AppEvent, AppError> {
    let Some(cancel) = app.begin(&report_id) else {
        return Err(hilum_workflow::WorkflowError::DraftRunning.into());
    };
    let choice = DraftOptions { indication_confirmed: false, notes: String::new(), mode: DraftMode::Structured, use_prior };
    let event = draft(app, &report_id, Wanted::Whole(convert::draft_choice(choice)), &cancel).await;
    app.end(&report_id);
    app.host.emit(event.clone());
    Ok(event)
}

pub async fn draft_cancel(app: &App, report_id: String) -> Result<(), AppError> {
    app.cancel(&report_id);
    app.cancel(&super::evidence::job(&report_id));
    Ok(())
}

/// Runs a draft to its end and says what came of it.
async fn draft(app: &App, report_id: &str, wanted: Wanted, cancel: &Cancel) -> AppEvent {
    let began = Instant::now();
    // What is to stay covered is not read on its way either.
    let covered = match app.workstation().await {
        Ok(workstation) => workstation.covers(&ReportId::new(report_id)).await.unwrap_or(true),
        Err(_) => true,
    };
    let (events, mut inbox) = mpsc::unbounded_channel();
    let passing_on = async {
        // The window is told the whole text each time, so that a missed event costs nothing.
        let mut text = String::new();
        while let Some(first) = inbox.recv().await {
            let (mut progress, mut written) = (None, false);
            let mut next = Some(first);
            while let Some(event) = next {
                match event {
                    DraftEvent::Progress { phase, fraction, seconds } => {
                        let (stage, fraction) = (stage(phase), fraction.map(f64::from));
                        progress = Some(AppEvent::DraftProgress { report_id: report_id.to_owned(), stage, fraction, seconds });
                    }
                    DraftEvent::Text(_) if covered => {}
                    DraftEvent::Text(more) => {
                        text.push_str(&more);
                        written = true;
                    }
                }
                next = inbox.try_recv().ok();
            }
            if let Some(progress) = progress {
                app.host.emit(progress);
            }
            if written {
                app.host.emit(AppEvent::DraftText { report_id: report_id.to_owned(), text: text.clone() });
            }
            tokio::time::sleep(TOLD_EVERY).await;
        }
    };
    let drafting = async {
        let workstation = app.workstation().await?;
        let id = ReportId::new(report_id);
        let result = match wanted {
            Wanted::Whole(choice) => workstation.draft(&id, choice, &events, cancel).await,
            Wanted::Section(section, how) => workstation.draft_section(&id, section, how, &events, cancel).await,
        };
        drop(events);
        Ok::<_, AppError>((workstation, result?))
    };
    let (result, ()) = tokio::join!(drafting, passing_on);
    let failed = |e: AppError| AppEvent::DraftFailed { report_id: report_id.to_owned(), code: e.code, detail: e.detail };
    match result {
        Ok((workstation, result)) => match result.report {
            Some(report) => {
                let support = workstation.known_support(report.report.study_uid()).await.ok().flatten();
                AppEvent::DraftDone {
                    report_id: report_id.to_owned(),
                    report: convert::report_view(&report, support.as_ref()),
                    seconds: began.elapsed().as_secs_f64(),
                }
            }
            None => AppEvent::DraftCancelled { report_id: report_id.to_owned() },
        },
        Err(e) => failed(e),
    }
}

fn stage(phase: DraftPhase) -> DraftStage {
    match phase {
        DraftPhase::LoadingModel => DraftStage::LoadingModel,
        DraftPhase::ReadingImage => DraftStage::ReadingImage,
        DraftPhase::Writing => DraftStage::Writing,
    }
}
