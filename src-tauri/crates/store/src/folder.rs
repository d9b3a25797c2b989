//! The data folder: held by one process, locked until somebody unlocks it.

use crate::backup;
use crate::database;
use crate::error::{Result, StoreError};
use crate::files;
use crate::store::Store;
use crate::tables::audit::AuditEvent;
use crate::tables::{settings, to_json};
use crate::vault::{Certificate, KdfParams, Key, NewUser, RecoveryKey, User, Vault};
use hilum_report::UserId;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// A data folder that this process holds. Cheap to clone; the hold ends with the last
/// clone and the last [`Store`].
#[derive(Clone)]
pub struct DataFolder {
    held: Arc<Held>,
}

pub(crate) struct Held {
    path: PathBuf,
    kdf: KdfParams,
    vault: Mutex<Option<Vault>>,
    /// Held over reading, changing and saving the vault, so that no change is lost.
    changing: Mutex<()>,
    /// True while a store is open: there is one connection in all.
    unlocked: AtomicBool,
    /// The lock goes with the file.
    _lock: File,
}

/// One store's right to the connection; given back when dropped.
pub(crate) struct Turn(pub(crate) Arc<Held>);

impl DataFolder {
    /// Takes hold of a folder, and makes it when it is not there.
    ///
    /// # Errors
    /// `data.in_use` when another process holds it; `data.newer_version`, `vault.corrupt`;
    /// `data.read_only`, `data.file`.
    pub fn open(path: impl AsRef<Path>) -> Result<DataFolder> {
        Self::open_with(path, KdfParams::default())
    }

    /// As [`DataFolder::open`], with another cost for passphrases set from now on.
    ///
    /// # Errors
    /// As [`DataFolder::open`].
    pub fn open_with(path: impl AsRef<Path>, kdf: KdfParams) -> Result<DataFolder> {
        let path = path.as_ref();
        kdf.check().map_err(StoreError::KeyDerivation)?;
        files::create_private_folder(path)?;
        let path = path.canonicalize().map_err(|e| StoreError::file("find", path, e))?;
        let lock_path = path.join("hilum.lock");
        let lock = files::create_private(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::InUse(path)),
            Err(TryLockError::Error(e)) => return Err(StoreError::file("lock", &lock_path, e)),
        }
        backup::finish_interrupted(&path)?;
        let vault = match Vault::load(&path.join(VAULT)) {
            Ok(vault) => Some(vault),
            Err(StoreError::VaultMissing(_)) => None,
            Err(e) => return Err(e),
        };
        let held = Held {
            path,
            kdf,
            vault: Mutex::new(vault),
            changing: Mutex::new(()),
            unlocked: AtomicBool::new(false),
            _lock: lock,
        };
        Ok(DataFolder { held: Arc::new(held) })
    }

    pub fn path(&self) -> &Path {
        &self.held.path
    }

    /// False until the first user is made by [`DataFolder::create`].
    pub fn has_users(&self) -> bool {
        self.held.vault().is_some()
    }

    /// Everyone who may unlock; empty in a new folder.
    pub fn users(&self) -> Vec<User> {
        self.held.vault().as_ref().map(Vault::users).unwrap_or_default()
    }

    /// The certificates of everybody who signs or signed here, each user's newest last.
    pub fn certificates(&self) -> Vec<Certificate> {
        self.held.vault().as_ref().map(Vault::certificates).unwrap_or_default()
    }

    /// Makes vault and database with their first user. The recovery key is given here once
    /// and kept nowhere.
    ///
    /// # Errors
    /// `vault.exists`; `vault.missing` when there is a database whose vault was lost;
    /// `vault.empty_passphrase`; errors of the file system.
    pub async fn create(&self, user: NewUser, passphrase: &str, at: OffsetDateTime) -> Result<(Store, RecoveryKey)> {
        self.create_with(user, passphrase, at, None).await
    }

    /// The same, with a setting that is there whenever the vault is.
    ///
    /// # Errors
    /// As [`DataFolder::create`].
    pub async fn create_with(
        &self,
        user: NewUser,
        passphrase: &str,
        at: OffsetDateTime,
        setting: Option<(&str, &str)>,
    ) -> Result<(Store, RecoveryKey)> {
        let turn = self.turn()?;
        let held = &self.held;
        if held.vault().is_some() {
            return Err(StoreError::VaultExists(held.path.clone()));
        }
        self.clear_interrupted_creation()?;
        let (passphrase, kdf, new_user) = (zeroize::Zeroizing::new(passphrase.to_owned()), held.kdf, user.clone());
        let (vault, key, recovery) = blocking(move || Vault::create(&new_user, &passphrase, kdf, at)).await?;
        // The vault is written last under its own name: it is the sign that all is there.
        let (creating, database) = (held.path.join(CREATING), held.path.join(DATABASE));
        vault.save(&creating)?;
        let mut connection = database::open(&database, &key, true).await?;
        if let Some((key, value)) = setting {
            settings::set(&mut connection, key, &to_json(&value)?).await?;
        }
        files::sync_folder(&held.path)?;
        files::rename_synced(&creating, &held.path.join(VAULT))?;
        *held.vault() = Some(vault);
        let user = self.user(&user.id)?;
        let store = Store::new(turn, connection, key, user.clone())?;
        store.begin_session(AuditEvent::new(at, &user.id, "vault.create", "vault")).await?;
        Ok((store, recovery))
    }

    /// Unlocks by name and passphrase.
    ///
    /// # Errors
    /// `vault.locked` for a wrong name or passphrase alike; `data.in_use` while a store of
    /// this folder is open; `vault.corrupt` when users or certificates were changed by hand;
    /// `data.newer_version`; `store.corrupt`.
    pub async fn unlock(&self, name: &str, passphrase: &str, at: OffsetDateTime) -> Result<Store> {
        let turn = self.turn()?;
        let vault = self.held.some_vault()?;
        let (name, passphrase) = (name.to_owned(), zeroize::Zeroizing::new(passphrase.to_owned()));
        let (user, key) = blocking(move || vault.unlock(&name, &passphrase)).await?;
        self.open_store(turn, key, user, "vault.unlock", at).await
    }

    /// Unlocks by the recovery key and gives the user of that name a new passphrase. Their
    /// signing identity is gone with the old one: a new one must be made.
    ///
    /// # Errors
    /// `vault.locked` for a wrong key; `vault.no_user`; `vault.empty_passphrase`; as
    /// [`DataFolder::unlock`].
    pub async fn unlock_with_recovery(
        &self,
        recovery: &RecoveryKey,
        name: &str,
        new_passphrase: &str,
        at: OffsetDateTime,
    ) -> Result<Store> {
        let turn = self.turn()?;
        let key = self.held.some_vault()?.unlock_with_recovery(recovery)?;
        let (name, passphrase) = (name.to_owned(), zeroize::Zeroizing::new(new_passphrase.to_owned()));
        let (kdf, for_reset) = (self.held.kdf, key.clone());
        let user = self.held.change(move |vault| vault.reset_passphrase(&for_reset, &name, &passphrase, kdf)).await?;
        self.open_store(turn, key, user, "vault.recover", at).await
    }

    async fn open_store(&self, turn: Turn, key: Key, user: User, action: &str, at: OffsetDateTime) -> Result<Store> {
        let connection = database::open(&self.held.path.join(DATABASE), &key, false).await?;
        let store = Store::new(turn, connection, key, user.clone())?;
        store.begin_session(AuditEvent::new(at, &user.id, action, "vault")).await?;
        Ok(store)
    }

    /// The vault in the folder is another one now.
    pub(crate) fn take_vault(&self, vault: Vault) {
        *self.held.vault() = Some(vault);
    }

    /// The right to the one connection, or to exchange what lies in the folder.
    pub(crate) fn turn(&self) -> Result<Turn> {
        if self.held.unlocked.swap(true, Ordering::AcqRel) {
            return Err(StoreError::InUse(self.held.path.clone()));
        }
        Ok(Turn(self.held.clone()))
    }

    fn user(&self, id: &UserId) -> Result<User> {
        self.users().into_iter().find(|u| u.id == *id).ok_or(StoreError::NoUser)
    }

    /// A database without a vault is either half of a creation that was cut short, which
    /// nobody has used, or data whose vault was lost, which is not to be written over.
    fn clear_interrupted_creation(&self) -> Result<()> {
        let path = &self.held.path;
        let creating = path.join(CREATING);
        if creating.exists() {
            for name in [DATABASE, "hilum.db-wal", "hilum.db-journal", CREATING] {
                let file = path.join(name);
                match fs::remove_file(&file) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::file("delete", &file, e));
                    }
                    _ => {}
                }
            }
        }
        if path.join(DATABASE).exists() { Err(StoreError::VaultMissing(path.clone())) } else { Ok(()) }
    }
}

/// The users of a data folder, without holding or unlocking it.
///
/// # Errors
/// `vault.missing`, `vault.corrupt`, `data.newer_version`.
pub fn users(data_folder: &Path) -> Result<Vec<User>> {
    Ok(Vault::load(&data_folder.join(VAULT))?.users())
}

/// The certificates with which users of a data folder sign or once signed, without holding
/// or unlocking it: a signed document can be verified by anyone who reads the folder.
///
/// Without a key nothing says that the list is as Hilum wrote it: whoever can write
/// `vault.json` can put a certificate of their own in. [`DataFolder::unlock`] checks the
/// list against a MAC and refuses a forged one with `vault.corrupt`; what an open store
/// gives has been checked so. A verification that must hold against who can write the
/// folder compares the certificate with one that was obtained otherwise.
///
/// # Errors
/// `vault.missing`, `vault.corrupt`, `data.newer_version`.
pub fn certificates(data_folder: &Path) -> Result<Vec<Certificate>> {
    Ok(Vault::load(&data_folder.join(VAULT))?.certificates())
}

const VAULT: &str = "vault.json";
const CREATING: &str = "vault.creating";
const DATABASE: &str = "hilum.db";

impl Held {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn kdf(&self) -> KdfParams {
        self.kdf
    }

    pub(crate) fn some_vault(&self) -> Result<Vault> {
        self.vault().clone().ok_or_else(|| StoreError::VaultMissing(self.path.clone()))
    }

    /// Changes a copy of the vault, saves it, and only then takes it over.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Vault) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held = self.clone();
        blocking(move || {
            let _changing = held.changing.lock().unwrap_or_else(PoisonError::into_inner);
            let mut vault = held.some_vault()?;
            let given = change(&mut vault)?;
            vault.save(&held.path.join(VAULT))?;
            *held.vault() = Some(vault);
            Ok(given)
        })
        .await
    }

    fn vault(&self) -> MutexGuard<'_, Option<Vault>> {
        // The vault is replaced whole, so a panic elsewhere leaves it whole.
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.unlocked.store(false, Ordering::Release);
    }
}

/// Argon2 and disk writes hold a thread for long; they get one of their own.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|e| StoreError::Thread(e.to_string()))?
}
