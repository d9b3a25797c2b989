//! What a person at the window might ask for: any edit of any sentence, sensible or not.

use crate::common::Random;
use hilum_app::dto::{EditCommand, MeansName, ReportView, SectionName, SentenceState, VersionName};

pub const TEXTS: [&str; 16] = [
    "The lungs are clear.",
    "Small left pleural effusion.",
    "No pleural effusion.",
    "The heart is enlarged.",
    "Large right tension pneumothorax.",
    "No pneumothorax.",
    "Free air under the right hemidiaphragm.",
    "Possible pneumonia in the right lower lobe.",
    "Unchanged since the prior radiograph.",
    "A 7 mm nodule.",
    "The tube ends [number] cm above the carina.",
    "",
    "   ",
    "Déjà vu; 心臓は正常です。 Сердце не увеличено.",
    "Ends \"quoted\" <b>bold</b> {curly} and \\backslash; 100 %.",
    "שלום 123 no effusion.",
];

pub const SECTIONS: [SectionName; 7] = [
    SectionName::Exam,
    SectionName::Indication,
    SectionName::Comparison,
    SectionName::Technique,
    SectionName::Findings,
    SectionName::Impression,
    SectionName::Addendum,
];

const TEMPLATES: [&str; 4] = ["cxr-frontal", "cxr-2view", "cxr-normal", "no-such-template"];
const KINDS: [VersionName; 3] = [VersionName::Original, VersionName::Addendum, VersionName::Amendment];

/// Sentences that a command can name.
pub struct Sentences {
    /// In the report now.
    pub here: Vec<String>,
    pub proposed: Vec<String>,
    /// Seen earlier; in the report or gone.
    pub ever: Vec<String>,
}

impl Sentences {
    pub fn of(view: &ReportView, ever: &[String]) -> Sentences {
        let all = || view.sections.iter().flat_map(|s| &s.sentences);
        Sentences {
            here: all().map(|s| s.id.clone()).collect(),
            proposed: all().filter(|s| s.state == SentenceState::Proposed).map(|s| s.id.clone()).collect(),
            ever: ever.to_vec(),
        }
    }

    /// One that is proposed, one that is here, one that was, or one that never will be.
    fn any(&self, random: &mut Random) -> String {
        let from = match random.below(8) {
            0..=2 if !self.proposed.is_empty() => &self.proposed,
            0..=5 if !self.here.is_empty() => &self.here,
            6 if !self.ever.is_empty() => &self.ever,
            _ => return format!("made-up-{}", random.below(5)),
        };
        from[random.below(from.len())].clone()
    }

    fn maybe(&self, random: &mut Random) -> Option<String> {
        random.one_in(2).then(|| self.any(random))
    }
}

/// Any edit at all.
pub fn any_edit(random: &mut Random, sentences: &Sentences, fresh: String) -> EditCommand {
    let section = random.pick(&SECTIONS);
    let text = random.pick(&TEXTS).to_owned();
    match random.below(24) {
        0..=4 => EditCommand::Insert {
            section,
            after: sentences.maybe(random).filter(|_| random.one_in(3)),
            // A sentence that comes back, now and then.
            id: if random.one_in(5) { sentences.any(random) } else { fresh },
            text,
            region: None,
            from: sentences.maybe(random).filter(|_| random.one_in(4)),
        },
        5..=6 => EditCommand::Edit { id: sentences.any(random), text },
        7 => EditCommand::Remove { id: sentences.any(random) },
        8..=9 => EditCommand::Move { id: sentences.any(random), section, after: sentences.maybe(random) },
        10..=12 => EditCommand::Accept { id: sentences.any(random) },
        13 => EditCommand::Drop { id: sentences.any(random) },
        14..=15 => EditCommand::TakeBack { id: sentences.any(random), section, after: sentences.maybe(random) },
        16 => {
            let section = random.pick(&[SectionName::Findings, SectionName::Impression]);
            let every = random.one_in(2);
            let seen = sentences.proposed.iter().filter(|_| every || random.one_in(2)).cloned().collect();
            EditCommand::AcceptSection { section, seen }
        }
        17 => EditCommand::UseTemplate { template: random.pick(&TEMPLATES).into() },
        18 => EditCommand::Communicate {
            finding: text,
            to: random.pick(&["Dr Lee, ward 3", "", "emergency room"]).into(),
            at: 1_700_000_000.0,
            how: random.pick(&[MeansName::Telephone, MeansName::InPerson, MeansName::SecureMessage, MeansName::Other]),
            read_back: random.one_in(2),
        },
        19 => EditCommand::NotCommunicated { reason: text },
        20 => EditCommand::MarkPreliminary,
        21..=22 => EditCommand::Reopen { kind: random.pick(&KINDS) },
        _ => EditCommand::Cancel,
    }
}

/// What makes an open report fit to be signed: every proposal decided, every required section written, and a
/// word on what is critical.
pub fn what_is_missing(random: &mut Random, view: &ReportView, fresh: impl Fn(usize) -> String) -> Vec<EditCommand> {
    let mut commands = Vec::new();
    for section in &view.sections {
        for sentence in section.sentences.iter().filter(|s| s.state == SentenceState::Proposed) {
            let id = sentence.id.clone();
            commands.push(match random.below(4) {
                0 => EditCommand::Edit { id, text: "As a person put it.".into() },
                1 => EditCommand::Drop { id },
                _ => EditCommand::Accept { id },
            });
        }
        if section.open && section.required {
            commands.push(EditCommand::Insert {
                section: section.name,
                after: None,
                id: fresh(commands.len()),
                text: "Written by a person.".into(),
                region: None,
                from: None,
            });
        }
    }
    if !random.one_in(3) {
        commands.push(EditCommand::NotCommunicated { reason: "A test of the life of reports".into() });
    }
    commands
}
