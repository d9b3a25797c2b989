//! What a person writes with: own macros, own words, and the templates chosen for kinds of study.

use crate::Store;
use crate::error::{Doing, Result};
use crate::tables::{from_json, from_word, time_text, to_json, word};
use hilum_report::{Macro, Situation, TemplateId, UserId};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeMap;
use time::OffsetDateTime;

impl Store {
    /// A person's own macros, by name.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn macros(&self, of: &UserId) -> Result<Vec<Macro>> {
        sqlx::query("SELECT name, sections, text FROM macros WHERE user_id = ? ORDER BY name, sections")
            .bind(of.as_str())
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read the macros")?
            .iter()
            .map(|row| {
                let text = |column: &str| row.try_get::<String, _>(column).doing("read the macros");
                Ok(Macro { name: text("name")?, sections: from_json(&text("sections")?, "a macro")?, text: text("text")? })
            })
            .collect()
    }

    /// Keeps macros of a person, all or none; those of the same names and sections give way, and with
    /// `instead`, that one too.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn put_macros(
        &self,
        of: &UserId,
        macros: &[Macro],
        instead: Option<&Macro>,
        at: OffsetDateTime,
    ) -> Result<()> {
        let mut access = self.access().await?;
        let mut tx = access.begin().await?;
        if let Some(instead) = instead {
            remove(&mut tx, of, instead).await?;
        }
        for one in macros {
            sqlx::query(
                "INSERT INTO macros (user_id, name, sections, text, changed_at) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (user_id, name, sections) DO UPDATE SET text = excluded.text, changed_at = excluded.changed_at",
            )
            .bind(of.as_str())
            .bind(&one.name)
            .bind(to_json(&one.sections)?)
            .bind(&one.text)
            .bind(time_text(at)?)
            .execute(&mut *tx)
            .await
            .doing("keep a macro")?;
        }
        tx.commit().await.doing("keep the macros")
    }

    /// Takes one macro of a person away, by its name and sections.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn remove_macro(&self, of: &UserId, one: &Macro) -> Result<()> {
        remove(self.access().await?.connection(), of, one).await
    }

    /// The words that a person added to the dictionary, sorted.
    ///
    /// # Errors
    /// `store.database`.
    pub async fn own_words(&self, of: &UserId) -> Result<Vec<String>> {
        sqlx::query_scalar("SELECT word FROM own_words WHERE user_id = ? ORDER BY word")
            .bind(of.as_str())
            .fetch_all(self.access().await?.connection())
            .await
            .doing("read a person's words")
    }

    /// Adds a word to a person's dictionary; one that is there already stays.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn add_word(&self, of: &UserId, word: &str, at: OffsetDateTime) -> Result<()> {
        sqlx::query("INSERT INTO own_words (user_id, word, added_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
            .bind(of.as_str())
            .bind(word)
            .bind(time_text(at)?)
            .execute(self.access().await?.connection())
            .await
            .doing("keep a word")?;
        Ok(())
    }

    /// # Errors
    /// `store.database`.
    pub async fn remove_word(&self, of: &UserId, word: &str) -> Result<()> {
        sqlx::query("DELETE FROM own_words WHERE user_id = ? AND word = ?")
            .bind(of.as_str())
            .bind(word)
            .execute(self.access().await?.connection())
            .await
            .doing("remove a word")?;
        Ok(())
    }

    /// Which template a person wants for which kind of study.
    ///
    /// # Errors
    /// `store.corrupt`, `store.database`.
    pub async fn template_choices(&self, of: &UserId) -> Result<BTreeMap<Situation, TemplateId>> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT situation, template FROM template_choices WHERE user_id = ?")
                .bind(of.as_str())
                .fetch_all(self.access().await?.connection())
                .await
                .doing("read the choice of templates")?;
        rows.into_iter().map(|(s, t)| Ok((from_word(s, "a kind of study")?, TemplateId::new(t)))).collect()
    }

    /// Sets which template a person wants for a kind of study; `None` takes the wish back.
    ///
    /// # Errors
    /// `data.disk_full`, `store.database`.
    pub async fn choose_template(&self, of: &UserId, situation: Situation, template: Option<&TemplateId>) -> Result<()> {
        let query = match template {
            Some(_) => {
                "INSERT INTO template_choices (user_id, situation, template) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user_id, situation) DO UPDATE SET template = excluded.template"
            }
            None => "DELETE FROM template_choices WHERE user_id = ?1 AND situation = ?2 AND ?3 IS NULL",
        };
        sqlx::query(query)
            .bind(of.as_str())
            .bind(word(&situation)?)
            .bind(template.map(TemplateId::as_str))
            .execute(self.access().await?.connection())
            .await
            .doing("keep the choice of a template")?;
        Ok(())
    }
}

async fn remove(connection: &mut SqliteConnection, of: &UserId, one: &Macro) -> Result<()> {
    sqlx::query("DELETE FROM macros WHERE user_id = ? AND name = ? AND sections = ?")
        .bind(of.as_str())
        .bind(&one.name)
        .bind(to_json(&one.sections)?)
        .execute(connection)
        .await
        .doing("remove a macro")?;
    Ok(())
}
