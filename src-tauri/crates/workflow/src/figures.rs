//! The images and measurements that a report is printed with: what a person chose, and how it is drawn.

use async_recursion::async_recursion as boxed;
use crate::reading::{header_of, model_image};
use crate::worklist::date_and_time;
use crate::{Cancel, WorkflowError, Workstation};
use hilum_export::{ImageMark, KeyImage, Measured};
use hilum_report::{Report, ReportId};
use hilum_store::{Annotation, AnnotationKind, Figures, Instance, SpacingSource, Store, Study};
use hilum_workers::messages::decode::DecodeWants;

/// Longest side of a printed image, pixels: about 200 dots an inch at its printed size.
const LONGEST: u32 = 720;
/// More images than this are no key images.
const MOST_IMAGES: usize = 8;

impl Workstation {
    /// The images and measurements with which a report is printed; while nobody chose, the image
    /// that the models are given, and no table.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`.
    #[boxed]
    pub async fn figures(&self, report: &ReportId) -> Result<Figures, WorkflowError> {
        let store = self.store()?;
        let study = store.study(store.report(report).await?.study_uid()).await?;
        chosen(&store, report, &study).await
    }

    /// Keeps what a person chose; audited. Images and measurements of other studies are left out.
    ///
    /// # Errors
    /// `store.not_found`, `vault.locked`, `data.disk_full`.
    #[boxed]
    pub async fn set_figures(&self, report: &ReportId, figures: &Figures) -> Result<Figures, WorkflowError> {
        let store = self.store()?;
        let study = store.study(store.report(report).await?.study_uid()).await?;
        let known = store.annotations(&study.row.uid).await?;
        let mut kept = Figures::default();
        for uid in &figures.images {
            if instance(&study, uid).is_some() && !kept.images.contains(uid) && kept.images.len() < MOST_IMAGES {
                kept.images.push(uid.clone());
            }
        }
        for id in &figures.measurements {
            if known.iter().any(|a| a.id == *id && !a.measured.is_empty()) && !kept.measurements.contains(id) {
                kept.measurements.push(id.clone());
            }
        }
        store.set_figures(report, &kept, &store.user().id, self.now()).await?;
        Ok(kept)
    }

    /// Key images and the rows of the table, as they are printed. A picture that cannot be had
    /// is left out: the report is the words.
    pub(crate) async fn printed_figures(
        &self,
        store: &Store,
        report: &Report,
        study: &Study,
    ) -> Result<(Vec<KeyImage>, Vec<Measured>), WorkflowError> {
        let chosen = chosen(store, report.id(), study).await?;
        let annotations = store.annotations(&study.row.uid).await?;
        let mut images = Vec::new();
        let mut printed: Vec<&str> = Vec::new();
        for uid in &chosen.images {
            let Some(instance) = instance(study, uid) else { continue };
            let marks: Vec<&Annotation> = annotations.iter().filter(|a| a.instance_uid == *uid).collect();
            if let Some(image) = self.key_image(store, instance, &marks).await {
                images.push(image);
                printed.push(uid);
            }
        }
        let rows = chosen.measurements.iter().filter_map(|id| annotations.iter().find(|a| a.id == *id));
        let rows = rows.map(|annotation| {
            let number = printed.iter().position(|uid| *uid == annotation.instance_uid);
            let image = match number {
                Some(number) => (number + 1).to_string(),
                None => instance(study, &annotation.instance_uid).map(view_of).unwrap_or_default(),
            };
            let name = name_of(annotation.kind);
            let label = annotation.label.trim();
            Measured {
                image,
                label: if label.is_empty() { name.to_owned() } else { format!("{name}: {label}") },
                value: words_of(annotation).join(", "),
                spacing: annotation.spacing.map(spacing_words).unwrap_or_default().to_owned(),
            }
        });
        Ok((images, rows.collect()))
    }

    async fn key_image(&self, store: &Store, instance: &Instance, marks: &[&Annotation]) -> Option<KeyImage> {
        let file = store.blob(&instance.original).await.ok()?;
        let wants = DecodeWants { display: Some(LONGEST), ..DecodeWants::default() };
        let decoded = self.outside.decoder.decode(file, &wants, &Cancel::new()).await.ok()?;
        let display = decoded.display?;
        let (columns, rows) = (decoded.header.columns?, decoded.header.rows?);
        let scale = [f64::from(display.width) / f64::from(columns), f64::from(display.height) / f64::from(rows)];
        let header = header_of(instance);
        let date = header.acquisition_date.or(header.study_date).unwrap_or_default();
        let time = header.acquisition_time.or(header.study_time).unwrap_or_default();
        let taken = date_and_time(&date, &time);
        let parts = [view_of(instance), taken].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        Some(KeyImage {
            width: display.width as usize,
            height: display.height as usize,
            grey: display.gray,
            caption: format!("{}. Not for diagnosis.", parts.join(", ")),
            marks: marks.iter().map(|annotation| drawn(annotation, scale)).collect(),
        })
    }
}

async fn chosen(store: &Store, report: &ReportId, study: &Study) -> Result<Figures, WorkflowError> {
    if let Some(figures) = store.figures(report).await? {
        return Ok(figures);
    }
    let images = model_image(study).map(|(instance, _)| instance.uid.clone()).into_iter().collect();
    Ok(Figures { images, measurements: Vec::new() })
}

fn instance<'a>(study: &'a Study, uid: &str) -> Option<&'a Instance> {
    study.series.iter().flat_map(|series| &series.instances).find(|instance| instance.uid == uid)
}

/// The view as its file names it ("PA"), or else the modality.
fn view_of(instance: &Instance) -> String {
    let header = header_of(instance);
    header.view_position.filter(|view| !view.is_empty()).or(header.modality).unwrap_or_else(|| "Image".to_owned())
}

fn name_of(kind: AnnotationKind) -> &'static str {
    match kind {
        AnnotationKind::Length => "Length",
        AnnotationKind::Angle => "Angle",
        AnnotationKind::Cobb => "Cobb angle",
        AnnotationKind::Ctr => "Cardiothoracic ratio",
        AnnotationKind::Rectangle => "Rectangle",
        AnnotationKind::Ellipse => "Ellipse",
        AnnotationKind::Arrow => "Arrow",
        AnnotationKind::Text => "Text",
    }
}

fn spacing_words(source: SpacingSource) -> &'static str {
    match source {
        SpacingSource::Imager => "Imager Pixel Spacing: at the detector, where the body is magnified",
        SpacingSource::Calibrated => "Pixel Spacing (calibrated)",
    }
}

/// The values of a mark, each with what it is where that is not plain.
fn words_of(annotation: &Annotation) -> Vec<String> {
    match (annotation.kind, annotation.measured.as_slice()) {
        (AnnotationKind::Ctr, [ratio, heart, thorax]) => {
            vec![format!("CTR {ratio}"), format!("heart {heart}, thorax {thorax}")]
        }
        (AnnotationKind::Ctr, [ratio, ..]) => vec![format!("CTR {ratio}")],
        (AnnotationKind::Rectangle | AnnotationKind::Ellipse, [width, height]) => vec![format!("{width} × {height}")],
        (_, values) => values.to_vec(),
    }
}

/// A mark with its points in pixels of the printed picture, which is `scale` times the image.
fn drawn(annotation: &Annotation, scale: [f64; 2]) -> ImageMark {
    let points: Vec<[f32; 2]> =
        annotation.points.iter().map(|[x, y]| [(x * scale[0]) as f32, (y * scale[1]) as f32]).collect();
    let mut words: Vec<String> =
        Some(annotation.label.trim().to_owned()).filter(|l| !l.is_empty()).into_iter().collect();
    words.extend(words_of(annotation));
    let anchor = points.iter().copied().reduce(|a, b| if b[0] > a[0] { b } else { a }).unwrap_or_default();
    ImageMark { strokes: strokes_of(annotation.kind, &points), anchor, words }
}

fn strokes_of(kind: AnnotationKind, points: &[[f32; 2]]) -> Vec<Vec<[f32; 2]>> {
    let middle = |a: [f32; 2], b: [f32; 2]| [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
    match (kind, points) {
        (AnnotationKind::Cobb, &[a, b, c, d]) => vec![vec![a, b], vec![c, d], vec![middle(a, b), middle(c, d)]],
        (AnnotationKind::Ctr, &[a, b, c, d]) => vec![vec![a, b], vec![c, d]],
        (AnnotationKind::Rectangle, &[a, b]) => vec![vec![a, [b[0], a[1]], b, [a[0], b[1]], a]],
        (AnnotationKind::Ellipse, &[a, b]) => {
            let ([x, y], [w, h]) = (middle(a, b), [(b[0] - a[0]) / 2.0, (b[1] - a[1]) / 2.0]);
            let round = (0..=64).map(|step| (step as f32 * std::f32::consts::TAU / 64.0).sin_cos());
            vec![round.map(|(sin, cos)| [x + w * cos, y + h * sin]).collect()]
        }
        (AnnotationKind::Arrow, &[a, b]) => {
            let back = (a[1] - b[1]).atan2(a[0] - b[0]);
            let long = ((a[0] - b[0]).hypot(a[1] - b[1]) / 4.0).clamp(6.0, 22.0);
            let barb = |turn: f32| [b[0] + long * (back + turn).cos(), b[1] + long * (back + turn).sin()];
            vec![vec![a, b], vec![barb(0.45), b, barb(-0.45)]]
        }
        // A text has a short tick at its place.
        (AnnotationKind::Text, &[[x, y]]) => vec![vec![[x - 4.0, y], [x + 4.0, y]], vec![[x, y - 4.0], [x, y + 4.0]]],
        (_, points) => vec![points.to_vec()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(kind: AnnotationKind, points: &[[f64; 2]], label: &str, measured: &[&str]) -> Annotation {
        Annotation {
            id: "a".into(),
            instance_uid: "1".into(),
            kind,
            points: points.to_vec(),
            label: label.into(),
            measured: measured.iter().map(|m| (*m).to_owned()).collect(),
            spacing: None,
        }
    }

    #[test]
    fn marks_are_drawn_where_they_were_made() {
        let check = |kind, points: &[[f64; 2]], strokes: usize, anchor: [f32; 2], words: &[&str], measured: &[&str]| {
            let mark = drawn(&annotation(kind, points, "nodule", measured), [0.5, 0.25]);
            assert_eq!((mark.strokes.len(), mark.anchor), (strokes, anchor), "{kind:?}");
            assert_eq!(mark.words, words, "{kind:?}");
        };
        let two = [[10.0, 20.0], [30.0, 40.0]];
        let four = [[10.0, 20.0], [30.0, 40.0], [0.0, 80.0], [60.0, 80.0]];
        check(AnnotationKind::Length, &two, 1, [15.0, 10.0], &["nodule", "12 mm"], &["12 mm"]);
        check(AnnotationKind::Angle, &four[..3], 1, [15.0, 10.0], &["nodule", "7.4°"], &["7.4°"]);
        check(AnnotationKind::Cobb, &four, 3, [30.0, 20.0], &["nodule", "12°"], &["12°"]);
        let ctr = ["nodule", "CTR 0.56", "heart 148 mm, thorax 264 mm"];
        check(AnnotationKind::Ctr, &four, 2, [30.0, 20.0], &ctr, &["0.56", "148 mm", "264 mm"]);
        check(AnnotationKind::Ctr, &four, 2, [30.0, 20.0], &["nodule", "CTR 0.56"], &["0.56"]);
        check(AnnotationKind::Rectangle, &two, 1, [15.0, 10.0], &["nodule", "3.0 mm × 4.0 mm"], &["3.0 mm", "4.0 mm"]);
        check(AnnotationKind::Ellipse, &two, 1, [15.0, 10.0], &["nodule"], &[]);
        check(AnnotationKind::Arrow, &two, 2, [15.0, 10.0], &["nodule"], &[]);
        check(AnnotationKind::Text, &two[..1], 2, [5.0, 5.0], &["nodule"], &[]);
    }
}
