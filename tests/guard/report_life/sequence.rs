//! One random sequence on the report of one study, and what is read back after it.

use crate::common::Random;
use crate::desk::{Desk, NAME, PASSPHRASE};
use crate::person::{self, Sentences};
use crate::TRAINEE;
use hilum_app::App;
use hilum_app::commands::{audit, reports, session, signing};
use hilum_app::dto::{
    AppError, AppEvent, AuditFilter, DraftMode, DraftOptions, EditCommand, ReportStatus, ReportView, SectionHow, SectionToDraft,
    SentenceState, SignRequest, SignedResult, TextKind, VersionName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was asked, and how often each answer came.
#[derive(Default)]
pub struct Done {
    pub calls: usize,
    pub accepted: usize,
    /// How often each refusal came.
    pub refused: BTreeMap<String, usize>,
    pub signed: usize,
    pub drafted: usize,
    /// Calls that ran at the same time as another, or while a draft was under way.
    pub beside: usize,
}

impl Done {
    pub fn add(&mut self, other: &Done) {
        self.calls += other.calls;
        self.accepted += other.accepted;
        for (code, count) in &other.refused {
            *self.refused.entry(code.clone()).or_default() += count;
        }
        self.signed += other.signed;
        self.drafted += other.drafted;
        self.beside += other.beside;
    }

    /// A guard that never met what it guards against shows nothing.
    pub fn tried_everything(&self, sequences: usize) {
        assert!(self.signed * 4 >= sequences, "few signatures: {self}");
        assert!(self.drafted * 2 >= sequences, "few drafts: {self}");
        // What comes often, and what comes once in a hundred sequences.
        let often = ["sign.unreviewed", "sign.empty_section", "sign.not_open", "sign.not_confirmed", "report.not_open",
            "report.outside_addendum", "report.wrong_status", "store.stale_revision", "vault.locked"];
        let seldom = ["sign.untold", "sign.needs_attending", "report.still_proposed", "report.not_seen", "report.held"];
        for (codes, of) in [(&often[..], 100), (&seldom[..], 1000)] {
            for code in codes.iter().filter(|_| sequences >= of) {
                assert!(self.refused.contains_key(*code), "{code} never came: {self}");
            }
        }
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let refused: usize = self.refused.values().sum();
        write!(
            f,
            "{} calls, {} accepted, {refused} refused {:?}; {} drafts, {} signatures, {} calls beside others",
            self.calls, self.accepted, self.refused, self.drafted, self.signed, self.beside
        )
    }
}

/// What was read after the sequences before.
#[derive(Default)]
pub struct Known {
    /// Text and hash of every signed version as they were first read, which they must be for ever.
    versions: BTreeMap<String, (String, String)>,
    /// Events of a signature in the audit trail, by report.
    signatures: BTreeMap<String, usize>,
    /// The last line of the trail that was read.
    line: f64,
}

impl Known {
    async fn read_audit(&mut self, app: &App) {
        let mut before = None;
        let mut newest = self.line;
        loop {
            let page = audit::audit(app, 500, before, AuditFilter::default()).await.expect("audit lines");
            for line in page.iter().filter(|line| line.seq > self.line && line.action == "report.sign") {
                *self.signatures.entry(line.object.clone()).or_default() += 1;
            }
            newest = page.iter().map(|line| line.seq).fold(newest, f64::max);
            before = page.last().map(|line| line.seq);
            if before.is_none_or(|seq| seq <= self.line + 1.0) {
                break;
            }
        }
        self.line = newest;
    }
}

pub struct Sequence<'a> {
    app: &'a Arc<App>,
    desk: &'a Arc<Desk>,
    number: usize,
    study: String,
    random: Random,
    /// As it was last read.
    view: ReportView,
    ever: Vec<String>,
    made: usize,
    /// Reports of which a draft is under way, once for each.
    drafting: Vec<String>,
    trainee: bool,
    pub reports: BTreeSet<String>,
    pub done: Done,
}

impl<'a> Sequence<'a> {
    pub async fn begin(app: &'a Arc<App>, desk: &'a Arc<Desk>, number: usize, study: String, random: Random) -> Sequence<'a> {
        let view = reports::report_view(app, study.clone()).await.expect("a report");
        let mut sequence = Sequence {
            app,
            desk,
            number,
            study,
            random,
            view,
            ever: Vec::new(),
            made: 0,
            drafting: Vec::new(),
            trainee: false,
            reports: BTreeSet::new(),
            done: Done::default(),
        };
        sequence.note();
        sequence
    }

    pub async fn run(&mut self) {
        let steps = 4 + self.random.below(26);
        for _ in 0..steps {
            self.step().await;
            self.look().await;
        }
        self.wait_for_draft().await;
        if self.trainee {
            // Or nobody else writes in it for ten minutes.
            reports::report_release(self.app, self.view.id.clone()).await.expect("released");
            self.change_person(false).await;
        }
        self.look().await;
    }

    async fn step(&mut self) {
        match self.random.below(60) {
            0..=22 => {
                let commands = self.some_edits();
                let revision = self.some_revision();
                let call = reports::report_edit(self.app, self.some_report(), revision, commands).await;
                self.answered(call.map(drop));
            }
            23..=27 => {
                let options = DraftOptions {
                    indication_confirmed: self.random.one_in(2),
                    notes: if self.random.one_in(3) { "Smoker, fever for a week.".into() } else { String::new() },
                    mode: if self.random.one_in(4) { DraftMode::Raw } else { DraftMode::Structured },
                    use_prior: self.random.one_in(20),
                };
                let id = self.some_report();
                let call = reports::draft_start(self.app, id.clone(), options).await;
                self.began(call, id).await;
            }
            28..=29 => {
                let section = self.random.pick(&[SectionToDraft::Findings, SectionToDraft::Impression]);
                let how = self.random.pick(&[SectionHow::Again, SectionHow::Shorter, SectionHow::MoreDetail, SectionHow::FromFindings]);
                let id = self.view.id.clone();
                let call = reports::draft_section(self.app, id.clone(), section, how).await;
                self.began(call, id).await;
            }
            30..=32 => self.wait_for_draft().await,
            33 => {
                let call = reports::draft_cancel(self.app, self.view.id.clone()).await;
                self.answered(call);
            }
            34..=38 => {
                let request = self.some_signature();
                let call = self.sign(request).await;
                self.answered_signature(call);
            }
            39..=43 => self.finish_and_sign().await,
            44..=45 => {
                let request = self.some_signature();
                let call = signing::sign_preliminary(self.app, request).await;
                self.answered(call.map(drop));
            }
            46..=48 => {
                let kind = self.random.pick(&[VersionName::Addendum, VersionName::Amendment]);
                let revision = self.view.revision;
                let reopen = vec![EditCommand::Reopen { kind }];
                let call = reports::report_edit(self.app, self.view.id.clone(), revision, reopen).await;
                self.answered(call.map(drop));
            }
            49..=52 => self.at_once().await,
            53 => {
                let call = reports::report_release(self.app, self.view.id.clone()).await;
                self.answered(call);
            }
            54 => {
                let call = reports::report_take_over(self.app, self.some_report()).await;
                self.answered(call.map(drop));
            }
            55 => {
                let call = reports::report_reveal(self.app, self.view.id.clone()).await;
                self.answered(call.map(drop));
            }
            56 => {
                let trainee = !self.trainee;
                if self.random.one_in(2) {
                    let call = reports::report_release(self.app, self.view.id.clone()).await;
                    self.answered(call);
                }
                self.change_person(trainee).await;
            }
            57 => {
                let call = signing::draft_preview_pdf(self.app, self.view.id.clone()).await;
                self.answered(call.map(drop));
            }
            58 => {
                for version in self.view.versions.clone() {
                    let call = signing::signed_pdf(self.app, version.id).await;
                    self.answered(call.map(drop));
                }
            }
            _ => {
                // Locked, nothing is done at all.
                session::lock(self.app).await.expect("locked");
                let commands = self.some_edits();
                let call = reports::report_edit(self.app, self.view.id.clone(), self.view.revision, commands).await;
                assert_eq!(call.as_ref().err().map(|e| e.code.as_str()), Some("vault.locked"), "{}", self.place());
                self.answered(call.map(drop));
                let request = self.whole_signature();
                let call = self.sign(request).await;
                assert_eq!(call.as_ref().err().map(|e| e.code.as_str()), Some("vault.locked"), "{}", self.place());
                self.answered_signature(call);
                self.unlock().await;
            }
        }
    }

    /// Two calls at the same time: each in a task of its own, so that either may come first.
    async fn at_once(&mut self) {
        let (app, id, revision) = (self.app.clone(), self.view.id.clone(), self.view.revision);
        let commands = self.some_edits();
        let edit = tokio::spawn(async move { reports::report_edit(&app, id, revision, commands).await.map(drop) });
        let (app, request) = (self.app.clone(), self.whole_signature());
        let sign = tokio::spawn(async move { signing::sign(&app, request).await });
        let second = self.random.one_in(3).then(|| {
            let (app, request) = (self.app.clone(), self.whole_signature());
            tokio::spawn(async move { signing::sign_without_time_stamp(&app, request).await })
        });
        self.done.beside += 2 + usize::from(second.is_some());
        self.answered(edit.await.expect("an answer"));
        self.answered_signature(sign.await.expect("an answer"));
        if let Some(second) = second {
            self.answered_signature(second.await.expect("an answer"));
        }
    }

    /// As a person who wants the report to be done with.
    async fn finish_and_sign(&mut self) {
        if self.view.status == ReportStatus::Final {
            let kind = self.random.pick(&[VersionName::Addendum, VersionName::Amendment]);
            let reopen = vec![EditCommand::Reopen { kind }];
            let call = reports::report_edit(self.app, self.view.id.clone(), self.view.revision, reopen).await;
            self.answered(call.map(drop));
            self.look().await;
        }
        let (number, made) = (self.number, self.made);
        let fresh = |n: usize| format!("p{number}-{made}-{n}");
        let commands = person::what_is_missing(&mut self.random, &self.view, fresh);
        self.made += 1;
        let call = reports::report_edit(self.app, self.view.id.clone(), self.view.revision, commands).await;
        let ready = call.is_ok();
        self.answered(call.map(drop));
        self.look().await;
        if ready {
            let request = self.whole_signature();
            let call = self.sign(request).await;
            self.answered_signature(call);
        }
    }

    async fn sign(&mut self, request: SignRequest) -> Result<SignedResult, AppError> {
        match self.random.one_in(4) {
            true => signing::sign_without_time_stamp(self.app, request).await,
            false => signing::sign(self.app, request).await,
        }
    }

    /// Somebody else sits down, or the reader again.
    async fn change_person(&mut self, trainee: bool) {
        session::lock(self.app).await.expect("locked");
        self.trainee = trainee;
        self.unlock().await;
    }

    async fn unlock(&mut self) {
        let name = if self.trainee { TRAINEE } else { NAME };
        session::unlock(self.app, name.into(), PASSPHRASE.into()).await.expect("unlocked");
    }

    async fn began(&mut self, call: Result<(), AppError>, id: String) {
        if call.is_ok() {
            self.done.drafted += 1;
            self.drafting.push(id);
        }
        self.answered(call);
        if self.random.one_in(2) {
            self.wait_for_draft().await;
        }
    }

    async fn wait_for_draft(&mut self) {
        while !self.drafting.is_empty() {
            let under_way = &self.drafting;
            let (id, ended) = self
                .desk
                .wait("end of a draft", |e| match e {
                    AppEvent::DraftDone { report_id, .. } | AppEvent::DraftCancelled { report_id } => {
                        Some((report_id.clone(), Ok(())))
                    }
                    AppEvent::DraftFailed { report_id, code, detail } => {
                        Some((report_id.clone(), Err(AppError { code: code.clone(), detail: detail.clone() })))
                    }
                    _ => None,
                })
                .await;
            let at = under_way.iter().position(|one| *one == id);
            self.drafting.remove(at.unwrap_or_else(|| panic!("{}: a draft of {id} that nobody began", self.place())));
            self.answered(ended);
        }
    }

    /// Counts an answer. What is refused is refused by a rule of the domain, and never by the database behind it.
    fn answered(&mut self, call: Result<(), AppError>) {
        self.done.calls += 1;
        self.done.beside += usize::from(!self.drafting.is_empty());
        match call {
            Ok(()) => self.done.accepted += 1,
            Err(e) => {
                let by_rule = ["report.", "sign.", "draft."].iter().any(|family| e.code.starts_with(family))
                    || ["store.stale_revision", "store.not_found", "vault.locked", "pdf.no_glyph", "worker.cancelled"]
                        .contains(&e.code.as_str());
                assert!(by_rule, "{}: {}: {}", self.place(), e.code, e.detail);
                *self.done.refused.entry(e.code).or_default() += 1;
            }
        }
    }

    fn answered_signature(&mut self, call: Result<SignedResult, AppError>) {
        if let Ok(signed) = &call {
            self.done.signed += 1;
            assert!(!self.trainee, "{}: a trainee signed", self.place());
            let report = &signed.report;
            let last = report.versions.last().map(|v| (v.id.as_str(), v.pdf_sha256.as_str()));
            assert_eq!(last, Some((signed.version_id.as_str(), signed.pdf_sha256.as_str())), "{}", self.place());
        }
        self.answered(call.map(drop));
    }

    /// Reads the report as the window would, and holds what must be true of every report that is shown.
    async fn look(&mut self) {
        let before = (self.view.id.clone(), self.view.status, self.view.revision);
        self.view = reports::report_view(self.app, self.study.clone()).await.expect("a report");
        self.note();
        let place = self.place();
        let view = &self.view;
        if view.id == before.0 {
            assert!(view.revision >= before.2, "{place}: the journal went back");
            let signed = matches!(before.1, ReportStatus::Final | ReportStatus::Reopened);
            assert!(!signed || matches!(view.status, ReportStatus::Final | ReportStatus::Reopened), "{place}: {:?}", view.status);
        }
        let proposed = view.sections.iter().flat_map(|s| &s.sentences).filter(|s| s.state == SentenceState::Proposed).count();
        match view.status {
            ReportStatus::Final => {
                assert!(!view.versions.is_empty(), "{place}: final without a version");
                assert_eq!(proposed, 0, "{place}: final with a proposed sentence");
                assert!(view.sections.iter().all(|s| !s.open), "{place}: final and open");
                assert!(view.needs.iter().any(|n| n.code == "sign.not_open"), "{place}");
            }
            ReportStatus::Preliminary => assert_eq!(proposed, 0, "{place}: preliminary with a proposed sentence"),
            ReportStatus::Draft => assert!(view.versions.is_empty(), "{place}: a draft that was signed"),
            ReportStatus::Reopened => assert!(!view.versions.is_empty(), "{place}: reopened, never signed"),
            ReportStatus::Cancelled => panic!("{place}: a report that was given up is shown"),
        }
        if proposed > 0 {
            assert!(view.needs.iter().any(|n| n.code == "sign.unreviewed"), "{place}: unreviewed and signable");
        }
    }

    /// After the sequence: the report as the journal, the tables and the audit trail have it, by the handlers.
    pub async fn read_back(&mut self, known: &mut Known) {
        let place = self.place();
        // Replayed from the journal, not from what is kept in memory.
        let texts = reports::report_texts(self.app, self.view.id.clone()).await.expect("texts");
        let signed: Vec<_> =
            texts.iter().filter(|t| matches!(t.kind, TextKind::Signed | TextKind::Addendum | TextKind::Amendment)).collect();
        assert_eq!(signed.len(), self.view.versions.len(), "{place}");
        for (text, version) in signed.iter().zip(&self.view.versions) {
            let kind = match version.kind {
                VersionName::Original => TextKind::Signed,
                VersionName::Addendum => TextKind::Addendum,
                VersionName::Amendment => TextKind::Amendment,
            };
            assert_eq!(text.kind, kind, "{place}");
            for sentence in text.sections.iter().flat_map(|s| &s.sentences) {
                let reviewed = !matches!(sentence.state, SentenceState::Proposed | SentenceState::AcceptedInBulk);
                assert!(reviewed, "{place}: signed {sentence:?}");
            }
            let pdf = signing::signed_pdf(self.app, version.id.clone()).await.expect("the document");
            assert!(pdf.starts_with(b"%PDF-"), "{place}");
            let now = (format!("{:?}", text.sections), version.pdf_sha256.clone());
            let first = known.versions.entry(version.id.clone()).or_insert_with(|| now.clone());
            assert_eq!(*first, now, "{place}: a signed version changed");
        }
        known.read_audit(self.app).await;
        for report in &self.reports {
            let versions = if *report == self.view.id { self.view.versions.len() } else { 0 };
            let events = known.signatures.get(report).copied().unwrap_or_default();
            assert_eq!(events, versions, "{place}: signatures in the audit trail and versions of {report}");
        }
    }

    fn note(&mut self) {
        self.reports.insert(self.view.id.clone());
        for sentence in self.view.sections.iter().flat_map(|s| &s.sentences) {
            if !self.ever.contains(&sentence.id) {
                self.ever.push(sentence.id.clone());
            }
        }
    }

    fn some_edits(&mut self) -> Vec<EditCommand> {
        let sentences = Sentences::of(&self.view, &self.ever);
        let count = 1 + self.random.below(3);
        (0..count)
            .map(|_| {
                self.made += 1;
                let fresh = format!("s{}-{}", self.number, self.made);
                person::any_edit(&mut self.random, &sentences, fresh)
            })
            .collect()
    }

    /// The revision on the screen; now and then one that was, or never will be.
    fn some_revision(&mut self) -> f64 {
        match self.random.below(12) {
            0 => self.view.revision - 1.0,
            1 => self.view.revision + 1.0,
            _ => self.view.revision,
        }
    }

    /// This report; now and then one that was given up, or none.
    fn some_report(&mut self) -> String {
        match self.random.below(20) {
            0 => "no-such-report".into(),
            1 | 2 => {
                let at = self.random.below(self.reports.len());
                self.reports.iter().nth(at).cloned().unwrap_or_default()
            }
            _ => self.view.id.clone(),
        }
    }

    fn whole_signature(&self) -> SignRequest {
        SignRequest {
            report_id: self.view.id.clone(),
            revision: self.view.revision,
            passphrase: PASSPHRASE.into(),
            patient_confirmed: true,
            accession_confirmed: true,
        }
    }

    fn some_signature(&mut self) -> SignRequest {
        let report_id = self.some_report();
        let revision = self.some_revision();
        SignRequest {
            report_id,
            revision,
            passphrase: if self.random.one_in(8) { "not the passphrase".into() } else { PASSPHRASE.into() },
            patient_confirmed: !self.random.one_in(10),
            accession_confirmed: !self.random.one_in(10),
        }
    }

    fn place(&self) -> String {
        format!("sequence {} (HILUM_GUARD_SEED), call {}, report {}", self.number, self.done.calls, self.view.id)
    }
}
