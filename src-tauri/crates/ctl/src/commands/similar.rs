//! `hilumctl similar` and `hilumctl calibrate`.

use crate::{
    cli::{Calibrate, Similar},
    failure::{Failure, Result},
    input::{self, Source},
    models, output,
    session::{self, Models},
    settings::Settings,
};
use hilum_workers::messages::decode::DecodeWants;
use hilum_workflow::{AgeBand, Calibration, Filter, SimilarCases, Standing, View, Workstation};
use serde_json::{Value, json};

pub async fn run(options: Similar, settings: &Settings) -> Result<()> {
    let filter = Filter {
        finding: options.finding.clone(),
        sex: options.sex.clone(),
        age: known(options.age.as_deref(), AgeBand::of_label, "0-17, 18-39, 40-59, 60-79 or 80+")?,
        view: known(options.view.as_deref(), View::of_label, "PA, AP or lateral")?,
        signed_only: options.signed,
    };
    let workstation = session::unlock(settings, options.user.as_deref(), Models::Both).await?;
    let found = search(&workstation, &options, filter, settings).await;
    let found = session::close(&workstation, found).await?;
    if settings.json {
        let cases: Vec<Value> = found
            .cases
            .iter()
            .map(|found| {
                json!({
                    "instance_uid": found.instance_uid,
                    "similarity": found.similarity,
                    "sex": found.case.sex,
                    "age_band": found.case.age.map(AgeBand::label),
                    "view": found.case.view.map(View::label),
                    "signed": found.case.signed,
                    "findings": found.case.findings,
                })
            })
            .collect();
        output::json(&json!({
            "searched": found.searched, "waiting": found.waiting, "demo": found.demo, "cases": cases,
        }));
        return Ok(());
    }
    let head = ["SIMILARITY", "SEX", "AGE", "VIEW", "SIGNED", "FINDINGS", "IMAGE"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for found in &found.cases {
        let findings: Vec<&str> = found.case.findings.iter().map(|f| hilum_workflow::label(f)).collect();
        rows.push(vec![
            format!("{:.4}", found.similarity),
            output::plain(&found.case.sex),
            found.case.age.map(AgeBand::label).unwrap_or_default().to_owned(),
            found.case.view.map(View::label).unwrap_or_default().to_owned(),
            if found.case.signed { "yes" } else { "no" }.to_owned(),
            findings.join(", "),
            output::plain(&found.instance_uid),
        ]);
    }
    output::table(&rows);
    output::line(format!("{} images of other patients searched", found.searched));
    if found.waiting > 0 {
        output::line(format!("{} images are not embedded yet; --index embeds them first", found.waiting));
    }
    Ok(())
}

async fn search(
    workstation: &Workstation,
    options: &Similar,
    filter: Filter,
    settings: &Settings,
) -> Result<SimilarCases> {
    if options.index {
        embed_all(workstation, settings).await?;
    }
    let most = options.limit as usize;
    if let Source::Dicom(file) = input::open(&options.file).await? {
        let header = input::decode(settings, &options.file, file, &DecodeWants::default()).await?.header;
        match workstation.similar(&header.sop_instance_uid, filter.clone(), most, &settings.cancel).await {
            // An image from elsewhere is looked for all the same.
            Err(e) if e.code() == "store.not_found" => {}
            found => return found.map_err(|e| Failure::from(e).about(&options.file)),
        }
    }
    let encoder = models::encoder(settings, None).await?;
    let side = encoder.about.side;
    let gray = input::model_input(settings, &options.file, side).await?;
    let image = encoder.worker.image(side, gray, &settings.cancel).await;
    let image = image.map_err(|e| Failure::from(e).about(&options.file))?;
    Ok(workstation.similar_to(image.embedding, filter, most).await?)
}

pub async fn calibrate(options: Calibrate, settings: &Settings) -> Result<()> {
    let workstation = session::unlock(settings, options.user.as_deref(), Models::Both).await?;
    let rows = async {
        if options.show {
            return Ok::<_, Failure>(workstation.calibration().await?);
        }
        embed_all(&workstation, settings).await?;
        Ok(workstation.calibrate().await?)
    };
    let rows = rows.await;
    let needed = workstation.calibration_needs();
    let rows = session::close(&workstation, rows).await?;
    if settings.json {
        let findings: Vec<Value> = rows.iter().map(as_json).collect();
        output::json(&json!({ "needed": needed, "findings": findings }));
        return Ok(());
    }
    let head = ["FINDING", "STATUS", "WITH", "WITHOUT", "AUC", "95 % INTERVAL"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for row in &rows {
        table.push(vec![
            hilum_workflow::label(row.finding).to_owned(),
            word(row.standing).replace('_', " "),
            row.positives.to_string(),
            row.negatives.to_string(),
            row.auc.map(|[value, ..]| format!("{value:.3}")).unwrap_or_default(),
            row.auc.map(|[_, low, high]| format!("{low:.3} to {high:.3}")).unwrap_or_default(),
        ]);
    }
    output::table(&table);
    output::line(format!("patients; {needed} with and {needed} without a finding are needed"));
    Ok(())
}

async fn embed_all(workstation: &Workstation, settings: &Settings) -> Result<()> {
    let waiting = workstation.images_to_embed().await?;
    for (i, uid) in waiting.iter().enumerate() {
        output::progress(&format!("embedding image {} of {}", i + 1, waiting.len()));
        workstation.embed_image(uid, &settings.cancel).await?;
    }
    Ok(())
}

fn as_json(row: &Calibration) -> Value {
    json!({
        "finding": row.finding,
        "status": word(row.standing),
        "positives": row.positives,
        "negatives": row.negatives,
        "auc": row.auc.map(|[value, low, high]| json!({ "value": value, "low": low, "high": high })),
    })
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Calibrated => "calibrated",
        Standing::NeverFitted => "not_fitted",
        Standing::TooFew => "too_few_patients",
        Standing::NotSeparated => "not_separated",
        Standing::Stale => "stale",
    }
}

fn known<T>(word: Option<&str>, parse: fn(&str) -> Option<T>, choices: &str) -> Result<Option<T>> {
    word.map(|word| parse(word).ok_or_else(|| Failure::usage(format!("{word} is none of {choices}")))).transpose()
}
