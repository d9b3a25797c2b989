//! A section that a model writes again replaces unreviewed sentences of that section and nothing else.

use hilum_report::*;
use time::OffsetDateTime;

fn apply(report: &mut Report, command: Command) {
    let entry = Entry { by: UserId::new("reader"), at: OffsetDateTime::UNIX_EPOCH, command };
    report.apply(&entry, &builtin_templates()).expect("applied");
}

fn propose(report: &mut Report, proposal: &str, section: SectionKind, texts: &[&str]) {
    let sentence = |(n, text): (usize, &&str)| ProposedText {
        id: SentenceId::new(format!("{proposal}-{n}")),
        text: (*text).to_owned(),
        region: None,
    };
    let sentences = texts.iter().enumerate().map(sentence).collect();
    let (pack, proposal) = (PackHash::new("pack"), ProposalId::new(proposal));
    apply(report, Command::Propose { proposal, pack, demo: false, section, sentences });
}

fn check(report: &Report, section: SectionKind, written: &[&str], proposed: &[&str]) {
    let (mut by_person, mut by_model) = (Vec::new(), Vec::new());
    for sentence in &report.section(section).expect("a section").sentences {
        match sentence {
            Sentence::Written(one) if matches!(one.origin, Origin::Template { .. }) => {}
            Sentence::Written(one) => by_person.push(one.text.as_str()),
            Sentence::Proposed(one) => by_model.push(one.text.as_str()),
        }
    }
    assert_eq!((by_person.as_slice(), by_model.as_slice()), (written, proposed), "{section:?}");
}

#[test]
fn only_unreviewed_sentences_of_the_section_give_way() {
    use SectionKind::{Findings, Impression};
    let mut report = Report::new(ReportId::new("r"), "1.2.3", &builtin_templates()[0]);
    propose(&mut report, "f", Findings, &["Accepted.", "Edited.", "Dropped.", "Unreviewed."]);
    propose(&mut report, "i", Impression, &["First impression."]);
    apply(&mut report, Command::Accept { id: SentenceId::new("f-0") });
    apply(&mut report, Command::Edit { id: SentenceId::new("f-1"), text: "In my words.".into() });
    apply(&mut report, Command::Drop { id: SentenceId::new("f-2") });
    let typed = Command::Insert {
        section: Findings,
        after: None,
        id: SentenceId::new("typed"),
        text: "Typed.".into(),
        region: None,
        from: None,
    };
    apply(&mut report, typed);
    check(&report, Findings, &["Typed.", "Accepted.", "In my words."], &["Unreviewed."]);

    propose(&mut report, "again", Findings, &["Shorter."]);
    check(&report, Findings, &["Typed.", "Accepted.", "In my words."], &["Shorter."]);
    check(&report, Impression, &[], &["First impression."]);
    propose(&mut report, "sum", Impression, &["From the findings."]);
    check(&report, Findings, &["Typed.", "Accepted.", "In my words."], &["Shorter."]);
    check(&report, Impression, &[], &["From the findings."]);
}
