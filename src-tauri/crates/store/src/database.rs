//! The one connection: opened with the raw key, set up, migrated, and read back.

use crate::blobs::BlobName;
use crate::ending;
use crate::error::{Doing, Result, StoreError};
use crate::vault::Key;
use libsqlite3_sys as ffi;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::collections::BTreeSet;
use std::path::Path;
use zeroize::Zeroizing;

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations");

/// What the open connection says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseSettings {
    /// "wal".
    pub journal_mode: String,
    /// 2 is FULL: a commit is on disk when it returns.
    pub synchronous: i64,
    pub foreign_keys: bool,
    /// Deleted content is overwritten.
    pub secure_delete: bool,
    /// 2 is MEMORY: no temporary files.
    pub temp_store: i64,
    /// "exclusive": SQLite itself refuses a second connection.
    pub locking_mode: String,
    /// True so that `INSERT OR REPLACE` cannot slip past the triggers on DELETE.
    pub recursive_triggers: bool,
    pub cipher_version: String,
    pub sqlite_version: String,
    /// The newest migration that was applied.
    pub schema: i64,
}

/// Opens the database, and makes it when `create` is set.
///
/// # Errors
/// `store.corrupt` for a wrong key or a damaged file; `data.missing_database`;
/// `data.newer_version` with nothing changed; `data.schema_mismatch`.
pub(crate) async fn open(path: &Path, key: &Key, create: bool) -> Result<SqliteConnection> {
    let mut connection = connect(path, key, create, MAIN).await?;
    if let Err(e) = migrate(&mut connection).await {
        let _ = connection.close().await;
        return Err(e);
    }
    // After a crash or a full disk the log may be long; a disk that is full still does not
    // keep anybody from reading.
    let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
    Ok(connection)
}

/// Opens the copy of a database in a backup as it is: nothing is migrated, no log beside it is begun.
///
/// # Errors
/// `store.corrupt` for a wrong key or a damaged file; `data.missing_database`.
pub(crate) async fn open_copy(path: &Path, key: &Key, create: bool) -> Result<SqliteConnection> {
    connect(path, key, create, "").await
}

/// Leaves a transaction whose commit the disk refused.
///
/// SQLite has rolled it back by itself then. sqlx does not notice, and makes a savepoint of the next transaction;
/// when the disk refuses that one too, SQLite stays within it, and whatever is committed from then on
/// is lost when the program ends.
pub(crate) async fn leave_refused(connection: &mut SqliteConnection) -> std::result::Result<(), sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(());
    }
    // The rollback of a transaction that was given up may be on its way.
    connection.ping().await?;
    if !connection.is_in_transaction() {
        return Ok(());
    }
    // sqlx counts down when a rollback succeeds, so it gets something to roll back. A transaction with words
    // of its own is refused within another one, and its rollback is that of the other.
    let _ = sqlx::raw_sql("BEGIN").execute(&mut *connection).await;
    drop(connection.begin_with("BEGIN").await);
    connection.ping().await?;
    if connection.is_in_transaction() { Err(sqlx::Error::BeginFailed) } else { Ok(()) }
}

/// The sealed files that rows refer to.
pub(crate) async fn blobs_in_use(connection: &mut SqliteConnection) -> Result<BTreeSet<BlobName>> {
    let used: Vec<String> = sqlx::query_scalar(
        "SELECT original_blob FROM instances
         UNION SELECT thumbnail_blob FROM instances WHERE thumbnail_blob IS NOT NULL
         UNION SELECT pixels_blob FROM instances WHERE pixels_blob IS NOT NULL
         UNION SELECT pdf_blob FROM report_versions",
    )
    .fetch_all(connection)
    .await
    .doing("list the sealed files in use")?;
    Ok(used.iter().filter_map(|n| BlobName::parse(n)).collect())
}

/// What the one connection has beyond others.
const MAIN: &str = "
    -- With exclusive locking a WAL database needs no shared-memory file.
    PRAGMA journal_mode = WAL;
    -- 64 MiB of decrypted pages: a worklist of 100,000 studies is read from memory.
    PRAGMA cache_size = -65536;
    -- One MiB, so that on a small disk the log does not take the room that is left.
    PRAGMA wal_autocheckpoint = 256;";

/// A connection with its key and what every connection has in common. With exclusive locking SQLite holds
/// its lock for as long as the connection lives.
async fn connect(path: &Path, key: &Key, create: bool, more: &str) -> Result<SqliteConnection> {
    if !create && !path.is_file() {
        return Err(StoreError::DatabaseMissing(path.to_owned()));
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(create)
        // A backup copies pages through the connection, and may be given up from any thread.
        .serialized(true)
        // Rows go from SQLite's thread to ours through a queue. A worklist has thousands of them, and the two threads
        // would wait for one another after every fifty.
        .row_buffer_size(4096)
        .disable_statement_logging();
    let connected = options.connect().await;
    ending::leave_at_once();
    let mut connection = connected.doing("open")?;
    let settings = format!(
        "PRAGMA cipher_compatibility = 4;
         PRAGMA locking_mode = EXCLUSIVE;
         {more}
         PRAGMA foreign_keys = ON;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA recursive_triggers = ON;
         PRAGMA trusted_schema = OFF;"
    );
    let opened = match give_key(&mut connection, key).await {
        // Only fixed text goes into the statement.
        Ok(()) => sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&mut connection).await.map(drop).doing("open"),
        Err(e) => Err(e),
    };
    match opened {
        Ok(()) => Ok(connection),
        Err(e) => {
            let _ = connection.close().await;
            Err(e)
        }
    }
}

/// Hands over the raw key by SQLCipher's own call. As a statement it would stay behind in freed memory:
/// texts of statements are copied by SQLite and by what calls it, and nobody wipes them.
async fn give_key(connection: &mut SqliteConnection, key: &Key) -> Result<()> {
    let mut raw = Zeroizing::new([0u8; 3 + 64]);
    raw[..2].copy_from_slice(b"x'");
    raw[66] = b'\'';
    let encoded = hex::encode_to_slice(key.bytes(), &mut raw[2..66]);
    debug_assert!(encoded.is_ok(), "32 bytes are 64 digits");
    let mut handle = connection.lock_handle().await.doing("open")?;
    // SAFETY: the handle is open and locked for the length of the call, which copies the key.
    let code = unsafe { ffi::sqlite3_key(handle.as_raw_handle().as_ptr(), raw.as_ptr().cast(), 67) };
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(StoreError::Corrupt(format!("SQLCipher takes no key ({code})"))) }
}

/// Reads the settings back from the connection.
pub(crate) async fn settings(connection: &mut SqliteConnection) -> Result<DatabaseSettings> {
    let mut integers = Vec::new();
    for pragma in [
        "PRAGMA synchronous",
        "PRAGMA foreign_keys",
        "PRAGMA secure_delete",
        "PRAGMA temp_store",
        "PRAGMA recursive_triggers",
    ] {
        integers
            .push(sqlx::query_scalar::<_, i64>(pragma).fetch_one(&mut *connection).await.doing("read its settings")?);
    }
    let mut texts = Vec::new();
    for pragma in ["PRAGMA journal_mode", "PRAGMA locking_mode", "PRAGMA cipher_version", "SELECT sqlite_version()"] {
        texts.push(
            sqlx::query_scalar::<_, String>(pragma).fetch_one(&mut *connection).await.doing("read its settings")?,
        );
    }
    let schema = applied(connection).await?.unwrap_or(0);
    let [sqlite_version, cipher_version, locking_mode, journal_mode] =
        [(); 4].map(|()| texts.pop().unwrap_or_default());
    Ok(DatabaseSettings {
        journal_mode,
        synchronous: integers[0],
        foreign_keys: integers[1] == 1,
        secure_delete: integers[2] == 1,
        temp_store: integers[3],
        locking_mode,
        recursive_triggers: integers[4] == 1,
        cipher_version,
        sqlite_version,
        schema,
    })
}

/// Damage in the pages, and rows that refer to nothing; empty when all is well.
pub(crate) async fn check_integrity(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    let mut found: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *connection).await.doing("check its integrity")?;
    found.retain(|line| line != "ok");
    // Each page carries an HMAC; this checks all of them.
    let pages: Vec<String> = sqlx::query_scalar("PRAGMA cipher_integrity_check")
        .fetch_all(&mut *connection)
        .await
        .doing("check its pages")?;
    found.extend(pages);
    let strays =
        sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut *connection).await.doing("check its references")?;
    for stray in strays {
        let table: String = stray.try_get(0).doing("check its references")?;
        found.push(format!("a row of {table} refers to nothing"));
    }
    Ok(found)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    let known = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
    // Before anything is written: a newer Hilum's data is not ours to touch.
    match applied(connection).await? {
        Some(found) if found > known => return Err(StoreError::NewerVersion { found, known }),
        _ => {}
    }
    MIGRATIONS.run_direct(None, connection, false).await.map_err(|e| match e {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => StoreError::database("migrate", e),
        other => StoreError::SchemaMismatch(other.to_string()),
    })
}

/// The newest migration applied, `None` in an empty database.
pub(crate) async fn applied(connection: &mut SqliteConnection) -> Result<Option<i64>> {
    let table = sqlx::query("SELECT 1 FROM sqlite_schema WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut *connection)
        .await
        .doing("read its schema")?;
    if table.is_none() {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await.doing("read its schema")
}
