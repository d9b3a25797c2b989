//! The installed models and the engines that run them.

use crate::app::App;
use crate::dto::{AppError, EngineStatus, ModelPack};
use crate::engines::{self, status};
use hilum_workflow::PackKind;

pub async fn engines(app: &App) -> Result<Vec<EngineStatus>, AppError> {
    let open = app.open().await?;
    let encode = open.encode.as_ref();
    let draft = open.draft.as_ref();
    Ok(vec![
        status("draft", draft.map(|d| &d.pack), draft.map(|d| d.worker.state().borrow().clone())),
        status("encode", encode.map(|e| &e.pack), encode.map(|e| e.worker.state().borrow().clone())),
    ])
}

pub async fn models(app: &App) -> Result<Vec<ModelPack>, AppError> {
    let open = app.open().await?;
    let in_use = |id: &str| {
        open.encode.as_ref().is_some_and(|e| e.pack.id == id) || open.draft.as_ref().is_some_and(|d| d.pack.id == id)
    };
    Ok(open
        .packs
        .iter()
        .map(|pack| ModelPack {
            id: pack.id.clone(),
            kind: match pack.kind {
                PackKind::Medgemma => "medgemma".into(),
                PackKind::Medsiglip => "medsiglip".into(),
            },
            name: pack.name.clone(),
            demo: pack.demo,
            hash: pack.hash.clone(),
            bytes: pack.bytes as f64,
            source: pack.source.clone(),
            terms: pack.terms.clone(),
            notice: pack.notice.clone(),
            quantization: pack.quantization.clone(),
            card: pack.card.clone(),
            in_use: in_use(&pack.id),
        })
        .collect())
}

pub async fn verify_model(app: &App, id: String) -> Result<(), AppError> {
    Ok(engines::verify_pack(app.data(), &id).await?)
}
