//! The life of a report, read back from what is on disk and judged by rules of its own.
//!
//! Nothing here asks the domain whether a command was right: the journal's lines are followed with a
//! small account of which sentence a model proposed and which a person stands for, and signed
//! versions, signatures and audit lines are held against it.

use hilum_report::{Command, Entry, FinalText, Origin, ReportId, SectionKind, SentenceId, Status, VersionKind, Written};
use hilum_store::{AuditEntry, Store, Version};
use std::collections::{BTreeMap, BTreeSet};

/// What a folder holds of one report.
pub struct Record {
    pub journal: Vec<Entry>,
    pub versions: Vec<Version>,
    /// Where its row says that it stands, and where the replayed journal says so.
    pub status: [Status; 2],
}

/// What was found in a report whose life is in order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub lines: usize,
    pub signatures: usize,
    pub addenda: usize,
    pub amendments: usize,
    pub preliminary: usize,
    /// Sentences that a model proposed, and those of them that went into a signed text.
    pub proposed: usize,
    pub signed_proposals: usize,
}

impl Found {
    pub fn add(&mut self, other: Found) {
        self.lines += other.lines;
        self.signatures += other.signatures;
        self.addenda += other.addenda;
        self.amendments += other.amendments;
        self.preliminary += other.preliminary;
        self.proposed += other.proposed;
        self.signed_proposals += other.signed_proposals;
    }
}

impl Record {
    pub async fn read(store: &Store, id: &ReportId) -> Record {
        let row = store.report_row(id).await.expect("the report's row");
        let replayed = store.report(id).await.expect("a report that replays");
        Record {
            journal: store.journal(id).await.expect("a journal"),
            versions: store.versions(id).await.expect("versions"),
            status: [row.status, replayed.status()],
        }
    }
}

/// A sentence as the account knows it.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    /// `None` for a template's sentence that was changed where it stood.
    section: Option<SectionKind>,
    /// A model proposed it and no person has decided.
    open: bool,
    /// `None` where a decision was taken back, and the model's words come from further back.
    text: Option<String>,
}

/// The account while the journal is followed.
#[derive(Debug, Clone, PartialEq)]
struct Account {
    status: Status,
    becoming: VersionKind,
    sentences: BTreeMap<SentenceId, Kept>,
    /// Sentences that a person wrote or decided on, those that have left the report included.
    decided: BTreeSet<SentenceId>,
}

/// Judges the life of one report. `audit` are the lines of the trail that name it.
///
/// # Errors
/// What is not as it was promised, in one sentence.
pub fn judge(id: &ReportId, record: &Record, audit: &[&AuditEntry]) -> Result<Found, String> {
    let mut account = Account {
        status: Status::Draft,
        becoming: VersionKind::Original,
        sentences: BTreeMap::new(),
        decided: BTreeSet::new(),
    };
    // The account at the last signature, for an addendum that is given up.
    let mut signed: Option<Account> = None;
    let mut found = Found { lines: record.journal.len(), ..Found::default() };
    let mut versions = record.versions.iter();
    let mut before: Option<&Version> = None;
    for (n, entry) in record.journal.iter().enumerate() {
        let at = |what: &str| format!("line {}: {what}: {:?}", n + 1, entry.command);
        match &entry.command {
            Command::Sign { version, .. } => {
                if !account.status.is_open() {
                    return Err(at("signed what was not open"));
                }
                let open = account.sentences.iter().filter(|(_, s)| s.open).count();
                if open > 0 {
                    return Err(at(&format!("signed over {open} unreviewed sentences")));
                }
                let Some(of) = versions.next() else { return Err(at("no version beside the signature")) };
                if of.id != *version || of.signer != entry.by || of.signed_at != entry.at {
                    return Err(at("another version, signer or time beside the signature"));
                }
                chained(of, before, account.becoming).map_err(|what| at(&what))?;
                text(&account, &of.text).map_err(|what| at(&what))?;
                signature_events(id, of, audit).map_err(|what| at(&what))?;
                found.signatures += 1;
                found.addenda += usize::from(of.kind == VersionKind::Addendum);
                found.amendments += usize::from(of.kind == VersionKind::Amendment);
                found.signed_proposals += drafted(&of.text).count();
                before = Some(of);
                account.status = Status::Final;
                signed = Some(account.clone());
            }
            Command::Reopen { kind } => {
                if account.status != Status::Final || *kind == VersionKind::Original {
                    return Err(at("reopened what was not signed"));
                }
                account.status = Status::Reopened;
                account.becoming = *kind;
                account.sentences.retain(|_, s| s.section != Some(SectionKind::Addendum));
            }
            Command::Cancel => match (account.status, &signed) {
                (Status::Draft | Status::Preliminary, _) => account.status = Status::Cancelled,
                // Whatever was written since is gone, and the signed text stands as it was.
                (Status::Reopened, Some(as_signed)) => account = as_signed.clone(),
                _ => return Err(at("gave up what was not open")),
            },
            Command::AcceptAllDemo => return Err(at("accepted in bulk, which no command of the window does")),
            edit => account.edit(edit, &mut found).map_err(|what| at(&what))?,
        }
    }
    if versions.next().is_some() {
        return Err("a signed version without a signature in the journal".into());
    }
    if record.status != [account.status; 2] {
        return Err(format!("the journal leads to {:?}, row and replay say {:?}", account.status, record.status));
    }
    let events = audit.iter().filter(|line| line.event.action == "report.sign").count();
    if events != record.versions.len() {
        return Err(format!("{events} signatures in the audit trail, {} versions", record.versions.len()));
    }
    if record.status[0] == Status::Final && record.versions.is_empty() {
        return Err("final without a signature".into());
    }
    Ok(found)
}

impl Account {
    /// A command that changes sentences, or makes the report preliminary.
    fn edit(&mut self, command: &Command, found: &mut Found) -> Result<(), String> {
        if !self.status.is_open() {
            return Err(format!("changed a report that was {:?}", self.status));
        }
        match command {
            Command::Insert { section, id, text, .. } => {
                self.may_write(*section)?;
                self.decided.insert(id.clone());
                self.sentences.insert(id.clone(), written(Some(*section), text));
            }
            Command::Edit { id, text } => {
                let section = self.sentences.get(id).and_then(|s| s.section);
                self.may_change(id)?;
                self.decided.insert(id.clone());
                self.sentences.insert(id.clone(), written(section, text));
            }
            Command::Remove { id } => {
                self.may_change(id)?;
                if self.sentences.remove(id).is_some_and(|s| s.open) {
                    return Err("removed an unreviewed sentence without a decision".into());
                }
            }
            Command::Move { id, section, .. } => {
                self.may_change(id)?;
                self.may_write(*section)?;
                if let Some(kept) = self.sentences.get_mut(id) {
                    kept.section = Some(*section);
                }
            }
            Command::Propose { section, sentences, .. } => {
                self.may_write(*section)?;
                if self.status == Status::Preliminary {
                    return Err("proposed into a preliminary report".into());
                }
                self.sentences.retain(|_, s| !(s.open && s.section == Some(*section)));
                found.proposed += sentences.len();
                for one in sentences {
                    self.decided.remove(&one.id);
                    let kept = Kept { section: Some(*section), open: true, text: Some(one.text.clone()) };
                    self.sentences.insert(one.id.clone(), kept);
                }
            }
            Command::Accept { id } => self.decide(id)?,
            Command::Drop { id } => {
                self.may_change(id)?;
                if !self.sentences.remove(id).is_some_and(|s| s.open) {
                    return Err("dropped what was not proposed".into());
                }
            }
            Command::TakeBack { id, section, .. } => {
                if self.status == Status::Preliminary {
                    return Err("a decision was taken back in a preliminary report".into());
                }
                self.decided.remove(id);
                let section = self.sentences.get(id).map_or(Some(*section), |s| s.section);
                self.sentences.insert(id.clone(), Kept { section, open: true, text: None });
                self.may_change(id)?;
            }
            Command::AcceptSection { section, seen } => {
                self.may_write(*section)?;
                let open: Vec<SentenceId> = self
                    .sentences
                    .iter()
                    .filter(|(_, s)| s.open && s.section == Some(*section))
                    .map(|(id, _)| id.clone())
                    .collect();
                for id in open {
                    if !seen.contains(&id) {
                        return Err(format!("{id} was accepted and not seen"));
                    }
                    self.decide(&id)?;
                }
            }
            Command::UseTemplate { .. } => {
                if self.status != Status::Draft || self.sentences.values().any(|s| s.open) {
                    return Err("another template over what was written".into());
                }
                self.sentences.clear();
            }
            Command::Communicate { .. } | Command::NotCommunicated { .. } => {}
            Command::MarkPreliminary | Command::SignPreliminary { .. } => {
                if self.sentences.values().any(|s| s.open) || self.status == Status::Reopened {
                    return Err("made preliminary over an unreviewed sentence, or after a signature".into());
                }
                found.preliminary += 1;
                self.status = Status::Preliminary;
            }
            Command::Sign { .. } | Command::Reopen { .. } | Command::Cancel | Command::AcceptAllDemo => {
                unreachable!("judged by the caller")
            }
        }
        Ok(())
    }

    fn decide(&mut self, id: &SentenceId) -> Result<(), String> {
        self.may_change(id)?;
        match self.sentences.get_mut(id) {
            Some(kept) if kept.open => kept.open = false,
            _ => return Err("accepted what was not proposed".into()),
        }
        self.decided.insert(id.clone());
        Ok(())
    }

    /// In an addendum only the addendum itself is written.
    fn may_write(&self, section: SectionKind) -> Result<(), String> {
        let addendum = self.status == Status::Reopened && self.becoming == VersionKind::Addendum;
        match addendum && section != SectionKind::Addendum {
            true => Err("changed the signed text under an addendum".into()),
            false => Ok(()),
        }
    }

    fn may_change(&self, id: &SentenceId) -> Result<(), String> {
        let addendum = self.status == Status::Reopened && self.becoming == VersionKind::Addendum;
        match self.sentences.get(id) {
            Some(Kept { section: Some(section), .. }) => self.may_write(*section),
            // A template's sentence, of which only the signed text knows.
            _ if addendum => Err("changed a signed sentence under an addendum".into()),
            _ => Ok(()),
        }
    }
}

fn written(section: Option<SectionKind>, text: &str) -> Kept {
    Kept { section, open: false, text: Some(text.to_owned()) }
}

/// Number, parent and kind follow from the version before it, and an addendum leaves that one's text as it is.
fn chained(version: &Version, before: Option<&Version>, becoming: VersionKind) -> Result<(), String> {
    let number = before.map_or(1, |b| b.number + 1);
    if version.number != number || version.parent != before.map(|b| b.id.clone()) || version.kind != becoming {
        return Err(format!(
            "version {} is number {}, {:?} of {:?}; expected number {number}, {becoming:?}",
            version.id, version.number, version.kind, version.parent
        ));
    }
    let body = |text: &FinalText| -> Vec<(SectionKind, Vec<Written>)> {
        let sections = text.sections().iter().filter(|s| s.kind != SectionKind::Addendum);
        sections.map(|s| (s.kind, s.sentences.clone())).collect()
    };
    match before {
        None if version.kind != VersionKind::Original => Err("the first version is not the original".into()),
        Some(b) if version.kind == VersionKind::Addendum && body(&b.text) != body(&version.text) => {
            Err("an addendum changed the text before it".into())
        }
        _ => Ok(()),
    }
}

/// The signed text is what a person stands for: every sentence of the account and no other, but for a
/// template's own; what a model began was decided by a person.
fn text(account: &Account, signed: &FinalText) -> Result<(), String> {
    if signed.accepted_in_bulk() {
        return Err("signed what was accepted in bulk".into());
    }
    let mut left: BTreeSet<&SentenceId> = account.sentences.keys().collect();
    for section in signed.sections() {
        for sentence in &section.sentences {
            let kept = account.sentences.get(&sentence.id);
            left.remove(&sentence.id);
            let same = match kept {
                Some(kept) => {
                    kept.section.is_none_or(|s| s == section.kind) && kept.text.as_ref().is_none_or(|t| *t == sentence.text)
                }
                None => matches!(sentence.origin, Origin::Template { .. }),
            };
            if !same {
                return Err(format!("signed {sentence:?} in {:?}, the account has {kept:?}", section.kind));
            }
        }
    }
    if !left.is_empty() {
        return Err(format!("{left:?} are not in the signed text"));
    }
    match drafted(signed).find(|s| !account.decided.contains(&s.id)) {
        Some(sentence) => Err(format!("nobody decided on {sentence:?}")),
        None => Ok(()),
    }
}

/// Sentences that a model began.
fn drafted(text: &FinalText) -> impl Iterator<Item = &Written> {
    text.sections().iter().flat_map(|s| &s.sentences).filter(|s| matches!(s.origin, Origin::Proposal { .. }))
}

/// The audit trail has one event of this signature, by the same person, of the same document.
fn signature_events(id: &ReportId, version: &Version, audit: &[&AuditEntry]) -> Result<(), String> {
    let detail = |line: &AuditEntry, key: &str| line.event.detail[key].as_str().unwrap_or_default().to_owned();
    let of: Vec<_> = audit
        .iter()
        .filter(|line| line.event.action == "report.sign" && line.event.object == id.as_str())
        .filter(|line| detail(line, "version") == version.id.as_str())
        .collect();
    let [event] = of.as_slice() else { return Err(format!("{} audit events of one signature", of.len())) };
    let same = event.event.who == version.signer
        && detail(event, "pdf_sha256") == version.pdf_sha256
        && detail(event, "printed_head") == version.audit_head.hash
        && event.seq > version.audit_head.seq;
    if same { Ok(()) } else { Err(format!("the audit event is of another signature: {:?}", event.event)) }
}
