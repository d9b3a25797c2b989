//! The audit trail: a hash chain whose head is printed in every signed document.
//!
//! Each line's hash is SHA-256 over the hash of the line before it and the line's own
//! fields with their lengths. Somebody with the key can rewrite the whole chain; what they
//! cannot rewrite is a head that was printed, and [`Store::verify_audit`] takes one.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::{from_json, parse_time, time_text, to_json, vouched};
use hilum_report::UserId;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use time::OffsetDateTime;

/// Something that is to be recorded. `object` is a UID or an id; `detail` never holds what
/// identifies a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    pub at: OffsetDateTime,
    pub who: UserId,
    /// What was done, as "thing.deed": "study.import", "report.sign".
    pub action: String,
    pub object: String,
    pub detail: Value,
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    pub seq: u64,
    pub event: AuditEvent,
    /// SHA-256, hex.
    pub hash: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditFilter {
    pub who: Option<UserId>,
    /// Not before this moment.
    pub from: Option<OffsetDateTime>,
    /// Before this moment.
    pub until: Option<OffsetDateTime>,
    /// Somewhere in action, object or detail, in any case; empty for all.
    pub words: String,
}

/// From where lines are read, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditPage {
    /// The newest first, of those numbered below.
    Before(Option<u64>),
    /// The oldest first, of those numbered above.
    After(u64),
}

/// The newest line: how many there are, and the hash that stands for them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// 0 for an empty trail.
    pub seq: u64,
    /// SHA-256, hex.
    pub hash: String,
}

/// What checking the trail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every line is as it was written, and every known head is in the chain.
    Intact(AuditHead),
    Broken(AuditBreak),
}

/// The first place where the trail is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditBreak {
    /// A line is missing before this number.
    Missing { seq: u64 },
    /// This line was changed, or does not follow from the one before it.
    Changed { seq: u64 },
    /// A head known from a signed document is not in the chain: it was cut or made anew. Its number is 0
    /// where only the hash is known, as a document prints it.
    HeadNotFound(AuditHead),
    /// What this line vouches for ("journal", "signed version", "image") is not as it was; 0 where it is of
    /// something that no line speaks of.
    NotAsRecorded { seq: u64, what: &'static str },
}

impl AuditEvent {
    pub fn new(at: OffsetDateTime, who: &UserId, action: impl Into<String>, object: impl Into<String>) -> AuditEvent {
        AuditEvent {
            at,
            who: who.clone(),
            action: action.into(),
            object: object.into(),
            detail: Value::Object(Default::default()),
        }
    }

    pub fn with(mut self, detail: Value) -> AuditEvent {
        self.detail = detail;
        self
    }
}

impl AuditHead {
    fn genesis() -> AuditHead {
        AuditHead { seq: 0, hash: hex::encode([0; 32]) }
    }
}

impl Store {
    /// Records an event; on disk when this returns.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn record_event(&self, event: AuditEvent) -> Result<AuditHead> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        let head = append(&mut tx, &event).await?;
        tx.commit().await.doing("record an event")?;
        Ok(head)
    }

    /// The head as it is to be printed.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn audit_head(&self) -> Result<AuditHead> {
        head(self.access().await?.connection()).await
    }

    /// The newest lines, newest first; with `before`, of those numbered below it.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn audit_entries(&self, limit: u32, before: Option<u64>) -> Result<Vec<AuditEntry>> {
        self.audit_page(&AuditFilter::default(), AuditPage::Before(before), limit).await
    }

    /// Some lines that the filter lets through.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn audit_page(&self, filter: &AuditFilter, page: AuditPage, limit: u32) -> Result<Vec<AuditEntry>> {
        let (bound, order, number) = match page {
            AuditPage::Before(before) => ("seq < ?1", "DESC", before.unwrap_or(u64::MAX)),
            AuditPage::After(after) => ("seq > ?1", "ASC", after),
        };
        // Only fixed text goes into the statement.
        let sql = format!(
            "SELECT seq, at, who, action, object, detail, hash FROM audit
             WHERE {bound} AND (?2 IS NULL OR who = ?2) AND (?3 IS NULL OR at >= ?3) AND (?4 IS NULL OR at < ?4)
               AND (?5 = '' OR instr(lower(action || ' ' || object || ' ' || detail), lower(?5)) > 0)
             ORDER BY seq {order} LIMIT ?6"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(i64::try_from(number).unwrap_or(i64::MAX))
            .bind(filter.who.as_ref().map(|who| who.as_str().to_owned()))
            .bind(filter.from.map(time_text).transpose()?)
            .bind(filter.until.map(time_text).transpose()?)
            .bind(filter.words.trim().to_owned())
            .bind(limit)
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the audit trail")?
            .iter()
            .map(entry)
            .collect()
    }

    /// Computes the whole chain again, and holds the journals, signed versions and images that its lines
    /// vouch for against them. Heads printed in this folder's own signed versions must be in it, and so must
    /// `known` (a head read from a document kept elsewhere).
    ///
    /// # Errors
    /// `store.database`; a broken trail is a verdict, not an error.
    pub async fn verify_audit(&self, known: Option<&AuditHead>) -> Result<AuditVerdict> {
        verify(self.access().await?.connection(), known).await
    }

    /// As [`Store::verify_audit`], for heads of which only the hash (hex) is known, as documents print them.
    ///
    /// # Errors
    /// As [`Store::verify_audit`].
    pub async fn verify_audit_against(&self, printed: &[String]) -> Result<AuditVerdict> {
        let mut access = self.access().await?;
        // The chain first: a hash that merely stands in a line is nothing while the lines do not follow.
        let verdict = verify(access.connection(), None).await?;
        if matches!(verdict, AuditVerdict::Broken(_)) {
            return Ok(verdict);
        }
        for hash in printed {
            let hash = hash.trim().to_lowercase();
            let known: Option<i64> = sqlx::query_scalar("SELECT seq FROM audit WHERE hash = ?")
                .bind(hex::decode(&hash).unwrap_or_default())
                .fetch_optional(access.connection())
                .await
                .doing("look up a head of the audit trail")?;
            if known.is_none() {
                return Ok(AuditVerdict::Broken(AuditBreak::HeadNotFound(AuditHead { seq: 0, hash })));
            }
        }
        Ok(verdict)
    }
}

pub(crate) async fn head(connection: &mut SqliteConnection) -> Result<AuditHead> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(connection)
        .await
        .doing("read the head of the audit trail")?;
    Ok(row
        .map_or_else(AuditHead::genesis, |(seq, hash)| AuditHead { seq: seq.cast_unsigned(), hash: hex::encode(hash) }))
}

/// True when the chain has this line. The genesis is in every chain.
pub(crate) async fn contains(connection: &mut SqliteConnection, head: &AuditHead) -> Result<bool> {
    if *head == AuditHead::genesis() {
        return Ok(true);
    }
    let hash: Option<Vec<u8>> = sqlx::query_scalar("SELECT hash FROM audit WHERE seq = ?")
        .bind(head.seq.cast_signed())
        .fetch_optional(connection)
        .await
        .doing("look up a head of the audit trail")?;
    Ok(hash.is_some_and(|h| hex::encode(h) == head.hash.to_lowercase()))
}

/// Adds a line within the caller's transaction.
pub(crate) async fn append(connection: &mut SqliteConnection, event: &AuditEvent) -> Result<AuditHead> {
    let last = head(connection).await?;
    let seq = last.seq + 1;
    let prev = hex::decode(&last.hash).unwrap_or_default();
    let (at, detail) = (time_text(event.at)?, to_json(&event.detail)?);
    let hash = line_hash(&prev, seq, [&at, event.who.as_str(), &event.action, &event.object, &detail]);
    sqlx::query("INSERT INTO audit (seq, at, who, action, object, detail, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(seq.cast_signed())
        .bind(at)
        .bind(event.who.as_str())
        .bind(&event.action)
        .bind(&event.object)
        .bind(detail)
        .bind(prev)
        .bind(hash.as_slice())
        .execute(connection)
        .await
        .doing("record an event")?;
    Ok(AuditHead { seq, hash: hex::encode(hash) })
}

pub(crate) async fn verify(connection: &mut SqliteConnection, known: Option<&AuditHead>) -> Result<AuditVerdict> {
    const PAGE: i64 = 1000;
    let mut last = AuditHead::genesis();
    loop {
        // In pages, so that years of lines do not stand in memory at once.
        let rows = sqlx::query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(last.seq.cast_signed())
            .bind(PAGE)
            .fetch_all(&mut *connection)
            .await
            .doing("read the audit trail")?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let seq = row.try_get::<i64, _>("seq").doing("read the audit trail")?.cast_unsigned();
            if seq != last.seq + 1 {
                return Ok(AuditVerdict::Broken(AuditBreak::Missing { seq }));
            }
            match follows(row, seq, &last) {
                Some(hash) => last = AuditHead { seq, hash },
                None => return Ok(AuditVerdict::Broken(AuditBreak::Changed { seq })),
            }
        }
    }
    // Lines that the chain does not reach: numbered below 1 by somebody.
    let lines: i64 = sqlx::query_scalar("SELECT count(*) FROM audit")
        .fetch_one(&mut *connection)
        .await
        .doing("read the audit trail")?;
    if lines.cast_unsigned() != last.seq {
        return Ok(AuditVerdict::Broken(AuditBreak::Changed { seq: 0 }));
    }
    let printed: Vec<(i64, String)> =
        sqlx::query_as("SELECT audit_seq, audit_hash FROM report_versions ORDER BY audit_seq")
            .fetch_all(&mut *connection)
            .await
            .doing("read the printed heads")?;
    let printed = printed.into_iter().map(|(seq, hash)| AuditHead { seq: seq.cast_unsigned(), hash });
    for head in printed.chain(known.cloned()) {
        if !contains(connection, &head).await? {
            return Ok(AuditVerdict::Broken(AuditBreak::HeadNotFound(head)));
        }
    }
    Ok(match vouched::check(connection).await? {
        Some(found) => AuditVerdict::Broken(found),
        None => AuditVerdict::Intact(last),
    })
}

/// The line's hash, when the line is what was hashed and follows the last one.
fn follows(row: &SqliteRow, seq: u64, last: &AuditHead) -> Option<String> {
    let prev: Vec<u8> = row.try_get("prev").ok()?;
    let hash: Vec<u8> = row.try_get("hash").ok()?;
    let mut fields = Vec::new();
    for column in ["at", "who", "action", "object", "detail"] {
        fields.push(row.try_get::<String, _>(column).ok()?);
    }
    let fields: [String; 5] = fields.try_into().ok()?;
    let computed = line_hash(&prev, seq, fields.each_ref().map(String::as_str));
    (hex::encode(&prev) == last.hash && computed == hash.as_slice()).then(|| hex::encode(hash))
}

fn line_hash(prev: &[u8], seq: u64, fields: [&str; 5]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"hilum audit 1\n");
    hash.update(prev);
    hash.update(seq.to_be_bytes());
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

fn entry(row: &SqliteRow) -> Result<AuditEntry> {
    let get = |column: &str| row.try_get::<String, _>(column).doing("read the audit trail");
    Ok(AuditEntry {
        seq: row.try_get::<i64, _>("seq").doing("read the audit trail")?.cast_unsigned(),
        event: AuditEvent {
            at: parse_time(&get("at")?)?,
            who: UserId::new(get("who")?),
            action: get("action")?,
            object: get("object")?,
            detail: from_json(&get("detail")?, "an audit line")?,
        },
        hash: hex::encode(row.try_get::<Vec<u8>, _>("hash").doing("read the audit trail")?),
    })
}
