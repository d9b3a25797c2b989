//! How often the checks speak: on real reports of careful people, where they should be silent, and on
//! errors put into reports, where they should not. `cargo test -p hilum-report --test injected --
//! --nocapture` prints the table of docs/performance.md.

use hilum_report::checks::{Flag, Known, Sex, checks};
use hilum_report::*;
use std::collections::BTreeMap;
use time::OffsetDateTime;

#[derive(Clone, Default)]
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

/// A man of 58 with one PA image, no earlier one, nothing measured.
fn known() -> Known {
    Known {
        sex: Some(Sex::Male),
        age: Some(58),
        prior: false,
        views: vec!["PA".into()],
        body_part: Some("CHEST".into()),
        measured: Some(vec![]),
    }
}

#[test]
fn real_reports_raise_few_flags() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/reports/iu-xray-reports.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: the shared test data are not beside the repository");
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
        // Sex and age were taken out of these reports, and nobody says what their readers measured.
        let known =
            Known { body_part: Some("CHEST".into()), views: vec!["PA".into(), "LL".into()], ..Known::default() };
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

/// Fifty clean reports: ten findings, two sides and the middle ground of normal sentences around them.
fn bases() -> Vec<(Text, usize, &'static str)> {
    (0..50)
        .map(|n| {
            let (finding, impression) = FINDINGS[n % 10];
            let side = if n % 2 == n / 10 % 2 { "left" } else { "right" };
            let normal = |k: usize| NORMALS[(n / 10 + k) % 5].to_owned();
            let text = Text {
                exam: "Chest radiograph, frontal view.".into(),
                indication: ["Cough and fever.", "Chest pain.", "A 58-year-old man with dyspnea."][n % 3].into(),
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

const DENIALS: [&str; 10] = [
    "No pleural effusion.",
    "No effusion is seen.",
    "No pneumonia or consolidation.",
    "The lungs are clear.",
    "No atelectasis.",
    "No pulmonary nodule.",
    "No rib fracture.",
    "No consolidation.",
    "No pleural effusion on either side.",
    "The lungs are clear.",
];
const COMPARISONS: [&str; 10] = [
    "This is unchanged.",
    "Compared with the prior radiograph, it has increased.",
    "No significant interval change.",
    "The opacity has improved since the last examination.",
    "Interval worsening.",
    "The heart size is stable.",
    "New opacity at the left base.",
    "There has been progression of the findings.",
    "The effusion persists.",
    "In comparison with the previous study there is no change.",
];
const NUMBERS: [&str; 10] = [
    "The nodule measures 8 mm.",
    "A 1.2 cm opacity.",
    "The heart measures 15.5 cm across.",
    "Effusion of 3 cm depth.",
    "A 12-mm granuloma.",
    "The tube ends 4 cm above the carina.",
    "Nodule of 6 x 9 mm.",
    "The aortic knob measures 42 millimeters.",
    "A 2,5 cm mass.",
    "Mediastinal width of 7 centimetres.",
];
const WOMEN: [&str; 10] = [
    "History of hysterectomy.",
    "A woman with cough.",
    "Known ovarian carcinoma.",
    "The patient is pregnant.",
    "Female patient with fever.",
    "Mrs Smith has chest pain.",
    "Uterine cancer, staging.",
    "Cough in pregnancy.",
    "A lady with dyspnea.",
    "Status post ovarian cancer.",
];
const AGES: [&str; 10] = [
    "A 34-year-old with cough.",
    "85 year old with fever.",
    "Newborn with respiratory distress.",
    "Infant with cough.",
    "Aged 29, chest pain.",
    "A 6-year-old boy.",
    "72-year-old man with dyspnea.",
    "Neonatal respiratory distress.",
    "A 45-year-old smoker.",
    "Toddler with wheezing.",
];
const PARTS: [&str; 10] = [
    "Radiograph of the knee.",
    "Abdominal radiograph.",
    "Lumbar spine, two projections.",
    "Ultrasound of the chest.",
    "XR left shoulder.",
    "Pelvis, AP.",
    "Right hand.",
    "Skull radiograph.",
    "MRI of the chest.",
    "Left ankle.",
];
const VIEWS: [&str; 10] = [
    "PA and lateral views of the chest.",
    "Two views of the chest.",
    "AP portable view of the chest.",
    "Portable chest radiograph.",
    "Frontal and lateral views of the chest.",
    "2 views of the chest.",
    "Single AP view of the chest.",
    "AP and lateral chest.",
    "Lateral view of the chest.",
    "Mobile AP chest.",
];
const FIELDS: [&str; 10] = [
    "The tube ends [number] cm above the carina.",
    "Effusion: [none|small|large].",
    "The heart is ___ .",
    "Comparison with [date].",
    "*** effusion.",
    "Opacity in the [side] lobe.",
    "Heart size ???",
    "[Describe the lungs.]",
    "Nodule of ___ in the upper lobe.",
    "TODO: lines and tubes.",
];
const CRITICAL: [&str; 10] = [
    "Large right tension pneumothorax.",
    "Small left apical pneumothorax.",
    "Free air under the right hemidiaphragm.",
    "The endotracheal tube lies in the right main bronchus.",
    "Moderate right pneumothorax with mediastinal shift.",
    "Pneumoperitoneum.",
    "The endotracheal tube has passed into the right mainstem bronchus.",
    "There is a left pneumothorax.",
    "The nasogastric tube lies in the left lower lobe bronchus.",
    "Right hydropneumothorax with a pneumothorax component.",
];
const LENGTHS: [&str; 10] = [
    "A 700 mm nodule.",
    "The nodule is 2 cm (12 mm).",
    "A 55 cm opacity.",
    "Effusion of 90 cm.",
    "A 1 cm (1 mm) granuloma.",
    "Mass of 600 mm.",
    "The heart measures 155 cm.",
    "A 3.0 cm (3 mm) nodule.",
    "A 48 cm mass.",
    "Nodule of 999 mm.",
];

type Injection = fn(&mut Text, usize, &'static str);

/// The class, what puts it in, and which flags count as finding it.
const CLASSES: [(&str, Injection, &[&str]); 12] = [
    (
        "side of the impression",
        |t, n, side| t.impression = vec![sided(FINDINGS[n % 10].1, other(side))],
        &["check.side"],
    ),
    (
        "negation of a finding",
        |t, n, _| t.impression = vec![DENIALS[n % 10].into()],
        &["check.contradiction", "check.no_finding", "check.impression_lacks"],
    ),
    ("comparison without a prior", |t, n, _| t.findings.push(COMPARISONS[n % 10].into()), &["check.comparison"]),
    ("number nobody measured", |t, n, _| t.findings.push(NUMBERS[n % 10].into()), &["check.not_measured"]),
    ("impossible length", |t, n, _| t.findings.push(LENGTHS[n % 10].into()), &["check.units"]),
    ("words of the other sex", |t, n, _| t.indication = WOMEN[n % 10].into(), &["check.sex"]),
    ("age of somebody else", |t, n, _| t.indication = AGES[n % 10].into(), &["check.age"]),
    ("another part of the body", |t, n, _| t.exam = PARTS[n % 10].into(), &["check.body_part"]),
    ("view that was not made", |t, n, _| t.technique = VIEWS[n % 10].into(), &["check.view"]),
    (
        "empty required section",
        |t, n, _| match n % 3 {
            0 => t.impression.clear(),
            1 => t.findings.clear(),
            _ => t.exam.clear(),
        },
        &["check.empty_section"],
    ),
    ("placeholder left", |t, n, _| t.findings.push(FIELDS[n % 10].into()), &["check.placeholder"]),
    (
        "critical result told to nobody",
        |t, n, _| {
            t.findings.retain(|f| f != "No pneumothorax.");
            t.findings.push(CRITICAL[n % 10].into());
        },
        &["check.critical"],
    ),
];

#[test]
fn injected_errors_are_flagged() {
    let flags_of = |text: &Text| -> Vec<Flag> { checks(&report(text), &known()) };
    let clean: Vec<String> = bases()
        .iter()
        .flat_map(|(text, n, _)| flags_of(text).into_iter().map(move |f| format!("{n} {} {}", f.code, f.text)))
        .collect();
    println!("clean bases flagged: {} of 50 {clean:?}\n\n| error | found of 50 |\n|---|---|", clean.len());
    let mut low = Vec::new();
    for (class, inject, codes) in CLASSES {
        let mut missed = Vec::new();
        for (mut text, n, side) in bases() {
            inject(&mut text, n, side);
            if !flags_of(&text).iter().any(|f| codes.contains(&f.code)) {
                missed.push(format!("{:?} || {:?}", text.findings, text.impression));
            }
        }
        println!("| {class} | {} |", 50 - missed.len());
        missed.iter().for_each(|m| println!("  missed: {m}"));
        // Facts of the patient and the images are certain: all of them; contradictions of words: 95 of 100.
        let wanted = if matches!(class, "side of the impression" | "negation of a finding") { 48 } else { 50 };
        if 50 - missed.len() < wanted {
            low.push(class);
        }
    }
    assert!(clean.is_empty(), "{clean:?}");
    assert!(low.is_empty(), "{low:?}");
}
