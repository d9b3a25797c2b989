//! What lines of the audit trail vouch for in other tables, and whether it is still so.
//!
//! The line of an edit holds a hash of the journal lines that it wrote, the line of a signature one of the
//! signed text and document, the line of an import that of the file. Whoever changes those tables by hand
//! must change the trail as well, and the trail is held by heads that were printed.

use crate::error::{Doing, Result};
use crate::tables::audit::AuditBreak;
use crate::tables::from_json;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// SHA-256, hex, of some lines of a report's journal, as they lie in the table.
pub(crate) async fn journal_sha256(
    connection: &mut SqliteConnection,
    report: &str,
    from: u64,
    to: u64,
) -> Result<String> {
    let rows: Vec<(i64, String, String, String, Option<String>)> = sqlx::query_as(
        "SELECT seq, by, at, entry, template FROM journal WHERE report_id = ? AND seq BETWEEN ? AND ? ORDER BY seq",
    )
    .bind(report)
    .bind(from.cast_signed())
    .bind(to.cast_signed())
    .fetch_all(connection)
    .await
    .doing("read the journal")?;
    let mut hash = Sha256::new();
    hash.update(b"hilum journal 1\n");
    for (seq, by, at, entry, template) in rows {
        hash.update(seq.to_be_bytes());
        // A template that is missing and one that is empty are told apart by the count.
        let fields = [Some(by), Some(at), Some(entry), template];
        hash.update([fields.iter().flatten().count() as u8]);
        for field in fields.iter().flatten() {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
    }
    Ok(hex::encode(hash.finalize()))
}

/// The first thing that is not as the trail says; the trail itself has been checked.
pub(crate) async fn check(connection: &mut SqliteConnection) -> Result<Option<AuditBreak>> {
    const PAGE: i64 = 1000;
    let mut said = Said::default();
    let mut last = 0i64;
    loop {
        let lines: Vec<(i64, String, String, String, String, String)> = sqlx::query_as(
            "SELECT seq, at, who, action, object, detail FROM audit
             WHERE seq > ? AND action IN ('report.create', 'report.edit', 'report.draft', 'report.sign', 'instance.import', 'study.delete')
             ORDER BY seq LIMIT ?",
        )
        .bind(last)
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await
        .doing("read the audit trail")?;
        let Some(newest) = lines.last() else { break };
        last = newest.0;
        for (seq, at, who, action, object, detail) in lines {
            let seq = seq.cast_unsigned();
            let detail: Value = from_json(&detail, "an audit line")?;
            let line = Line { seq, at, who, object, detail };
            if !said.hear(connection, &action, line).await? {
                return Ok(Some(AuditBreak::NotAsRecorded { seq, what: "journal" }));
            }
        }
    }
    if let Some(found) = said.journals_now(connection).await? {
        return Ok(Some(found));
    }
    if let Some(found) = said.versions_now(connection).await? {
        return Ok(Some(found));
    }
    said.images_now(connection).await
}

struct Line {
    seq: u64,
    at: String,
    who: String,
    object: String,
    detail: Value,
}

impl Line {
    fn text(&self, key: &str) -> String {
        self.detail[key].as_str().unwrap_or_default().to_owned()
    }
}

/// What the trail has said so far.
#[derive(Default)]
struct Said {
    /// Study of each report that was begun, and whether all of its journal is vouched for: a report that
    /// was begun by a version before this one is not.
    reports: BTreeMap<String, (String, bool)>,
    /// Up to which journal line each report is vouched for, and by which line of the trail.
    journals: HashMap<String, (u64, u64)>,
    versions: BTreeMap<String, Line>,
    /// Line, study and SHA-256 of each image.
    images: BTreeMap<String, (u64, String, String)>,
}

impl Said {
    /// False when a journal is not as this line says.
    async fn hear(&mut self, connection: &mut SqliteConnection, action: &str, line: Line) -> Result<bool> {
        match action {
            "report.create" => {
                let whole = line.detail["journal"] == true;
                self.reports.insert(line.object.clone(), (line.text("study"), whole));
            }
            "instance.import" => {
                self.images.insert(line.object.clone(), (line.seq, line.text("study"), line.text("sha256")));
            }
            "study.delete" => {
                self.images.retain(|_, (_, study, _)| *study != line.object);
                self.reports.retain(|_, (study, _)| *study != line.object);
            }
            "report.sign" => {
                let good = self.journal(connection, &line).await?;
                self.versions.insert(line.text("version"), line);
                return Ok(good);
            }
            _ => return self.journal(connection, &line).await,
        }
        Ok(true)
    }

    /// The journal lines that this line of the trail speaks of are there, next after those before.
    async fn journal(&mut self, connection: &mut SqliteConnection, line: &Line) -> Result<bool> {
        let number = |key: &str| line.detail[key].as_u64();
        let (Some(from), Some(to)) = (number("from"), number("to")) else { return Ok(true) };
        let before = self.journals.get(&line.object).map(|(last, _)| *last);
        // The journal of a report that an earlier version began is vouched for from here on.
        if before.is_some_and(|last| last + 1 != from) {
            return Ok(false);
        }
        self.journals.insert(line.object.clone(), (to, line.seq));
        Ok(journal_sha256(connection, &line.object, from, to).await? == line.text("journal_sha256"))
    }

    /// Each report has just the lines that are vouched for; a journal whose report is gone has none that would do.
    async fn journals_now(&self, connection: &mut SqliteConnection) -> Result<Option<AuditBreak>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT r.id, coalesce(max(j.seq), 0) FROM reports r LEFT JOIN journal j ON j.report_id = r.id GROUP BY r.id
             UNION SELECT report_id, -1 FROM journal WHERE report_id NOT IN (SELECT id FROM reports)",
        )
        .fetch_all(connection)
        .await
        .doing("read the journal")?;
        let mut unseen: BTreeSet<&String> = self.reports.keys().collect();
        for (report, lines) in &rows {
            unseen.remove(report);
            let (vouched, seq) = self.journals.get(report).copied().unwrap_or_default();
            let good = match self.reports.get(report) {
                Some((_, true)) => lines.cast_unsigned() == vouched,
                Some((_, false)) => vouched == 0 || lines.cast_unsigned() == vouched,
                None => false,
            };
            if !good {
                return Ok(Some(AuditBreak::NotAsRecorded { seq, what: "journal" }));
            }
        }
        Ok(unseen.first().map(|_| AuditBreak::NotAsRecorded { seq: 0, what: "journal" }))
    }

    async fn versions_now(&self, connection: &mut SqliteConnection) -> Result<Option<AuditBreak>> {
        type Row = (String, String, String, String, String, String, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT v.id, v.report_id, v.kind, v.text, v.pdf_sha256, v.audit_hash, s.signer, s.signed_at, s.meaning
             FROM report_versions v LEFT JOIN signatures s ON s.version_id = v.id",
        )
        .fetch_all(connection)
        .await
        .doing("read the signed versions")?;
        let found = |seq| Ok(Some(AuditBreak::NotAsRecorded { seq, what: "signed version" }));
        let mut unseen: BTreeMap<&String, u64> = self.versions.iter().map(|(id, line)| (id, line.seq)).collect();
        for (id, report, kind, text, pdf, head, signer, at, meaning) in rows {
            let Some(line) = self.versions.get(&id) else { return found(0) };
            unseen.remove(&id);
            // Versions signed before this was recorded have no hash of their text.
            let text =
                line.detail["text_sha256"].is_null() || line.text("text_sha256") == hex::encode(Sha256::digest(&text));
            let same = report == line.object
                && kind == line.text("kind")
                && pdf == line.text("pdf_sha256")
                && head == line.text("printed_head")
                && signer.as_ref() == Some(&line.who)
                && at.as_ref() == Some(&line.at)
                && meaning == Some(line.text("meaning"));
            if !(same && text) {
                return found(line.seq);
            }
        }
        match unseen.into_values().min() {
            Some(seq) => found(seq),
            None => Ok(None),
        }
    }

    async fn images_now(&self, connection: &mut SqliteConnection) -> Result<Option<AuditBreak>> {
        let rows: Vec<(String, String)> = sqlx::query_as("SELECT uid, original_sha256 FROM instances")
            .fetch_all(connection)
            .await
            .doing("read the images")?;
        let found = |seq| Ok(Some(AuditBreak::NotAsRecorded { seq, what: "image" }));
        let mut seen = BTreeSet::new();
        for (uid, sha256) in &rows {
            match self.images.get(uid) {
                Some((_, _, recorded)) if recorded == sha256 => seen.insert(uid.as_str()),
                Some((seq, ..)) => return found(*seq),
                None => return found(0),
            };
        }
        match self.images.iter().find(|(uid, _)| !seen.contains(uid.as_str())) {
            Some((_, (seq, ..))) => found(*seq),
            None => Ok(None),
        }
    }
}
