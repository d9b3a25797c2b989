//! Quantises a checkpoint without the rest of Hilum:
//! `cargo run --release -p hilum-drafting --example quantise -- q4k|q8_0 SOURCE TARGET`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use hilum_drafting::{Quantise, convert, quantised_sizes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [how, source, target] = &arguments[..] else { return Err("give q4k or q8_0, the source and the target".into()) };
    let how = match how.as_str() {
        "q4k" => Quantise::Q4k,
        "q8_0" => Quantise::Q8,
        other => return Err(format!("{other:?} is neither q4k nor q8_0").into()),
    };
    let (source, target) = (PathBuf::from(source), PathBuf::from(target));
    std::fs::create_dir_all(&target)?;
    for entry in std::fs::read_dir(&source)? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "json" || kind == "jinja") {
            std::fs::copy(&path, target.join(path.file_name().unwrap_or_default()))?;
        }
    }
    eprintln!("{:?}", quantised_sizes(&source, how)?);
    let begun = Instant::now();
    let mut percent = 0;
    let mut say = |at: hilum_drafting::ConvertProgress| {
        let now = at.done * 20 / at.total.max(1);
        if now > percent {
            percent = now;
            eprintln!("{} %  {:.0} s", now * 5, begun.elapsed().as_secs_f64());
        }
    };
    convert(&source, &target, how, &mut say, &AtomicBool::new(false))?;
    Ok(())
}
