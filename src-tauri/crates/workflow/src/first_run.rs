//! The first run: the first user is made, reads the recovery key, and agrees to what Hilum is for.

use crate::workstation::FirstUser;
use crate::{WorkflowError, Workstation};
use async_recursion::async_recursion as boxed;
use hilum_store::AuditEvent;

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
        let Ok(store) = self.store() else { return false };
        let open = store.setting::<Option<String>>(OPEN).await.ok().flatten().flatten();
        open.is_some_and(|user| user == store.user().id.as_str())
    }

    /// Writes into the audit chain that whoever is logged in read what Hilum is for, and what not: the end of the first run.
    ///
    /// # Errors
    /// `vault.locked`, `data.disk_full`.
    #[boxed]
    pub async fn accept_intended_use(&self) -> Result<(), WorkflowError> {
        let store = self.store()?;
        let event = AuditEvent::new(self.now(), &store.user().id, "terms.accept", "intended-use");
        store.record_event(event).await?;
        if self.first_run_open().await {
            store.set_setting(OPEN, &None::<String>).await?;
        }
        Ok(())
    }
}
