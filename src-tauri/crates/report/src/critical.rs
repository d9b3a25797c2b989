//! Critical results: what must be told to somebody at once, and the record that it was.
//!
//! The fields are those that the ACR Practice Parameter for Communication of Diagnostic Imaging
//! Findings asks to be documented: who was told, by whom, when and how; with read-back.

use crate::claims::{Device, Finding, Presence, Temporal, label};
use crate::{Origin, Report, SectionKind, Sentence, UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What became of a critical result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Communication {
    /// Who wrote it down, which is who told it.
    pub by: UserId,
    #[serde(with = "time::serde::rfc3339")]
    pub recorded: OffsetDateTime,
    pub what: Told,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    Yes {
        /// The result in the teller's words.
        finding: String,
        /// Name and role of who was told.
        to: String,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        how: Means,
        /// The listener said it back.
        read_back: bool,
    },
    /// Nobody was told, and why.
    No { reason: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    Telephone,
    InPerson,
    SecureMessage,
    Other,
}

impl Means {
    /// As printed.
    pub fn words(self) -> &'static str {
        match self {
            Means::Telephone => "by telephone",
            Means::InPerson => "in person",
            Means::SecureMessage => "by secure message",
            Means::Other => "by other means",
        }
    }
}

impl Communication {
    /// One plain sentence, as it is shown and printed. `teller` is the name of [`Communication::by`];
    /// times are shown in the offset of `offset`.
    pub fn sentence(&self, teller: &str, offset: time::UtcOffset) -> String {
        match &self.what {
            Told::Yes { finding, to, at, how, read_back } => {
                let finding = finding.trim_end_matches('.');
                let back = if *read_back { "read back" } else { "not read back" };
                let moment = minute(at.to_offset(offset));
                format!("{finding}: told to {to} {} by {teller}, {moment}; {back}.", how.words())
            }
            Told::No { reason } => {
                let moment = minute(self.recorded.to_offset(offset));
                format!("Nobody was told: {} ({teller}, {moment}).", reason.trim_end_matches('.'))
            }
        }
    }
}

/// Date and time to the minute, with the offset from UTC.
fn minute(at: OffsetDateTime) -> String {
    let (hours, minutes, _) = at.offset().as_hms();
    let sign = if hours < 0 || minutes < 0 { '\u{2212}' } else { '+' };
    let (month, hours, minutes) = (u8::from(at.month()), hours.unsigned_abs(), minutes.unsigned_abs());
    let (year, day, hour, minute) = (at.year(), at.day(), at.hour(), at.minute());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC{sign}{hours:02}:{minutes:02}")
}

/// A critical result that a sentence states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Critical {
    Pneumothorax,
    FreeAir,
    MisplacedTube,
}

impl Critical {
    pub fn label(self) -> &'static str {
        match self {
            Critical::Pneumothorax => "Pneumothorax",
            Critical::FreeAir => "Free air below the diaphragm",
            Critical::MisplacedTube => "Misplaced tube",
        }
    }

    /// What a sentence states for certain; doubts, denials and what is old or unchanged are not.
    pub fn of(text: &str) -> Option<Critical> {
        let claims = label(text);
        let pneumothorax = claims.iter().any(|c| {
            c.finding == Finding::Pneumothorax
                && c.presence == Presence::Present
                && !c.temporal.iter().any(|t| {
                    matches!(t, Temporal::Chronic | Temporal::Unchanged | Temporal::Decreased | Temporal::Resolved)
                })
        });
        if pneumothorax {
            return Some(Critical::Pneumothorax);
        }
        let lower = text.to_lowercase();
        let denied = ["no ", "without ", "not ", "negative for", "free of", "possible", "cannot", "resolved"];
        if denied.iter().any(|word| lower.contains(word)) {
            return None;
        }
        let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
        if has(&["pneumoperitoneum", "free intraperitoneal air", "free air under", "air under the", "free subdiaphragmatic", "subdiaphragmatic air"]) {
            return Some(Critical::FreeAir);
        }
        let tube = claims.iter().any(|c| {
            matches!(c.device, Some(Device::EndotrachealTube | Device::GastricTube)) && c.presence == Presence::Present
        });
        let place = has(&["main bronch", "mainstem", "main stem", "esophageal intubation", "oesophageal intubation"])
            || (has(&["gastric tube", "feeding tube", "enteric tube"]) && has(&["bronchus", "trachea", "in the lung"]));
        (tube && place).then_some(Critical::MisplacedTube)
    }
}

impl Report {
    /// What was written down of telling critical results, the first first.
    pub fn communications(&self) -> &[Communication] {
        &self.communications
    }

    /// Critical results in the text that a person stands for or is about to, of which nothing is
    /// written down. A record of one result does not answer for another; one whose words name none, and a
    /// reason why nobody was told, answer for all. In an amendment, what was told of earlier versions answers
    /// for the sentences that stood in one of them, word for word: whoever was told of a pneumothorax on the right
    /// has not been told that it is on the left. A demonstration model's own words ask for nothing: they have no
    /// medical meaning.
    pub fn untold(&self) -> Vec<(Critical, crate::SentenceId)> {
        let stood = |text: &str| {
            let signed = self.versions.iter().flat_map(|v| v.text.sections()).flat_map(|s| &s.sentences);
            signed.into_iter().any(|s| s.text == text)
        };
        let told = |critical: Critical, text: &str| {
            let count = if stood(text) { 0 } else { self.taken_over };
            self.communications.iter().skip(count).any(|c| match &c.what {
                Told::Yes { finding, .. } => Critical::of(finding).is_none_or(|named| named == critical),
                Told::No { .. } => true,
            })
        };
        let speaks = |kind: SectionKind| match self.becoming {
            crate::VersionKind::Addendum => kind == SectionKind::Addendum,
            _ => matches!(kind, SectionKind::Findings | SectionKind::Impression),
        };
        let sentences = self.sections.iter().filter(|s| speaks(s.kind)).flat_map(|s| &s.sentences);
        sentences
            .filter(|s| !is_demonstration(s))
            .filter_map(|s| Some((Critical::of(s.text())?, s)))
            .filter(|(critical, s)| !told(*critical, s.text()))
            .map(|(critical, s)| (critical, s.id().clone()))
            .collect()
    }
}

/// True for the words of a demonstration model that no person changed.
fn is_demonstration(sentence: &Sentence) -> bool {
    match sentence {
        Sentence::Proposed(p) => p.demo,
        Sentence::Written(w) => {
            matches!(&w.origin, Origin::Proposal { demo: true, review, .. } if review.edited_from.is_none())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Entry};

    /// A report that states two critical results, with what was written down of telling.
    #[test]
    fn each_critical_result_is_told() {
        let check = |told: &[Told], expected: &[Critical]| {
            let mut report = Report::new(crate::ReportId::new("r"), "1.2.3", &crate::builtin_templates()[0]);
            let mut give = |command: Command| {
                let entry = Entry { by: UserId::new("u"), at: OffsetDateTime::UNIX_EPOCH, command };
                report.apply(&entry, &[]).expect("carried out");
            };
            let stated = ["The endotracheal tube lies in the right main bronchus.", "Large left pneumothorax."];
            for (n, text) in stated.into_iter().map(str::to_owned).enumerate() {
                let id = crate::SentenceId::new(format!("s{n}"));
                let section = SectionKind::Findings;
                give(Command::Insert { section, after: None, id, text, region: None, from: None });
            }
            for told in told {
                give(match told.clone() {
                    Told::Yes { finding, to, at, how, read_back } => {
                        Command::Communicate { finding, to, at, how, read_back }
                    }
                    Told::No { reason } => Command::NotCommunicated { reason },
                });
            }
            let untold: Vec<Critical> = report.untold().into_iter().map(|(critical, _)| critical).collect();
            assert_eq!(untold, expected, "{told:?}");
        };
        let told = |finding: &str| Told::Yes {
            finding: finding.into(),
            to: "Dr B. Ward".into(),
            at: OffsetDateTime::UNIX_EPOCH,
            how: Means::Telephone,
            read_back: true,
        };
        use Critical::{MisplacedTube, Pneumothorax};
        check(&[], &[Pneumothorax, MisplacedTube]);
        check(&[told("Large left pneumothorax.")], &[MisplacedTube]);
        check(&[told("The endotracheal tube lies in the right main bronchus.")], &[Pneumothorax]);
        check(&[told("Large left pneumothorax."), told("Endotracheal tube in the right main bronchus")], &[]);
        check(&[told("All of it")], &[]);
        check(&[Told::No { reason: "They stood beside me.".into() }], &[]);
    }

    /// What was told before an amendment, or an addendum, and what is asked for in it.
    #[test]
    fn what_was_told_of_a_signed_version_is_not_asked_for_again() {
        use crate::{Meaning, VersionId, VersionKind};
        let check = |kind: VersionKind, section: SectionKind, text: &str, expected: &[Critical]| {
            let mut report = Report::new(crate::ReportId::new("r"), "1.2.3", &crate::builtin_templates()[0]);
            let mut give = |command: Command| {
                let entry = Entry { by: UserId::new("u"), at: OffsetDateTime::UNIX_EPOCH, command };
                report.apply(&entry, &[]).expect("carried out");
            };
            let insert = |section, id: &str, text: &str| {
                let (id, text) = (crate::SentenceId::new(id), text.to_owned());
                Command::Insert { section, after: None, id, text, region: None, from: None }
            };
            give(insert(SectionKind::Findings, "s1", "Large left pneumothorax."));
            give(insert(SectionKind::Impression, "s2", "Large left pneumothorax."));
            give(Command::Communicate {
                finding: "Large left pneumothorax.".into(),
                to: "Dr B. Ward".into(),
                at: OffsetDateTime::UNIX_EPOCH,
                how: Means::Telephone,
                read_back: true,
            });
            let sign = |version: &str, meaning| Command::Sign { version: VersionId::new(version), meaning };
            give(sign("v1", Meaning::ReviewedAndApproved));
            // An addendum in between has nothing to tell, and the amendment still knows of the first.
            give(Command::Reopen { kind: VersionKind::Addendum });
            give(insert(SectionKind::Addendum, "s3", "A chest tube was placed."));
            give(sign("v2", Meaning::AddendumAuthor));
            give(Command::Reopen { kind });
            give(insert(section, "s4", text));
            let untold: Vec<Critical> = report.untold().into_iter().map(|(critical, _)| critical).collect();
            assert_eq!(untold, expected, "{kind:?}: {text}");
            assert_eq!(report.communications().len(), usize::from(kind == VersionKind::Amendment), "{kind:?}: {text}");
        };
        use Critical::{MisplacedTube, Pneumothorax};
        let (findings, addendum) = (SectionKind::Findings, SectionKind::Addendum);
        check(VersionKind::Amendment, findings, "The right lung is clear.", &[]);
        check(VersionKind::Amendment, findings, "Large right pneumothorax.", &[Pneumothorax]);
        check(VersionKind::Amendment, findings, "The endotracheal tube lies in the right main bronchus.", &[MisplacedTube]);
        check(VersionKind::Addendum, addendum, "The tube lies well.", &[]);
        check(VersionKind::Addendum, addendum, "New small right pneumothorax.", &[Pneumothorax]);
    }

    #[test]
    fn only_what_is_stated_is_critical() {
        let check = |text: &str, expected: Option<Critical>| assert_eq!(Critical::of(text), expected, "{text}");
        check("Large right tension pneumothorax.", Some(Critical::Pneumothorax));
        check("New small left apical pneumothorax.", Some(Critical::Pneumothorax));
        check("No pneumothorax.", None);
        check("Possible small apical pneumothorax.", None);
        check("Unchanged small right pneumothorax.", None);
        check("Free air under the right hemidiaphragm.", Some(Critical::FreeAir));
        check("There is no free intraperitoneal air.", None);
        check("Air under the diaphragm.", Some(Critical::FreeAir));
        check("The endotracheal tube lies in the right main bronchus.", Some(Critical::MisplacedTube));
        check("The endotracheal tube ends 4 cm above the carina.", None);
        check("The nasogastric tube lies in the left lower lobe bronchus.", Some(Critical::MisplacedTube));
        check("Right lower lobe consolidation.", None);
    }
}
