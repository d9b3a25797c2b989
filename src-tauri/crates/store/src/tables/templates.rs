//! Report templates: those that come with Hilum and those of this data folder.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::{from_json, to_json};
use hilum_report::{Template, builtin_templates};
use sqlx::SqliteConnection;

impl Store {
    /// All templates; one of this folder stands in for a built-in one of the same id.
    ///
    /// # Errors
    /// `store.database`, `store.corrupt`.
    pub async fn templates(&self) -> Result<Vec<Template>> {
        all(self.access().await?.connection()).await
    }

    /// Adds or replaces a template of this folder. Reports that it filled keep their text.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn put_template(&self, template: &Template) -> Result<()> {
        sqlx::query(
            "INSERT INTO templates (id, template) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET template = excluded.template",
        )
        .bind(template.id.as_str())
        .bind(to_json(template)?)
        .execute(self.access().await?.connection())
        .await
        .doing("keep a template")?;
        Ok(())
    }
}

pub(crate) async fn all(connection: &mut SqliteConnection) -> Result<Vec<Template>> {
    let texts: Vec<String> = sqlx::query_scalar("SELECT template FROM templates ORDER BY id")
        .fetch_all(connection)
        .await
        .doing("read the templates")?;
    let own = texts.iter().map(|t| from_json::<Template>(t, "a template")).collect::<Result<Vec<_>>>()?;
    let mut all: Vec<Template> = builtin_templates().into_iter().filter(|b| own.iter().all(|o| o.id != b.id)).collect();
    all.extend(own);
    Ok(all)
}
