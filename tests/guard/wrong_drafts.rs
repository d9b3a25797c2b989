//! A draft that is wrong is flagged: how often the checks speak on errors put into reports, where they should, and
//! on real reports of careful people, where they should be silent.
//!
//! Each class of errors has two times ten wordings: those that the rules were written with, and those of `later`,
//! written when the rules stood. It takes a second, so that small and full form are the same.
//! `./dev cargo test --release --workspace --features hilum/custom-protocol --test guard_wrong_drafts -- --nocapture`
//! prints the tables of docs/reliability.md.

#[path = "wrong_drafts/facts.rs"]
mod facts;
#[path = "../../src-tauri/crates/testkit/src/skipped.rs"]
mod skipped;
#[path = "wrong_drafts/words.rs"]
mod words;

use hilum_report::checks::{Flag, Identity, Known, Sex, checks};
use hilum_report::*;
use skipped::skipped;
use std::collections::BTreeMap;
use time::OffsetDateTime;

#[derive(Debug, Clone, Default)]
struct Text {
    exam: String,
    indication: String,
    comparison: String,
    technique: String,
    findings: Vec<String>,
    impression: Vec<String>,
}

fn report(text: &Text) -> Report {
    let template = Template {
        id: TemplateId::new("t"),
        name: "t".into(),
        sections: [
            (SectionKind::Exam, true),
            (SectionKind::Indication, false),
            (SectionKind::Comparison, false),
            (SectionKind::Technique, false),
            (SectionKind::Findings, true),
            (SectionKind::Impression, true),
        ]
        .into_iter()
        .map(|(kind, required)| TemplateSection { kind, required, text: vec![] })
        .collect(),
        terms: vec![],
    };
    let mut report = Report::new(ReportId::new("r"), "1.2.3", &template);
    let one = |text: &String| if text.is_empty() { vec![] } else { vec![text.clone()] };
    let sections = [
        (SectionKind::Exam, one(&text.exam)),
        (SectionKind::Indication, one(&text.indication)),
        (SectionKind::Comparison, one(&text.comparison)),
        (SectionKind::Technique, one(&text.technique)),
        (SectionKind::Findings, text.findings.clone()),
        (SectionKind::Impression, text.impression.clone()),
    ];
    for (section, texts) in sections {
        for (n, text) in texts.into_iter().enumerate().rev() {
            let id = SentenceId::new(format!("{section:?}{n}"));
            let command = Command::Insert { section, after: None, id, text, region: None, from: None };
            let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
            report.apply(&entry, &[]).expect("an edit");
        }
    }
    report
}

/// Whose images they are.
fn patient() -> Identity {
    Identity {
        names: vec!["MEIER".into(), "Karl".into()],
        id: "P-204817".into(),
        accession: "A90031".into(),
        birth_date: "19660302".into(),
    }
}

/// A man of 58 with one PA image, no earlier one, nothing measured.
fn known() -> Known {
    known_of(Sex::Male)
}

/// The same of a patient of this sex.
fn known_of(sex: Sex) -> Known {
    Known {
        sex: Some(sex),
        age: Some(58),
        prior: false,
        views: vec!["PA".into()],
        body_part: Some("CHEST".into()),
        measured: Some(vec![]),
        side: None,
        ratios: vec![],
        patient: patient(),
    }
}

#[test]
fn real_reports_raise_few_flags() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/reports/iu-xray-reports.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped("the shared test data are not beside the repository");
        return;
    };
    let reports: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).expect("the reports are JSON");
    let mut flagged = 0;
    let mut by_code: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, kept) in &reports {
        let sentences = |section: &str| -> Vec<String> {
            let text = kept[section].as_str().unwrap_or_default();
            claims::sentence_ranges(text).into_iter().map(|range| text[range].trim().to_owned()).collect()
        };
        let context = kept["context"].as_str().unwrap_or_default();
        let comparison = context.split("Comparison:").nth(1).unwrap_or_default().trim().to_owned();
        let text = Text {
            exam: "Chest radiograph.".into(),
            comparison,
            findings: sentences("section_findings"),
            impression: sentences("section_impression"),
            ..Text::default()
        };
        // Sex, age and names were taken out of these reports. Whoever the patient was, it was not this one: a name in
        // the text would be flagged.
        let known = Known {
            body_part: Some("CHEST".into()),
            views: vec!["PA".into(), "LL".into()],
            // The app always knows what was measured in it, and nothing was on these images.
            measured: Some(vec![]),
            patient: patient(),
            ..Known::default()
        };
        let flags = checks(&report(&text), &known);
        flagged += usize::from(!flags.is_empty());
        for flag in flags {
            *by_code.entry(flag.code).or_default() += 1;
            println!(
                "{key} {} {}: {} || {}",
                flag.code,
                flag.text,
                text.findings.join(" | "),
                text.impression.join(" | ")
            );
        }
    }
    println!("{flagged} of {} real reports have a flag: {by_code:?}", reports.len());
    assert!(flagged * 10 <= reports.len(), "{flagged} of {} reports have a flag", reports.len());
}

const FINDINGS: [(&str, &str); 10] = [
    ("Small {side} pleural effusion.", "{Side} pleural effusion."),
    (
        "There is a moderate {side} pleural effusion with blunting of the costophrenic angle.",
        "Moderate {side} effusion.",
    ),
    ("Airspace consolidation in the {side} lower lobe.", "{Side} lower lobe pneumonia."),
    ("Focal opacity in the {side} upper lobe.", "{Side} upper lobe opacity, possibly infectious."),
    ("{Side} basilar atelectasis.", "Atelectasis at the {side} base."),
    ("There is a nodule in the {side} mid lung.", "{Side} lung nodule; CT is recommended."),
    ("Old healed fractures of the {side} fifth and sixth ribs.", "Healed {side} rib fractures."),
    ("Consolidation at the {side} lung base with air bronchograms.", "{Side} basal consolidation."),
    ("Layering fluid in the {side} pleural space.", "{Side} effusion."),
    ("Patchy opacities are seen in the {side} lung.", "{Side} lung opacities."),
];
const NORMALS: [&str; 5] = [
    "The heart is normal in size.",
    "The mediastinal contours are within normal limits.",
    "No pneumothorax.",
    "The osseous structures are intact.",
    "The trachea is midline.",
];

/// Fifty clean reports of a patient of this sex: ten findings, two sides and the middle ground of normal sentences around them.
fn bases(sex: Sex) -> Vec<(Text, usize, &'static str)> {
    let dyspnea = match sex {
        Sex::Female => "A 58-year-old woman with dyspnea.",
        Sex::Male => "A 58-year-old man with dyspnea.",
    };
    (0..50)
        .map(|n| {
            let (finding, impression) = FINDINGS[n % 10];
            let side = if n % 2 == n / 10 % 2 { "left" } else { "right" };
            let normal = |k: usize| NORMALS[(n / 10 + k) % 5].to_owned();
            let text = Text {
                exam: "Chest radiograph, frontal view.".into(),
                indication: ["Cough and fever.", "Chest pain.", dyspnea][n % 3].into(),
                comparison: "None.".into(),
                technique: "Single frontal view of the chest.".into(),
                findings: vec![normal(0), sided(finding, side), normal(1)],
                impression: vec![sided(impression, side)],
            };
            (text, n, side)
        })
        .collect()
}

fn sided(text: &str, side: &str) -> String {
    let capital = format!("{}{}", side[..1].to_uppercase(), &side[1..]);
    text.replace("{side}", side).replace("{Side}", &capital)
}

fn other(side: &str) -> &'static str {
    if side == "left" { "right" } else { "left" }
}

type Injection = fn(&mut Text, usize, &'static str, bool);

/// A kind of error.
struct Class {
    name: &'static str,
    /// Puts it in, in the words that came later where the last argument says so.
    inject: Injection,
    /// Which flags count as finding it.
    codes: &'static [&'static str],
    /// Of whom the reports are that it is put into.
    sex: Sex,
    /// What is known of the case.
    known: fn(usize) -> Known,
    /// Of 50, at least.
    wanted: usize,
}

const fn class(name: &'static str, inject: Injection, codes: &'static [&'static str]) -> Class {
    Class { name, inject, codes, sex: Sex::Male, known: |_| known(), wanted: 50 }
}

/// A class of errors in reports of a woman.
const fn class_of_a_woman(name: &'static str, inject: Injection, codes: &'static [&'static str]) -> Class {
    Class { sex: Sex::Female, known: |_| known_of(Sex::Female), ..class(name, inject, codes) }
}

/// As [`pick`], of twenty, so that another Comparison stands beside the same comparing sentence each time.
fn no_prior(n: usize, is_later: bool) -> String {
    let all = if is_later { &facts::LATER_NO_PRIORS } else { &facts::NO_PRIORS };
    all[(3 * n + n / 10) % 20].to_owned()
}

/// A heart and a nodule that somebody measured.
fn known_measured() -> Known {
    Known { measured: Some(vec![148.0, 12.0]), ratios: vec![0.56], ..known() }
}

fn pick(first: &[&'static str; 10], later: &[&'static str; 10], n: usize, is_later: bool) -> String {
    if is_later { later[n % 10] } else { first[n % 10] }.to_owned()
}

/// Facts of patient and images are certain, and all such errors are to be found; of contradictions between
/// words 95 in 100.
const CLASSES: [Class; 18] = [
    Class {
        wanted: 48,
        ..class(
            "side, between Findings and Impression",
            |t, n, side, later| {
                if later && n % 2 == 1 {
                    // The other way round: the wrong side is the one in the findings.
                    t.findings[1] = sided(FINDINGS[n % 10].0, other(side));
                } else {
                    t.impression = vec![sided(if later { words::IMPRESSIONS[n % 10] } else { FINDINGS[n % 10].1 }, other(side))];
                }
            },
            &["check.side"],
        )
    },
    Class {
        wanted: 48,
        ..class(
            "negation of a finding, between or within sections",
            |t, n, _, later| match later && n % 2 == 1 {
                true => t.findings.push(words::LATER_DENIALS[n % 10].into()),
                false => t.impression = vec![pick(&words::DENIALS, &words::LATER_DENIALS, n, later)],
            },
            &["check.contradiction", "check.no_finding", "check.impression_lacks"],
        )
    },
    class(
        "comparison without a prior",
        |t, n, _, later| {
            t.comparison = no_prior(n, later);
            t.findings.push(pick(&words::COMPARISONS, &words::LATER_COMPARISONS, n, later));
        },
        &["check.comparison"],
    ),
    class(
        "number nobody measured",
        |t, n, _, later| t.findings.push(pick(&words::NUMBERS, &words::LATER_NUMBERS, n, later)),
        &["check.not_measured"],
    ),
    Class {
        known: |_| known_measured(),
        ..class(
            "number beside another that was measured",
            |t, n, _, later| t.findings.push(pick(&facts::BESIDE_MEASURED, &facts::LATER_BESIDE_MEASURED, n, later)),
            &["check.not_measured"],
        )
    },
    class("impossible length", |t, n, _, later| t.findings.push(pick(&words::LENGTHS, &words::LATER_LENGTHS, n, later)), &[
        "check.units",
    ]),
    Class {
        known: |n| Known { views: words::SIDES[n % 10].1.iter().map(|v| (*v).to_owned()).collect(), side: words::SIDES[n % 10].2, ..known() },
        ..class(
            "side in the header",
            |t, n, _, later| {
                t.exam = if later { words::LATER_SIDES[n % 10] } else { words::SIDES[n % 10].0 }.into();
                t.technique.clear();
            },
            &["check.side"],
        )
    },
    class("sex in the header, of a man", |t, n, _, later| t.exam = pick(&words::SEXES, &words::LATER_SEXES, n, later), &["check.sex"]),
    class_of_a_woman(
        "sex in the header, of a woman",
        |t, n, _, later| t.exam = pick(&facts::SEXES_OF_MEN, &facts::LATER_SEXES_OF_MEN, n, later),
        &["check.sex"],
    ),
    class("patient in the header", |t, n, _, later| t.exam = pick(&words::PATIENTS, &words::LATER_PATIENTS, n, later), &[
        "check.patient",
    ]),
    class("words of the other sex, of a man", |t, n, _, later| t.indication = pick(&words::WOMEN, &words::LATER_WOMEN, n, later), &[
        "check.sex",
    ]),
    class_of_a_woman(
        "words of the other sex, of a woman",
        |t, n, _, later| t.indication = pick(&facts::MEN, &facts::LATER_MEN, n, later),
        &["check.sex"],
    ),
    class("age of somebody else", |t, n, _, later| t.indication = pick(&words::AGES, &words::LATER_AGES, n, later), &[
        "check.age",
    ]),
    class("another part of the body", |t, n, _, later| t.exam = pick(&words::PARTS, &words::LATER_PARTS, n, later), &[
        "check.body_part",
    ]),
    class("view that was not made", |t, n, _, later| t.technique = pick(&words::VIEWS, &words::LATER_VIEWS, n, later), &[
        "check.view",
    ]),
    class(
        "empty required section",
        |t, n, _, _| match n % 3 {
            0 => t.impression.clear(),
            1 => t.findings.clear(),
            _ => t.exam.clear(),
        },
        &["check.empty_section"],
    ),
    class("placeholder left", |t, n, _, later| t.findings.push(pick(&words::FIELDS, &words::LATER_FIELDS, n, later)), &[
        "check.placeholder",
    ]),
    class(
        "critical result told to nobody",
        |t, n, _, later| {
            t.findings.retain(|f| f != "No pneumothorax.");
            t.findings.push(pick(&words::CRITICAL, &words::LATER_CRITICAL, n, later));
        },
        &["check.critical"],
    ),
];

#[test]
fn injected_errors_are_flagged() {
    let flags_of = |text: &Text, known: &Known| -> Vec<Flag> { checks(&report(text), known) };
    let clean: Vec<String> = [Sex::Male, Sex::Female]
        .into_iter()
        .flat_map(|sex| bases(sex).into_iter().map(move |base| (sex, base)))
        .flat_map(|(sex, (text, n, _))| {
            let flags = flags_of(&text, &known_of(sex));
            flags.into_iter().map(move |f| format!("{sex:?} {n} {} {}", f.code, f.text))
        })
        .collect();
    println!("clean bases flagged: {} of 100 {clean:?}\n\n| error | found of 50 | of 50 in other words |\n|---|---|---|", clean.len());
    let mut low = Vec::new();
    for class in &CLASSES {
        let found = [false, true].map(|later| {
            let mut missed = Vec::new();
            for (mut text, n, side) in bases(class.sex) {
                (class.inject)(&mut text, n, side, later);
                if !flags_of(&text, &(class.known)(n)).iter().any(|f| class.codes.contains(&f.code)) {
                    missed.push(format!("{text:?}"));
                }
            }
            (50 - missed.len(), missed)
        });
        println!("| {} | {} | {} |", class.name, found[0].0, found[1].0);
        found.iter().flat_map(|(_, missed)| missed).for_each(|m| println!("  missed: {m}"));
        if found.iter().any(|(count, _)| *count < class.wanted) {
            low.push(class.name);
        }
    }
    assert!(clean.is_empty(), "{clean:?}");
    assert!(low.is_empty(), "{low:?}");
}

/// What makes the sentences of two classes right takes their flags away: an earlier image that the Comparison names, and a
/// measurement that the number agrees with as it may be rounded.
#[test]
fn what_is_named_and_what_was_measured_raise_no_flag() {
    let check = |change: &dyn Fn(&mut Text, usize), known: &Known, code: &str| {
        let flagged: Vec<String> = bases(Sex::Male)
            .into_iter()
            .filter_map(|(mut text, n, _)| {
                change(&mut text, n);
                let flags = checks(&report(&text), known);
                flags.iter().any(|f| f.code == code).then(|| format!("{text:?}"))
            })
            .collect();
        assert!(flagged.is_empty(), "{code}: {} of 50 {flagged:?}", flagged.len());
    };
    let named = |t: &mut Text, n: usize| {
        t.comparison = facts::PRIORS[(n + n / 10) % 10].into();
        t.findings.push(words::COMPARISONS[n % 10].into());
    };
    check(&named, &known(), "check.comparison");
    let measured = |t: &mut Text, n: usize| t.findings.push(facts::AS_MEASURED[n % 10].into());
    check(&measured, &known_measured(), "check.not_measured");
}
