//! The rules of `ledger` can fail: a life that is in order is broken in one place after the other, as it would
//! stand on disk if a control had not held, and each time the rules say what is wrong.

use crate::ledger::{Record, judge};
use hilum_report::*;
use hilum_store::{AuditEntry, AuditEvent, AuditHead, BlobName, Version};
use time::{Duration, OffsetDateTime};

fn entry(n: usize, command: Command) -> Entry {
    Entry { by: UserId::new("u"), at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(n as i64), command }
}

fn write(section: SectionKind, id: &str) -> Command {
    let id = SentenceId::new(id);
    Command::Insert { section, after: None, id, text: "Written.".into(), region: None, from: None }
}

fn sign(version: &str, meaning: Meaning) -> Command {
    Command::Sign { version: VersionId::new(version), meaning }
}

/// Drafted, reviewed, signed; then an addendum.
fn commands() -> Vec<Command> {
    let propose = Command::Propose {
        proposal: ProposalId::new("p"),
        pack: PackHash::new("h"),
        demo: false,
        section: SectionKind::Findings,
        sentences: ["a", "b"]
            .map(|id| ProposedText { id: SentenceId::new(id), text: format!("Proposed {id}."), region: None })
            .into(),
    };
    vec![
        propose,
        Command::Accept { id: SentenceId::new("a") },
        Command::AcceptSection { section: SectionKind::Findings, seen: [SentenceId::new("b")].into() },
        write(SectionKind::Impression, "i"),
        sign("v1", Meaning::ReviewedAndApproved),
        Command::Reopen { kind: VersionKind::Addendum },
        write(SectionKind::Addendum, "more"),
        sign("v2", Meaning::AddendumAuthor),
    ]
}

fn life() -> (Record, Vec<AuditEntry>) {
    let mut report = Report::new(ReportId::new("r"), "1.2.3", &builtin_templates()[0]);
    let journal: Vec<Entry> = commands().into_iter().enumerate().map(|(n, command)| entry(n, command)).collect();
    for one in &journal {
        report.apply(one, &[]).expect("a life that is in order");
    }
    let head = |seq: u64| AuditHead { seq, hash: format!("{seq:064x}") };
    let version = |(n, signed): (usize, &SignedVersion)| Version {
        id: signed.id.clone(),
        report: report.id().clone(),
        number: n as u32 + 1,
        kind: signed.kind,
        parent: signed.parent.clone(),
        text: signed.text.clone(),
        pdf: blob(),
        pdf_sha256: format!("{n:064x}"),
        audit_head: head(n as u64 * 10),
        signer: signed.by.clone(),
        signed_at: signed.at,
        meaning: signed.meaning,
    };
    let versions: Vec<Version> = report.versions().iter().enumerate().map(version).collect();
    let line = |version: &Version| AuditEntry {
        seq: version.audit_head.seq + 1,
        event: AuditEvent::new(version.signed_at, &version.signer, "report.sign", "r").with(serde_json::json!({
            "version": version.id.as_str(), "pdf_sha256": version.pdf_sha256, "printed_head": version.audit_head.hash,
        })),
        hash: String::new(),
    };
    let audit = versions.iter().map(line).collect();
    (Record { journal, versions, status: [report.status(); 2] }, audit)
}

/// Some name of a sealed document.
fn blob() -> BlobName {
    let hash = "0".repeat(64);
    let named = ('a'..='z').find_map(|kind| BlobName::parse(&format!("{kind}-{hash}")));
    named.expect("some kind of sealed file")
}

/// Breaks a life and holds what the rules say of it.
fn check(breaks: impl FnOnce(&mut Record, &mut Vec<AuditEntry>), expected: &str) {
    let (mut record, mut audit) = life();
    breaks(&mut record, &mut audit);
    let lines: Vec<&AuditEntry> = audit.iter().collect();
    let said = judge(&ReportId::new("r"), &record, &lines).expect_err(expected);
    assert!(said.contains(expected), "expected {expected:?}, the rules say {said:?}");
}

#[test]
fn a_life_in_order_is_judged_so() {
    let (record, audit) = life();
    let lines: Vec<&AuditEntry> = audit.iter().collect();
    let found = judge(&ReportId::new("r"), &record, &lines).expect("in order");
    assert_eq!((found.signatures, found.addenda, found.proposed, found.signed_proposals), (2, 1, 2, 4));
}

#[test]
fn every_broken_control_is_seen() {
    let last = |r: &Record| r.journal.len();
    check(|r, _| drop(r.journal.remove(1)), "was accepted and not seen");
    check(|r, _| drop(r.journal.drain(1..3)), "signed over 2 unreviewed sentences");
    check(|r, _| r.journal[2].command = Command::AcceptAllDemo, "accepted in bulk");
    check(
        |r, _| r.journal.insert(5, entry(5, Command::Edit { id: SentenceId::new("i"), text: "Another.".into() })),
        "changed a report that was Final",
    );
    check(
        |r, _| r.journal.insert(last(r), entry(9, write(SectionKind::Findings, "late"))),
        "changed a report that was Final",
    );
    check(
        |r, _| r.journal.insert(6, entry(6, Command::Edit { id: SentenceId::new("i"), text: "Another.".into() })),
        "changed the signed text under an addendum",
    );
    check(|r, _| drop(r.journal.remove(5)), "changed a report that was Final");
    check(|r, _| r.journal[3].command = write(SectionKind::Impression, "another"), "the account has None");
    check(
        |r, _| {
            r.journal[3].command = Command::Insert {
                section: SectionKind::Impression,
                after: None,
                id: SentenceId::new("i"),
                text: "Other words.".into(),
                region: None,
                from: None,
            }
        },
        "Other words",
    );
    check(|r, _| r.versions[1].parent = None, "version v2 is number 2");
    check(|r, _| r.versions[1].parent = Some(VersionId::new("v0")), "version v2 is number 2");
    check(|r, _| r.versions[1].number = 3, "version v2 is number 3");
    check(|r, _| r.versions[1].kind = VersionKind::Amendment, "version v2 is number 2");
    check(|r, _| r.versions[0].text = r.versions[1].text.clone(), "in Addendum");
    check(|r, _| r.versions[0].signer = UserId::new("x"), "another version, signer or time");
    check(|r, _| drop(r.versions.pop()), "no version beside the signature");
    check(|r, _| drop(r.journal.pop()), "a signed version without a signature");
    check(|r, _| r.status[0] = Status::Reopened, "row and replay say");
    check(|_, audit| drop(audit.pop()), "0 audit events of one signature");
    check(|_, audit| audit.push(audit[0].clone()), "2 audit events of one signature");
    check(|_, audit| audit[1].event.who = UserId::new("x"), "the audit event is of another signature");
    check(|_, audit| audit[0].event.detail["pdf_sha256"] = "x".into(), "the audit event is of another signature");
    check(
        |_, audit| {
            let mut another = audit[0].clone();
            another.event.detail["version"] = "v9".into();
            audit.push(another);
        },
        "3 signatures in the audit trail, 2 versions",
    );
    check(
        |r, audit| {
            r.journal = vec![entry(0, Command::MarkPreliminary)];
            r.versions.clear();
            audit.clear();
            r.status = [Status::Final; 2];
        },
        "the journal leads to Preliminary",
    );
}
