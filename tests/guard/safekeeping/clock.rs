//! The clock is moved back, by an hour and by more than a year, while there is work of today.

use crate::check::Acknowledged;
use crate::desk::Place;
use crate::power::layer;
use crate::work::child;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub fn run(runtime: &Runtime) {
    let temp = tempfile::tempdir().expect("a folder");
    let Some(layer) = layer(temp.path()) else {
        println!("skipped: a clock moved back (no C compiler, which makes the layer that moves it)");
        return;
    };
    let place = Place::of(temp.path());
    runtime.block_on(place.make_user());
    let mut said = Acknowledged::default();
    let mut done = Vec::new();
    for (seconds, deed) in [
        (0, "sign"), (-3600, "type"), (-3600, "sign"), (-3600, "import"), (-3600, "back_up"), (-3600, "export"),
        (-40_000_000, "type"), (-40_000_000, "sign"), (-40_000_000, "import"), (-40_000_000, "back_up"), (0, "sign"),
    ] {
        let refused = said.refused.len();
        let environment = [("LD_PRELOAD", layer.display().to_string()), ("HILUM_CUT_CLOCK", seconds.to_string())];
        let mut child = child(temp.path(), deed, &environment);
        let until = Instant::now() + Duration::from_secs(30);
        let mut begun = 0;
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            begun += u32::from(said.take(&line.unwrap_or_default()));
            // The first deed is done when the second begins.
            if begun == 2 || Instant::now() > until {
                child.kill().expect("to kill it");
                break;
            }
        }
        let _ = child.kill();
        child.wait().expect("its end");
        let codes = said.refused[refused..].to_vec();
        let what = format!("{deed} with the clock moved by {seconds} s");
        assert!(begun == 2 || !codes.is_empty(), "{what}: neither done nor refused");
        let signs = ["sign", "export"].contains(&deed);
        // Before the certificate of the signing key began nothing can be signed with it, and that is said.
        let expected: &[&str] = if signs && seconds <= -3600 { &["cert.expired"] } else { &[] };
        assert_eq!(codes, expected, "{what}");
        runtime.block_on(said.check(&place, &what));
        done.push(format!("{what}: {}", if codes.is_empty() { "done".to_owned() } else { codes.join(" ") }));
    }
    println!("{}; {}", done.join("; "), said.count());
}
