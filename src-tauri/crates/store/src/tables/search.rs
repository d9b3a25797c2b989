//! Full-text search over signed reports.

use crate::Store;
use crate::error::{Doing, Result};
use hilum_report::{Report, ReportId, SignedVersion, VersionId};
use sqlx::SqliteConnection;

/// A signed version in which all the words were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextHit {
    pub version: VersionId,
    pub report: ReportId,
    pub study_uid: String,
    /// A few words around the find, which stands between `[` and `]`.
    pub excerpt: String,
}

impl Store {
    /// Signed versions that hold all the words of `text`, the best first. The last word
    /// may be the beginning of one.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn search_reports(&self, text: &str, limit: u32) -> Result<Vec<TextHit>> {
        let words = quoted(text);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT version_id, report_id, study_uid, snippet(report_text, 0, '[', ']', '…', 12)
             FROM report_text WHERE report_text MATCH ? ORDER BY rank LIMIT ?",
        )
        .bind(format!("{}*", words.join(" ")))
        .bind(limit)
        .fetch_all(self.access().await?.connection())
        .await
        .doing("search the reports")?;
        let hit = |(version, report, study_uid, excerpt)| TextHit {
            version: VersionId::new(version),
            report: ReportId::new(report),
            study_uid,
            excerpt,
        };
        Ok(rows.into_iter().map(hit).collect())
    }
}

/// The words of what was typed, each quoted, so that it is never FTS5's query language. What
/// has no letter or digit is no word to the index either.
pub(crate) fn quoted(text: &str) -> Vec<String> {
    let words = text.split_whitespace().filter(|w| w.contains(char::is_alphanumeric));
    words.map(|w| format!("\"{}\"", w.replace('"', "\"\""))).collect()
}

pub(crate) async fn index(connection: &mut SqliteConnection, report: &Report, signed: &SignedVersion) -> Result<()> {
    sqlx::query("INSERT INTO report_text (text, version_id, report_id, study_uid) VALUES (?, ?, ?, ?)")
        .bind(signed.text.plain())
        .bind(signed.id.as_str())
        .bind(report.id().as_str())
        .bind(report.study_uid())
        .execute(&mut *connection)
        .await
        .doing("index a signed version")?;
    sqlx::query(
        "UPDATE study_text SET report = report || ' ' || ?
         WHERE rowid = (SELECT n FROM study_keys WHERE study_uid = ?)",
    )
    .bind(signed.text.plain())
    .bind(report.study_uid())
    .execute(connection)
    .await
    .doing("index a signed version")?;
    Ok(())
}
