//! The first run: the first user is made, reads the recovery key, and agrees to what Hilum is for.

use crate::workstation::FirstUser;
use crate::{WorkflowError, Workstation};
use async_recursion::async_recursion as boxed;
use hilum_store::{AuditEvent, Store};

/// The setting that names who has not come to the end of the first run.
const OPEN: &str = "first_run.open";

impl Workstation {
    /// Makes the first user as [`Workstation::create_first_user`] does; the first run is open for them until they accept
    /// the intended use, also where this is ended in the midst of it.
    ///
    /// # Errors
    /// As [`Workstation::create_first_user`].
    #[boxed]
    pub async fn begin_first_run(&self, name: &str, passphrase: &str) -> Result<FirstUser, WorkflowError> {
        self.make_first_user(name, passphrase, Some(OPEN)).await
    }

    /// Whether whoever is logged in has not come to the end of the first run. False while locked; what cannot be read
    /// keeps nobody out.
    #[boxed]
    pub async fn first_run_open(&self) -> bool {
        match self.store() {
            Ok(store) => open_for(&store).await.unwrap_or(false),
            Err(_) => false,
        }
    }

    /// Writes into the audit chain that whoever is logged in read what Hilum is for, and what not: the end of the first run.
    ///
    /// # Errors
    /// `vault.locked`, `data.disk_full`.
    #[boxed]
    pub async fn accept_intended_use(&self) -> Result<(), WorkflowError> {
        let store = self.store()?;
        let open = open_for(&store).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "terms.accept", "intended-use");
        store.record_event(event).await?;
        if open {
            store.set_setting(OPEN, &None::<String>).await?;
        }
        Ok(())
    }
}

/// Whether it is open for whoever unlocked this store.
async fn open_for(store: &Store) -> Result<bool, WorkflowError> {
    let open: Option<Option<String>> = store.setting(OPEN).await?;
    Ok(open.flatten().is_some_and(|user| user == store.user().id.as_str()))
}
