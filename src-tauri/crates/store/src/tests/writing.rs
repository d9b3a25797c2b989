//! What readers write with, who holds a report, what was uncovered, and two signatures.

use super::setup::*;
use crate::{CameFirst, HELD_FOR, NewUser, Role, Stage, Store};
use hilum_report::{
    Command, Entry, Macro, Meaning, PackHash, ProposalId, ProposedText, Report, SectionKind, SentenceId, Situation,
    TemplateId, UserId, VersionId,
};
use time::{Duration, OffsetDateTime};

fn bea() -> UserId {
    UserId::new("u-bea")
}

async fn with_bea(store: &Store) {
    let user = NewUser { id: bea(), name: "Bea".into(), role: Role::Trainee };
    store.add_user(user, PASSPHRASE, AT).await.expect("a second user");
}

fn by(who: &UserId, at: OffsetDateTime, command: Command) -> Entry {
    Entry { by: who.clone(), at, command }
}

fn words(section: SectionKind, id: &str, text: &str) -> Command {
    Command::Insert { section, after: None, id: SentenceId::new(id), text: text.into(), region: None, from: None }
}

fn text_of(report: &Report) -> String {
    let sentences = report.sections().iter().filter(|s| s.kind == SectionKind::Findings).flat_map(|s| &s.sentences);
    sentences.map(|s| s.text().to_owned()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn macros_words_and_templates_are_each_persons_own() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_bea(&store).await;
    let ada = ada().id;
    let one = |name: &str, sections: &[SectionKind], text: &str| Macro {
        name: name.into(),
        sections: sections.to_vec(),
        text: text.into(),
    };
    let everywhere = one("normal", &[], "Normal.");
    let findings = one("normal", &[SectionKind::Findings], "The lungs are clear.");
    store.put_macros(&ada, &[findings.clone(), everywhere.clone()], None, AT).await.unwrap();
    store.put_macros(&bea(), &[one("mine", &[], "B.")], None, AT).await.unwrap();
    assert_eq!(store.macros(&ada).await.unwrap(), [findings.clone(), everywhere.clone()]);
    let changed = one("normal", &[], "Quite normal.");
    store.put_macros(&ada, std::slice::from_ref(&changed), None, AT).await.unwrap();
    let renamed = one("nl", &[SectionKind::Findings], "The lungs are clear.");
    store.put_macros(&ada, std::slice::from_ref(&renamed), Some(&findings), AT).await.unwrap();
    assert_eq!(store.macros(&ada).await.unwrap(), [renamed.clone(), changed.clone()]);
    store.remove_macro(&ada, &changed).await.unwrap();
    assert_eq!(store.macros(&ada).await.unwrap(), [renamed]);
    assert_eq!(store.macros(&bea()).await.unwrap().len(), 1);

    for word in ["Bochdalek", "apneumatosis", "Bochdalek"] {
        store.add_word(&ada, word, AT).await.unwrap();
    }
    store.remove_word(&ada, "apneumatosis").await.unwrap();
    assert_eq!(store.own_words(&ada).await.unwrap(), ["Bochdalek"]);
    assert!(store.own_words(&bea()).await.unwrap().is_empty());

    let portable = TemplateId::new("cxr-icu");
    store.choose_template(&ada, Situation::Portable, Some(&TemplateId::new("cxr-normal"))).await.unwrap();
    store.choose_template(&ada, Situation::Portable, Some(&portable)).await.unwrap();
    store.choose_template(&ada, Situation::Child, Some(&portable)).await.unwrap();
    store.choose_template(&ada, Situation::Child, None).await.unwrap();
    assert_eq!(store.template_choices(&ada).await.unwrap(), [(Situation::Portable, portable)].into());
    assert!(store.template_choices(&bea()).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_edits_holds_the_report_until_it_lapses_or_is_taken_over() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_bea(&store).await;
    with_study(&store).await;
    let report = with_report(&store, "r").await;
    let (id, ada) = (report.id().clone(), ada().id);
    let edit = |who: &UserId, at, name: &str, revision| {
        let entry = by(who, at, words(SectionKind::Findings, name, "Words."));
        let (store, id) = (&store, &id);
        async move { store.append(id, revision, &[entry]).await }
    };
    assert_eq!(store.held(&id, AT).await.unwrap(), None);
    edit(&ada, AT, "a", 0).await.unwrap();
    let held = store.held(&id, AT).await.unwrap().expect("held");
    assert_eq!((held.by, held.since, held.until), (ada.clone(), AT, AT + HELD_FOR));

    // Another one may neither edit nor sign, a model may propose.
    assert_eq!(code(edit(&bea(), later(60), "b", 1).await), "report.held");
    assert_eq!(text_of(&store.report(&id).await.unwrap()), "Words.");
    let proposal = Command::Propose {
        proposal: ProposalId::new("p"),
        pack: PackHash::new("h"),
        demo: true,
        section: SectionKind::Findings,
        sentences: vec![ProposedText { id: SentenceId::new("x"), text: "Drafted.".into(), region: None }],
    };
    store.append(&id, 1, &[by(&bea(), later(61), proposal)]).await.expect("a proposal");
    // Every edit prolongs; since stays.
    edit(&ada, later(300), "c", 2).await.unwrap();
    let held = store.held(&id, later(300)).await.unwrap().expect("held");
    assert_eq!((held.since, held.until), (AT, later(300) + HELD_FOR));

    // It lapses by itself, on the moment.
    let over = later(300) + HELD_FOR;
    assert!(store.held(&id, over - Duration::seconds(1)).await.unwrap().is_some());
    assert_eq!(store.held(&id, over).await.unwrap(), None);
    edit(&bea(), over, "d", 3).await.unwrap();
    assert_eq!(code(edit(&ada, over, "e", 4).await), "report.held");

    // Taken over, with an entry in the audit trail; one's own report is not.
    let actions = async || {
        let entries = store.audit_entries(100, None).await.unwrap();
        entries.iter().filter(|e| e.event.action == "report.take_over").count()
    };
    store.take_over(&id, &bea(), over).await.unwrap();
    assert_eq!(actions().await, 0);
    store.take_over(&id, &ada, over).await.unwrap();
    assert_eq!(actions().await, 1);
    assert_eq!(code(edit(&bea(), over, "f", 4).await), "report.held");
    edit(&ada, over, "g", 4).await.unwrap();

    // Released by who holds it, and by nobody else.
    store.release(&id, &bea()).await.unwrap();
    assert_eq!(code(edit(&bea(), over, "h", 5).await), "report.held");
    store.release(&id, &ada).await.unwrap();
    edit(&bea(), over, "i", 5).await.unwrap();
}

#[tokio::test]
async fn what_was_seen_stays_seen() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_bea(&store).await;
    with_study(&store).await;
    let report = with_report(&store, "r").await;
    let ada = ada().id;
    assert!(!store.is_revealed(report.id(), &ada).await.unwrap());
    store.reveal(report.id(), &ada, CameFirst::Images, AT).await.unwrap();
    store.reveal(report.id(), &ada, CameFirst::OwnFindings, later(1)).await.unwrap();
    assert!(store.is_revealed(report.id(), &ada).await.unwrap());
    assert!(!store.is_revealed(report.id(), &bea()).await.unwrap());
    let entries = store.audit_entries(100, None).await.unwrap();
    let reveals: Vec<_> = entries.iter().filter(|e| e.event.action == "report.reveal").collect();
    assert_eq!(reveals.len(), 1);
    assert_eq!(reveals[0].event.detail["first"], "images");
    for sql in ["UPDATE reveals SET first = 'own_findings'", "DELETE FROM reveals"] {
        assert!(raw(&store, sql).await.contains("what was seen stays seen"), "{sql}");
    }
}

#[tokio::test]
async fn two_signatures_one_after_the_other() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_bea(&store).await;
    with_study(&store).await;
    let report = with_report(&store, "r").await;
    let id = report.id().clone();
    let sign = |name: &str| by(&bea(), later(20), Command::SignPreliminary { name: name.into() });
    assert_eq!(code(store.append(&id, 0, &[sign("Bea")]).await), "sign.empty_section");
    let entries = [
        by(&bea(), later(10), words(SectionKind::Findings, "f", "The lungs are clear.")),
        by(&bea(), later(10), words(SectionKind::Impression, "i", "No acute disease.")),
    ];
    store.append(&id, 0, &entries).await.unwrap();
    assert_eq!(code(store.append(&id, 2, &[sign(" ")]).await), "report.empty_record");
    let report = store.append(&id, 2, &[sign("Bea")]).await.unwrap();
    let first = report.preliminary().expect("a first signature").clone();
    assert_eq!((first.name.as_str(), first.by.clone(), first.revision), ("Bea", bea(), 3));

    // The attending need not wait until the trainee's hold lapses, changes a word and co-signs; both are
    // in the version.
    assert_eq!(store.held(&id, later(20)).await.unwrap(), None);
    let at = later(30);
    let edit = Command::Edit { id: SentenceId::new("i"), text: "No acute cardiopulmonary disease.".into() };
    store.append(&id, 3, &[by(&ada().id, at, edit)]).await.unwrap();
    let entry = by(&ada().id, at, Command::Sign { version: VersionId::new("v"), meaning: Meaning::CoSigned });
    let head = store.audit_head().await.unwrap();
    let record = crate::SignatureRecord {
        report: &id,
        base_revision: 4,
        entry: &entry,
        pdf: b"%PDF-1.7",
        audit_head: &head,
    };
    let signed = store.record_signature(record).await.unwrap();
    assert_eq!(signed.preliminary(), None);
    let version = store.versions(&id).await.unwrap().remove(0);
    assert_eq!((version.meaning, version.text.preliminary()), (Meaning::CoSigned, Some(&first)));
    let entries = store.audit_entries(100, None).await.unwrap();
    let mut actions: Vec<&str> = entries.iter().map(|e| e.event.action.as_str()).filter(|a| a.starts_with("report.")).collect();
    actions.reverse();
    assert_eq!(actions, ["report.create", "report.edit", "report.status", "report.sign_preliminary", "report.edit", "report.edit", "report.sign"]);

    // The journal gives every one of these texts again.
    let milestones = store.milestones(&id).await.unwrap();
    let stages: Vec<_> = milestones.iter().map(|m| m.stage.clone()).collect();
    assert_eq!(stages, [Stage::Preliminary, Stage::Signed(VersionId::new("v"))]);
    let impression = |report: &Report| report.section(SectionKind::Impression).unwrap().sentences[0].text().to_owned();
    assert_eq!(impression(&milestones[0].report), "No acute disease.");
    assert_eq!(impression(&milestones[1].report), "No acute cardiopulmonary disease.");
    // The signature ended the attending's hold too.
    assert_eq!(store.held(&id, at).await.unwrap(), None);
    assert_eq!(code(store.append(&id, 5, &[by(&bea(), at, Command::SignPreliminary { name: "Bea".into() })]).await), "report.wrong_status");
}

#[tokio::test]
async fn a_draft_is_a_stage_of_its_own_however_many_sections_it_has() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r").await;
    let id = report.id().clone();
    let propose = |proposal: &str, section, name: &str| {
        entry(Command::Propose {
            proposal: ProposalId::new(proposal),
            pack: PackHash::new("h"),
            demo: true,
            section,
            sentences: vec![ProposedText { id: SentenceId::new(name), text: format!("Drafted {name}."), region: None }],
        })
    };
    let entries = [
        propose("p1", SectionKind::Findings, "a"),
        propose("p1", SectionKind::Impression, "b"),
        entry(Command::Accept { id: SentenceId::new("a") }),
        propose("p2", SectionKind::Impression, "c"),
        entry(Command::Drop { id: SentenceId::new("c") }),
    ];
    store.append(&id, 0, &entries).await.unwrap();
    let milestones = store.milestones(&id).await.unwrap();
    let shown: Vec<_> = milestones
        .iter()
        .map(|m| (m.stage.clone(), m.report.proposed().map(|(_, p)| p.text.clone()).collect::<Vec<_>>().join(" ")))
        .collect();
    let drafted = |name: &str| Stage::Drafted(ProposalId::new(name));
    assert_eq!(
        shown,
        [(drafted("p1"), "Drafted a. Drafted b.".to_owned()), (drafted("p2"), "Drafted c.".to_owned())]
    );
    assert_eq!(code(store.milestones(&hilum_report::ReportId::new("none")).await), "store.not_found");
}
