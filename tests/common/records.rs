//! What the program would log, at every level: records of `tracing` and of `log`, the two ways in which it and the
//! crates that it is made of log. No executable of ours takes them; a test that listens does.

#![allow(dead_code, reason = "each test uses a part of this")]

use super::kept;
use std::fmt::Write;
use std::sync::{Mutex, Once, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};

/// One record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it comes from: the path of a module.
    pub target: String,
    /// With level, target and every field.
    pub line: String,
}

/// Takes every record of this process from now on. Harmless when it is called again.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Ear).expect("the only subscriber");
        log::set_logger(&Ear).expect("the only logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// As [`listen`], and keeps what is heard in memory too.
pub fn hear() {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    listen();
}

/// What was heard since [`hear`].
pub fn heard() -> Vec<Record> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
}

static HEARD: Mutex<Option<Vec<Record>>> = Mutex::new(None);

/// What drives the real window from a test says what it types, and is no part of the program.
const DRIVERS: [&str; 4] = ["fantoccini", "webdriver", "hyper", "h2"];

struct Ear;

fn take(level: &str, target: &str, text: &str) {
    if DRIVERS.iter().any(|driver| target.starts_with(driver)) {
        return;
    }
    let line = format!("{level} {target} {text}").replace('\n', " ");
    kept::keep("records", line.as_bytes());
    if let Some(heard) = HEARD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        heard.push(Record { target: target.to_owned(), line });
    }
}

impl log::Log for Ear {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        take(record.level().as_str(), record.target(), &record.args().to_string());
    }

    fn flush(&self) {}
}

/// The fields of a record, one after the other.
#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let about = span.metadata();
        take(about.level().as_str(), about.target(), &format!("span {}{}", about.name(), fields.0));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        take("SPAN", "of a span", &fields.0);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        take(event.metadata().level().as_str(), event.metadata().target(), &fields.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
