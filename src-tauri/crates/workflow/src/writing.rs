//! What a reader writes with: own macros, and the dictionary with the words added to it.

use async_recursion::async_recursion as boxed;
use crate::{WorkflowError, Workstation};
use hilum_report::{MOST_MACROS, Macro, MacroError, lexicon, read_macros, write_macros};
use hilum_store::AuditEvent;
use serde_json::json;
use std::collections::BTreeSet;

/// Longest word of a person's own, characters.
const LONGEST_WORD: usize = 60;

impl Workstation {
    /// The macros of the person who is logged in, by name.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn macros(&self) -> Result<Vec<Macro>, WorkflowError> {
        let store = self.store()?;
        Ok(store.macros(&store.user().id).await?)
    }

    /// Keeps a macro of the person who is logged in, `instead` of another one where that is given.
    ///
    /// # Errors
    /// `macro.name`, `macro.empty`, `macro.too_long`, `macro.parameter`, `macro.too_many`; `vault.locked`.
    #[boxed]
    pub async fn put_macro(&self, one: &Macro, instead: Option<&Macro>) -> Result<Vec<Macro>, WorkflowError> {
        let macros = self.keep_macros(&[one.checked()?], instead).await?;
        self.note_own("macro.put").await?;
        Ok(macros)
    }

    /// Takes one macro of the person who is logged in away.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn remove_macro(&self, one: &Macro) -> Result<Vec<Macro>, WorkflowError> {
        let store = self.store()?;
        store.remove_macro(&store.user().id, one).await?;
        self.note_own("macro.remove").await?;
        self.macros().await
    }

    /// Takes the macros of a file, all or none; those of the same names and sections give way.
    ///
    /// # Errors
    /// What is wrong with the file, by its own code; `vault.locked`.
    #[boxed]
    pub async fn import_macros(&self, file: &[u8]) -> Result<Vec<Macro>, WorkflowError> {
        let store = self.store()?;
        let brought = read_macros(file)?;
        let macros = self.keep_macros(&brought, None).await?;
        let event = AuditEvent::new(self.now(), &store.user().id, "macros.import", store.user().id.as_str());
        store.record_event(event.with(json!({ "macros": brought.len() }))).await?;
        Ok(macros)
    }

    /// The macros of the person who is logged in, as a file.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn export_macros(&self) -> Result<String, WorkflowError> {
        Ok(write_macros(&self.macros().await?))
    }

    /// That a person changed something of their own: which word or macro it was is theirs.
    async fn note_own(&self, action: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        self.note(&store, action, store.user().id.as_str(), json!({})).await
    }

    async fn keep_macros(&self, macros: &[Macro], instead: Option<&Macro>) -> Result<Vec<Macro>, WorkflowError> {
        let store = self.store()?;
        let user = &store.user().id;
        let key = |m: &Macro| (m.name.clone(), m.sections.clone());
        let mut keys: BTreeSet<_> = store.macros(user).await?.iter().map(key).collect();
        keys.extend(macros.iter().map(key));
        if keys.len() > MOST_MACROS {
            return Err(MacroError::TooMany.into());
        }
        store.put_macros(user, macros, instead, self.now()).await?;
        self.macros().await
    }

    /// Words that spelling accepts besides the general list, in lower case: the lexicon, and what the
    /// templates of this folder say.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn lexicon(&self) -> Result<BTreeSet<String>, WorkflowError> {
        let mut words: BTreeSet<String> = lexicon::words().map(str::to_owned).collect();
        for template in self.templates().await? {
            words.extend(lexicon::words_of(&template.name));
            let lines = template.sections.iter().flat_map(|section| &section.text);
            words.extend(lines.flat_map(|(text, _)| lexicon::words_of(text)));
        }
        Ok(words)
    }

    /// The words that the person who is logged in added, sorted.
    ///
    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn own_words(&self) -> Result<Vec<String>, WorkflowError> {
        let store = self.store()?;
        Ok(store.own_words(&store.user().id).await?)
    }

    /// Adds a word for the person who is logged in.
    ///
    /// # Errors
    /// `word.not_a_word` for anything but one word of at most 60 letters; `vault.locked`.
    #[boxed]
    pub async fn add_word(&self, word: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        let word = word.trim();
        let letters = word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '\u{2019}');
        if word.is_empty() || !letters || word.chars().count() > LONGEST_WORD {
            return Err(WorkflowError::NotAWord);
        }
        store.add_word(&store.user().id, word, self.now()).await?;
        self.note_own("word.add").await
    }

    /// # Errors
    /// `vault.locked`.
    #[boxed]
    pub async fn remove_word(&self, word: &str) -> Result<(), WorkflowError> {
        let store = self.store()?;
        store.remove_word(&store.user().id, word).await?;
        self.note_own("word.remove").await
    }
}
