//! The workstation: a data folder, who unlocked it, and the world outside.

use crate::{Clock, Decoder, Drafter, Ids, Scorer, WorkflowError};
use async_recursion::async_recursion as boxed;
use hilum_export::OsRng;
use hilum_export::signature::Identity;
use hilum_report::UserId;
use hilum_store::{DataFolder, NewUser, RecoveryKey, Role, Store, StoreError, User};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// What is outside: passed in, so that tests choose time and ids.
pub struct Outside {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub decoder: Arc<dyn Decoder>,
    /// `None` where no such model is installed.
    pub scorer: Option<Arc<dyn Scorer>>,
    /// `None` where no such model is installed.
    pub drafter: Option<Arc<dyn Drafter>>,
}

/// The models in use. They change when a pack is added or removed, while all else stays.
#[derive(Clone, Default)]
pub struct Models {
    /// `None` where no such model is installed.
    pub scorer: Option<Arc<dyn Scorer>>,
    /// `None` where no such model is installed.
    pub drafter: Option<Arc<dyn Drafter>>,
}

/// What is outside and stays the same for the life of a workstation.
pub(crate) struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub decoder: Arc<dyn Decoder>,
}

/// The whole application without a window.
pub struct Workstation {
    pub(crate) folder: DataFolder,
    pub(crate) outside: Surroundings,
    models: RwLock<Models>,
    store: RwLock<Option<Arc<Store>>>,
    pub(crate) previews: crate::glance::Previews,
    pub(crate) judged: crate::glance::Judged,
    pub(crate) shown: crate::read_first::Shown,
    pub(crate) held: crate::overview::Held,
    pub(crate) reads: crate::auditing::Reads,
    pub(crate) library: crate::similar::Library,
    pub(crate) probes: crate::calibrating::Probes,
}

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionUser {
    pub id: UserId,
    pub name: String,
    /// Signs as preliminary alone.
    pub trainee: bool,
}

/// What the first user is given once.
pub struct FirstUser {
    pub user: SessionUser,
    /// Printable; kept nowhere.
    pub recovery_key: String,
}

/// Fewest characters of a passphrase.
const PASSPHRASE: usize = 8;

impl Workstation {
    /// Takes hold of a data folder, and makes it when it is not there.
    ///
    /// # Errors
    /// `data.in_use` when another process holds it; errors of the file system.
    pub fn open(folder: &Path, outside: Outside) -> Result<Workstation, WorkflowError> {
        let Outside { clock, ids, decoder, scorer, drafter } = outside;
        Ok(Workstation {
            folder: DataFolder::open(folder)?,
            outside: Surroundings { clock, ids, decoder },
            models: RwLock::new(Models { scorer, drafter }),
            store: RwLock::new(None),
            previews: crate::glance::Previews::default(),
            judged: crate::glance::Judged::default(),
            shown: crate::read_first::Shown::default(),
            held: crate::overview::Held::default(),
            reads: crate::auditing::Reads::default(),
            library: crate::similar::Library::default(),
            probes: crate::calibrating::Probes::default(),
        })
    }

    /// From now on these models are used; work that is under way ends with the ones it began with.
    pub fn use_models(&self, models: Models) {
        *self.models.write().unwrap_or_else(PoisonError::into_inner) = models;
    }

    /// The model that scores, where one is installed.
    pub(crate) fn scorer(&self) -> Option<Arc<dyn Scorer>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).scorer.clone()
    }

    /// The model that drafts, where one is installed.
    pub(crate) fn drafter(&self) -> Option<Arc<dyn Drafter>> {
        self.models.read().unwrap_or_else(PoisonError::into_inner).drafter.clone()
    }

    /// False until the first user was made.
    pub fn has_users(&self) -> bool {
        self.folder.has_users()
    }

    pub fn users(&self) -> Vec<SessionUser> {
        self.folder.users().iter().map(SessionUser::of).collect()
    }

    /// Who is logged in; `None` while locked.
    pub fn user(&self) -> Option<SessionUser> {
        self.read_store().as_ref().map(|store| SessionUser::of(store.user()))
    }

    pub fn is_locked(&self) -> bool {
        self.read_store().is_none()
    }

    /// Makes the first user, with a signing key, and leaves the folder unlocked.
    ///
    /// # Errors
    /// `vault.exists`, `vault.weak_passphrase`, `user.empty_name`; `identity.name` for a name that no certificate takes.
    #[boxed]
    pub async fn create_first_user(&self, name: &str, passphrase: &str) -> Result<FirstUser, WorkflowError> {
        self.make_first_user(name, passphrase, None).await
    }

    /// The same, where the user's id is kept as well, under a key of the settings: it is there whenever the user is.
    #[boxed]
    pub(crate) async fn make_first_user(
        &self,
        name: &str,
        passphrase: &str,
        kept_under: Option<&str>,
    ) -> Result<FirstUser, WorkflowError> {
        let user = self.new_user(name, passphrase)?;
        let identity = self.new_identity(&user.name)?;
        let setting = kept_under.map(|key| (key, user.id.as_str()));
        let (store, recovery) = self.folder.create_with(user.clone(), passphrase, self.now(), setting).await?;
        // The recovery key is shown once, now, so nothing after this may fail the call; a
        // signing key that could not be kept is made anew at the next unlocking.
        if let Err(e) = store.set_signing_identity(&user.id, passphrase, identity, self.now()).await {
            tracing::warn!("the signing key could not be kept yet: {}", e.code());
        }
        let session = SessionUser::of(store.user());
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(store));
        Ok(FirstUser { user: session, recovery_key: recovery.to_string() })
    }

    /// # Errors
    /// `vault.locked` for a wrong name or passphrase alike.
    #[boxed]
    pub async fn unlock(&self, name: &str, passphrase: &str) -> Result<SessionUser, WorkflowError> {
        self.lock().await?;
        let store = self.folder.unlock(name, passphrase, self.now()).await?;
        // A user whose signing key could not be made or was lost with the passphrase gets one now.
        if !store.user().has_identity {
            let (id, name) = (store.user().id.clone(), store.user().name.clone());
            // Without one nothing can be signed, but everything can be read.
            if let Err(e) = self.give_identity(&store, &id, &name, passphrase).await {
                tracing::warn!("the signing key could not be made: {}", e.code());
            }
        }
        self.begin(store)
    }

    /// Unlocks by the recovery key, gives the user a new passphrase and a new signing key.
    ///
    /// # Errors
    /// `vault.not_a_recovery_key`, `vault.wrong_recovery_key`, `vault.no_user`, `vault.weak_passphrase`.
    #[boxed]
    pub async fn unlock_with_recovery(
        &self,
        recovery_key: &str,
        name: &str,
        new_passphrase: &str,
    ) -> Result<SessionUser, WorkflowError> {
        check_passphrase(new_passphrase)?;
        let recovery = RecoveryKey::parse(recovery_key)?;
        self.lock().await?;
        let unlocked = self.folder.unlock_with_recovery(&recovery, name, new_passphrase, self.now()).await;
        let store = unlocked.map_err(|e| match e {
            StoreError::Locked => WorkflowError::WrongRecoveryKey,
            other => other.into(),
        })?;
        let (id, name) = (store.user().id.clone(), store.user().name.clone());
        self.give_identity(&store, &id, &name, new_passphrase).await?;
        self.begin(store)
    }

    /// Closes the store and forgets its keys. Locking twice does no harm.
    ///
    /// # Errors
    /// Those of the store's closing; what was acknowledged is kept all the same.
    #[boxed]
    pub async fn lock(&self) -> Result<(), WorkflowError> {
        let store = self.store.write().unwrap_or_else(PoisonError::into_inner).take();
        self.previews.forget();
        self.judged.forget();
        self.shown.forget();
        self.held.forget();
        self.reads.forget();
        let closed = match store {
            Some(store) => store.close().await,
            None => Ok(()),
        };
        // After the store, so that a search under way cannot fill them again.
        self.library.close().await;
        self.probes.close().await;
        Ok(closed?)
    }

    /// # Errors
    /// `vault.user_exists`, `vault.weak_passphrase`, `user.empty_name`, `identity.name`, `vault.locked`.
    #[boxed]
    pub async fn add_user(&self, name: &str, passphrase: &str) -> Result<SessionUser, WorkflowError> {
        self.add_user_as(name, passphrase, Role::Radiologist).await
    }

    /// As [`Workstation::add_user`], with what the user may do.
    ///
    /// # Errors
    /// As [`Workstation::add_user`].
    #[boxed]
    pub async fn add_user_as(&self, name: &str, passphrase: &str, role: Role) -> Result<SessionUser, WorkflowError> {
        let store = self.store()?;
        let user = NewUser { role, ..self.new_user(name, passphrase)? };
        // Made first: a name that no certificate takes is no user.
        let identity = self.new_identity(&user.name)?;
        store.add_user(user.clone(), passphrase, self.now()).await?;
        store.set_signing_identity(&user.id, passphrase, identity, self.now()).await?;
        Ok(SessionUser { id: user.id, name: user.name, trainee: role == Role::Trainee })
    }

    /// Of the user who is logged in.
    ///
    /// # Errors
    /// `vault.locked` when `old` is wrong, `vault.weak_passphrase`.
    #[boxed]
    pub async fn change_passphrase(&self, old: &str, new: &str) -> Result<(), WorkflowError> {
        check_passphrase(new)?;
        let store = self.store()?;
        Ok(store.change_passphrase(&store.user().id, old, new, self.now()).await?)
    }

    /// Gives the user who is logged in the key and certificate of a PKCS#12 file to sign with,
    /// sealed under their passphrase. Returns the name in the certificate.
    ///
    /// # Errors
    /// `pkcs12.wrong_password`, `pkcs12.no_key`, `key.too_weak`, `cert.expired` and the like; `vault.locked`
    /// for a wrong passphrase; the key in use stays then.
    #[boxed]
    pub async fn use_pkcs12(&self, file: &[u8], password: &str, passphrase: &str) -> Result<String, WorkflowError> {
        let store = self.store()?;
        let identity = Identity::from_pkcs12(file, password)?;
        // Said now rather than at the first signature.
        if !identity.is_valid_at(self.now()) {
            return Err(hilum_export::ExportError::NotValidNow.into());
        }
        let sealed = hilum_store::Identity { secret: identity.to_bytes()?, certificate: identity.certificate_der()? };
        store.set_signing_identity(&store.user().id, passphrase, sealed, self.now()).await?;
        Ok(identity.name())
    }

    /// Makes a new recovery key, printable and kept nowhere; the old one opens nothing any more.
    /// The passphrase of who is logged in is asked for again: whoever has the key has the folder.
    ///
    /// # Errors
    /// `vault.locked`, also for a wrong passphrase; errors of the file system.
    #[boxed]
    pub async fn renew_recovery_key(&self, passphrase: &str) -> Result<String, WorkflowError> {
        let store = self.store()?;
        store.check_passphrase(&store.user().id, passphrase).await?;
        Ok(store.renew_recovery_key(self.now()).await?.to_string())
    }

    /// Deletes sealed files that a crash left behind, of which nothing knows; safe while work
    /// goes on, because none younger than a day is touched. Returns how many.
    ///
    /// # Errors
    /// `vault.locked`; errors of the file system.
    #[boxed]
    pub async fn sweep(&self) -> Result<usize, WorkflowError> {
        let before = std::time::SystemTime::from(self.now() - time::Duration::DAY);
        Ok(self.store()?.sweep_blobs(before).await?)
    }

    /// A setting by its key; `None` where it was never set.
    #[boxed]
    pub async fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, WorkflowError> {
        Ok(self.store()?.setting(key).await?)
    }

    /// Keeps what Hilum notes for itself under a key.
    #[boxed]
    pub async fn set_setting(&self, key: &str, value: &serde_json::Value) -> Result<(), WorkflowError> {
        Ok(self.store()?.set_setting(key, value).await?)
    }

    /// Keeps what a person chose under a key; audited where it is another choice than before.
    ///
    /// # Errors
    /// `vault.locked`, `data.disk_full`.
    pub async fn change_setting<T: serde::Serialize>(&self, key: &str, value: &T) -> Result<(), WorkflowError> {
        let store = self.store()?;
        Ok(store.change_setting(key, value, &store.user().id, self.now()).await?)
    }

    /// Writes to the audit chain that a model pack was added or removed: what drafts and
    /// scores here has changed. `deed` is "pack.add" or "pack.remove".
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn note_pack(&self, deed: &str, id: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        self.note(&store, deed, id, serde_json::json!({})).await
    }

    pub(crate) fn store(&self) -> Result<Arc<Store>, WorkflowError> {
        self.read_store().clone().ok_or(WorkflowError::Store(StoreError::Locked))
    }

    /// What time it is, with the local offset.
    pub fn now(&self) -> time::OffsetDateTime {
        self.outside.clock.now()
    }

    /// A new id that nobody else uses.
    pub fn fresh_id(&self) -> String {
        self.outside.ids.fresh()
    }

    pub(crate) fn fresh(&self) -> String {
        self.fresh_id()
    }

    fn begin(&self, store: Store) -> Result<SessionUser, WorkflowError> {
        let user = SessionUser::of(store.user());
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(store));
        Ok(user)
    }

    fn read_store(&self) -> std::sync::RwLockReadGuard<'_, Option<Arc<Store>>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_user(&self, name: &str, passphrase: &str) -> Result<NewUser, WorkflowError> {
        let name = name.trim();
        if name.is_empty() {
            return Err(WorkflowError::EmptyName);
        }
        check_passphrase(passphrase)?;
        Ok(NewUser { id: UserId::new(self.fresh()), name: name.to_owned(), role: Role::Radiologist })
    }

    /// A new P-256 key with a certificate of its own.
    fn new_identity(&self, name: &str) -> Result<hilum_store::Identity, WorkflowError> {
        let mut serial = [0u8; 16];
        getrandom::fill(&mut serial).map_err(|e| StoreError::Random(e.to_string()))?;
        let identity = Identity::create_p256(name, serial, self.now(), &mut OsRng)?;
        Ok(hilum_store::Identity { secret: identity.to_bytes()?, certificate: identity.certificate_der()? })
    }

    /// Gives a user one, sealed under their passphrase.
    async fn give_identity(
        &self,
        store: &Store,
        id: &UserId,
        name: &str,
        passphrase: &str,
    ) -> Result<(), WorkflowError> {
        Ok(store.set_signing_identity(id, passphrase, self.new_identity(name)?, self.now()).await?)
    }
}

impl SessionUser {
    fn of(user: &User) -> SessionUser {
        SessionUser { id: user.id.clone(), name: user.name.clone(), trainee: user.role == Role::Trainee }
    }
}

fn check_passphrase(passphrase: &str) -> Result<(), WorkflowError> {
    if passphrase.chars().count() < PASSPHRASE { Err(WorkflowError::WeakPassphrase) } else { Ok(()) }
}
