//! Claims of sentences, and what was held against them: rows that are only added.

use crate::Store;
use crate::error::{Doing, Result, StoreError};
use crate::store::Access;
use crate::tables::{from_json, from_word, parse_time, time_text, to_json, word};
use hilum_report::claims::Claim;
use hilum_report::evidence::{Answer, Support};
use hilum_report::{PackHash, ReportId, SentenceId};
use serde::Serialize;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

/// A claim of a sentence as its words were at that time.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptClaim {
    pub report: ReportId,
    pub sentence: SentenceId,
    pub text: String,
    /// Its place in the text is not kept: the text is.
    pub claim: Claim,
    pub at: OffsetDateTime,
}

/// What one source says of a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptEvidence {
    pub instance_uid: String,
    pub pack_id: String,
    pub pack_hash: PackHash,
    pub source: Source,
    /// What is needed to repeat it.
    pub detail: Value,
    pub at: OffsetDateTime,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Encoder(Support),
    Requery { question: String, answer: Answer },
}

impl Store {
    /// Keeps claims, each with what was held against it, all or none. What is kept already, word for
    /// word, stays as it is.
    ///
    /// # Errors
    /// `store.database` when a report or an instance does not exist; `data.disk_full`.
    pub async fn keep_claims(&self, kept: &[(KeptClaim, Vec<KeptEvidence>)]) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        for (claim, evidence) in kept {
            let id = insert_claim(&mut tx, claim).await?;
            for one in evidence {
                insert_evidence(&mut tx, id, one).await?;
            }
        }
        tx.commit().await.doing("keep evidence")
    }

    /// The answers that a pack gave to questions about an image, by question.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn answers(&self, instance_uid: &str, pack: &PackHash) -> Result<Vec<(String, Answer)>> {
        let rows = sqlx::query(
            "SELECT DISTINCT question, answer, yes_logprob, no_logprob FROM evidence
             WHERE source = 'requery' AND instance_uid = ? AND pack_hash = ? ORDER BY question",
        )
        .bind(instance_uid)
        .bind(pack.as_str())
        .fetch_all(self.access().await?.connection())
        .await
        .doing("read answers")?;
        rows.iter().map(|row| Ok((column(row, "question")?, answer(row)?))).collect()
    }

    /// Everything that is kept of a report's claims, in the order in which it was kept.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn kept_claims(&self, report: &ReportId) -> Result<Vec<(KeptClaim, Vec<KeptEvidence>)>> {
        let mut access = self.access().await?;
        let rows = sqlx::query("SELECT * FROM claims WHERE report_id = ? ORDER BY id")
            .bind(report.as_str())
            .fetch_all(access.connection())
            .await
            .doing("read claims")?;
        let mut kept = Vec::with_capacity(rows.len());
        for row in &rows {
            kept.push((claim(row)?, evidence_of(&mut access, column(row, "id")?).await?));
        }
        Ok(kept)
    }
}

/// The row of a claim, made where there is none.
async fn insert_claim(connection: &mut SqliteConnection, kept: &KeptClaim) -> Result<i64> {
    let claim = &kept.claim;
    sqlx::query(
        "INSERT INTO claims
            (report_id, sentence_id, text, finding, presence, side, zone, severity, temporal, device, claimed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(kept.report.as_str())
    .bind(kept.sentence.as_str())
    .bind(&kept.text)
    .bind(claim.finding.key())
    .bind(word(&claim.presence)?)
    .bind(optional(claim.side.as_ref())?)
    .bind(optional(claim.zone.as_ref())?)
    .bind(optional(claim.severity.as_ref())?)
    .bind(to_json(&claim.temporal)?)
    .bind(optional(claim.device.as_ref())?)
    .bind(time_text(kept.at)?)
    .execute(&mut *connection)
    .await
    .doing("keep a claim")?;
    sqlx::query_scalar(
        "SELECT id FROM claims WHERE report_id = ? AND sentence_id = ? AND text = ? AND finding = ? AND presence = ?
            AND side IS ? AND device IS ?",
    )
    .bind(kept.report.as_str())
    .bind(kept.sentence.as_str())
    .bind(&kept.text)
    .bind(claim.finding.key())
    .bind(word(&claim.presence)?)
    .bind(optional(claim.side.as_ref())?)
    .bind(optional(claim.device.as_ref())?)
    .fetch_one(&mut *connection)
    .await
    .doing("keep a claim")
}

async fn insert_evidence(connection: &mut SqliteConnection, claim: i64, one: &KeptEvidence) -> Result<()> {
    let (source, support, question, answer) = match &one.source {
        Source::Encoder(support) => ("encoder", Some(support), None, None),
        Source::Requery { question, answer } => ("requery", None, Some(question), Some(answer)),
    };
    sqlx::query(
        "INSERT INTO evidence (claim_id, source, instance_uid, pack_id, pack_hash, difference, softmax,
            question, answer, yes_logprob, no_logprob, detail, taken_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(claim)
    .bind(source)
    .bind(&one.instance_uid)
    .bind(&one.pack_id)
    .bind(one.pack_hash.as_str())
    .bind(support.map(|s| s.difference))
    .bind(support.map(|s| s.softmax))
    .bind(question)
    .bind(answer.and_then(|a| a.yes).map(|yes| if yes { "yes" } else { "no" }))
    .bind(answer.map(|a| a.yes_logprob))
    .bind(answer.map(|a| a.no_logprob))
    .bind(to_json(&one.detail)?)
    .bind(time_text(one.at)?)
    .execute(&mut *connection)
    .await
    .doing("keep evidence")?;
    Ok(())
}

async fn evidence_of(access: &mut Access<'_>, claim: i64) -> Result<Vec<KeptEvidence>> {
    let rows = sqlx::query("SELECT * FROM evidence WHERE claim_id = ? ORDER BY id")
        .bind(claim)
        .fetch_all(access.connection())
        .await
        .doing("read evidence")?;
    rows.iter().map(evidence).collect()
}

fn claim(row: &SqliteRow) -> Result<KeptClaim> {
    let text: String = column(row, "text")?;
    let finding = column::<String>(row, "finding")?;
    let finding = hilum_report::claims::Finding::of_key(&finding)
        .ok_or_else(|| StoreError::Corrupt(format!("{finding:?} is no finding")))?;
    let read = |name: &str| column::<Option<String>>(row, name);
    Ok(KeptClaim {
        report: ReportId::new(column::<String>(row, "report_id")?),
        sentence: SentenceId::new(column::<String>(row, "sentence_id")?),
        claim: Claim {
            finding,
            presence: from_word(column(row, "presence")?, "a presence")?,
            side: read("side")?.map(|w| from_word(w, "a side")).transpose()?,
            zone: read("zone")?.map(|w| from_word(w, "a zone")).transpose()?,
            severity: read("severity")?.map(|w| from_word(w, "a severity")).transpose()?,
            temporal: from_json(&column::<String>(row, "temporal")?, "words of time")?,
            device: read("device")?.map(|w| from_word(w, "a device")).transpose()?,
            span: 0..0,
        },
        text,
        at: parse_time(&column::<String>(row, "claimed_at")?)?,
    })
}

fn evidence(row: &SqliteRow) -> Result<KeptEvidence> {
    let source = match column::<Option<String>>(row, "question")? {
        None => Source::Encoder(Support { difference: column(row, "difference")?, softmax: column(row, "softmax")? }),
        Some(question) => Source::Requery { question, answer: answer(row)? },
    };
    Ok(KeptEvidence {
        instance_uid: column(row, "instance_uid")?,
        pack_id: column(row, "pack_id")?,
        pack_hash: PackHash::new(column::<String>(row, "pack_hash")?),
        source,
        detail: from_json(&column::<String>(row, "detail")?, "circumstances")?,
        at: parse_time(&column::<String>(row, "taken_at")?)?,
    })
}

fn answer(row: &SqliteRow) -> Result<Answer> {
    let word: Option<String> = column(row, "answer")?;
    Ok(Answer {
        yes: word.map(|w| w == "yes"),
        yes_logprob: column(row, "yes_logprob")?,
        no_logprob: column(row, "no_logprob")?,
    })
}

fn column<'r, T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>>(row: &'r SqliteRow, name: &str) -> Result<T> {
    row.try_get(name).doing("read evidence")
}

fn optional<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(word).transpose()
}
