//! The open store: one connection, the sealed files, and the session of who unlocked it.

use crate::backup::PageCopy;
use crate::blobs::{BlobKind, BlobName, Blobs};
use crate::database::{self, DatabaseSettings};
use crate::error::{Doing, Result, StoreError};
use crate::folder::{Turn, blocking};
use crate::tables::audit::{self, AuditEvent};
use crate::tables::{proposals, users};
use crate::vault::{Identity, Key, NewUser, RecoveryKey, User, Vault};
use hilum_report::{Report, ReportId, UserId};
use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// An unlocked data folder. All methods take `&self`; calls wait for the one connection in
/// turn. After [`Store::close`] every call gives `vault.locked`.
pub struct Store {
    open: tokio::sync::Mutex<Option<Open>>,
    /// What needs a key; `None` once closed.
    unlocked: Mutex<Option<Unlocked>>,
    user: User,
}

/// The connection and what was read through it.
pub(crate) struct Open {
    /// A backup's copy under way. Dropped before the connection that it reads through.
    pub(crate) copy: Option<PageCopy>,
    pub(crate) connection: SqliteConnection,
    /// Reports as replayed, at the revision that the database has.
    pub(crate) reports: HashMap<ReportId, Report>,
}

struct Unlocked {
    blobs: Blobs,
    key: Key,
    turn: Turn,
}

/// Access to the connection for one call; nobody else has it meanwhile.
pub(crate) struct Access<'a>(tokio::sync::MutexGuard<'a, Option<Open>>);

impl Store {
    pub(crate) fn new(turn: Turn, connection: SqliteConnection, key: Key, user: User) -> Result<Store> {
        let blobs = Blobs::open(turn.0.path(), &key)?;
        Ok(Store {
            open: tokio::sync::Mutex::new(Some(Open { copy: None, connection, reports: HashMap::new() })),
            unlocked: Mutex::new(Some(Unlocked { blobs, key, turn })),
            user,
        })
    }

    /// Mirrors the vault's users, ends the proposals that a crash left running, and writes
    /// the first line of the session.
    pub(crate) async fn begin_session(&self, event: AuditEvent) -> Result<()> {
        let mut access = self.access().await?;
        proposals::end_interrupted(access.connection(), event.at).await?;
        drop(access);
        self.mirror_users(event).await
    }

    async fn mirror_users(&self, event: AuditEvent) -> Result<()> {
        let everyone = self.with(|u| u.turn.0.some_vault().map(|v| v.users()))??;
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        users::mirror(&mut tx, &everyone).await?;
        audit::append(&mut tx, &event).await?;
        tx.commit().await.doing("record the users")
    }

    /// Who unlocked it.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Closes the connection and forgets the keys. The data folder stays held and can be
    /// unlocked again. Closing twice does no harm.
    ///
    /// # Errors
    /// `store.database`, `data.disk_full` when the last pages could not be written; what
    /// was acknowledged is in the write-ahead log even then.
    pub async fn close(&self) -> Result<()> {
        let open = self.open.lock().await.take();
        let closed = match open {
            Some(Open { copy, connection, .. }) => {
                // SQLite does not close a database that is being copied.
                drop(copy);
                connection.close().await.doing("close")
            }
            None => Ok(()),
        };
        drop(self.unlocked.lock().unwrap_or_else(PoisonError::into_inner).take());
        closed
    }

    /// The sealed files, for blocking use.
    ///
    /// # Errors
    /// `vault.locked` once closed.
    pub fn blobs(&self) -> Result<Blobs> {
        self.with(|u| u.blobs.clone())
    }

    /// Seals content on a thread of its own; see [`Blobs::put`].
    ///
    /// # Errors
    /// As [`Blobs::put`]; `vault.locked` once closed.
    pub async fn put_blob(&self, kind: BlobKind, content: Vec<u8>) -> Result<BlobName> {
        let blobs = self.blobs()?;
        blocking(move || blobs.put(kind, &content)).await
    }

    /// The content of a sealed file; see [`Blobs::get`].
    ///
    /// # Errors
    /// As [`Blobs::get`]; `vault.locked` once closed.
    pub async fn blob(&self, name: &BlobName) -> Result<Vec<u8>> {
        let (blobs, name) = (self.blobs()?, name.clone());
        blocking(move || blobs.get(&name)).await
    }

    /// Deletes sealed files that no row refers to and that were last put before `before`: what
    /// a crash between sealing and recording left. What is sealed meanwhile is younger, so
    /// `before` a day ago is safe at any time; a file that is put again counts as new.
    /// Returns how many were deleted.
    ///
    /// # Errors
    /// `store.database`, errors of the file system.
    pub async fn sweep_blobs(&self, before: SystemTime) -> Result<usize> {
        let blobs = self.blobs()?;
        let used = database::blobs_in_use(self.access().await?.connection()).await?;
        blocking(move || {
            let mut deleted = 0;
            for name in blobs.names()?.difference(&used) {
                deleted += usize::from(blobs.delete_older(name, before)?);
            }
            Ok(deleted)
        })
        .await
    }

    /// Adds a user with a passphrase of their own.
    ///
    /// # Errors
    /// `vault.user_exists`, `vault.empty_passphrase`, `vault.locked`.
    pub async fn add_user(&self, user: NewUser, passphrase: &str, at: OffsetDateTime) -> Result<()> {
        let (key, kdf, held) = self.with(|u| (u.key.clone(), u.turn.0.kdf(), u.turn.0.clone()))?;
        let (passphrase, id) = (Zeroizing::new(passphrase.to_owned()), user.id.clone());
        held.change(move |vault| vault.add_user(&key, &user, &passphrase, kdf, at)).await?;
        self.mirror_users(AuditEvent::new(at, &self.user.id, "user.add", id.as_str())).await
    }

    /// Wraps a user's keys for a new passphrase. No data is encrypted again.
    ///
    /// # Errors
    /// `vault.locked` when `old` is wrong, `vault.no_user`, `vault.empty_passphrase`.
    pub async fn change_passphrase(&self, user: &UserId, old: &str, new: &str, at: OffsetDateTime) -> Result<()> {
        let (kdf, held) = self.with(|u| (u.turn.0.kdf(), u.turn.0.clone()))?;
        let (id, old, new) = (user.clone(), Zeroizing::new(old.to_owned()), Zeroizing::new(new.to_owned()));
        held.change(move |vault| vault.change_passphrase(&id, &old, &new, kdf)).await?;
        self.record_event(AuditEvent::new(at, &self.user.id, "user.passphrase", user.as_str())).await.map(drop)
    }

    /// Asks for a user's passphrase again, before something that it alone should allow.
    ///
    /// # Errors
    /// `vault.locked` for a wrong one; `vault.no_user`.
    pub async fn check_passphrase(&self, user: &UserId, passphrase: &str) -> Result<()> {
        let vault = self.with(|u| u.turn.0.some_vault())??;
        let (user, passphrase) = (user.clone(), Zeroizing::new(passphrase.to_owned()));
        blocking(move || vault.check_passphrase(&user, &passphrase)).await
    }

    /// Makes a new recovery key; the old one opens nothing any more.
    ///
    /// # Errors
    /// `vault.locked` once closed; errors of the file system.
    pub async fn renew_recovery_key(&self, at: OffsetDateTime) -> Result<RecoveryKey> {
        let (key, held) = self.with(|u| (u.key.clone(), u.turn.0.clone()))?;
        // Before it is done: the key that comes of it is given once, and nothing after it may keep it back. The line may
        // stand without the change, never the change without its line.
        self.record_event(AuditEvent::new(at, &self.user.id, "vault.renew_recovery", "vault")).await?;
        held.change(move |vault| vault.renew_recovery(&key)).await
    }

    /// Everyone who may unlock.
    ///
    /// # Errors
    /// `vault.locked` once closed.
    pub fn users(&self) -> Result<Vec<User>> {
        self.with(|u| u.turn.0.some_vault().map(|v| v.users()))?
    }

    /// A user's signing identity; the passphrase is asked for at every signature.
    ///
    /// # Errors
    /// `vault.locked` for a wrong passphrase; `vault.no_identity` before one was given and
    /// after recovery; `vault.no_user`.
    pub async fn signing_identity(&self, user: &UserId, passphrase: &str) -> Result<Identity> {
        let vault = self.with(|u| u.turn.0.some_vault())??;
        let (user, passphrase) = (user.clone(), Zeroizing::new(passphrase.to_owned()));
        blocking(move || vault.identity(&user, &passphrase)).await
    }

    /// Gives a user a signing identity, in place of one that was there. Its certificate
    /// joins those of [`crate::certificates`]; earlier ones stay.
    ///
    /// # Errors
    /// `vault.locked` for a wrong passphrase; `vault.no_user`.
    pub async fn set_signing_identity(
        &self,
        user: &UserId,
        passphrase: &str,
        identity: Identity,
        at: OffsetDateTime,
    ) -> Result<()> {
        let held = self.with(|u| u.turn.0.clone())?;
        let (id, passphrase) = (user.clone(), Zeroizing::new(passphrase.to_owned()));
        held.change(move |vault| vault.set_identity(&id, &passphrase, &identity)).await?;
        self.record_event(AuditEvent::new(at, &self.user.id, "user.identity", user.as_str())).await.map(drop)
    }

    /// The settings of the connection, read back from it.
    ///
    /// # Errors
    /// `vault.locked` once closed; `store.database`.
    pub async fn database_settings(&self) -> Result<DatabaseSettings> {
        database::settings(self.access().await?.connection()).await
    }

    /// Damaged pages and broken references, in words; empty when all is well. Reads the
    /// whole database.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt` when it cannot be read at all.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        database::check_integrity(self.access().await?.connection()).await
    }

    pub(crate) async fn access(&self) -> Result<Access<'_>> {
        let guard = self.open.lock().await;
        if guard.is_some() { Ok(Access(guard)) } else { Err(StoreError::Locked) }
    }

    pub(crate) fn vault(&self) -> Result<Vault> {
        self.with(|u| u.turn.0.some_vault())?
    }

    /// What a copy of this folder is made with.
    pub(crate) fn key_and_folder(&self) -> Result<(Key, PathBuf)> {
        self.with(|u| (u.key.clone(), u.turn.0.path().to_owned()))
    }

    fn with<T>(&self, read: impl FnOnce(&Unlocked) -> T) -> Result<T> {
        let unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        unlocked.as_ref().map(read).ok_or(StoreError::Locked)
    }
}

impl Access<'_> {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.open().connection
    }

    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_, Sqlite>> {
        let connection = self.connection();
        database::leave_refused(connection).await.doing("leave a transaction that was refused")?;
        connection.begin().await.doing("begin a transaction")
    }

    pub(crate) fn open(&mut self) -> &mut Open {
        // `Store::access` is the only maker, and it has looked.
        self.0.as_mut().expect("the store is open while it is accessed")
    }
}
