//! A prompt ends where it is cancelled, also in the midst of a layer, and no process has to be killed for it.

mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use common::{draft, grey, quantised};
use hilum_drafting::{DraftEvent, Engine, Quantise, overlay};
use hilum_testkit::gemma3::{SIDE, Spelling, image, write_checkpoint};
use hilum_workers::messages::draft::{DraftPhase, DraftPrompt};
use tempfile::TempDir;

/// How often the engine asks in a layer, at least: before it, before queries, keys and values, before attention, before
/// gate and up, and between those and what comes down.
const ASKED_A_LAYER: usize = 8;

/// One test at a time: stopping is the process's.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// The tiny checkpoint in float32, whose layers the engine multiplies with, and quantised, where the kernels do.
fn forms() -> Vec<(&'static str, TempDir)> {
    let tiny = tempfile::tempdir().unwrap();
    write_checkpoint(tiny.path(), Spelling::Transformers4, 1).unwrap();
    let eights = quantised(tiny.path(), Quantise::Q8);
    vec![("float32", tiny), ("Q8_0", eights)]
}

fn raw(text: &str) -> DraftPrompt {
    DraftPrompt::Raw { text: text.to_owned() }
}

/// The engine as released cannot stop a prompt.
fn edited() -> bool {
    if overlay().is_empty() {
        hilum_testkit::skipped("this build has the engine as released");
    }
    !overlay().is_empty()
}

fn layers(folder: &Path) -> usize {
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    config["text_config"]["num_hidden_layers"].as_u64().unwrap() as usize
}

#[test]
fn before_it_is_read() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (name, folder) in forms() {
        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        let images = [grey(SIDE, image(2))];
        let stop = AtomicBool::new(true);
        for _ in 0..3 {
            let outcome = engine.draft(&images, &raw("Describe"), 16, |_| {}, &stop).unwrap();
            assert_eq!(outcome.finish, "cancelled", "{name}");
        }
        check_works_on(name, &engine, folder.path());
    }
}

#[test]
fn in_the_midst_of_it() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (name, folder) in forms() {
        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        // Long enough that it is still being read when something is heard of it.
        let long = raw(&"describe the heart ".repeat(1200));
        let cancel = AtomicBool::new(false);
        let mut heard = Vec::new();
        let sink = |event: DraftEvent<'_>| match event {
            DraftEvent::Phase(DraftPhase::ReadingImage, Some(read)) => {
                heard.push(read);
                cancel.store(true, Ordering::Relaxed);
            }
            DraftEvent::Phase(DraftPhase::Writing, _) | DraftEvent::Text(_) => panic!("{name}: it went on to write"),
            DraftEvent::Phase(..) => {}
        };
        let outcome = engine.draft(&[], &long, 16, sink, &cancel).unwrap();
        assert_eq!((outcome.finish.as_str(), outcome.token_ids.len()), ("cancelled", 0), "{name}");
        println!("{name}: heard of {heard:?}");
        assert!(!heard.is_empty() && heard.iter().all(|&read| read > 0.0 && read <= 1.0), "{name}: {heard:?}");
        check_works_on(name, &engine, folder.path());
    }
}

#[test]
fn it_is_asked_for_several_times_in_each_layer() {
    if !edited() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for (name, folder) in forms() {
        let engine = Engine::load(folder.path(), |_, _| {}).unwrap();
        let asked = |tokens: u32| {
            let before = engine.times_asked();
            // Each begins differently, so that all of it is read.
            draft(&engine, &[], &raw(&format!("{tokens} times: what is seen on a frontal radiograph?")), tokens);
            engine.times_asked() - before
        };
        let prompt = asked(1);
        let layers = layers(folder.path());
        assert!(prompt >= ASKED_A_LAYER * layers, "{name}: {prompt} times in {layers} layers");
        assert_eq!(asked(9), prompt, "{name}: a step of writing is not stopped");
    }
}

/// The next answer is that of an engine which was never stopped.
fn check_works_on(name: &str, engine: &Engine, folder: &Path) {
    let images = [grey(SIDE, image(2))];
    let fresh = Engine::load(folder, |_, _| {}).unwrap();
    let [after, expected] = [engine, &fresh].map(|engine| {
        let outcome = draft(engine, &images, &raw("Describe"), 16);
        (outcome.token_ids, outcome.logprobs)
    });
    assert_eq!(after, expected, "{name}: the engine works on");
}
