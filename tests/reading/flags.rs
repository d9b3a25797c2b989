//! What the checks know of a case when a person types: patient, images, priors and measurements as an import and the
//! reading room leave them in the store. The guard of wrong drafts says itself what is known; here the app has to find
//! it out.

use super::{Fake, imported};
use hilum_app::commands::{reading, reports, session};
use hilum_app::dto::SectionName::{Comparison, Exam, Findings, Impression, Indication, Technique};
use hilum_app::dto::{Annotation, AnnotationKind, EditCommand, ReportView, SectionName};
use hilum_app::{App, StartOptions};
use hilum_testkit::dicom::{
    ACCESSION_NUMBER, DicomFile, EXPLICIT_LE, INSTANCE_UID, PATIENT_BIRTH_DATE, PATIENT_ID, PATIENT_NAME, PATIENT_SEX,
    SERIES_UID, STUDY_DATE, STUDY_UID,
};
use std::path::Path;
use std::sync::Arc;

/// What the header of the one image says.
struct Header {
    number: u32,
    name: &'static str,
    sex: &'static str,
    view: &'static str,
    laterality: &'static str,
}

impl Header {
    fn study(&self) -> String {
        format!("2.25.4711.{}", self.number)
    }

    /// A radiograph of a patient of 58 years with these tags.
    fn file(&self) -> Vec<u8> {
        let shade = self.number;
        let study = self.study();
        let file = DicomFile::radiograph(64, 48, 12, move |row, column| (row * 40 + column + shade) as u16)
            .text(0x0008_0060, b"CS", "DX")
            .text(0x0010_1010, b"AS", "058Y")
            .text(0x0018_0015, b"CS", "CHEST")
            .text(0x0018_5101, b"CS", self.view)
            .text(0x0020_0062, b"CS", self.laterality)
            .text(PATIENT_ID, b"LO", &format!("P-20481{}", self.number))
            .text(PATIENT_NAME, b"PN", self.name)
            .text(PATIENT_BIRTH_DATE, b"DA", "19660302")
            .text(ACCESSION_NUMBER, b"SH", &format!("A9003{}", self.number))
            .text(STUDY_DATE, b"DA", "20241105")
            .text(STUDY_UID, b"UI", &study)
            .text(SERIES_UID, b"UI", &format!("{study}.1"))
            .text(INSTANCE_UID, b"UI", &format!("{study}.1.1"));
        let file = match self.sex {
            "" => file.without(PATIENT_SEX),
            sex => file.text(PATIENT_SEX, b"CS", sex),
        };
        file.write_as(EXPLICIT_LE)
    }
}

/// The app with the study imported, and its report with a clean sentence in Findings and in Impression.
async fn begun(folder: &Path, header: &Header) -> (Arc<App>, ReportView) {
    let host = Arc::new(Fake::default());
    let app = Arc::new(App::new(StartOptions { data: folder.join("data"), open: None }, host.clone()));
    session::create_first_user(&app, "Dr A. Reader".into(), "long enough".into()).await.expect("a user");
    let path = folder.join("image.dcm");
    std::fs::write(&path, header.file()).expect("a file");
    let (_, files) = imported(&app, &host, vec![path]).await;
    assert_eq!(files, [("image.dcm".to_owned(), "imported".to_owned(), None)]);
    let report = reports::report_view(&app, header.study()).await.expect("a report");
    let clean = vec![
        insert(Findings, "findings", "The trachea is midline."),
        insert(Impression, "impression", "Heart size is normal."),
    ];
    let report = reports::report_edit(&app, report.id.clone(), report.revision, clean).await.expect("an edit");
    assert!(report.flags.is_empty(), "before anything is wrong: {:?}", report.flags);
    (app, report)
}

fn insert(section: SectionName, id: &str, text: &str) -> EditCommand {
    EditCommand::Insert { section, after: None, id: id.into(), text: text.into(), region: None, from: None }
}

/// Sentences that are typed together, each into its section, and the code with which one of them is flagged; "" where
/// none is.
type Case = (&'static [(SectionName, &'static str)], &'static str);

/// Types each case into the report, looks at the flags that come back, and takes it out again.
async fn check(app: &App, mut report: ReportView, cases: &[Case]) -> ReportView {
    for (at, (sentences, code)) in cases.iter().enumerate() {
        // An id that was taken out would bring its sentence back.
        let ids: Vec<String> = (0..sentences.len()).map(|n| format!("case-{}-{at}-{n}", report.revision)).collect();
        let typed = ids.iter().zip(*sentences).map(|(id, (section, text))| insert(*section, id, text)).collect();
        let with = reports::report_edit(app, report.id.clone(), report.revision, typed).await.expect("an edit");
        let codes: Vec<&str> = with
            .flags
            .iter()
            .filter(|flag| flag.sentence_ids.iter().any(|one| ids.contains(one)))
            .map(|flag| flag.code.as_str())
            .collect();
        match *code {
            "" => assert!(codes.is_empty(), "{sentences:?}: {:?}", with.flags),
            code => assert!(codes.contains(&code), "{sentences:?}: {code} is not in {:?}", with.flags),
        }
        let remove = ids.into_iter().map(|id| EditCommand::Remove { id }).collect();
        report = reports::report_edit(app, with.id.clone(), with.revision, remove).await.expect("an edit");
        assert!(report.flags.is_empty(), "after {sentences:?}: {:?}", report.flags);
    }
    report
}

/// What is wrong in whosever report it stands, of 58 years and with a chest image.
const OF_ANYBODY: &[Case] = &[
    (&[(Exam, "Patient: Anna Huber. Chest radiograph.")], "check.patient"),
    (&[(Exam, "Chest radiograph (Schneider, Anton).")], "check.patient"),
    (&[(Exam, "Chest radiograph, MRN 4711.")], "check.patient"),
    (&[(Exam, "Chest radiograph, accession B17.")], "check.patient"),
    (&[(Exam, "Chest radiograph, DOB 1966-03-12.")], "check.patient"),
    (&[(Exam, "Chest radiograph, DOB 1966-03-02.")], ""),
    (&[(Indication, "A 34-year-old with cough.")], "check.age"),
    (&[(Indication, "A 58-year-old with cough.")], ""),
    (&[(Exam, "Abdominal radiograph.")], "check.body_part"),
    (&[(Findings, "The patella is intact.")], "check.body_part"),
    (&[(Findings, "This is unchanged.")], "check.comparison"),
    (&[(Comparison, "There are no priors."), (Findings, "This is unchanged.")], "check.comparison"),
    (&[(Comparison, "CT of the chest of 3 May 2023."), (Findings, "This is unchanged.")], ""),
    (&[(Comparison, "Outside film of unknown date."), (Findings, "This is unchanged.")], ""),
    (&[(Comparison, "Comparison is made to the initial radiograph."), (Findings, "This is unchanged.")], ""),
    (&[(Findings, "The nodule measures 8 mm.")], "check.not_measured"),
    (&[(Findings, "Cardiothoracic ratio 0.56.")], "check.not_measured"),
    (&[(Findings, "A 700 mm nodule.")], "check.units"),
    (&[(Indication, "Height 175 cm.")], ""),
    (&[(Technique, "Distance of 180 cm.")], ""),
    (&[(Indication, "Fever of 101.4F, h/o M. tuberculosis.")], ""),
    (&[(Indication, "Discussed with Ms Miller, RN, and with Mr Jones.")], ""),
    (&[(Findings, "The tube ends [number] cm above the carina.")], "check.placeholder"),
    (&[(Findings, "Large right tension pneumothorax.")], "check.critical"),
    (&[(Findings, "Large right pneumothorax.")], "check.impression_lacks"),
    (
        &[(Findings, "Right lower lobe pneumonia."), (Impression, "No acute cardiopulmonary abnormality.")],
        "check.no_finding",
    ),
    (&[(Findings, "Small left pleural effusion."), (Findings, "No pleural effusion.")], "check.contradiction"),
    (&[(Findings, "Left lower lobe consolidation."), (Impression, "Right lower lobe consolidation.")], "check.side"),
];

/// Said of a man in the report of whoever it is.
const OF_A_MAN: [Case; 6] = [
    (&[(Exam, "Chest radiograph of a man.")], "check.sex"),
    (&[(Exam, "Chest radiograph. Sex: male.")], "check.sex"),
    (&[(Indication, "A 58-year-old gentleman with cough.")], "check.sex"),
    (&[(Indication, "58M with cough.")], "check.sex"),
    (&[(Indication, "His chest pain began today.")], "check.sex"),
    (&[(Findings, "Metastases of prostate cancer.")], "check.sex"),
];
const OF_A_WOMAN: [Case; 6] = [
    (&[(Exam, "Chest radiograph of a woman.")], "check.sex"),
    (&[(Exam, "Chest radiograph. Sex: female.")], "check.sex"),
    (&[(Indication, "A 58-year-old lady with cough.")], "check.sex"),
    (&[(Indication, "58F with cough.")], "check.sex"),
    (&[(Indication, "Her chest pain began today.")], "check.sex"),
    (&[(Findings, "Metastases of ovarian cancer.")], "check.sex"),
];

fn unflagged(cases: [Case; 6]) -> [Case; 6] {
    cases.map(|(sentences, _)| (sentences, ""))
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_the_report_of_a_woman() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = Header { number: 1, name: "MEIER^KARLA", sex: "F", view: "PA", laterality: "L" };
    let (app, report) = begun(folder.path(), &header).await;
    let report = check(&app, report, OF_ANYBODY).await;
    let report = check(&app, report, &OF_A_MAN).await;
    let report = check(&app, report, &unflagged(OF_A_WOMAN)).await;
    let of_the_image: [Case; 5] = [
        (&[(Technique, "AP portable view of the chest.")], "check.view"),
        (&[(Technique, "PA and lateral views of the chest.")], "check.view"),
        (&[(Technique, "PA view of the chest.")], ""),
        (&[(Exam, "Chest and ribs, right side.")], "check.side"),
        (&[(Exam, "Chest and ribs, left side.")], ""),
    ];
    let report = check(&app, report, &of_the_image).await;

    // A heart and a nodule that were measured in the viewer, and numbers beside them.
    let line = |id: &str, length: &str| Annotation {
        id: id.into(),
        instance_uid: format!("{}.1.1", header.study()),
        kind: AnnotationKind::Length,
        points: vec![[1.0, 2.0], [20.0, 2.0]],
        label: String::new(),
        measured: vec![length.into()],
        spacing: Some("imager".into()),
    };
    reading::annotation_put(&app, line("heart", "148 mm")).await.expect("kept");
    reading::annotation_put(&app, line("nodule", "12 mm")).await.expect("kept");
    let beside: [Case; 5] = [
        (&[(Findings, "The heart measures 14.8 cm across.")], ""),
        (&[(Findings, "The nodule measures 12 mm.")], ""),
        (&[(Findings, "The heart measures 15.8 cm across.")], "check.not_measured"),
        (&[(Findings, "Nodule of 6 x 12 mm.")], "check.not_measured"),
        (&[(Impression, "Nodule of 2 cm.")], "check.not_measured"),
    ];
    let report = check(&app, report, &beside).await;

    let remove = vec![EditCommand::Remove { id: "impression".into() }];
    let report = reports::report_edit(&app, report.id.clone(), report.revision, remove).await.expect("an edit");
    let codes: Vec<&str> = report.flags.iter().map(|flag| flag.code.as_str()).collect();
    assert_eq!(codes, ["check.empty_section"]);
    session::lock(&app).await.expect("locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_in_the_report_of_a_man() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = Header { number: 2, name: "MEIER^KARL", sex: "M", view: "AP", laterality: "R" };
    let (app, report) = begun(folder.path(), &header).await;
    let report = check(&app, report, OF_ANYBODY).await;
    let report = check(&app, report, &OF_A_WOMAN).await;
    let report = check(&app, report, &unflagged(OF_A_MAN)).await;
    let of_the_image: [Case; 4] = [
        (&[(Technique, "PA view of the chest.")], "check.view"),
        (&[(Technique, "AP portable view of the chest.")], ""),
        (&[(Exam, "Chest and ribs, left side.")], "check.side"),
        (&[(Exam, "Chest and ribs, right side.")], ""),
    ];
    check(&app, report, &of_the_image).await;
    session::lock(&app).await.expect("locked");
}

/// Where the header says neither sex, view nor side, nothing is held against the text.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_header_does_not_say_flags_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let header = Header { number: 3, name: "MEIER^TONI", sex: "", view: "", laterality: "" };
    let (app, report) = begun(folder.path(), &header).await;
    let report = check(&app, report, &unflagged(OF_A_WOMAN)).await;
    let report = check(&app, report, &unflagged(OF_A_MAN)).await;
    let of_the_image: [Case; 3] = [
        (&[(Technique, "AP portable view of the chest.")], ""),
        (&[(Exam, "Chest and ribs, left side.")], ""),
        (&[(Exam, "Chest and ribs, right side.")], ""),
    ];
    check(&app, report, &of_the_image).await;
    session::lock(&app).await.expect("locked");
}
