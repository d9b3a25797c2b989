//! Model packs through the handlers.

use super::{Fake, common};
use hilum_app::commands::{audit, models, session};
use hilum_app::dto::AppEvent;
use hilum_app::{App, StartOptions};
use std::sync::{Arc, Mutex};

/// A model is chosen, refused, cancelled, added, used and removed without a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_added_while_the_window_is_open() {
    common::use_demo_packs();
    let root = tempfile::tempdir().expect("a folder");
    let download = root.path().join("MedSigLIP tiny");
    hilum_testkit::siglip::TinySiglip::references()[0].1.write(&download).expect("a model");
    let fake =
        Fake { files: vec![], folder: Some(download.clone()), save: root.path().into(), events: Mutex::default() };
    let host = Arc::new(fake);
    let data = root.path().join("data");
    let app = Arc::new(App::new(StartOptions { data: data.clone(), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");

    let ended = |job: String| {
        let host = host.clone();
        async move {
            host.wait("end of the addition", 120, |e| match e {
                AppEvent::PackAdded { job: of, id } if *of == job => Some(Ok(id.clone())),
                AppEvent::PackFailed { job: of, code, .. } if *of == job => Some(Err(code.clone())),
                _ => None,
            })
            .await
        }
    };
    let in_use = async || {
        let packs = models::models(&app).await.expect("models");
        packs.into_iter().find(|p| p.kind == "medsiglip" && p.in_use).map(|p| p.id)
    };
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));

    // A pickle beside the weights: said at once, and there is nothing to add.
    std::fs::write(download.join("pytorch_model.bin"), "x").expect("a file");
    let refused = models::pack_choose(&app).await.expect("a choice").expect("a candidate");
    assert_eq!(refused.problem.expect("a problem").code, "pack.pickle_refused");
    let unknown = models::pack_add(&app, refused.token, "none".into(), true).await;
    assert_eq!(unknown.expect_err("unknown").code, "pack.not_chosen");
    std::fs::remove_file(download.join("pytorch_model.bin")).expect("removed");

    let found = models::pack_choose(&app).await.expect("a choice").expect("a candidate");
    assert_eq!((found.kind.as_str(), found.problem.is_none(), found.demo), ("medsiglip", true, false));
    assert!(found.terms.contains("Health AI Developer Foundations") && found.quantize == ["none"]);
    assert!(!found.token.contains("tiny"), "the window is given no path");
    let add =
        async |accepted| models::pack_add(&app, found.token.clone(), "none".into(), accepted).await.expect("a job");
    assert_eq!(ended(add(false).await).await, Err("pack.terms".into()));

    // A card of zeros that the disk need not hold gives time to cancel.
    let card = std::fs::File::create(download.join("README.md")).expect("a file");
    card.set_len(4 << 30).expect("a length");
    let job = add(true).await;
    host.wait("the copy", 60, |e| match e {
        AppEvent::PackProgress { job: of, fraction: Some(_), .. } if *of == job => Some(()),
        _ => None,
    })
    .await;
    models::pack_add_cancel(&app, job.clone()).await.expect("cancelled");
    assert_eq!(ended(job).await, Err("pack.cancelled".into()));
    let left: Vec<_> =
        std::fs::read_dir(data.join("packs")).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, [".lock"], "nothing half-added is left");
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));

    std::fs::write(download.join("README.md"), "a card").expect("a file");
    let id = ended(add(true).await).await.expect("added");
    assert_eq!((id.as_str(), in_use().await.as_deref()), ("medsiglip-tiny", Some("medsiglip-tiny")));
    let packs = models::models(&app).await.expect("models");
    assert!(packs.iter().any(|p| p.id == id && p.terms_accepted_at.is_some() && p.card.as_deref() == Some("a card")));
    let engines = models::engines(&app).await.expect("engines");
    assert!(engines.iter().any(|e| e.role == "encode" && !e.demo));

    // Its files are read through, with progress, and that can be stopped.
    let check = format!("verify {id}");
    let card = std::fs::OpenOptions::new().write(true).open(data.join("packs").join(&id).join("README.md"));
    let card = card.expect("the card");
    card.set_len(4 << 30).expect("a length");
    let verifying = tokio::spawn({
        let (app, id) = (app.clone(), id.clone());
        async move { models::verify_model(&app, id).await }
    });
    host.wait("the check", 60, |e| match e {
        AppEvent::PackProgress { job: of, fraction: Some(_), .. } if *of == check => Some(()),
        _ => None,
    })
    .await;
    models::pack_add_cancel(&app, check.clone()).await.expect("cancelled");
    let stopped = verifying.await.expect("it ended").expect_err("stopped");
    assert_eq!(stopped.code, "pack.cancelled");
    card.set_len("a card".len() as u64).expect("a length");
    models::verify_model(&app, id.clone()).await.expect("whole");
    host.wait("the end of the check", 10, |e| match e {
        AppEvent::PackProgress { job: of, fraction: Some(done), .. } if *of == check && *done >= 1.0 => Some(()),
        _ => None,
    })
    .await;

    let kept = models::pack_remove(&app, "medsiglip-demo".into()).await;
    assert_eq!(kept.expect_err("built in").code, "pack.read_only");
    models::pack_remove(&app, id.clone()).await.expect("removed");
    assert_eq!(in_use().await.as_deref(), Some("medsiglip-demo"));
    let lines = audit::audit(&app, 50, None, Default::default()).await.expect("lines");
    for action in ["pack.add", "pack.remove"] {
        assert!(lines.iter().any(|l| l.action == action && l.object == id), "{action} is in the chain");
    }
    session::lock(&app).await.expect("locked");
    assert_eq!(models::pack_remove(&app, id).await.expect_err("locked").code, "vault.locked");
    app.close().await;
}
