//! The life of a report: from draft to preliminary to final, and to what follows.

use crate::provenance::{edited, reviewed, unreviewed};
use crate::{
    Command, Communication, Entry, FinalText, Origin, Proposed, ProposedText, Refusal, Report, ReportId, Section,
    SectionKind, Sentence, SentenceId, Template, TemplateId, Told, UserId, VersionId, Written,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Where a report stands. FHIR R4 DiagnosticReport.status has the same words for
/// preliminary, final, amended (here: a final report with an amendment) and cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Open, being written for the first time.
    Draft,
    /// Open, complete for a first reading, not signed as final.
    Preliminary,
    /// Signed. Nothing in it changes any more.
    Final,
    /// A signed report with an addendum or amendment open.
    Reopened,
    /// Given up before anything was signed.
    Cancelled,
}

impl Status {
    /// True while sentences may change.
    pub fn is_open(self) -> bool {
        matches!(self, Status::Draft | Status::Preliminary | Status::Reopened)
    }
}

/// What a signed version is in relation to the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionKind {
    Original,
    /// Adds words; the text before it stays as it was.
    Addendum,
    /// Replaces the text; the version before it stays on record.
    Amendment,
}

/// What a signature means (21 CFR 11.50 asks that it be said).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// "Reviewed and approved".
    ReviewedAndApproved,
    /// "Attending: reviewed, approved and co-signed", over another person's preliminary signature.
    CoSigned,
    /// "Author of this addendum, reviewed and approved".
    AddendumAuthor,
    /// "Author of this amendment, reviewed and approved".
    AmendmentAuthor,
    /// "Demonstration: accepted in bulk, not reviewed", whichever kind of version it is.
    AcceptedInBulk,
}

impl Meaning {
    /// The words as printed.
    pub fn words(self) -> &'static str {
        match self {
            Meaning::ReviewedAndApproved => "Reviewed and approved",
            Meaning::CoSigned => "Attending: reviewed, approved and co-signed",
            Meaning::AddendumAuthor => "Author of this addendum, reviewed and approved",
            Meaning::AmendmentAuthor => "Author of this amendment, reviewed and approved",
            Meaning::AcceptedInBulk => "Demonstration: accepted in bulk, not reviewed",
        }
    }
}

/// A first signature, of who prepared a report that another person is to co-sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preliminary {
    pub by: UserId,
    /// The person's name as it is printed.
    pub name: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The revision that the signature made; the text before it is what was signed.
    pub revision: u64,
}

impl Preliminary {
    /// What the signature means, as printed.
    pub const MEANING: &'static str = "Prepared this report as preliminary, to be co-signed";
}

/// One signed version; never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignedVersion {
    pub id: VersionId,
    pub kind: VersionKind,
    /// The version that it adds to or amends.
    pub parent: Option<VersionId>,
    pub by: UserId,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    pub meaning: Meaning,
    pub text: FinalText,
}

impl Report {
    /// A fresh draft, filled from a template.
    pub fn new(id: ReportId, study_uid: impl Into<String>, template: &Template) -> Report {
        Report {
            id,
            study_uid: study_uid.into(),
            template: template.id.clone(),
            status: Status::Draft,
            revision: 0,
            sections: template.sections(),
            becoming: VersionKind::Original,
            versions: Vec::new(),
            withdrawn: Vec::new(),
            communications: Vec::new(),
            taken_over: 0,
            preliminary: None,
        }
    }

    /// Carries out one command, or refuses it and changes nothing.
    ///
    /// `templates` are those that [`Command::UseTemplate`] may name.
    ///
    /// # Errors
    /// The [`Refusal`] says why; the report is as it was.
    pub fn apply(&mut self, entry: &Entry, templates: &[Template]) -> Result<(), Refusal> {
        if matches!(entry.command, Command::Sign { .. } | Command::SignPreliminary { .. }) {
            // Any other reason not to sign is said first.
            self.clone().replay(entry, templates)?;
            self.final_text().map_err(Refusal::Unsignable)?;
        }
        self.replay(entry, templates)
    }

    /// Carries out a line of the journal again.
    ///
    /// Whether a signed text had a critical result that nobody was told of hangs on how its words are
    /// understood. That was judged when the line was written; a later version that understands words
    /// otherwise must still find every signed report as it was signed.
    ///
    /// # Errors
    /// As [`Report::apply`], but for what words mean; the report is as it was.
    pub fn replay(&mut self, entry: &Entry, templates: &[Template]) -> Result<(), Refusal> {
        let mut next = self.clone();
        next.carry_out(entry, templates)?;
        next.revision += 1;
        *self = next;
        Ok(())
    }

    fn carry_out(&mut self, entry: &Entry, templates: &[Template]) -> Result<(), Refusal> {
        match &entry.command {
            Command::Insert { section, after, id, text, region, from } => {
                self.must_be_open(*section)?;
                self.must_be_new(id)?;
                must_have_text(text)?;
                let written = self.inserted(entry, *section, id, text, *region, from.as_ref())?;
                self.put(*section, after.as_ref(), Sentence::Written(written))
            }
            Command::Edit { id, text } => {
                let (s, i) = self.find_open(id)?;
                must_have_text(text)?;
                let section = self.sections[s].kind;
                let edited = match &self.sections[s].sentences[i] {
                    Sentence::Proposed(p) => reviewed(p, entry, section, text, false),
                    Sentence::Written(w) => edited(w, entry, section, text),
                };
                self.sections[s].sentences[i] = Sentence::Written(edited);
                Ok(())
            }
            Command::Remove { id } => {
                let (s, i) = self.find_open(id)?;
                if matches!(self.sections[s].sentences[i], Sentence::Proposed(_)) {
                    return Err(Refusal::StillProposed(id.clone()));
                }
                let removed = self.sections[s].sentences.remove(i);
                self.withdraw(removed);
                Ok(())
            }
            Command::Move { id, section, after } => {
                self.must_be_open(*section)?;
                let (s, i) = self.find_open(id)?;
                if after.as_ref() == Some(id) {
                    return Err(Refusal::NoSentence(id.clone()));
                }
                let sentence = self.sections[s].sentences.remove(i);
                self.put(*section, after.as_ref(), sentence)
            }
            Command::Propose { proposal, pack, demo, section, sentences } => {
                self.must_be_open(*section)?;
                // A reader of a preliminary report must not meet a sentence that no
                // person has looked at.
                if self.status == Status::Preliminary {
                    return Err(Refusal::WrongStatus(self.status));
                }
                let s = self.section_index(*section)?;
                let is_proposed = |x: &mut Sentence| matches!(x, Sentence::Proposed(_));
                let given_way: Vec<Sentence> = self.sections[s].sentences.extract_if(.., is_proposed).collect();
                given_way.into_iter().for_each(|x| self.withdraw(x));
                for ProposedText { id, text, region } in sentences {
                    self.must_be_new(id)?;
                    must_have_text(text)?;
                    self.sections[s].sentences.push(Sentence::Proposed(Proposed {
                        id: id.clone(),
                        text: text.clone(),
                        region: *region,
                        proposal: proposal.clone(),
                        pack: pack.clone(),
                        demo: *demo,
                    }));
                }
                Ok(())
            }
            Command::Accept { id } => {
                let (s, i) = self.find_open(id)?;
                self.accept_at(s, i, entry, false)
            }
            Command::Drop { id } => {
                let (s, i) = self.find_open(id)?;
                if matches!(self.sections[s].sentences[i], Sentence::Written(_)) {
                    return Err(Refusal::NotProposed(id.clone()));
                }
                let removed = self.sections[s].sentences.remove(i);
                self.withdraw(removed);
                Ok(())
            }
            Command::TakeBack { id, section, after } => self.take_back(id, *section, after.as_ref()),
            Command::AcceptSection { section, seen } => {
                self.must_be_open(*section)?;
                self.accept_section(*section, seen, entry)
            }
            Command::AcceptAllDemo => {
                self.must_be_some_open()?;
                if self.proposed().any(|(_, p)| !p.demo) {
                    return Err(Refusal::NotDemo);
                }
                for s in 0..self.sections.len() {
                    for i in 0..self.sections[s].sentences.len() {
                        if matches!(self.sections[s].sentences[i], Sentence::Proposed(_)) {
                            self.accept_at(s, i, entry, true)?;
                        }
                    }
                }
                Ok(())
            }
            Command::Communicate { finding, to, at, how, read_back } => {
                let what = Told::Yes {
                    finding: finding.trim().to_owned(),
                    to: to.trim().to_owned(),
                    at: *at,
                    how: *how,
                    read_back: *read_back,
                };
                self.record(entry, [finding, to], what)
            }
            Command::NotCommunicated { reason } => {
                self.record(entry, [reason, reason], Told::No { reason: reason.trim().to_owned() })
            }
            Command::UseTemplate { template } => self.use_template(template, templates),
            Command::MarkPreliminary => {
                if self.status != Status::Draft {
                    return Err(Refusal::WrongStatus(self.status));
                }
                // A preliminary reading may leave sections empty, but a reader of it
                // must not meet a sentence that no person has looked at.
                match self.proposed().count() {
                    0 => {}
                    n => return Err(Refusal::Unsignable(crate::Unsignable::Unreviewed(n))),
                }
                self.status = Status::Preliminary;
                Ok(())
            }
            Command::SignPreliminary { name } => {
                if !matches!(self.status, Status::Draft | Status::Preliminary) {
                    return Err(Refusal::WrongStatus(self.status));
                }
                if name.trim().is_empty() {
                    return Err(Refusal::EmptyRecord);
                }
                self.whole_text().map_err(Refusal::Unsignable)?;
                self.preliminary = Some(Preliminary {
                    by: entry.by.clone(),
                    name: name.trim().to_owned(),
                    at: entry.at,
                    revision: self.revision + 1,
                });
                self.status = Status::Preliminary;
                Ok(())
            }
            Command::Sign { version, meaning } => self.sign(version, *meaning, entry),
            Command::Reopen { kind } => self.reopen(*kind),
            Command::Cancel => match self.status {
                Status::Draft | Status::Preliminary => {
                    self.status = Status::Cancelled;
                    Ok(())
                }
                // Giving up an addendum leaves the signed report as it was signed.
                Status::Reopened => {
                    self.close_to_last_version();
                    Ok(())
                }
                Status::Final | Status::Cancelled => Err(Refusal::WrongStatus(self.status)),
            },
        }
    }

    fn record(&mut self, entry: &Entry, words: [&str; 2], what: Told) -> Result<(), Refusal> {
        self.must_be_some_open()?;
        if words.iter().any(|w| w.trim().is_empty()) {
            return Err(Refusal::EmptyRecord);
        }
        self.communications.push(Communication { by: entry.by.clone(), recorded: entry.at, what });
        Ok(())
    }

    fn sign(&mut self, version: &VersionId, meaning: Meaning, entry: &Entry) -> Result<(), Refusal> {
        if self.versions.iter().any(|v| v.id == *version) {
            return Err(Refusal::DuplicateVersion(version.clone()));
        }
        let text = self.whole_text().map_err(Refusal::Unsignable)?;
        self.versions.push(SignedVersion {
            id: version.clone(),
            kind: self.becoming,
            parent: self.versions.last().map(|v| v.id.clone()),
            by: entry.by.clone(),
            at: entry.at,
            meaning,
            text,
        });
        self.status = Status::Final;
        // It stands in the version's text from now on.
        self.preliminary = None;
        Ok(())
    }

    fn reopen(&mut self, kind: VersionKind) -> Result<(), Refusal> {
        if self.status != Status::Final || kind == VersionKind::Original {
            return Err(Refusal::WrongStatus(self.status));
        }
        self.status = Status::Reopened;
        self.becoming = kind;
        // An amended report is the whole report again, with what was told of it; an addendum speaks for itself.
        self.communications = match kind {
            VersionKind::Addendum => Vec::new(),
            _ => self.told_of_versions(),
        };
        self.taken_over = self.communications.len();
        // Every addendum is its own text: the one before it stays with its version
        // and is shown there.
        self.withdraw_all(|s| s == SectionKind::Addendum);
        self.sections.retain(|s| s.kind != SectionKind::Addendum);
        if kind == VersionKind::Addendum {
            self.sections.push(Section { kind: SectionKind::Addendum, required: true, sentences: Vec::new() });
        }
        Ok(())
    }

    /// What was told of the newest whole version and of the addenda to it.
    fn told_of_versions(&self) -> Vec<crate::Communication> {
        let whole = self.versions.iter().rposition(|v| v.kind != VersionKind::Addendum).unwrap_or(0);
        self.versions[whole..].iter().flat_map(|v| v.text.communications()).cloned().collect()
    }

    fn close_to_last_version(&mut self) {
        let Some(last) = self.versions.last().cloned() else { return };
        self.communications = last.text.communications().to_vec();
        self.taken_over = 0;
        self.withdraw_all(|_| true);
        self.sections.retain(|s| s.kind != SectionKind::Addendum);
        for signed in last.text.sections() {
            let sentences: Vec<Sentence> = signed.sentences.iter().cloned().map(Sentence::Written).collect();
            match self.sections.iter_mut().find(|s| s.kind == signed.kind) {
                Some(section) => section.sentences = sentences,
                None => self.sections.push(Section { kind: signed.kind, required: true, sentences }),
            }
        }
        self.becoming = last.kind;
        self.status = Status::Final;
    }

    fn withdraw_all(&mut self, of: impl Fn(SectionKind) -> bool) {
        let leaving: Vec<Sentence> =
            self.sections.iter_mut().filter(|s| of(s.kind)).flat_map(|s| std::mem::take(&mut s.sentences)).collect();
        leaving.into_iter().for_each(|s| self.withdraw(s));
    }

    fn use_template(&mut self, id: &TemplateId, templates: &[Template]) -> Result<(), Refusal> {
        if self.status != Status::Draft {
            return Err(Refusal::NotOpen(self.status));
        }
        let template = templates.iter().find(|t| t.id == *id).ok_or_else(|| Refusal::NoTemplate(id.clone()))?;
        let only_template = self
            .sections
            .iter()
            .flat_map(|s| &s.sentences)
            .all(|s| matches!(s, Sentence::Written(Written { origin: Origin::Template { .. }, .. })));
        if !only_template {
            return Err(Refusal::AlreadyWritten);
        }
        self.template = template.id.clone();
        self.sections = template.sections();
        Ok(())
    }

    fn accept_section(&mut self, kind: SectionKind, seen: &BTreeSet<SentenceId>, entry: &Entry) -> Result<(), Refusal> {
        let s = self.section_index(kind)?;
        let unseen = self.sections[s]
            .sentences
            .iter()
            .filter(|x| matches!(x, Sentence::Proposed(p) if !seen.contains(&p.id)))
            .count();
        if unseen > 0 {
            return Err(Refusal::NotSeen(unseen));
        }
        for i in 0..self.sections[s].sentences.len() {
            if matches!(self.sections[s].sentences[i], Sentence::Proposed(_)) {
                self.accept_at(s, i, entry, false)?;
            }
        }
        Ok(())
    }

    fn accept_at(&mut self, s: usize, i: usize, entry: &Entry, in_bulk: bool) -> Result<(), Refusal> {
        match &self.sections[s].sentences[i] {
            Sentence::Proposed(p) => {
                let text = p.text.clone();
                let section = self.sections[s].kind;
                self.sections[s].sentences[i] = Sentence::Written(reviewed(p, entry, section, &text, in_bulk));
                Ok(())
            }
            Sentence::Written(w) => Err(Refusal::NotProposed(w.id.clone())),
        }
    }

    fn take_back(&mut self, id: &SentenceId, section: SectionKind, after: Option<&SentenceId>) -> Result<(), Refusal> {
        self.must_be_some_open()?;
        if self.status == Status::Preliminary {
            return Err(Refusal::WrongStatus(self.status));
        }
        if self.sentence(id).is_some() {
            let (s, i) = self.find_open(id)?;
            if matches!(self.sections[s].sentences[i], Sentence::Proposed(_)) {
                return Err(Refusal::StillProposed(id.clone()));
            }
            let again = unreviewed(&self.sections[s].sentences[i]).ok_or_else(|| Refusal::NotDrafted(id.clone()))?;
            self.sections[s].sentences[i] = Sentence::Proposed(again);
            return Ok(());
        }
        self.must_be_open(section)?;
        let out = self.withdrawn(id).ok_or_else(|| Refusal::NoSentence(id.clone()))?;
        let again = unreviewed(out).ok_or_else(|| Refusal::NotDrafted(id.clone()))?;
        self.put(section, after, Sentence::Proposed(again))
    }

    fn must_be_some_open(&self) -> Result<(), Refusal> {
        if self.status.is_open() { Ok(()) } else { Err(Refusal::NotOpen(self.status)) }
    }

    /// In an addendum only the addendum itself is open.
    fn must_be_open(&self, section: SectionKind) -> Result<(), Refusal> {
        self.must_be_some_open()?;
        let addendum_open = self.status == Status::Reopened && self.becoming == VersionKind::Addendum;
        if addendum_open && section != SectionKind::Addendum {
            return Err(Refusal::OutsideAddendum);
        }
        Ok(())
    }

    fn must_be_new(&self, id: &SentenceId) -> Result<(), Refusal> {
        match self.sentence(id) {
            None => Ok(()),
            Some(_) => Err(Refusal::DuplicateSentence(id.clone())),
        }
    }

    fn section_index(&self, kind: SectionKind) -> Result<usize, Refusal> {
        self.sections.iter().position(|s| s.kind == kind).ok_or(Refusal::NoSection(kind))
    }

    fn find_open(&self, id: &SentenceId) -> Result<(usize, usize), Refusal> {
        self.must_be_some_open()?;
        for (s, section) in self.sections.iter().enumerate() {
            if let Some(i) = section.sentences.iter().position(|x| x.id() == id) {
                self.must_be_open(section.kind)?;
                return Ok((s, i));
            }
        }
        Err(Refusal::NoSentence(id.clone()))
    }

    fn put(&mut self, kind: SectionKind, after: Option<&SentenceId>, sentence: Sentence) -> Result<(), Refusal> {
        let s = self.section_index(kind)?;
        let sentences = &mut self.sections[s].sentences;
        let at = match after {
            None => 0,
            Some(id) => sentences.iter().position(|x| x.id() == id).ok_or_else(|| Refusal::NoSentence(id.clone()))? + 1,
        };
        sentences.insert(at, sentence);
        Ok(())
    }
}

fn must_have_text(text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() { Err(Refusal::EmptySentence) } else { Ok(()) }
}
