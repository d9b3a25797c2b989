//! A child of this program at work, as its parent sees it: what it says, and how it ends.

use crate::check::Acknowledged;
use crate::work::acknowledgement;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a child may say nothing before it counts as stuck: no deed takes a hundredth of it.
const SILENT: Duration = Duration::from_secs(120);

/// A child that does one deed over and over. It ends with this.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
    deed: String,
    /// When the deed at hand was begun by the child's own clock, seconds since 1970.
    began: Option<i64>,
}

/// What a line of a child was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It begins what it is to do, for the first time or once more.
    Begins,
    /// What it is to do was acknowledged; when it was begun by the child's own clock.
    Done { began: i64 },
    Other,
}

/// What a child must have ended by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `SIGKILL`, its parent's or that of the power cut.
    Killed,
    /// Itself, because it was refused.
    Refused,
}

impl Running {
    /// This program again, as a person who does `deed` in the folder, with more environment.
    pub fn begin(root: &Path, deed: &str, more: &[(&str, String)]) -> Running {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env("HILUM_GUARD_ROLE", "work").env("HILUM_GUARD_FOLDER", root).env("HILUM_GUARD_DEED", deed);
        command.envs(more.iter().map(|(name, value)| (*name, value.as_str())));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a child");
        let lines = lines_of(child.stdout.take().expect("its output"));
        let mut errors = child.stderr.take().expect("its errors");
        let errors = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = errors.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        Running { child, lines, errors: Some(errors), deed: deed.to_owned(), began: None }
    }

    /// The next thing that it says, noted; `None` once it has ended.
    ///
    /// # Panics
    /// Where it has said nothing for too long.
    pub fn next(&mut self, said: &mut Acknowledged) -> Option<Heard> {
        let line = match self.lines.recv_timeout(SILENT) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => panic!("the child that was to {} is stuck", self.deed),
        };
        said.take(&line);
        let words: Vec<&str> = line.split('\t').collect();
        Some(match (words.as_slice(), self.began) {
            (["begins", at, "."], _) => {
                self.began = Some(at.parse().expect("seconds since 1970"));
                Heard::Begins
            }
            ([kind, .., "."], Some(began)) if *kind == acknowledgement(&self.deed) => Heard::Done { began },
            _ => Heard::Other,
        })
    }

    /// Listens until so many of its deeds are done, or, for none, until the first has begun. How many were done; fewer
    /// where it has ended before.
    pub fn until_done(&mut self, deeds: u32, said: &mut Acknowledged) -> u32 {
        let mut done = 0;
        while self.began.is_none() || done < deeds {
            match self.next(said) {
                Some(Heard::Done { .. }) => done += 1,
                Some(_) => {}
                None => break,
            }
        }
        done
    }

    pub fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("to kill it");
    }

    /// Waits for its end, and notes what it said until then; how many deeds were done meanwhile.
    ///
    /// # Panics
    /// Where it ended by something else, or wrote to its standard error.
    pub fn ended(mut self, end: End, said: &mut Acknowledged, what: &str) -> u32 {
        let status = self.child.wait().expect("its end");
        let mut done = 0;
        while let Some(heard) = self.next(said) {
            done += u32::from(matches!(heard, Heard::Done { .. }));
        }
        let errors = self.errors.take().map(|errors| errors.join().expect("its errors")).unwrap_or_default();
        let as_it_must = match end {
            End::Killed => status.signal() == Some(libc::SIGKILL),
            End::Refused => status.success(),
        };
        let refused = &said.refused;
        assert!(as_it_must && errors.is_empty(), "{what}: ended by {status}, where it was to be {end:?}; refused: {refused:?}\n{errors}");
        done
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (heard, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            // A line that was cut short in the midst of a letter acknowledged nothing.
            if heard.send(line.unwrap_or_default()).is_err() {
                break;
            }
        }
    });
    lines
}
