//! What a report says against itself, case by case.

use hilum_report::checks::{Identity, Known, Sex, checks};
use hilum_report::*;
use time::OffsetDateTime;

fn report(findings: &[&str], impression: &[&str]) -> Report {
    let templates = builtin_templates();
    let mut report = Report::new(ReportId::new("r"), "1.2.3", &templates[0]);
    let sections = [(SectionKind::Findings, "f", findings), (SectionKind::Impression, "i", impression)];
    for (section, name, texts) in sections {
        for (n, text) in texts.iter().enumerate().rev() {
            let command = Command::Insert {
                section,
                after: None,
                id: SentenceId::new(format!("{name}{n}")),
                text: (*text).to_owned(),
                region: None,
                from: None,
            };
            let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
            report.apply(&entry, &templates).expect("an edit");
        }
    }
    report
}

fn check(sex: Option<Sex>, findings: &[&str], impression: &[&str], expected: &[(&str, &[&str])]) {
    let known = Known::of_sex(sex);
    let mut flags = checks(&report(findings, impression), &known);
    // What is missing or must be told is tested apart.
    flags.retain(|f| !matches!(f.code, "check.empty_section" | "check.critical"));
    let found: Vec<(&str, Vec<&str>)> =
        flags.iter().map(|f| (f.code, f.sentences.iter().map(SentenceId::as_str).collect())).collect();
    let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(c, s)| (*c, s.to_vec())).collect();
    assert_eq!(found, expected, "{findings:?} / {impression:?}: {flags:?}");
    assert!(flags.iter().all(|f| f.text.ends_with('.')));
}

#[test]
fn a_finding_that_is_affirmed_and_denied() {
    let contradiction: &[(&str, &[&str])] = &[("check.contradiction", &["f0", "f1"])];
    check(None, &["Small left effusion.", "No pleural effusion."], &[], contradiction);
    check(None, &["Small left effusion.", "No right pleural effusion."], &[], &[]);
    check(None, &["Small left effusion.", "No large pleural effusion."], &[], &[]);
    check(None, &["Small left effusion.", "Possible effusion."], &[], &[]);
    check(None, &["Old rib fractures.", "No acute fracture."], &[], &[]);
    check(None, &["The heart is enlarged.", "Heart size is normal."], &[], contradiction);
    check(None, &["Calcified granuloma.", "The lungs are otherwise clear."], &[], &[]);
    check(None, &["Left basal opacity.", "The lungs are clear."], &[], contradiction);
    check(None, &["Left basal opacity.", "The right lung is clear."], &[], &[]);
    check(None, &["Left basal consolidation.", "No apical consolidation."], &[], &[]);
    check(None, &["Right PICC.", "No chest tube."], &[], &[]);
    check(None, &["Consolidation in the left lower lobe, no effusion."], &[], &[]);
    check(None, &["Small left pneumothorax."], &["No pneumothorax."], &[("check.contradiction", &["f0", "i0"])]);
}

#[test]
fn sides_that_differ_between_the_sections() {
    check(
        None,
        &["Left lower lobe consolidation."],
        &["Right lower lobe consolidation."],
        &[("check.side", &["f0", "i0"])],
    );
    check(None, &["Left lower lobe consolidation."], &["Left consolidation."], &[]);
    check(None, &["Left lower lobe consolidation."], &["Consolidation."], &[]);
    check(None, &["Bilateral effusions."], &["Left effusion."], &[]);
    check(None, &["Left effusion.", "Right effusion."], &["Left effusion."], &[]);
    check(None, &["Right PICC."], &["Left chest tube."], &[]);
}

#[test]
fn nothing_acute_beside_something_acute() {
    check(
        None,
        &["Right pneumothorax."],
        &["No acute cardiopulmonary abnormality."],
        &[("check.no_finding", &["f0", "i0"]), ("check.impression_lacks", &["f0"])],
    );
    check(None, &["Stable moderate effusion."], &["No acute abnormality."], &[]);
    check(None, &["Small effusion."], &["No acute abnormality."], &[]);
    check(None, &["Right pneumothorax."], &["Right pneumothorax.", "No other acute abnormality."], &[]);
    check(None, &["Cardiomegaly."], &["No acute cardiopulmonary disease."], &[]);
}

#[test]
fn an_acute_finding_that_the_impression_leaves_out() {
    let lacks: &[(&str, &[&str])] = &[("check.impression_lacks", &["f0"])];
    check(None, &["Right pneumothorax."], &["Cardiomegaly."], lacks);
    check(None, &["Right pneumothorax."], &[], &[]);
    check(None, &["Right pneumothorax."], &["See above."], &[]);
    check(None, &["Right pneumothorax."], &["Pneumothorax."], &[]);
    check(None, &["Left lower lobe consolidation."], &["Left lower lobe pneumonia."], &[]);
    check(None, &["Left lower lobe consolidation."], &["Cardiomegaly."], lacks);
    check(None, &["Large left effusion."], &["Cardiomegaly."], lacks);
    check(None, &["Small left effusion."], &["Cardiomegaly."], &[]);
}

#[test]
fn words_of_the_other_sex() {
    let flag: &[(&str, &[&str])] = &[("check.sex", &["f0"])];
    check(Some(Sex::Male), &["History of hysterectomy."], &[], flag);
    check(Some(Sex::Female), &["History of hysterectomy."], &[], &[]);
    check(Some(Sex::Female), &["Sclerotic metastases of prostate cancer."], &[], flag);
    check(Some(Sex::Female), &["A female patient."], &[], &[]);
    check(Some(Sex::Female), &["A man of 58."], &[], flag);
    check(Some(Sex::Male), &["A man of 58."], &[], &[]);
    check(Some(Sex::Female), &["Father and husband have tuberculosis."], &[], &[]);
    check(None, &["History of hysterectomy."], &[], &[]);
    assert_eq!(Sex::of_code("F"), Some(Sex::Female));
    assert_eq!(Sex::of_code("M "), Some(Sex::Male));
    assert_eq!(Sex::of_code("O"), None);
}

#[test]
fn lengths_that_cannot_be() {
    check(None, &["A 700 mm nodule."], &[], &[("check.units", &["f0"])]);
    check(None, &["A 7 mm nodule."], &["A 7 mm (0.7 cm) nodule."], &[]);
    let elsewhere = |section: SectionKind, text: &str, expected: bool| {
        let mut report = report(&["Cardiomegaly."], &["Cardiomegaly."]);
        let id = SentenceId::new("n");
        let command = Command::Insert { section, after: None, id, text: text.to_owned(), region: None, from: None };
        let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
        report.apply(&entry, &builtin_templates()).expect("an edit");
        let flags = checks(&report, &Known::default());
        assert_eq!(flags.iter().any(|f| f.code == "check.units"), expected, "{section:?}: {text} {flags:?}");
    };
    // Only what the images show is no longer than they are.
    elsewhere(SectionKind::Technique, "PA at 180 cm SID.", false);
    elsewhere(SectionKind::Indication, "Height 175 cm.", false);
    elsewhere(SectionKind::Indication, "Nodule of 2 cm (12 mm) on CT.", true);
    elsewhere(SectionKind::Impression, "A 70 cm mass.", true);
}

#[test]
fn a_measurement_of_the_prior_stands_as_it_is_dictated() {
    let identity = Identity {
        names: vec!["DOE".into(), "JANE".into()],
        id: "MR-0042".into(),
        accession: "A1001".into(),
        birth_date: "19600414".into(),
    };
    let linked = Known {
        sex: Some(Sex::Female),
        age: Some(63),
        prior: true,
        views: vec!["PA".into()],
        side: None,
        body_part: Some("CHEST".into()),
        measured: Some(vec![30.0, 20.0, 148.0, 264.0]),
        ratios: vec![0.56],
        patient: identity,
    };
    let unlinked = Known { prior: false, measured: Some(Vec::new()), ratios: Vec::new(), ..linked.clone() };
    let said = [
        ("Measured length 30 mm on the prior of 2024-01-05.", true),
        ("Measured length 30 mm (at the detector) on the prior of 2024-01-05.", true),
        ("Nodule: Measured 30 mm by 20 mm on the prior of 2024-01-05.", true),
        ("Cardiothoracic ratio 0.56 on the prior of 2024-01-05.", true),
        ("Measured length 30 mm on a prior without a date.", true),
        ("Measured Cobb angle 12\u{b0} on the prior of 2024-01-05.", false),
    ];
    for (text, number) in said {
        let codes = |known: &Known| {
            let flags = checks(&report(&[text], &[]), known).into_iter().filter(|flag| !flag.sentences.is_empty());
            flags.map(|flag| flag.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&linked), Vec::<&str>::new(), "{text}");
        let expected: &[&str] = if number { &["check.not_measured"] } else { &[] };
        assert_eq!(codes(&unlinked), expected, "{text}");
    }
}

#[test]
fn numbers_that_nobody_measured_in_whichever_section() {
    let check = |section: SectionKind, text: &str, expected: bool| {
        let mut report = report(&["Cardiomegaly."], &["Cardiomegaly."]);
        let insert = Command::Insert {
            section,
            after: None,
            id: SentenceId::new("n"),
            text: text.to_owned(),
            region: None,
            from: None,
        };
        let sign = Command::Sign { version: VersionId::new("v1"), meaning: Meaning::ReviewedAndApproved };
        let commands = match section {
            SectionKind::Addendum => vec![sign, Command::Reopen { kind: VersionKind::Addendum }, insert],
            _ => vec![insert],
        };
        for command in commands {
            let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
            report.apply(&entry, &[]).expect("a command");
        }
        let known = Known { prior: true, measured: Some(vec![148.0]), ratios: vec![0.56], ..Known::default() };
        let flags = checks(&report, &known);
        let flagged = flags.iter().any(|f| f.code == "check.not_measured" && f.sentences == [SentenceId::new("n")]);
        assert_eq!(flagged, expected, "{section:?}: {text} {flags:?}");
    };
    for section in [SectionKind::Findings, SectionKind::Impression, SectionKind::Addendum] {
        check(section, "The heart measures 15.8 cm.", true);
        check(section, "The heart measures 15 cm.", false);
        check(section, "The heart measures 148 mm, the nodule 9 mm.", true);
        check(section, "Cardiothoracic ratio 0.62.", true);
        check(section, "Cardiothoracic ratio 0.56.", false);
        check(section, "The heart is enlarged.", false);
    }
    // What others measured elsewhere is told in the words of who asks.
    check(SectionKind::Indication, "A nodule of 9 mm on CT.", false);
    check(SectionKind::Comparison, "CT of 3 May 2023, nodule of 9 mm.", false);
}

#[test]
fn words_that_compare_beside_what_the_comparison_says() {
    let check = |comparison: &[&str], linked: bool, expected: bool| {
        let mut report = report(&["The opacity is unchanged."], &["Opacity."]);
        for (n, text) in comparison.iter().enumerate().rev() {
            let command = Command::Insert {
                section: SectionKind::Comparison,
                after: None,
                id: SentenceId::new(format!("c{n}")),
                text: (*text).to_owned(),
                region: None,
                from: None,
            };
            let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
            report.apply(&entry, &[]).expect("an edit");
        }
        let flags = checks(&report, &Known { prior: linked, ..Known::default() });
        assert_eq!(flags.iter().any(|f| f.code == "check.comparison"), expected, "{comparison:?} {flags:?}");
    };
    // The template's own "None." stands behind.
    check(&[], false, true);
    check(&[], true, false);
    check(&["There are no priors."], false, true);
    check(&["No earlier images."], false, true);
    check(&["Without comparison."], false, true);
    check(&["There are no priors."], true, false);
    check(&["A prior radiograph of 2024-03-01.", "It is not available."], false, true);
    check(&["Chest radiograph of 2024-03-01."], false, false);
    check(&["There are no radiographs.", "CT of the chest of 3 May 2023."], false, false);
}
