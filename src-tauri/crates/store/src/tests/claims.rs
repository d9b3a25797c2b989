//! Claims and evidence are kept once, read back whole, and only added.

use super::setup::*;
use crate::{KeptClaim, KeptEvidence, Source, Store};
use hilum_report::claims::label;
use hilum_report::evidence::{Answer, Support};
use hilum_report::{PackHash, ReportId, SentenceId};
use serde_json::json;

fn claims(text: &str) -> Vec<KeptClaim> {
    label(text)
        .into_iter()
        .map(|mut claim| {
            claim.span = 0..0;
            KeptClaim {
                report: ReportId::new("r1"),
                sentence: SentenceId::new("s"),
                text: text.to_owned(),
                claim,
                at: later(5),
            }
        })
        .collect()
}

fn evidence(source: Source) -> KeptEvidence {
    KeptEvidence {
        instance_uid: INSTANCE.to_owned(),
        pack_id: "demo".to_owned(),
        pack_hash: PackHash::new("abc"),
        source,
        detail: json!({ "tokens": [1, 2] }),
        at: later(6),
    }
}

fn asked(question: &str, yes: Option<bool>) -> Source {
    let answer = Answer { yes, yes_logprob: -0.5, no_logprob: f64::MIN };
    Source::Requery { question: question.to_owned(), answer }
}

async fn keep(store: &Store, text: &str, sources: &[Source]) {
    let held: Vec<KeptEvidence> = sources.iter().cloned().map(evidence).collect();
    let kept: Vec<_> = claims(text).into_iter().map(|claim| (claim, held.clone())).collect();
    store.keep_claims(&kept).await.expect("kept");
}

#[tokio::test]
async fn what_is_kept_is_read_back_once() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    let score = Source::Encoder(Support { difference: -0.125, softmax: 0.25 });
    let question = asked("Is there a left pleural effusion?", Some(true));
    let text = "New small left effusion; NG tube, no pneumothorax.";
    keep(&store, text, std::slice::from_ref(&score)).await;
    keep(&store, text, &[score.clone(), question.clone()]).await;
    keep(&store, "No effusion.", &[asked("Is there a pleural effusion?", None)]).await;

    let kept = store.kept_claims(report.id()).await.unwrap();
    let found: Vec<KeptClaim> = kept.iter().map(|(claim, _)| claim.clone()).collect();
    let expected: Vec<KeptClaim> = [claims(text), claims("No effusion.")].concat();
    assert_eq!(found, expected);
    assert_eq!(kept[0].1, [evidence(score), evidence(question)]);
    assert_eq!(kept[3].1, [evidence(asked("Is there a pleural effusion?", None))]);

    let answers = store.answers(INSTANCE, &PackHash::new("abc")).await.unwrap();
    let questions: Vec<_> = answers.iter().map(|(q, a)| (q.as_str(), a.yes)).collect();
    assert_eq!(
        questions,
        [("Is there a left pleural effusion?", Some(true)), ("Is there a pleural effusion?", None)],
    );
    assert!(store.answers(INSTANCE, &PackHash::new("other")).await.unwrap().is_empty());
    assert!(store.answers("other", &PackHash::new("abc")).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_that_was_kept_changes() {
    let temp = tempfile::tempdir().unwrap();
    let (_, store, _) = create(temp.path()).await;
    with_study(&store).await;
    let report = with_report(&store, "r1").await;
    keep(&store, "No effusion.", &[asked("Is there a pleural effusion?", Some(false))]).await;
    let before = store.kept_claims(report.id()).await.unwrap();
    for (sql, words) in [
        ("UPDATE claims SET presence = 'present'", "claims are only added"),
        ("DELETE FROM claims", "claims are only added"),
        ("UPDATE evidence SET answer = 'yes'", "evidence is only added"),
        ("DELETE FROM evidence", "evidence is only added"),
        ("DELETE FROM instances", "FOREIGN KEY"),
        ("INSERT INTO evidence (claim_id, source, instance_uid, pack_id, pack_hash, detail, taken_at)
          VALUES (1, 'encoder', '1.2.3.1.1.1', 'p', 'h', '{}', 'now')", "CHECK"),
        ("INSERT INTO claims (report_id, sentence_id, text, finding, presence, temporal, claimed_at)
          VALUES ('r1', 's', 't', 'edema', 'maybe', '[]', 'now')", "CHECK"),
    ] {
        let error = raw(&store, sql).await;
        assert!(error.contains(words), "{sql}: {error}");
    }
    assert_eq!(store.kept_claims(report.id()).await.unwrap(), before);
    let stranger = KeptClaim { report: ReportId::new("none"), ..claims("No effusion.").remove(0) };
    assert_eq!(code(store.keep_claims(&[(stranger, Vec::new())]).await), "store.database");
}
