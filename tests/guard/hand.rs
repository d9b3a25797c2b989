//! Hands at the window that go on whatever the driver says, and count what it took from them and what it refused.
//!
//! What the driver refuses (a place outside of the window, a page that is busy) is nothing that a person did, so
//! that it counts as nothing done; where it refuses much, little was tried.

#![allow(dead_code, reason = "each guard uses a part of this")]

use crate::browser::{Window, pressed};
use crate::scene::pause;
use fantoccini::actions::{Actions, InputSource, KeyAction, KeyActions, MouseActions, PointerAction};
use serde_json::{Value, json};
use std::cell::Cell;

/// How often a question is asked again that the driver has no answer to.
const AGAIN: usize = 4;

pub struct Hand {
    pub window: Window,
    taken: Cell<usize>,
    refused: Cell<usize>,
}

impl Hand {
    pub fn new(window: Window) -> Self {
        Self { window, taken: Cell::new(0), refused: Cell::new(0) }
    }

    /// Clicks, keys and chords that the driver took, and those and questions that it refused.
    pub fn counted(&self) -> (usize, usize) {
        (self.taken.get(), self.refused.get())
    }

    /// What a script gives.
    pub async fn ask(&self, script: &str) -> Value {
        self.ask_with(script, vec![]).await
    }

    pub async fn ask_with(&self, script: &str, arguments: Vec<Value>) -> Value {
        let mut why = None;
        for _ in 0..AGAIN {
            match self.window.client().execute(script, arguments.clone()).await {
                Ok(answer) => return answer,
                Err(e) => why = Some(e),
            }
            self.refused.set(self.refused.get() + 1);
            pause(200).await;
        }
        panic!("the driver has no answer: {why:?}: {script}");
    }

    pub async fn number(&self, script: &str) -> f64 {
        self.ask(script).await.as_f64().unwrap_or(f64::NAN)
    }

    pub async fn there(&self, id: &str) -> bool {
        self.ask(&format!("return !!document.querySelector('[data-testid=\"{id}\"]')")).await == json!(true)
    }

    /// Clicks where the element of this test id is, where it is to be seen.
    pub async fn click(&self, id: &str) {
        let script = format!(
            "const e = document.querySelector('[data-testid=\"{id}\"]'); if (!e || e.disabled) return null;
            e.scrollIntoView({{ block: 'nearest' }}); const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]"
        );
        let at = self.ask(&script).await;
        if let (Some(x), Some(y)) = (at[0].as_f64(), at[1].as_f64()) {
            self.pointer(x, y, false).await;
        }
    }

    pub async fn pointer(&self, x: f64, y: f64, twice: bool) {
        let mut actions = MouseActions::new("mouse".into()).then(PointerAction::MoveTo { duration: None, x, y });
        for _ in 0..1 + usize::from(twice) {
            actions = actions.then(PointerAction::Down { button: 0 }).then(PointerAction::Up { button: 0 });
        }
        self.give(actions).await;
    }

    pub async fn keys(&self, text: &str) {
        let keys = text.chars().fold(KeyActions::new("keyboard".into()), |keys, value| {
            keys.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.give(keys).await;
    }

    pub async fn key(&self, key: char) {
        self.keys(&key.to_string()).await;
    }

    pub async fn chord(&self, held: &[char], key: char) {
        self.give(pressed(held, key)).await;
    }

    async fn give(&self, actions: impl Into<Actions>) {
        let counted = if self.window.client().perform_actions(actions).await.is_ok() { &self.taken } else { &self.refused };
        counted.set(counted.get() + 1);
    }
}
