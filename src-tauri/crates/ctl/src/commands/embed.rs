//! `hilumctl embed`.

use crate::{
    cli::Embed,
    failure::{Failure, Result},
    input, models, output,
    settings::Settings,
};
use hilum_imaging::npy;
use serde_json::json;

pub async fn run(options: Embed, settings: &Settings) -> Result<()> {
    let encoder = models::encoder(settings, options.pack.as_deref()).await?;
    let side = encoder.about.side;
    let mut rows: Vec<f32> = Vec::new();
    for path in &options.files {
        let gray = input::model_input(settings, path, side).await?;
        let image = encoder.worker.image(side, gray, &settings.cancel).await;
        rows.extend(image.map_err(|e| Failure::from(e).about(path))?.embedding);
    }
    let bytes: Vec<u8> = rows.iter().flat_map(|number| number.to_le_bytes()).collect();
    let shape = [options.files.len() as u32, encoder.about.dim];
    output::file(&options.out, &npy::write("<f4", &shape, &bytes))?;
    if settings.json {
        let files: Vec<_> = options.files.iter().map(|path| path.display().to_string()).collect();
        output::json(&json!({
            "out": options.out.display().to_string(),
            "files": files,
            "dim": encoder.about.dim,
            "pack": { "id": encoder.pack.id, "hash": encoder.pack.hash, "demo": encoder.pack.demo },
        }));
    } else {
        output::line(format!("{}: {} x {}", options.out.display(), shape[0], shape[1]));
    }
    Ok(())
}
