//! The database copied page by page through its own connection, while others use it in turn.
//!
//! SQLite's online backup: what is written through the source connection meanwhile is written
//! to the copy as well, so that the copy is the database as of its last step. The pages are
//! decrypted and encrypted again under the same key with a salt of the copy's own.

use crate::error::{Doing, Result, StoreError};
use libsqlite3_sys as ffi;
use sqlx::SqliteConnection;
use std::ptr::NonNull;

/// Pages of 4 KiB in one step: the longest that others wait is the copying of one MiB.
const PAGES: i32 = 256;

/// A copy under way.
pub(crate) struct PageCopy {
    // Dropped first: SQLite wants it ended before either connection is closed.
    handle: Handle,
    target: SqliteConnection,
}

/// How far a copy is, in pages.
pub(crate) struct Pages {
    pub(crate) left: u64,
    pub(crate) total: u64,
}

struct Handle(NonNull<ffi::sqlite3_backup>);

// SAFETY: the object belongs to no thread; both connections are locked whenever it is used, and
// the source is opened in serialized mode, whose mutex its end takes.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by sqlite3_backup_init, ended once. A copy that is not whole is rolled back.
        let _ = unsafe { ffi::sqlite3_backup_finish(self.0.as_ptr()) };
    }
}

impl PageCopy {
    /// Begins to copy into `target`, an empty database with a key.
    pub(crate) async fn begin(source: &mut SqliteConnection, mut target: SqliteConnection) -> Result<PageCopy> {
        let handle = {
            let mut from = source.lock_handle().await.doing("lock the database for its copy")?;
            let mut to = target.lock_handle().await.doing("lock the copy")?;
            let main = c"main".as_ptr();
            // SAFETY: both handles are open and locked for the length of the call.
            let made = unsafe {
                ffi::sqlite3_backup_init(to.as_raw_handle().as_ptr(), main, from.as_raw_handle().as_ptr(), main)
            };
            NonNull::new(made).map(Handle).ok_or(StoreError::PageCopy(ffi::SQLITE_ERROR))?
        };
        Ok(PageCopy { handle, target })
    }

    /// Copies some pages; `left` is 0 when the copy is whole.
    pub(crate) async fn step(&mut self, source: &mut SqliteConnection) -> Result<Pages> {
        let _from = source.lock_handle().await.doing("lock the database for its copy")?;
        let _to = self.target.lock_handle().await.doing("lock the copy")?;
        let backup = self.handle.0.as_ptr();
        // SAFETY: the copy is under way, and both connections are locked.
        let (code, left, total) = unsafe {
            let code = ffi::sqlite3_backup_step(backup, PAGES);
            (code, ffi::sqlite3_backup_remaining(backup), ffi::sqlite3_backup_pagecount(backup))
        };
        match code & 0xff {
            ffi::SQLITE_OK | ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                // Never 0 here: a step that found nothing left says that it is done.
                Ok(Pages { left: u64::from(left.max(1).cast_unsigned()), total: u64::from(total.max(1).cast_unsigned()) })
            }
            ffi::SQLITE_DONE => Ok(Pages { left: 0, total: u64::from(total.max(0).cast_unsigned()) }),
            ffi::SQLITE_FULL => Err(StoreError::DiskFull("copy the database".to_owned())),
            ffi::SQLITE_READONLY => Err(StoreError::ReadOnly("copy the database".to_owned())),
            _ => Err(StoreError::PageCopy(code)),
        }
    }

    /// The connection to the copy, once it is whole.
    pub(crate) fn end(self) -> SqliteConnection {
        let PageCopy { handle, target } = self;
        drop(handle);
        target
    }
}
