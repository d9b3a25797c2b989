//! What may happen to a report, case by case and over random sequences.

use hilum_report::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use time::{Duration, OffsetDateTime};

fn fresh() -> Report {
    Report::new(ReportId::new("r"), "1.2.3", &builtin_templates()[0])
}

fn entry(n: i64, command: Command) -> Entry {
    Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(n), command }
}

fn id(n: &str) -> SentenceId {
    SentenceId::new(n)
}

fn propose(section: SectionKind, demo: bool, ids: &[&str]) -> Command {
    Command::Propose {
        proposal: ProposalId::new("p"),
        pack: PackHash::new("h"),
        demo,
        section,
        sentences: ids
            .iter()
            .map(|i| ProposedText { id: id(i), text: format!("Proposed {i}."), region: None })
            .collect(),
    }
}

fn write(section: SectionKind, name: &str) -> Command {
    Command::Insert { section, after: None, id: id(name), text: format!("Written {name}."), region: None, from: None }
}

fn sign(version: &str) -> Command {
    Command::Sign { version: VersionId::new(version), meaning: Meaning::ReviewedAndApproved }
}

/// Applies all commands and compares the code of the last one's refusal.
fn check(commands: Vec<Command>, expected: Result<Status, &str>) -> Report {
    let mut report = fresh();
    let templates = builtin_templates();
    let last = commands.len() - 1;
    for (n, command) in commands.into_iter().enumerate() {
        let before = report.clone();
        let result = report.apply(&entry(n as i64, command.clone()), &templates);
        if n < last {
            assert_eq!(result, Ok(()), "{command:?}");
            continue;
        }
        match expected {
            Ok(status) => {
                assert_eq!(result, Ok(()), "{command:?}");
                assert_eq!(report.status(), status);
            }
            Err(code) => {
                assert_eq!(result.expect_err("refused").code(), code, "{command:?}");
                assert_eq!(report, before, "a refused command changes nothing");
            }
        }
    }
    report
}

#[test]
fn what_may_be_signed() {
    use SectionKind::{Findings, Impression};
    check(vec![sign("v1")], Err("sign.empty_section"));
    check(vec![write(Findings, "a"), sign("v1")], Err("sign.empty_section"));
    check(vec![write(Findings, "a"), write(Impression, "b"), sign("v1")], Ok(Status::Final));
    check(vec![propose(Findings, true, &["a"]), write(Impression, "b"), sign("v1")], Err("sign.unreviewed"));
    check(
        vec![propose(Findings, false, &["a"]), write(Impression, "b"), Command::Accept { id: id("a") }, sign("v1")],
        Ok(Status::Final),
    );
    check(
        vec![propose(Findings, false, &["a"]), write(Impression, "b"), Command::Drop { id: id("a") }, sign("v1")],
        Err("sign.empty_section"),
    );
    check(vec![write(Findings, "a"), write(Impression, "b"), Command::MarkPreliminary, sign("v1")], Ok(Status::Final));
}

#[test]
fn what_was_signed_stays() {
    use SectionKind::{Addendum, Findings, Impression};
    let signed = || vec![write(Findings, "a"), write(Impression, "b"), sign("v1")];
    let after = |more: Vec<Command>| signed().into_iter().chain(more).collect::<Vec<_>>();
    check(after(vec![Command::Edit { id: id("a"), text: "Changed.".into() }]), Err("report.not_open"));
    check(after(vec![propose(Findings, true, &["x"])]), Err("report.not_open"));
    check(after(vec![Command::Cancel]), Err("report.wrong_status"));
    check(after(vec![sign("v2")]), Err("sign.not_open"));
    let addendum = Command::Reopen { kind: VersionKind::Addendum };
    check(after(vec![addendum.clone(), sign("v2")]), Err("sign.empty_section"));
    check(
        after(vec![addendum.clone(), Command::Edit { id: id("a"), text: "Changed.".into() }]),
        Err("report.outside_addendum"),
    );
    check(after(vec![addendum.clone(), write(Addendum, "c"), sign("v1")]), Err("report.duplicate_version"));
    let report = check(after(vec![addendum.clone(), write(Addendum, "c"), sign("v2")]), Ok(Status::Final));
    assert_eq!(report.versions()[1].parent, Some(VersionId::new("v1")));
    let given_up = check(after(vec![addendum, write(Addendum, "c"), Command::Cancel]), Ok(Status::Final));
    assert_eq!(given_up.sentence(&id("c")), None);
    assert_eq!(given_up.versions().len(), 1);
    let amended = check(
        after(vec![
            Command::Reopen { kind: VersionKind::Amendment },
            Command::Edit { id: id("a"), text: "Changed.".into() },
            sign("v2"),
        ]),
        Ok(Status::Final),
    );
    assert!(amended.versions()[0].text.plain().contains("Written a."));
    assert!(amended.versions()[1].text.plain().contains("Changed."));
}

#[test]
fn how_proposed_sentences_are_reviewed() {
    use SectionKind::Findings;
    let seen = |ids: &[&str]| ids.iter().map(|i| id(i)).collect::<BTreeSet<_>>();
    let two = || propose(Findings, false, &["a", "b"]);
    check(vec![two(), Command::AcceptSection { section: Findings, seen: seen(&["a"]) }], Err("report.not_seen"));
    check(vec![two(), Command::AcceptSection { section: Findings, seen: seen(&["a", "b"]) }], Ok(Status::Draft));
    check(vec![two(), Command::AcceptAllDemo], Err("report.not_demo"));
    check(vec![two(), Command::Remove { id: id("a") }], Err("report.still_proposed"));
    check(vec![two(), Command::MarkPreliminary], Err("sign.unreviewed"));
    check(vec![Command::MarkPreliminary, two()], Err("report.wrong_status"));
    check(vec![write(Findings, "w"), Command::Accept { id: id("w") }], Err("report.not_proposed"));
    check(vec![two(), propose(Findings, false, &["c", "a"])], Ok(Status::Draft));
    check(vec![write(Findings, "w"), propose(Findings, false, &["w"])], Err("report.duplicate_sentence"));
    check(
        vec![write(Findings, "w"), Command::UseTemplate { template: TemplateId::new("cxr-2view") }],
        Err("report.already_written"),
    );
    check(vec![Command::UseTemplate { template: TemplateId::new("none") }], Err("report.no_template"));
    check(vec![Command::UseTemplate { template: TemplateId::new("cxr-2view") }], Ok(Status::Draft));

    let kept = check(vec![write(Findings, "w"), two(), propose(Findings, false, &["c"])], Ok(Status::Draft));
    assert!(kept.sentence(&id("w")).is_some(), "a new draft never takes away what a person wrote");
    assert!(kept.sentence(&id("a")).is_none());

    let edited = check(vec![two(), Command::Edit { id: id("a"), text: "Mine.".into() }], Ok(Status::Draft));
    let Some(Sentence::Written(Written { origin: Origin::Proposal { review, .. }, .. })) = edited.sentence(&id("a"))
    else {
        panic!("an edited proposal is written");
    };
    assert_eq!(review.edited_from.as_deref(), Some("Proposed a."));
    assert!(!review.in_bulk);

    let bulk = check(
        vec![propose(Findings, true, &["a"]), Command::AcceptAllDemo, write(SectionKind::Impression, "i")],
        Ok(Status::Draft),
    );
    assert!(bulk.final_text().expect("signable").accepted_in_bulk());
}

#[test]
fn a_review_is_taken_back() {
    use SectionKind::{Addendum, Findings, Impression};
    let back =
        |name: &str, after: Option<&str>| Command::TakeBack { id: id(name), section: Findings, after: after.map(id) };
    let accept = || Command::Accept { id: id("a") };
    let drop = || Command::Drop { id: id("a") };
    let edit = || Command::Edit { id: id("a"), text: "Mine.".into() };
    let two = || propose(Findings, false, &["a", "b"]);
    let untouched = check(vec![two()], Ok(Status::Draft));
    let cases: [(&str, Vec<Command>); 6] = [
        ("an acceptance", vec![two(), accept(), back("a", None)]),
        ("an edit", vec![two(), edit(), back("a", None)]),
        ("an edit of what was accepted", vec![two(), accept(), edit(), back("a", None)]),
        ("a drop", vec![two(), drop(), back("a", None)]),
        ("a removal of what was accepted", vec![two(), accept(), Command::Remove { id: id("a") }, back("a", None)]),
        ("a drop that was taken back before", vec![two(), drop(), back("a", None), drop(), back("a", None)]),
    ];
    for (what, commands) in cases {
        let report = check(commands, Ok(Status::Draft));
        assert_eq!(report.sections(), untouched.sections(), "{what}");
    }
    let moved = check(vec![two(), drop(), back("a", Some("b"))], Ok(Status::Draft));
    let order: Vec<&str> = moved.proposed().map(|(_, p)| p.id.as_str()).collect();
    assert_eq!(order, ["b", "a"], "it comes back where the person says");
    let bulk = vec![propose(Findings, true, &["a"]), Command::AcceptAllDemo, back("a", None)];
    assert_eq!(check(bulk, Ok(Status::Draft)).proposed().count(), 1);

    check(vec![two(), back("a", None)], Err("report.still_proposed"));
    check(vec![two(), back("c", None)], Err("report.no_sentence"));
    check(vec![write(Findings, "w"), back("w", None)], Err("report.not_drafted"));
    check(vec![write(Findings, "w"), Command::Remove { id: id("w") }, back("w", None)], Err("report.not_drafted"));
    check(vec![two(), drop(), back("a", Some("none"))], Err("report.no_sentence"));
    let one = || vec![propose(Findings, false, &["a"]), accept(), write(Impression, "i")];
    let after = |more: Vec<Command>| one().into_iter().chain(more).collect::<Vec<_>>();
    check(after(vec![back("a", None), sign("v1")]), Err("sign.unreviewed"));
    check(after(vec![back("a", None), accept(), sign("v1")]), Ok(Status::Final));
    check(after(vec![Command::MarkPreliminary, back("a", None)]), Err("report.wrong_status"));
    check(after(vec![sign("v1"), back("a", None)]), Err("report.not_open"));
    let addendum = Command::Reopen { kind: VersionKind::Addendum };
    check(after(vec![sign("v1"), addendum, write(Addendum, "n"), back("a", None)]), Err("report.outside_addendum"));
    check(after(vec![Command::Cancel, back("a", None)]), Err("report.not_open"));
}

fn put(name: &str, text: &str, from: Option<&str>) -> Command {
    let section = SectionKind::Findings;
    Command::Insert { section, after: None, id: id(name), text: text.into(), region: None, from: from.map(id) }
}

/// What a sentence says of the model it began with: its pack is a demonstration, and the
/// model's own words.
fn model_of(sentence: Option<&Sentence>) -> Option<(bool, String)> {
    match sentence? {
        Sentence::Proposed(p) => Some((p.demo, p.text.clone())),
        Sentence::Written(Written { text, origin: Origin::Proposal { demo, review, .. }, .. }) => {
            Some((*demo, review.edited_from.clone().unwrap_or_else(|| text.clone())))
        }
        Sentence::Written(_) => None,
    }
}

#[test]
fn a_models_words_stay_marked() {
    use SectionKind::{Findings, Impression};
    let marked = |commands: Vec<Command>, names: &[&str]| {
        let demo = vec![propose(Findings, true, &["a"]), write(Impression, "i")];
        let report = check(demo.into_iter().chain(commands).collect(), Ok(Status::Draft));
        for name in names {
            let found = model_of(report.sentence(&id(name)));
            assert_eq!(found, Some((true, "Proposed a.".to_owned())), "{name} of {report:?}");
        }
        let text = report.final_text().expect("signable");
        assert!(text.is_demo() && text.was_drafted());
        report
    };
    let (accept, remove) = (|| Command::Accept { id: id("a") }, || Command::Remove { id: id("a") });
    let back = marked(vec![accept(), remove(), put("a", "Proposed a.", None)], &["a"]);
    let untouched = marked(vec![accept()], &["a"]);
    assert_eq!(back.sentence(&id("a")), untouched.sentence(&id("a")), "undo gives the very sentence back");
    marked(vec![accept(), remove(), put("a", "Otherwise.", None)], &["a"]);
    marked(vec![Command::Drop { id: id("a") }, put("a", "Proposed a.", None)], &["a"]);
    marked(vec![Command::Drop { id: id("a") }, put("a", "Otherwise.", None)], &["a"]);
    marked(vec![propose(Findings, false, &["b"]), Command::Drop { id: id("b") }, put("a", "Mine.", None)], &["a"]);
    marked(vec![accept(), put("b", "a.", Some("a"))], &["a", "b"]);
    marked(vec![accept(), remove(), put("b", "a.", Some("a")), put("c", "c.", Some("b"))], &["b", "c"]);
    let demo = || propose(Findings, true, &["a"]);
    check(vec![demo(), put("b", "a.", Some("none"))], Err("report.no_sentence"));
    let own = check(vec![demo(), write(Findings, "w"), put("b", "b.", Some("w"))], Ok(Status::Draft));
    assert_eq!(model_of(own.sentence(&id("b"))), None);
    let bulk = marked(vec![Command::AcceptAllDemo, remove(), put("a", "Proposed a.", None)], &["a"]);
    assert!(bulk.final_text().expect("signable").accepted_in_bulk());
}

#[test]
fn a_finding_goes_where_its_words_say() {
    let check = |commands: Vec<Command>, expected: Option<Region>| {
        let report = check(commands, Ok(Status::Draft));
        assert_eq!(report.sentence(&id("a")).and_then(Sentence::region), expected);
    };
    let edit = |text: &str| Command::Edit { id: id("a"), text: text.into() };
    check(vec![put("a", "No effusion.", None)], Some(Region::Pleura));
    check(vec![put("a", "Unchanged.", None)], None);
    check(vec![put("a", "No effusion.", None), edit("The heart is normal.")], Some(Region::HeartAndMediastinum));
    check(vec![put("a", "No effusion.", None), edit("Unchanged.")], Some(Region::Pleura));
    check(vec![propose(SectionKind::Findings, true, &["a"]), edit("Clear lungs.")], Some(Region::Lungs));
    check(vec![write(SectionKind::Impression, "a"), edit("Clear lungs.")], None);
}

fn any_command() -> impl Strategy<Value = Command> {
    use SectionKind::{Addendum, Exam, Findings, Impression};
    let section = prop::sample::select(vec![Exam, Findings, Impression, Addendum]);
    let name = prop::sample::select(vec!["a", "b", "c", "d", "e", "f"]);
    let text = prop::sample::select(vec!["Clear.", "Normal heart.", "", "  "]);
    let version = prop::sample::select(vec!["v1", "v2", "v3"]);
    prop_oneof![
        4 => (section.clone(), name.clone(), text.clone(), prop::option::weighted(0.2, name.clone())).prop_map(
            |(section, n, t, from)| Command::Insert {
                section, after: None, id: id(n), text: t.into(), region: None, from: from.map(id)
            }
        ),
        2 => (name.clone(), text).prop_map(|(n, t)| Command::Edit { id: id(n), text: t.into() }),
        1 => name.clone().prop_map(|n| Command::Remove { id: id(n) }),
        1 => (name.clone(), section.clone(), prop::option::of(name.clone())).prop_map(|(n, section, after)| Command::Move {
            id: id(n), section, after: after.map(id)
        }),
        4 => (section.clone(), any::<bool>(), prop::sample::subsequence(vec!["a", "b", "c", "x", "y"], 0..4))
            .prop_map(|(section, demo, ids)| propose(section, demo, &ids)),
        3 => name.clone().prop_map(|n| Command::Accept { id: id(n) }),
        2 => name.clone().prop_map(|n| Command::Drop { id: id(n) }),
        3 => (name.clone(), section.clone(), prop::option::of(name.clone())).prop_map(|(n, section, after)| {
            Command::TakeBack { id: id(n), section, after: after.map(id) }
        }),
        1 => (section.clone(), prop::sample::subsequence(vec!["a", "b", "c", "x", "y"], 0..5)).prop_map(|(section, ids)| {
            Command::AcceptSection { section, seen: ids.into_iter().map(id).collect() }
        }),
        1 => Just(Command::AcceptAllDemo),
        1 => Just(Command::UseTemplate { template: TemplateId::new("cxr-2view") }),
        1 => Just(Command::MarkPreliminary),
        4 => version.prop_map(sign),
        2 => prop::sample::select(vec![VersionKind::Addendum, VersionKind::Amendment, VersionKind::Original])
            .prop_map(|kind| Command::Reopen { kind }),
        1 => Just(Command::Cancel),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Over any sequence of commands: nothing signed holds an unreviewed sentence or
    /// an empty required section, no signed version ever changes, every later version
    /// links its parent, a refused command changes nothing, a sentence that comes back or is
    /// split off says of its model what it said before, and replay gives the same report.
    #[test]
    fn invariants_hold_over_random_sequences(commands in prop::collection::vec(any_command(), 1..40)) {
        let templates = builtin_templates();
        let mut report = fresh();
        let mut journal = Vec::new();
        let mut signed: Vec<SignedVersion> = Vec::new();
        let mut last_known = std::collections::BTreeMap::new();
        for (n, command) in commands.into_iter().enumerate() {
            let before = report.clone();
            for sentence in before.sections().iter().flat_map(|s| &s.sentences) {
                last_known.insert(sentence.id().clone(), model_of(Some(sentence)));
            }
            let entry = entry(n as i64, command);
            match report.apply(&entry, &templates) {
                Ok(()) => {
                    if let Command::Sign { .. } = entry.command {
                        prop_assert_eq!(before.proposed().count(), 0, "signed over a proposed sentence");
                        prop_assert!(before.status().is_open());
                        for section in before.sections().iter().filter(|s| s.required) {
                            prop_assert!(section.sentences.iter().any(|s| !s.text().trim().is_empty()));
                        }
                        let version = report.versions().last().expect("a version").clone();
                        prop_assert_eq!(&version.parent, &signed.last().map(|v| v.id.clone()));
                        signed.push(version);
                    }
                    if let Command::Insert { id, from, .. } = &entry.command {
                        let known = |id: Option<&SentenceId>| id.and_then(|id| last_known.get(id).cloned().flatten());
                        let expected = known(Some(id)).or(known(from.as_ref()));
                        prop_assert_eq!(model_of(report.sentence(id)), expected, "{:?}", entry);
                    }
                    if let Command::TakeBack { id, .. } = &entry.command {
                        prop_assert!(matches!(report.sentence(id), Some(Sentence::Proposed(_))), "{:?}", entry);
                        prop_assert_ne!(before.status(), Status::Preliminary);
                        prop_assert_eq!(model_of(report.sentence(id)), last_known.get(id).cloned().flatten(), "{:?}", entry);
                    }
                    journal.push(entry);
                }
                Err(_) => prop_assert_eq!(&report, &before),
            }
            prop_assert_eq!(report.versions(), signed.as_slice(), "a signed version changed");
            prop_assert_eq!(report.status() == Status::Final, !signed.is_empty() && report.status() != Status::Reopened);
            if matches!(report.status(), Status::Final | Status::Preliminary) {
                prop_assert_eq!(report.proposed().count(), 0);
            }
        }
        let mut replayed = fresh();
        for entry in &journal {
            let line = serde_json::to_string(entry).expect("a journal line");
            let entry: Entry = serde_json::from_str(&line).expect("the same entry");
            replayed.apply(&entry, &templates).expect("replay");
        }
        prop_assert_eq!(replayed, report);
    }
}

/// A critical result waits for the record of who was told, or why nobody was; a demonstration's words do not.
#[test]
fn a_critical_result_is_told_before_it_is_signed() {
    let stated = |section, text: &str| Command::Insert {
        section,
        after: None,
        id: id(text),
        text: text.into(),
        region: None,
        from: None,
    };
    let findings = stated(SectionKind::Findings, "Large right tension pneumothorax.");
    let impression = stated(SectionKind::Impression, "Right pneumothorax.");
    let told = |to: &str| Command::Communicate {
        finding: "Tension pneumothorax".into(),
        to: to.into(),
        at: OffsetDateTime::UNIX_EPOCH,
        how: Means::Telephone,
        read_back: true,
    };
    let written = vec![findings.clone(), impression.clone()];
    let then = |more: Vec<Command>| written.iter().cloned().chain(more).collect::<Vec<_>>();
    check(then(vec![sign("v1")]), Err("sign.untold"));
    check(then(vec![told(" ")]), Err("report.empty_record"));
    check(then(vec![Command::NotCommunicated { reason: "".into() }]), Err("report.empty_record"));
    let reason = Command::NotCommunicated { reason: "The ward saw it first".into() };
    check(then(vec![reason, sign("v1")]), Ok(Status::Final));
    let report = check(then(vec![told("Dr Lee, ward 3"), sign("v1")]), Ok(Status::Final));
    let signed = &report.versions()[0].text;
    assert_eq!(
        signed.communications()[0].sentence("A. Reader", time::UtcOffset::UTC),
        "Tension pneumothorax: told to Dr Lee, ward 3 by telephone by A. Reader, 1970-01-01 00:00 UTC+00:00; read back."
    );
    let drafted = Command::Propose {
        proposal: ProposalId::new("p"),
        pack: PackHash::new("h"),
        demo: true,
        section: SectionKind::Findings,
        sentences: vec![ProposedText { id: id("d"), text: "Large right pneumothorax.".into(), region: None }],
    };
    let accept = Command::Accept { id: id("d") };
    let normal = write(SectionKind::Impression, "i");
    check(vec![drafted.clone(), accept, normal.clone(), sign("v1")], Ok(Status::Final));
    let edit = Command::Edit { id: id("d"), text: "Large left pneumothorax.".into() };
    check(vec![drafted, edit, normal, sign("v1")], Err("sign.untold"));
}

/// What words are taken to mean may change with a version of Hilum; what was signed is found as it was.
#[test]
fn a_signature_is_replayed_whatever_its_words_mean_by_now() {
    let mut report = fresh();
    let text = "Large left pneumothorax.".to_owned();
    for (n, section) in [SectionKind::Findings, SectionKind::Impression].into_iter().enumerate() {
        let (id, text) = (id(&n.to_string()), text.clone());
        let command = Command::Insert { section, after: None, id, text, region: None, from: None };
        report.apply(&entry(n as i64, command), &[]).expect("written");
    }
    for line in [Command::SignPreliminary { name: "A".into() }, sign("v1")] {
        assert_eq!(report.apply(&entry(2, line.clone()), &[]).expect_err("not now").code(), "sign.untold");
        report.replay(&entry(2, line), &[]).expect("as it was written");
    }
    assert_eq!((report.status(), report.versions().len()), (Status::Final, 1));
    // What never hung on words is asked of a replayed line too.
    let mut drafted = fresh();
    drafted.apply(&entry(0, propose(SectionKind::Findings, true, &["a"])), &[]).expect("proposed");
    assert_eq!(drafted.replay(&entry(1, sign("v1")), &[]).expect_err("never").code(), "sign.unreviewed");
}
