//! Messages as bytes: what is no JSON goes no further, as in Tauri; what still is one is asked of the app.

use crate::dispatch::{self, MESSAGES};
use crate::person::{Desk, NAME, PASSPHRASE};
use crate::say::{COSTLY, Speaker};
use crate::{Answered, MOST};
use crate::common::{Random, over_corpus};
use hilum_app::App;
use hilum_app::commands::session;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Messages of one input, at most.
const TOGETHER: usize = 8;
/// Whoever has the passphrase may change it, and so may damage that comes upon it; nothing could be unlocked then.
const LEFT_OUT: [&str; 3] = ["change_passphrase", "unlock_with_recovery", "restore_start"];

/// Messages of every kind, mutated further whenever the app has answers that it did not have before. To be called on a
/// runtime of several threads.
pub fn damaged(app: &Arc<App>, desk: &Desk) {
    // A folder that is nowhere, so that the seeds are the same each time.
    let speaker = Speaker::new(Path::new("/nowhere"));
    let mut random = Random::new(0x19D);
    // No report has an identifier that these know, so that a draft is refused before any program starts.
    let draft = MESSAGES.iter().filter(|(name, _)| *name == "draft_start");
    let asked: Vec<Value> = MESSAGES
        .iter()
        .filter(|(name, _)| !COSTLY.contains(name) && !LEFT_OUT.contains(name))
        .chain(draft)
        .map(|(name, of)| json!({ "name": name, "arguments": speaker.arguments(&mut random, of) }))
        .collect();
    let seeds: Vec<Vec<u8>> = asked.chunks(TOGETHER).map(|some| Value::from(some).to_string().into_bytes()).collect();
    let words: [&[u8]; 14] = [
        b"null", b"true", b"-1", b"1e308", b"\"\"", b"{}", b"[]", b"[[[[[[[[", b"\\u0000", b"\\uD800", b"\"../../outside/LETTER\"", b"\"2.25.71.1\"", b"\"do\":\"insert\"", b"99999999999999999999",
    ];
    let runtime = tokio::runtime::Handle::current();
    let answers = tokio::task::block_in_place(|| {
        over_corpus("messages", &seeds, &words, 100, |bytes| {
            desk.forget_events();
            runtime.block_on(asked_of(app, bytes))
        })
    });
    for kind in ["no messages", "answered", "malformed"] {
        assert!(answers.iter().any(|answer| answer.contains(kind)), "{kind} is among {answers:?}");
    }
}

/// Asks for everything that the bytes ask for; gives the kinds of answers.
async fn asked_of(app: &Arc<App>, bytes: &[u8]) -> String {
    let Ok(Value::Array(messages)) = serde_json::from_slice::<Value>(bytes) else { return "no messages".to_owned() };
    if session::app_status(app).await.expect("a status").locked {
        session::unlock(app, NAME.into(), PASSPHRASE.into()).await.expect("unlocked again");
    }
    let mut kinds = BTreeSet::new();
    for message in messages.iter().take(TOGETHER) {
        let known = MESSAGES.iter().find(|(name, _)| message["name"] == *name && !LEFT_OUT.contains(name));
        let Some((name, _)) = known else {
            kinds.insert("unknown".to_owned());
            continue;
        };
        let answer = tokio::time::timeout(MOST, dispatch::message(app, name, &message["arguments"])).await;
        let answer = answer.unwrap_or_else(|_| panic!("{name} has no answer within {MOST:?}"));
        kinds.insert(match answer.unwrap_or(Answered::Malformed) {
            Answered::Malformed => "malformed".to_owned(),
            Answered::Value(_) => format!("{name} answered"),
            Answered::Refused(refused) => refused.code,
        });
    }
    kinds.into_iter().collect::<Vec<_>>().join(", ")
}
