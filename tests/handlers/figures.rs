//! What is printed with a report: images, measurements, a logo; and a time stamp that does not come.

use super::{Fake, certificate_of, common};
use hilum_app::commands::{audit, printing, reading, reports, session, signing, studies};
use hilum_app::dto::{Annotation, AnnotationKind, EditCommand, FigureChoice, SectionName, SignRequest};
use hilum_app::{App, StartOptions};
use std::sync::{Arc, Mutex};

/// A report is printed with the images, measurements and logo that a person chose; a time-stamp server
/// that does not answer signs nothing, and the person may go on without.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_printed_and_stamped_as_a_person_chose() {
    common::use_demo_packs();
    let data = tempfile::tempdir().expect("a folder");
    let out = tempfile::tempdir().expect("a folder");
    let radiograph = common::radiographs().remove(0);
    std::fs::copy(&radiograph, out.path().join("image.dcm")).expect("a copy");
    let logo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("icons/128x128.png");
    let host = Arc::new(Fake {
        files: vec![logo],
        folder: Some(out.path().to_owned()),
        save: out.path().join("report"),
        events: Mutex::default(),
    });
    let app = Arc::new(App::new(StartOptions { data: data.path().join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    studies::import_folder(&app).await.expect("an import").expect("a job");
    let uids = host.imported().await;
    let study = studies::open_study(&app, uids[0].clone()).await.expect("a study");
    let image = study.images[0].instance_uid.clone();
    let mut report = reports::report_view(&app, uids[0].clone()).await.expect("a report");
    let id = report.id.clone();
    for section in [SectionName::Exam, SectionName::Findings, SectionName::Impression] {
        let typed = EditCommand::Insert {
            section,
            after: None,
            id: format!("typed-{section:?}"),
            text: "The heart is enlarged.".into(),
            region: None,
            from: None,
        };
        report = reports::report_edit(&app, id.clone(), report.revision, vec![typed]).await.expect("an edit");
    }
    assert!(report.needs.is_empty(), "{:?}", report.needs);

    // A mark with a measurement, and one of an image that is not this study's.
    let mark = |id: &str, label: &str, measured: &[&str]| Annotation {
        id: id.into(),
        instance_uid: image.clone(),
        kind: AnnotationKind::Length,
        points: vec![[100.5, 100.5], [300.5, 220.5]],
        label: label.into(),
        measured: measured.iter().map(|m| (*m).to_owned()).collect(),
        spacing: Some("imager".into()),
    };
    reading::annotation_put(&app, mark("m1", "heart", &["148 mm"])).await.expect("a mark");
    let first = printing::figures(&app, id.clone()).await.expect("figures");
    assert_eq!((first.images.as_slice(), first.measurements.len()), (&[image.clone()][..], 0));
    let plain = signing::draft_preview_pdf(&app, id.clone()).await.expect("a preview");
    let choice = FigureChoice {
        images: vec![image.clone(), "1.2.3".into(), image.clone()],
        measurements: vec!["m1".into(), "nothing".into()],
    };
    let kept = printing::set_figures(&app, id.clone(), choice).await.expect("kept");
    assert_eq!(kept, FigureChoice { images: vec![image.clone()], measurements: vec!["m1".into()] });
    assert_eq!(printing::figures(&app, id.clone()).await.expect("figures"), kept);
    assert!(printing::logo(&app).await.expect("no logo").is_empty());
    assert!(printing::logo_choose(&app).await.expect("a logo"));
    assert_eq!(printing::logo(&app).await.expect("a logo").len(), 8 + 128 * 128 * 3);
    let chosen = signing::draft_preview_pdf(&app, id.clone()).await.expect("a preview");
    let has = |pdf: &[u8], words: &[u8]| pdf.windows(words.len()).any(|w| w == words);
    assert!(has(&chosen, b"/Logo") && !has(&plain, b"/Logo"));
    assert!(has(&chosen, b"/KeyImage1") && has(&plain, b"/KeyImage1"));
    let text = |pdf: &[u8]| {
        let path = out.path().join("preview.pdf");
        std::fs::write(&path, pdf).expect("written");
        let read =
            std::process::Command::new("pdftotext").args(["-layout", path.to_str().expect("a path"), "-"]).output();
        read.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    if let (Some(chosen), Some(plain)) = (text(&chosen), text(&plain)) {
        assert!(
            chosen.contains("Measurements") && chosen.contains("Length: heart") && chosen.contains("148 mm"),
            "{chosen}"
        );
        assert!(chosen.contains("Imager Pixel Spacing"), "{chosen}");
        assert!(!plain.contains("Length: heart"), "{plain}");
    }

    let wrong = printing::set_time_stamp_url(&app, "https://tsa.example.org".into()).await;
    assert_eq!(wrong.expect_err("an address").code, "timestamp.address");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let set = printing::set_time_stamp_url(&app, format!("http://{free}/tsr")).await.expect("set");
    assert!(set.certificate.is_empty());
    let request = || SignRequest {
        report_id: id.clone(),
        revision: report.revision,
        passphrase: "long enough".into(),
        patient_confirmed: true,
        accession_confirmed: true,
    };
    let refused = signing::sign(&app, request()).await.expect_err("nobody there");
    assert_eq!(refused.code, "timestamp.unreachable");
    let now = reports::report_view(&app, uids[0].clone()).await.expect("a report");
    assert_eq!(now.revision, report.revision, "nothing was signed");
    let signed = signing::sign_without_time_stamp(&app, request()).await.expect("a signature");
    let pdf = signing::signed_pdf(&app, signed.version_id.clone()).await.expect("the document");
    let checked = hilum_export::verify::verify(&pdf, &[certificate_of(&data.path().join("data"))]);
    assert!(checked.is_ok() && checked.stamped_at.is_none(), "{checked:?}");
    let lines = audit::audit(&app, 200, None, Default::default()).await.expect("lines");
    for action in ["letterhead.logo", "report.figures", "report.sign"] {
        assert!(lines.iter().any(|l| l.action == action), "{action} is in the chain");
    }
    printing::logo_remove(&app).await.expect("removed");
    assert!(printing::logo(&app).await.expect("no logo").is_empty());
    app.close().await;
}
