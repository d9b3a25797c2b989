//! A desk: the folders of one try, the app on them, and a host that is a list of events.

use async_trait::async_trait;
use hilum_app::commands::{backup, reports, session, settings, signing, studies};
use hilum_app::dto::{AppError, AppEvent, EditCommand, SectionName, SignRequest};
use hilum_app::{App, Host, StartOptions};
use hilum_report::UserId;
use hilum_store::{DataFolder, KdfParams, NewUser, Role, Store, StoreError};
use hilum_testkit::dicom::{self, DicomFile};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

pub const NAME: &str = "Dr A. Reader";
pub const PASSPHRASE: &str = "a long passphrase";
/// The cost of a passphrase is not what is tried here.
pub const CHEAP: KdfParams = KdfParams { memory_kib: 64, passes: 1, lanes: 1 };

/// Sentences that are saved in one go, and how their ids begin; those of one save are the same up to their last dash.
pub const SAVED: usize = 8;
pub const SAVE: &str = "save-";

/// The folders of one try.
#[derive(Clone)]
pub struct Place {
    pub data: PathBuf,
    pub out: PathBuf,
    pub incoming: PathBuf,
    pub backups: PathBuf,
}

impl Place {
    pub fn of(root: &Path) -> Place {
        let folder = |name: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(&path).expect("a folder");
            path
        };
        Place { data: root.join("data"), out: folder("out"), incoming: folder("incoming"), backups: folder("backups") }
    }

    /// A data folder with its user.
    pub async fn make_user(&self) {
        let folder = DataFolder::open_with(&self.data, CHEAP).expect("a data folder");
        let user = NewUser { id: UserId::new("u-reader"), name: NAME.to_owned(), role: Role::Radiologist };
        let (store, _) = folder.create(user, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("a store");
        store.close().await.expect("to close");
    }

    /// The data folder unlocked, as soon as whoever was killed has let go of it.
    pub async fn unlock(&self) -> Store {
        unlock(&self.data).await
    }
}

pub async fn unlock(data: &Path) -> Store {
    hold(data).await.unlock(NAME, PASSPHRASE, OffsetDateTime::now_utc()).await.expect("the store")
}

/// The data folder as soon as whoever had it has let go of it.
pub async fn hold(data: &Path) -> DataFolder {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match DataFolder::open(data) {
            Ok(folder) => return folder,
            Err(StoreError::InUse(_)) if Instant::now() < until => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(e) => panic!("{e}"),
        }
    }
}

/// What stands for the desktop: dialogs answer with what is set here, events are kept.
#[derive(Default)]
pub struct Desk {
    pub files: Mutex<Vec<PathBuf>>,
    pub folder: Mutex<Option<PathBuf>>,
    pub save: Mutex<Option<PathBuf>>,
    events: Mutex<Vec<AppEvent>>,
}

#[async_trait]
impl Host for Desk {
    fn emit(&self, event: AppEvent) {
        self.events.lock().expect("events").push(event);
    }

    async fn choose_files(&self) -> Option<Vec<PathBuf>> {
        Some(self.files.lock().expect("files").clone())
    }

    async fn choose_folder(&self, _title: &str) -> Option<PathBuf> {
        self.folder.lock().expect("a folder").clone()
    }

    async fn choose_save(&self, _proposed: &str) -> Option<PathBuf> {
        self.save.lock().expect("a file").clone()
    }
}

impl Desk {
    /// Waits for an event that `pick` wants, and takes all that came before it.
    pub async fn wait<T>(&self, what: &str, pick: impl Fn(&AppEvent) -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            {
                let mut events = self.events.lock().expect("events");
                if let Some((at, found)) = events.iter().enumerate().find_map(|(at, e)| pick(e).map(|found| (at, found))) {
                    events.drain(..=at);
                    return found;
                }
            }
            assert!(Instant::now() < until, "no {what}: {:?}", self.events.lock().expect("events"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// The app on a place, unlocked, with a person who types, imports, signs, exports and backs up.
pub struct Reader {
    pub app: Arc<App>,
    pub desk: Arc<Desk>,
    pub place: Place,
    made: u32,
}

/// A report that is being written.
#[derive(Clone)]
pub struct Open {
    pub id: String,
    pub revision: f64,
}

impl Reader {
    pub async fn at(place: &Place) -> Result<Reader, AppError> {
        let desk = Arc::new(Desk::default());
        let app = Arc::new(App::new(StartOptions { data: place.data.clone(), open: None }, desk.clone()));
        session::unlock(&app, NAME.into(), PASSPHRASE.into()).await?;
        Ok(Reader { app, desk, place: place.clone(), made: 0 })
    }

    /// Imports a small radiograph as a study of its own; its UID.
    pub async fn import(&mut self) -> Result<String, AppError> {
        self.made += 1;
        let number = format!("{}.{}", std::process::id(), self.made);
        let (study, file) = radiograph(&number, &self.place.incoming);
        *self.desk.files.lock().expect("files") = vec![file];
        studies::import_files(&self.app).await?;
        let (imported, code) = self
            .desk
            .wait("end of the import", |e| match e {
                AppEvent::ImportDone { imported, .. } => Some((*imported, String::new())),
                AppEvent::ImportProgress { file, .. } if file.verdict == "refused" => {
                    Some((0, file.code.clone().unwrap_or_default()))
                }
                _ => None,
            })
            .await;
        if imported == 1 { Ok(study) } else { Err(AppError { code, detail: String::new() }) }
    }

    /// The same for whoever goes on while somebody else waits for events, and takes all of them: the study is asked for until
    /// it is there. Its UID and its report, which has begun.
    pub async fn import_beside(&self, number: u32) -> Result<(String, Open), AppError> {
        let (study, file) = radiograph(&format!("{}.0.{number}", std::process::id()), &self.place.incoming);
        studies::import_dropped(&self.app, vec![file]).await?;
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match self.report(&study).await {
                Ok(open) => return Ok((study, open)),
                Err(e) if e.code == "store.not_found" && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(e) => return Err(e),
            }
        }
    }

    pub async fn report(&self, study: &str) -> Result<Open, AppError> {
        let view = reports::report_view(&self.app, study.to_owned()).await?;
        Ok(Open { id: view.id, revision: view.revision })
    }

    /// Types a sentence; its id.
    pub async fn type_into(&self, open: &mut Open, section: SectionName, text: &str) -> Result<String, AppError> {
        let id = format!("s-{}-{}-{}", std::process::id(), open.id, open.revision);
        let view =
            reports::report_edit(&self.app, open.id.clone(), open.revision, vec![insert(section, &id, text)]).await?;
        open.revision = view.revision;
        Ok(id)
    }

    /// Saves several sentences in one go, as the editor does after a pause; their ids, which show that they belong together.
    pub async fn save(&self, open: &mut Open, section: SectionName, text: &str) -> Result<Vec<String>, AppError> {
        let ids = sentences_of_a_save(open);
        let inserts = ids.iter().map(|id| insert(section, id, text)).collect();
        let view = reports::report_edit(&self.app, open.id.clone(), open.revision, inserts).await?;
        open.revision = view.revision;
        Ok(ids)
    }

    /// Types what a signature needs, with findings in it: signing keeps what was held against each.
    pub async fn prepare(&self, open: &mut Open) -> Result<(), AppError> {
        for section in [SectionName::Findings, SectionName::Impression] {
            self.type_into(open, section, "No pleural effusion or pneumothorax.").await?;
        }
        Ok(())
    }

    /// Signs a report as it stands; the version and the hash of its document.
    pub async fn sign_as_it_stands(&self, open: &Open) -> Result<(String, String), AppError> {
        let request = SignRequest {
            report_id: open.id.clone(),
            revision: open.revision,
            passphrase: PASSPHRASE.into(),
            patient_confirmed: true,
            accession_confirmed: true,
        };
        let signed = signing::sign(&self.app, request).await?;
        Ok((signed.version_id, signed.pdf_sha256))
    }

    /// Signs a report, with what a signature needs typed first.
    pub async fn sign(&self, open: &mut Open) -> Result<(String, String), AppError> {
        self.prepare(open).await?;
        self.sign_as_it_stands(open).await
    }

    /// Exports a signed version as `out/VERSION.pdf`.
    pub async fn export(&self, version: &str) -> Result<PathBuf, AppError> {
        let path = self.place.out.join(format!("{version}.pdf"));
        *self.desk.save.lock().expect("a file") = Some(path.clone());
        signing::save_pdf(&self.app, version.to_owned()).await?;
        Ok(path)
    }

    /// Says where backups go.
    pub async fn choose_backups(&self, keep: u32) -> Result<(), AppError> {
        *self.desk.folder.lock().expect("a folder") = Some(self.place.backups.clone());
        let mut now = backup::backup_choose(&self.app).await?.expect("the dialog answers");
        now.backup_keep = keep;
        settings::set_settings(&self.app, now).await.map(drop)
    }

    /// Makes a backup; the folder of the newest one afterwards.
    pub async fn back_up(&self) -> Result<PathBuf, AppError> {
        backup::backup_start(&self.app).await?;
        let made = self.desk.wait("end of the backup", |e| match e {
            AppEvent::BackupDone { .. } => Some(Ok(())),
            AppEvent::BackupFailed { code, detail } => Some(Err(AppError { code: code.clone(), detail: detail.clone() })),
            _ => None,
        });
        made.await?;
        Ok(hilum_store::backups(&self.place.backups).expect("a backup")[0].folder.clone())
    }

    pub async fn lock(&self) -> Result<(), AppError> {
        session::lock(&self.app).await.map(drop)
    }

    pub async fn unlock(&self) -> Result<(), AppError> {
        session::unlock(&self.app, NAME.into(), PASSPHRASE.into()).await.map(drop)
    }

    /// Puts the newest backup in the place of what is there; only while locked.
    pub async fn restore(&self) -> Result<(), AppError> {
        *self.desk.folder.lock().expect("a folder") = Some(self.place.backups.clone());
        let choice = backup::restore_choose(&self.app).await?.expect("a folder was chosen");
        backup::restore_start(&self.app, choice.token, NAME.into(), PASSPHRASE.into(), false).await?;
        let restored = self.desk.wait("end of the restoring", |e| match e {
            AppEvent::RestoreDone { .. } => Some(Ok(())),
            AppEvent::BackupFailed { code, detail } => Some(Err(AppError { code: code.clone(), detail: detail.clone() })),
            _ => None,
        });
        restored.await
    }
}

fn insert(section: SectionName, id: &str, text: &str) -> EditCommand {
    let (after, region, from) = (None, None, None);
    EditCommand::Insert { section, after, id: id.to_owned(), text: text.to_owned(), region, from }
}

/// The ids of the sentences with which a report would be saved as it is now.
pub fn sentences_of_a_save(open: &Open) -> Vec<String> {
    (0..SAVED).map(|n| format!("{SAVE}{}-{}-{}-{n}", std::process::id(), open.id, open.revision)).collect()
}

/// A small radiograph with UIDs of its own; the study's UID and the file.
fn radiograph(number: &str, folder: &Path) -> (String, PathBuf) {
    let study = format!("2.25.71.{number}");
    let file = DicomFile::radiograph(128, 128, 12, |row, column| ((row * column) % 4096) as u16)
        .text(dicom::STUDY_UID, b"UI", &study)
        .text(dicom::SERIES_UID, b"UI", &format!("2.25.72.{number}"))
        .text(dicom::INSTANCE_UID, b"UI", &format!("2.25.73.{number}"))
        .text(dicom::PATIENT_ID, b"LO", &format!("GUARD{number}"));
    let path = folder.join(format!("{number}.dcm"));
    std::fs::write(&path, file.write()).expect("a study");
    (study, path)
}
