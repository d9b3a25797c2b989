//! The audit chain.

use crate::app::App;
use crate::dto::{AppError, AuditExported, AuditFilter, AuditLine, AuditVerdict};
use hilum_report::UserId;
use hilum_store::{AuditBreak, AuditVerdict as Verdict};
use time::{Date, UtcOffset};

/// The newest lines first; `before` leaves out the line with that number and those after it.
pub async fn audit(
    app: &App,
    limit: u32,
    before: Option<f64>,
    filter: AuditFilter,
) -> Result<Vec<AuditLine>, AppError> {
    let workstation = app.workstation().await?;
    let filter = wanted(filter, workstation.now().offset())?;
    let users = workstation.users();
    let lines = workstation.audit(&filter, limit, before.map(|b| b as u64)).await?;
    Ok(lines
        .into_iter()
        .map(|line| AuditLine {
            seq: line.seq as f64,
            at: crate::convert::moment(line.event.at.to_offset(workstation.now().offset())),
            who: users
                .iter()
                .find(|u| u.id == line.event.who)
                .map_or_else(|| line.event.who.to_string(), |u| u.name.clone()),
            action: line.event.action,
            object: line.event.object,
            detail: match &line.event.detail {
                serde_json::Value::Object(parts) if parts.is_empty() => String::new(),
                detail => detail.to_string(),
            },
            hash: line.hash,
        })
        .collect())
}

/// Writes the lines that the filter lets through where the person says; `None` when the dialog was closed.
pub async fn audit_export(app: &App, filter: AuditFilter) -> Result<Option<AuditExported>, AppError> {
    let workstation = app.workstation().await?;
    let filter = wanted(filter, workstation.now().offset())?;
    if workstation.is_locked() {
        return Err(AppError { code: "vault.locked".into(), detail: "Log in to export the audit chain.".into() });
    }
    let Some(mut path) = app.host.choose_save("hilum-audit.csv").await else { return Ok(None) };
    if path.extension().is_none() {
        path.set_extension("csv");
    }
    let lines = workstation.export_audit(&filter, &path).await?;
    Ok(Some(AuditExported { path: path.display().to_string(), lines: lines as f64 }))
}

pub async fn audit_verify(app: &App) -> Result<AuditVerdict, AppError> {
    let workstation = app.workstation().await?;
    let verdict = workstation.verify_audit(&[]).await?;
    Ok(match verdict {
        Verdict::Intact(at) => AuditVerdict { ok: true, checked: at.seq as f64, head: at.hash, problem: None },
        Verdict::Broken(broken) => AuditVerdict {
            ok: false,
            checked: 0.0,
            head: String::new(),
            problem: Some(match broken {
                AuditBreak::Missing { seq } => format!("A line before number {seq} is missing."),
                AuditBreak::Changed { seq } => {
                    format!("Line {seq} was changed, or does not follow from the one before it.")
                }
                AuditBreak::HeadNotFound(_) => "The chain does not hold a head that a signed report names.".into(),
                AuditBreak::NotAsRecorded { seq: 0, what } => {
                    format!("There is a {what} of which no line speaks, or one is gone.")
                }
                AuditBreak::NotAsRecorded { seq, what } => {
                    format!("The {what} that line {seq} speaks of is not as it was.")
                }
            }),
        },
    })
}

/// Days are days of this computer's clock, both included.
fn wanted(filter: AuditFilter, offset: UtcOffset) -> Result<hilum_workflow::AuditFilter, AppError> {
    let until = day(&filter.to)?.map(|day| day.next_day().unwrap_or(day));
    let start = |day: Date| day.midnight().assume_offset(offset);
    Ok(hilum_workflow::AuditFilter {
        who: filter.who.filter(|who| !who.is_empty()).map(UserId::new),
        from: day(&filter.from)?.map(start),
        until: until.map(start),
        words: filter.words,
    })
}

/// A day as YYYY-MM-DD; `None` for nothing.
fn day(text: &str) -> Result<Option<Date>, AppError> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    let wrong = |_| AppError { code: "audit.day".into(), detail: "A day is written YYYY-MM-DD.".into() };
    if text.is_empty() { Ok(None) } else { Date::parse(text, format).map(Some).map_err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{datetime, offset};

    #[test]
    fn days_are_those_of_the_clock_on_the_wall() {
        let filter = |from: &str, to: &str| AuditFilter { from: from.into(), to: to.into(), ..AuditFilter::default() };
        let found = wanted(filter("2026-03-01", "2026-03-01"), offset!(+2)).expect("a filter");
        assert_eq!(found.from, Some(datetime!(2026-02-28 22:00 UTC)));
        assert_eq!(found.until, Some(datetime!(2026-03-01 22:00 UTC)));
        let open = wanted(filter("", ""), offset!(-5)).expect("a filter");
        assert_eq!((open.from, open.until), (None, None));
        assert_eq!(wanted(filter("1.3.2026", ""), offset!(UTC)).expect_err("not a day").code, "audit.day");
    }
}
