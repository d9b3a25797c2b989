//! The fault child as `hilumctl worker encode|draft`.

use hilum_workers::{
    frame,
    messages::{
        draft::{DraftOutcome, DraftPhase, DraftPrompt, DraftReply, DraftRequest},
        encode::{EncodeReply, EncodeRequest, FindingScore},
    },
};
use serde::Serialize;
use std::{
    io,
    path::Path,
    process,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

static BEATING: AtomicBool = AtomicBool::new(true);
static PIPE: Mutex<()> = Mutex::new(());

pub fn run(role: &str) {
    match role {
        "encode" => encode(),
        "draft" => draft(),
        _ => process::exit(2),
    }
}

fn beat<T: Serialize + Send + 'static>(heartbeat: T) {
    thread::spawn(move || {
        loop {
            if BEATING.load(Ordering::Relaxed) {
                send(&heartbeat, &[]);
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
}

fn encode() {
    beat(EncodeReply::Heartbeat);
    while let Ok(Some((request, body))) = frame::read::<EncodeRequest>(&mut io::stdin().lock()) {
        match request {
            EncodeRequest::Load { id, pack_dir } => {
                load(&pack_dir);
                send(&EncodeReply::Loaded { id, side: 4, dim: 2, seconds: 0.0 }, &[]);
            }
            EncodeRequest::Image { id, side } => {
                super::always().iter().for_each(|how| self::how(how));
                let mean = body.iter().map(|b| f32::from(*b)).sum::<f32>() / (side * side) as f32;
                let scores = vec![FindingScore { finding: "mean".to_owned(), difference: mean, softmax: 0.5 }];
                let vector: Vec<u8> = [0.6f32, 0.8].iter().flat_map(|x| x.to_le_bytes()).collect();
                send(&EncodeReply::Encoded { id, dim: 2, scores, seconds: 0.0 }, &vector);
            }
            EncodeRequest::Map { finding, .. } if finding == "mute" || falls_silent() => super::sleep_forever(),
            EncodeRequest::Map { id, finding, .. } => {
                if finding == "slow" {
                    thread::sleep(Duration::from_millis(900));
                }
                // "short" announces a grid of four and sends one value.
                let values = if finding == "short" { 1 } else { 4 };
                let grid: Vec<u8> = (0..values).flat_map(|i| (i as f32).to_le_bytes()).collect();
                send(&EncodeReply::Map { id, side: 2, seconds: 0.0 }, &grid);
            }
            EncodeRequest::Texts { id, texts } if texts == ["short"] => {
                send(&EncodeReply::Texts { id, count: 1, dim: 2 }, &[0; 4]);
            }
            // A heart that beats without end, and no answer.
            EncodeRequest::Texts { texts, .. } if texts == ["flood"] => loop {
                send(&EncodeReply::Heartbeat, &[]);
            },
            EncodeRequest::Texts { id, texts } if texts == ["who"] => {
                let own = (process::id() as f32).to_le_bytes();
                send(&EncodeReply::Texts { id, count: 1, dim: 1 }, &own);
            }
            EncodeRequest::Texts { id, texts } => {
                texts.iter().for_each(|how| self::how(how));
                let rows: Vec<u8> =
                    texts.iter().flat_map(|t| [t.len() as f32, 0.0]).flat_map(|x| x.to_le_bytes()).collect();
                send(&EncodeReply::Texts { id, count: texts.len() as u32, dim: 2 }, &rows);
            }
        }
    }
}

fn draft() {
    beat(DraftReply::Heartbeat);
    let (requests, inbox) = mpsc::channel();
    thread::spawn(move || {
        while let Ok(Some((request, body))) = frame::read::<DraftRequest>(&mut io::stdin().lock()) {
            let _ = requests.send((request, body));
        }
        process::exit(0);
    });
    while let Ok((request, body)) = inbox.recv() {
        match request {
            DraftRequest::Load { id, pack_dir } => {
                let phase = DraftPhase::LoadingModel;
                send(&DraftReply::Progress { id, phase, fraction: Some(0.5), seconds: 0.0 }, &[]);
                load(&pack_dir);
                send(&DraftReply::Loaded { id, side: 4, seconds: 0.0, took: Default::default() }, &[]);
            }
            DraftRequest::Draft { id, prompt: DraftPrompt::Raw { text }, .. } => write(id, &text, &body, &inbox),
            DraftRequest::Draft { id, .. } if super::always().is_some() => {
                write(id, &super::always().unwrap_or_default(), &body, &inbox);
            }
            DraftRequest::Draft { id, .. } => {
                let message = "no\u{1b}[31m such thing".to_owned();
                send(&DraftReply::Failed { id, code: "draft.refused".to_owned(), message }, &[]);
            }
            // The last prompt is answered first, and a stranger is among the answers.
            DraftRequest::DraftTogether { id, prompts, .. } => {
                let answered = |index: usize, text: &str, finish: &str| {
                    let outcome = DraftOutcome { id, text: text.into(), finish: finish.into(), ..Default::default() };
                    send(&DraftReply::Answered { id, index: index as u32, outcome: Box::new(outcome) }, &[]);
                };
                answered(prompts.len(), "nobody asked", "stop");
                for (index, prompt) in prompts.iter().enumerate().rev() {
                    match prompt {
                        DraftPrompt::Raw { text } if text == "cut" => answered(index, "half", "cancelled"),
                        DraftPrompt::Raw { text } => answered(index, text, "stop"),
                        _ => {}
                    }
                }
                let outcome =
                    DraftOutcome { id, finish: "stop".into(), encoded_bytes: vec![(0, 4)], ..Default::default() };
                send(&DraftReply::Finished(Box::new(outcome)), &[body[0]; 4]);
            }
            DraftRequest::Cancel { .. } => {}
        }
    }
}

/// False the first time that a mute child is asked, so that there is something to compare with; true from then on.
fn falls_silent() -> bool {
    static ANSWERED: AtomicBool = AtomicBool::new(false);
    super::always().as_deref() == Some("mute") && ANSWERED.swap(true, Ordering::Relaxed)
}

fn write(id: u64, text: &str, body: &[u8], inbox: &mpsc::Receiver<(DraftRequest, Vec<u8>)>) {
    how(text);
    let token = |text: &str| send(&DraftReply::Token { id, text: text.to_owned() }, &[]);
    let finished = |text: &str, finish: &str| {
        let outcome = DraftOutcome { id, text: text.to_owned(), finish: finish.to_owned(), ..Default::default() };
        send(&DraftReply::Finished(Box::new(outcome)), &[]);
    };
    match text {
        "endless" => loop {
            token("lung ");
        },
        // Its heart beats.
        "mute" if super::always().is_none() || falls_silent() => super::sleep_forever(),
        "long-token" => token(&"lung ".repeat(1 << 18)),
        "deaf" => loop {
            token("lung ");
            thread::sleep(Duration::from_millis(20));
        },
        "cancellable" => loop {
            token("lung ");
            if let Ok((DraftRequest::Cancel { id: cancelled }, _)) = inbox.recv_timeout(Duration::from_millis(20))
                && cancelled == id
            {
                finished("lung ", "cancelled");
                return;
            }
        },
        "family" => {
            let child = process::Command::new("/bin/sleep").arg("1000").spawn().expect("sleep starts");
            token(&format!("{} {}", process::id(), child.id()));
            super::sleep_forever();
        }
        "who" => finished(&process::id().to_string(), "stop"),
        "wrong-id" => {
            send(&DraftReply::Token { id: id + 1, text: "x".to_owned() }, &[]);
            let stranger = DraftOutcome { id: id + 1, ..Default::default() };
            send(&DraftReply::Finished(Box::new(stranger)), &[]);
            finished("right", "stop");
        }
        _ => {
            token("The heart ");
            token("is normal.");
            finished(&format!("{} bytes", body.len()), "stop");
        }
    }
}

/// The pack folder says how loading goes.
fn load(pack_dir: &str) {
    let name = Path::new(pack_dir).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        "silent-load" => {
            BEATING.store(false, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(1500));
            BEATING.store(true, Ordering::Relaxed);
        }
        "slow-load" => thread::sleep(Duration::from_secs(60)),
        _ => how(name),
    }
}

fn how(text: &str) {
    match text {
        "hang" => BEATING.store(false, Ordering::Relaxed),
        // Heartbeats between the bytes would make it something else.
        "loris" | "oversized" | "half" | "garbage" => {
            let _mine = PIPE.lock();
            super::misbehave(text);
        }
        _ => {}
    }
    super::misbehave(text);
}

fn send(reply: &impl Serialize, body: &[u8]) {
    let _mine = PIPE.lock();
    if frame::write(&mut io::stdout(), reply, body).is_err() {
        process::exit(0);
    }
}
