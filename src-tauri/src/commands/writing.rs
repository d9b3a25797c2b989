//! What a reader writes with: own macros, own words, templates for kinds of study.

use crate::app::App;
use crate::convert;
use crate::dto::{AppError, MacroView, SituationName, Spelling, TemplateChoice};
use hilum_report::{MacroError, Situation, TemplateId};
use hilum_workflow::WorkflowError;

/// Larger files hold no macros that anybody wrote, and are not read.
const LARGEST: u64 = 4 << 20;

pub async fn macros(app: &App) -> Result<Vec<MacroView>, AppError> {
    Ok(views(app.workstation().await?.macros().await?))
}

/// Keeps a macro, in the place of `instead` where that is given; all of them as they are now.
pub async fn macro_put(app: &App, one: MacroView, instead: Option<MacroView>) -> Result<Vec<MacroView>, AppError> {
    let instead = instead.map(convert::writing::to_keep);
    Ok(views(app.workstation().await?.put_macro(&convert::writing::to_keep(one), instead.as_ref()).await?))
}

pub async fn macro_remove(app: &App, one: MacroView) -> Result<Vec<MacroView>, AppError> {
    Ok(views(app.workstation().await?.remove_macro(&convert::writing::to_keep(one)).await?))
}

/// Takes the macros of a file that the person chooses; `None` when the dialog was closed.
pub async fn macros_import(app: &App) -> Result<Option<Vec<MacroView>>, AppError> {
    let workstation = app.workstation().await?;
    let Some(path) = app.host.choose_files().await.and_then(|files| files.into_iter().next()) else { return Ok(None) };
    let read = |source| WorkflowError::Read { path: path.clone(), source };
    if tokio::fs::metadata(&path).await.map_err(read)?.len() > LARGEST {
        return Err(WorkflowError::from(MacroError::NotMacros("larger than 4 MB".into())).into());
    }
    let bytes = tokio::fs::read(&path).await.map_err(read)?;
    Ok(Some(views(workstation.import_macros(&bytes).await?)))
}

/// Writes the person's macros where they say; the file, or `None` when the dialog was closed.
pub async fn macros_export(app: &App) -> Result<Option<String>, AppError> {
    let file = app.workstation().await?.export_macros().await?;
    let Some(mut path) = app.host.choose_save("hilum-macros.json").await else { return Ok(None) };
    if path.extension().is_none() {
        path.set_extension("json");
    }
    let written = tokio::fs::write(&path, file).await;
    written.map_err(|source| WorkflowError::Write { path: path.clone(), source })?;
    Ok(Some(path.display().to_string()))
}

pub async fn spelling(app: &App) -> Result<Spelling, AppError> {
    let workstation = app.workstation().await?;
    let lexicon = workstation.lexicon().await?.into_iter().collect();
    Ok(Spelling { lexicon, own: workstation.own_words().await? })
}

pub async fn word_add(app: &App, word: String) -> Result<(), AppError> {
    Ok(app.workstation().await?.add_word(&word).await?)
}

pub async fn word_remove(app: &App, word: String) -> Result<(), AppError> {
    Ok(app.workstation().await?.remove_word(&word).await?)
}

/// Every kind of study, with the template that the person wants for it.
pub async fn template_choices(app: &App) -> Result<Vec<TemplateChoice>, AppError> {
    let mut chosen = app.workstation().await?.template_choices().await?;
    let of = |situation| TemplateChoice {
        situation: convert::writing::situation_name(situation),
        template: chosen.remove(&situation).map(|id| id.to_string()),
    };
    Ok(Situation::ALL.into_iter().map(of).collect())
}

/// `template` is `None` for the one that everybody gets.
pub async fn template_choose(app: &App, situation: SituationName, template: Option<String>) -> Result<(), AppError> {
    let situation = convert::writing::situation(situation);
    Ok(app.workstation().await?.choose_template(situation, template.map(TemplateId::new)).await?)
}

fn views(macros: Vec<hilum_report::Macro>) -> Vec<MacroView> {
    macros.into_iter().map(convert::writing::macro_view).collect()
}
