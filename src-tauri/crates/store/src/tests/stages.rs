//! How far the reading of a study has come, as the database keeps it.

use super::records::{outcome, proposal};
use super::setup::*;
use crate::{NewProposal, ReadingStage, Store, WorklistQuery};
use hilum_report::{
    Command, Entry, PackHash, ProposalId, ProposedText, Region, Report, ReportId, SectionKind, SentenceId, VersionKind,
};

const ALL: [ReadingStage; 5] =
    [ReadingStage::New, ReadingStage::Drafted, ReadingStage::Begun, ReadingStage::Signed, ReadingStage::Cancelled];

/// The stage of the one study, by which alone the worklist finds it.
async fn stage(store: &Store) -> ReadingStage {
    let stage = store.worklist(&WorklistQuery::default()).await.unwrap()[0].stage;
    for asked in ALL {
        let query = WorklistQuery { stages: vec![asked], ..WorklistQuery::default() };
        assert_eq!(store.worklist(&query).await.unwrap().len(), usize::from(asked == stage), "{stage:?}, {asked:?}");
    }
    stage
}

async fn next(store: &Store, report: &Report, command: Command) -> Report {
    store.append(report.id(), report.revision(), &[entry(command)]).await.unwrap()
}

/// A line of a model's draft.
fn drafted(section: SectionKind, id: &str) -> Entry {
    let region = (section == SectionKind::Findings).then_some(Region::Lungs);
    let sentence = ProposedText { id: SentenceId::new(id), text: "The lungs are clear.".to_owned(), region };
    entry(Command::Propose {
        proposal: ProposalId::new("p1"),
        pack: PackHash::new("abc"),
        demo: true,
        section,
        sentences: vec![sentence],
    })
}

#[tokio::test]
async fn a_study_is_new_drafted_begun_and_signed() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    assert_eq!(stage(&store).await, ReadingStage::New);
    let report = with_report(&store, "r1").await;
    assert_eq!(stage(&store).await, ReadingStage::New, "opened, and nothing written");
    store.begin_proposal(&proposal("p1")).await.unwrap();
    assert_eq!(stage(&store).await, ReadingStage::New, "a model is at it");
    store.finish_proposal(&ProposalId::new("p1"), &outcome()).await.unwrap();
    let lines = [drafted(SectionKind::Findings, "f"), drafted(SectionKind::Impression, "i")];
    let report = store.append(report.id(), report.revision(), &lines).await.unwrap();
    assert_eq!(stage(&store).await, ReadingStage::Drafted);
    let report = next(&store, &report, Command::Accept { id: SentenceId::new("f") }).await;
    assert_eq!(stage(&store).await, ReadingStage::Begun, "a person has reviewed a sentence");
    let report = next(&store, &report, Command::Accept { id: SentenceId::new("i") }).await;
    let report = next(&store, &report, Command::MarkPreliminary).await;
    assert_eq!(stage(&store).await, ReadingStage::Begun);
    let report = sign_it(&store, &report, "v1").await.unwrap();
    assert_eq!(stage(&store).await, ReadingStage::Signed);
    let report = next(&store, &report, Command::Reopen { kind: VersionKind::Addendum }).await;
    assert_eq!(stage(&store).await, ReadingStage::Begun);
    next(&store, &report, Command::Cancel).await;
    assert_eq!(stage(&store).await, ReadingStage::Signed, "an addendum that was given up");
}

#[tokio::test]
async fn what_a_person_writes_before_any_draft_is_begun() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    write(&store, &report).await;
    assert_eq!(stage(&store).await, ReadingStage::Begun);
}

#[tokio::test]
async fn a_report_that_was_given_up_makes_way_for_another() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let own = NewProposal { report: Some(ReportId::new("r1")), ..proposal("p1") };
    store.begin_proposal(&own).await.unwrap();
    store.finish_proposal(&ProposalId::new("p1"), &outcome()).await.unwrap();
    assert_eq!(stage(&store).await, ReadingStage::Drafted);
    next(&store, &report, Command::Cancel).await;
    assert_eq!(stage(&store).await, ReadingStage::Cancelled);
    store.create_report(&ReportId::new("r2"), STUDY, &template(), &ada().id, later(20)).await.unwrap();
    assert_eq!(stage(&store).await, ReadingStage::New, "the draft was the other one's");
}

#[tokio::test]
async fn a_folder_from_before_the_stages_were_kept_gets_them() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let report = write(&store, &report).await;
    sign_it(&store, &report, "v1").await.unwrap();
    let before =
        "DROP TRIGGER studies_stage_begins; DROP TRIGGER studies_stage_steps; DROP TRIGGER studies_stage_drafted;
        DROP VIEW study_stages; DROP INDEX studies_in_order; ALTER TABLE studies DROP COLUMN stage;
        CREATE INDEX studies_in_order ON studies (date); DELETE FROM _sqlx_migrations WHERE version = 13";
    assert_eq!(raw(&store, before).await, "ok");
    store.close().await.unwrap();
    drop(store);
    let store = reopen(temp.path()).await;
    assert_eq!(stage(&store).await, ReadingStage::Signed);
}
