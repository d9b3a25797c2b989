//! The audit chain: what was read of a patient, what it holds, and its way out as a file.

use async_recursion::async_recursion as boxed;
use crate::exporting::write_whole;
use crate::{WorkflowError, Workstation};
use hilum_store::{AuditEntry, AuditEvent, AuditFilter, AuditPage, AuditVerdict, Store};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What was read since somebody unlocked, so that what the window asks for over and over stands in the
/// chain once.
#[derive(Default)]
pub(crate) struct Reads(Mutex<BTreeSet<(&'static str, String)>>);

impl Reads {
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_new(&self, action: &'static str, object: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((action, object.to_owned()))
    }
}

/// Lines read at once for a file.
const PAGE: u32 = 1000;

impl Workstation {
    /// The latest lines of the audit chain that the filter lets through, newest first; with `before`, of
    /// those numbered below it. That somebody looked is a line of its own, once a session.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`.
    #[boxed]
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<AuditEntry>, WorkflowError> {
        let store = self.store()?;
        self.note_first(&store, "audit.read", "audit").await?;
        Ok(store.audit_page(filter, AuditPage::Before(before), limit).await?)
    }

    /// Recomputes the audit chain and holds it against the heads of all signed versions, and against heads
    /// (SHA-256, hex) as documents kept elsewhere print them.
    ///
    /// # Errors
    /// `vault.locked`, `store.database`; a broken chain is a verdict.
    #[boxed]
    pub async fn verify_audit(&self, printed: &[String]) -> Result<AuditVerdict, WorkflowError> {
        Ok(self.store()?.verify_audit_against(printed).await?)
    }

    /// Writes the lines that the filter lets through where the person said, the oldest first, as CSV
    /// (RFC 4180), whole or not at all. Returns how many there are. That they left is a line of its own.
    ///
    /// # Errors
    /// `vault.locked`, `export.write_failed`.
    #[boxed]
    pub async fn export_audit(&self, filter: &AuditFilter, path: &Path) -> Result<u64, WorkflowError> {
        let store = self.store()?;
        let mut text = String::from("number,time (UTC),who,action,object,detail,hash\r\n");
        let (mut last, mut lines) = (0, 0u64);
        loop {
            let page = store.audit_page(filter, AuditPage::After(last), PAGE).await?;
            let Some(newest) = page.last() else { break };
            last = newest.seq;
            lines += page.len() as u64;
            for line in &page {
                write_line(&mut text, line);
            }
        }
        let target = path.to_owned();
        tokio::task::spawn_blocking(move || write_whole(&target, text.as_bytes()))
            .await
            .unwrap_or_else(|e| Err(std::io::Error::other(e)))
            .map_err(|source| WorkflowError::Write { path: path.to_owned(), source })?;
        self.note(&store, "audit.export", "audit", json!({ "lines": lines })).await?;
        Ok(lines)
    }

    /// Writes a line to the chain, by whoever is logged in.
    pub(crate) async fn note(
        &self,
        store: &Store,
        action: &str,
        object: &str,
        detail: Value,
    ) -> Result<(), WorkflowError> {
        store.record_event(AuditEvent::new(self.now(), &store.user().id, action, object).with(detail)).await?;
        Ok(())
    }

    /// As [`Workstation::note`], the first time only since somebody unlocked.
    pub(crate) async fn note_first(
        &self,
        store: &Store,
        action: &'static str,
        object: &str,
    ) -> Result<(), WorkflowError> {
        if self.reads.is_new(action, object) { self.note(store, action, object, json!({})).await } else { Ok(()) }
    }
}

fn write_line(text: &mut String, line: &AuditEntry) {
    let at = line.event.at.to_offset(time::UtcOffset::UTC);
    let at = at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
    let seq = line.seq.to_string();
    let detail = line.event.detail.to_string();
    let fields: [&str; 7] =
        [&seq, &at, line.event.who.as_str(), &line.event.action, &line.event.object, &detail, &line.hash];
    for (number, field) in fields.into_iter().enumerate() {
        // A field that a spreadsheet would take for a formula is text to it with an apostrophe before it.
        let mark = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\"{mark}{}\"", field.replace('"', "\"\""));
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilum_report::UserId;

    #[test]
    fn a_line_is_quoted_and_no_formula() {
        let at = time::macros::datetime!(2026-03-01 09:00 +1);
        let event = AuditEvent::new(at, &UserId::new("=cmd|'/c calc'!A1"), "study.read", "1.2,3\"4");
        let entry = AuditEntry { seq: 7, event: event.with(json!({ "a": 1 })), hash: "ab".into() };
        let mut text = String::new();
        write_line(&mut text, &entry);
        let expected = "\"7\",\"2026-03-01T08:00:00Z\",\"'=cmd|'/c calc'!A1\",\"study.read\",\"1.2,3\"\"4\",\"{\"\"a\"\":1}\",\"ab\"\r\n";
        assert_eq!(text, expected);
    }
}
