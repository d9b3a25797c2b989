//! Full-text search over signed reports, and over all by which a study is known.

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

/// The numbers of the studies in which each of the words begins a word, ascending. As one text: a row each would take
/// longer to hand over than to find.
pub(crate) async fn found(connection: &mut SqliteConnection, text: &str) -> Result<Vec<u64>> {
    let words: Vec<String> = quoted(text).into_iter().map(|word| format!("{word}*")).collect();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Option<String> =
        sqlx::query_scalar("SELECT group_concat(rowid) FROM study_text WHERE study_text MATCH ?")
            .bind(words.join(" "))
            .fetch_one(connection)
            .await
            .doing("search the studies")?;
    let numbers = numbers.unwrap_or_default();
    let mut numbers: Vec<u64> = numbers.split(',').filter_map(|number| number.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// One byte a study number from 1 to the last of these, 1 for these.
pub(crate) fn marks(ascending: &[u64]) -> Vec<u8> {
    let last = ascending.last().and_then(|n| usize::try_from(*n).ok()).unwrap_or(0);
    let mut marks = vec![0; last];
    for number in ascending {
        if let Some(mark) = usize::try_from(*number).ok().and_then(|n| marks.get_mut(n.wrapping_sub(1))) {
            *mark = 1;
        }
    }
    marks
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
