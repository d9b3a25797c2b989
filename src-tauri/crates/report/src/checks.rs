//! What a report says against itself or against what is known of the patient.
//!
//! Few flags, each of them certain enough to interrupt a reader: a flag that is wrong once a day is
//! not read. None of them forbids anything.

mod age;
mod comparison;
mod examination;
mod known;
mod patient;
mod placeholder;
mod prior;
mod sex;
mod told;
mod units;

pub use known::Known;
pub use patient::Identity;

use crate::claims::narrowing::{EXCEPTING, NARROWING};
use crate::claims::{Claim, Device, Finding, Presence, Severity, Side, Temporal, label};
use crate::{Report, SectionKind, SentenceId};
use serde::Serialize;

/// Something to look at before signing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// Stable, for example "check.contradiction".
    pub code: &'static str,
    /// One plain sentence.
    pub text: String,
    /// The sentences that it is about, in reading order.
    pub sentences: Vec<SentenceId>,
}

/// The patient's sex as the study states it; other values check nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    Female,
    Male,
}

impl Sex {
    /// Of DICOM's Patient's Sex (0010,0040): "F" or "M" (PS3.3 C.7.1.1).
    pub fn of_code(code: &str) -> Option<Sex> {
        match code.trim() {
            "F" | "f" => Some(Sex::Female),
            "M" | "m" => Some(Sex::Male),
            _ => None,
        }
    }
}

/// A sentence with what it claims.
struct Read<'a> {
    id: &'a SentenceId,
    section: SectionKind,
    text: &'a str,
    claims: Vec<Claim>,
}

/// Words that explain an opacity away.
const EXPLAINING: [&str; 9] =
    ["may", "due", "related", "secondary", "artifact", "artefact", "overlying", "scar", "scarring"];

/// Sections that say what the images show.
fn speaks(section: SectionKind) -> bool {
    matches!(section, SectionKind::Findings | SectionKind::Impression | SectionKind::Addendum)
}

/// All flags of a report, model sentences that nobody has reviewed included.
pub fn checks(report: &Report, known: &Known) -> Vec<Flag> {
    let sentences: Vec<Read<'_>> = report
        .sections()
        .iter()
        .flat_map(|section| {
            section.sentences.iter().map(|sentence| {
                let claims = if speaks(section.kind) { label(sentence.text()) } else { Vec::new() };
                Read { id: sentence.id(), section: section.kind, text: sentence.text(), claims }
            })
        })
        .collect();
    let mut flags = contradictions(&sentences);
    let named = sides(&sentences);
    if named.is_empty() {
        flags.extend(sides_of_opacities(&sentences));
    }
    flags.extend(named);
    flags.extend(nothing_acute(&sentences));
    flags.extend(left_out(&sentences));
    flags.extend(compared(&sentences, known));
    for sentence in &sentences {
        let mut flag = |code: &'static str, text: Option<String>| {
            flags.extend(text.map(|text| Flag { code, text, sentences: vec![sentence.id.clone()] }));
        };
        flag("check.sex", known.sex.and_then(|sex| sex::problem(sentence.text, sex, known.age)));
        flag("check.units", units::problem(sentence.text, speaks(sentence.section)));
        // An addendum may tell of another examination, whose parts of the body are not those of this one.
        let reported = matches!(sentence.section, SectionKind::Findings | SectionKind::Impression);
        let named = matches!(sentence.section, SectionKind::Exam | SectionKind::Technique);
        if let Some(measured) = known.measured.as_ref().filter(|_| speaks(sentence.section)) {
            let ratio = || units::unmeasured_ratio(sentence.text, &known.ratios);
            flag("check.not_measured", units::unmeasured(sentence.text, measured).or_else(ratio));
        }
        flag("check.age", known.age.and_then(|age| age::problem(sentence.text, age)));
        let head = sentence.section == SectionKind::Exam;
        flag("check.patient", patient::problem(sentence.text, &known.patient, head));
        if named {
            let exam = examination::wrong_exam(sentence.text, known);
            let text = exam.map(|word| format!("The study is of the chest; the text says \u{201c}{word}\u{201d}."));
            flag("check.body_part", text);
            flag("check.view", examination::wrong_view(sentence.text, known));
            flag("check.side", examination::wrong_side(sentence.text, known));
        }
        if reported {
            let part = examination::wrong_part(sentence.text, known);
            let text = part.map(|word| format!("A chest radiograph does not show what the text names: {word}."));
            flag("check.body_part", text);
        }
        let left = placeholder::left(sentence.text);
        flag("check.placeholder", left.map(|field| format!("A field is left open: {field}.")));
    }
    flags.extend(empty(report));
    flags.extend(report.untold().into_iter().map(|(critical, id)| Flag {
        code: "check.critical",
        text: format!("{}: nobody is recorded as told.", critical.label()),
        sentences: vec![id],
    }));
    flags
}

/// Words that compare, where no earlier image is linked and the Comparison names none.
fn compared(sentences: &[Read<'_>], known: &Known) -> Vec<Flag> {
    // Read as one: "A prior radiograph." and "It is not available." may be two sentences.
    let of_comparison = sentences.iter().filter(|s| s.section == SectionKind::Comparison).map(|s| s.text);
    if known.prior || prior::is_named(&of_comparison.collect::<Vec<_>>().join("\n")) {
        return Vec::new();
    }
    sentences
        .iter()
        .filter(|s| speaks(s.section))
        .filter_map(|s| Some((s, comparison::word(s.text)?)))
        .map(|(s, word)| Flag {
            code: "check.comparison",
            text: format!("\u{201c}{word}\u{201d} compares, but no earlier image is linked or named."),
            sentences: vec![s.id.clone()],
        })
        .collect()
}

/// A required section without text beside one that is written: before anything is, nothing is missing.
fn empty(report: &Report) -> Vec<Flag> {
    let begun = report
        .sections()
        .iter()
        .any(|s| matches!(s.kind, SectionKind::Findings | SectionKind::Impression) && !s.sentences.is_empty());
    let empty = report.sections().iter().filter(|s| begun && s.required && s.sentences.is_empty());
    empty
        .map(|section| Flag {
            code: "check.empty_section",
            text: format!("The section {} is empty.", section.kind.heading()),
            sentences: Vec::new(),
        })
        .collect()
}

/// Words in lower case; hyphens part them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// One sentence says that a finding is there, another that it is not.
fn contradictions(sentences: &[Read<'_>]) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    for (at, one) in sentences.iter().enumerate() {
        for other in &sentences[at + 1..] {
            let pairs = one.claims.iter().flat_map(|a| other.claims.iter().map(move |b| (a, b)));
            let found = pairs.into_iter().find(|(a, b)| contradict(a, one.text, b, other.text));
            if let Some((claim, _)) = found {
                let label = claim.finding.label();
                flags.push(Flag {
                    code: "check.contradiction",
                    text: format!("{label} is both affirmed and denied."),
                    sentences: vec![one.id.clone(), other.id.clone()],
                });
            }
        }
    }
    flags
}

fn contradict(a: &Claim, a_text: &str, b: &Claim, b_text: &str) -> bool {
    let (present, present_text, absent, absent_text) = match (a.presence, b.presence) {
        (Presence::Present, Presence::Absent) => (a, a_text, b, b_text),
        (Presence::Absent, Presence::Present) => (b, b_text, a, a_text),
        _ => return false,
    };
    if a.finding != b.finding || a.finding == Finding::NoFinding || narrows(absent_text) {
        return false;
    }
    // "No chest tube" beside a line, and "no lines or tubes" beside a pacemaker, are no contradiction.
    if a.device != b.device || a.device == Some(Device::OtherDevice) {
        return false;
    }
    // Opacities are named for much: "no focal opacity" beside diffuse ones, clear lungs beside a scar that
    // was always there, or beside a density of the chest wall.
    let old = present.temporal.iter().any(|t| matches!(t, Temporal::Chronic | Temporal::Unchanged));
    // Intact bones have old, healed fractures.
    let vague = a.finding == Finding::Fracture && old && !has_word(absent_text, &["fracture", "fractures"])
        || a.finding == Finding::LungOpacity
            && (old || has_word(absent_text, &["focal"]) || has_word(present_text, &EXPLAINING));
    let zones = present.zone.is_some() && absent.zone.is_some() && present.zone != absent.zone;
    !vague && !zones && may_be_same_side(present.side, absent.side)
}

/// Whether any word of a sentence narrows what it denies. "No definite effusion" stands beside a doubtful one.
fn narrows(text: &str) -> bool {
    has_word(text, &NARROWING) || has_word(text, &EXCEPTING) || has_word(text, &["definite"])
}

fn may_be_same_side(a: Option<Side>, b: Option<Side>) -> bool {
    match (a, b) {
        (Some(Side::Left), Some(Side::Right)) | (Some(Side::Right), Some(Side::Left)) => false,
        // "No bilateral effusions" leaves one on one side.
        (_, Some(Side::Bilateral)) => a == Some(Side::Bilateral),
        _ => true,
    }
}

/// A finding is on one side in Findings and on the other in Impression.
fn sides(sentences: &[Read<'_>]) -> Vec<Flag> {
    let of = |kind: SectionKind, finding: Finding| -> Vec<(&SentenceId, Option<Side>)> {
        sentences
            .iter()
            .filter(|s| s.section == kind)
            .flat_map(|s| s.claims.iter().map(move |c| (s.id, c)))
            .filter(|(_, c)| c.finding == finding && c.presence == Presence::Present)
            .map(|(id, c)| (id, c.side))
            .collect()
    };
    let mut flags = Vec::new();
    for finding in Finding::ALL {
        // Two devices may well be on two sides.
        if finding == Finding::SupportDevices {
            continue;
        }
        let (findings, impression) = (of(SectionKind::Findings, finding), of(SectionKind::Impression, finding));
        let only = |claims: &[(&SentenceId, Option<Side>)]| {
            let first = claims.first().and_then(|c| c.1)?;
            (first != Side::Bilateral && claims.iter().all(|c| c.1 == Some(first))).then_some(first)
        };
        let (Some(a), Some(b)) = (only(&findings), only(&impression)) else { continue };
        if a != b {
            flags.push(Flag {
                code: "check.side",
                text: format!("{} is on different sides in Findings and Impression.", finding.label()),
                sentences: findings.iter().chain(&impression).map(|c| c.0.clone()).collect(),
            });
        }
    }
    flags
}

/// As [`sides`], of opacities under whatever name: consolidation on one side, pneumonia on the other.
fn sides_of_opacities(sentences: &[Read<'_>]) -> Vec<Flag> {
    let of = |kind: SectionKind| -> Vec<(&SentenceId, Option<Side>)> {
        let read = sentences.iter().filter(|s| s.section == kind);
        read.flat_map(|s| s.claims.iter().map(move |c| (s.id, c)))
            .filter(|(_, c)| c.presence != Presence::Absent && is_opacity(c.finding))
            .map(|(id, c)| (id, c.side))
            .collect()
    };
    let (findings, impression) = (of(SectionKind::Findings), of(SectionKind::Impression));
    let only = |claims: &[(&SentenceId, Option<Side>)]| {
        let first = claims.first().and_then(|c| c.1)?;
        (first != Side::Bilateral && claims.iter().all(|c| c.1 == Some(first))).then_some(first)
    };
    match (only(&findings), only(&impression)) {
        (Some(a), Some(b)) if a != b => vec![Flag {
            code: "check.side",
            text: "An opacity is on different sides in Findings and Impression.".to_owned(),
            sentences: findings.iter().chain(&impression).map(|c| c.0.clone()).collect(),
        }],
        _ => Vec::new(),
    }
}

fn is_opacity(finding: Finding) -> bool {
    matches!(
        finding,
        Finding::LungOpacity | Finding::Consolidation | Finding::Pneumonia | Finding::Atelectasis | Finding::Edema
    )
}

/// Findings that nobody would call nothing acute, unless they are old or unchanged.
fn is_acute(claim: &Claim) -> bool {
    let old = claim.temporal.iter().any(|t| matches!(t, Temporal::Chronic | Temporal::Unchanged | Temporal::Decreased));
    claim.presence == Presence::Present
        && !old
        && match claim.finding {
            Finding::Pneumothorax | Finding::Pneumonia | Finding::Consolidation | Finding::Edema => true,
            Finding::PleuralEffusion => claim.severity >= Some(Severity::Moderate),
            Finding::Fracture => claim.temporal.contains(&Temporal::Acute),
            _ => false,
        }
}

/// "No acute abnormality" in a report that has one.
fn nothing_acute(sentences: &[Read<'_>]) -> Vec<Flag> {
    let mut flags = Vec::new();
    for denial in sentences {
        let denies = denial.claims.iter().any(|c| c.finding == Finding::NoFinding);
        if !denies || has_word(denial.text, &["other", "otherwise", "additional", "further"]) {
            continue;
        }
        let acute = sentences
            .iter()
            .filter(|s| s.id != denial.id)
            .find_map(|s| s.claims.iter().find(|c| is_acute(c)).map(|claim| (s, claim)));
        if let Some((sentence, claim)) = acute {
            flags.push(Flag {
                code: "check.no_finding",
                text: format!(
                    "One sentence says that there is nothing acute, another says {}.",
                    claim.finding.label().to_lowercase()
                ),
                sentences: vec![sentence.id.clone(), denial.id.clone()],
            });
        }
    }
    flags
}

/// An acute finding that an impression, where there is one, does not take up in any words.
fn left_out(sentences: &[Read<'_>]) -> Vec<Flag> {
    let impression: Vec<&Read<'_>> = sentences.iter().filter(|s| s.section == SectionKind::Impression).collect();
    // An empty impression, or one of which no word is understood, is not judged.
    if impression.iter().all(|s| s.claims.is_empty()) {
        return Vec::new();
    }
    let taken_up = |finding: Finding| {
        impression.iter().flat_map(|s| &s.claims).any(|c| c.finding == finding || related(c.finding, finding))
    };
    let mut flags: Vec<Flag> = Vec::new();
    let mut said: Vec<Finding> = Vec::new();
    for sentence in sentences.iter().filter(|s| s.section == SectionKind::Findings) {
        for claim in sentence.claims.iter().filter(|c| is_acute(c)) {
            if !taken_up(claim.finding) && !said.contains(&claim.finding) {
                said.push(claim.finding);
                flags.push(Flag {
                    code: "check.impression_lacks",
                    text: format!("The impression does not mention {}.", claim.finding.label().to_lowercase()),
                    sentences: vec![sentence.id.clone()],
                });
            }
        }
    }
    flags
}

/// Whether an impression that says `said` has taken up `finding`: opacities of the lung are named by
/// what they look like or by what they are thought to be.
fn related(said: Finding, finding: Finding) -> bool {
    is_opacity(said) && is_opacity(finding)
}

fn has_word(text: &str, words: &[&str]) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|w| words.iter().any(|wanted| w.eq_ignore_ascii_case(wanted)))
}
