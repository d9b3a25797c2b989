//! What crosses between the window and the shell.
//!
//! These are serializable twins of domain values, made for the screen; domain
//! types do not bend to it. The TypeScript in `ui/src/ipc/bindings.ts` is
//! generated from this folder, and a test fails when it is stale.

mod app;
mod event;
mod evidence;
mod printing;
mod reading;
mod report;
mod similar;
mod study;
mod writing;

pub use app::*;
pub use event::*;
pub use evidence::*;
pub use printing::*;
pub use reading::*;
pub use report::*;
pub use similar::*;
pub use study::*;
pub use writing::*;

use ts_rs::TS;

/// All of it as one TypeScript file, in a fixed order.
pub fn typescript() -> String {
    macro_rules! declarations {
        ($($name:ty),* $(,)?) => {{
            let config = ts_rs::Config::default();
            vec![$(<$name as TS>::decl(&config)),*]
        }};
    }
    let declarations = declarations![
        AppError, SealingKey, AppStatus, UserSummary, FirstUser, EngineStatus, EngineState, ModelPack, PackCandidate, PackChoice, PackProblem,
        PackPhase, Settings, BackupView, RestoreChoice, BackupStage, AuditLine, AuditFilter, AuditExported, AuditVerdict,
        StudyRow, StudyDetail, PatientView, ImageView, ImportFile, FindingSupport,
        EvidenceMapHead, MapPlacement, SimilarFilter, SimilarCases, SimilarCase, SimilarIdentity, CalibratedProbability,
        CalibrationStatus, CalibrationRow, AucView,
        SentenceEvidence, ClaimView, ClaimState, ClaimPresence, ClaimSide, ClaimSupport, ClaimRequery, ReportFlag,
        ReportView, SectionView, SentenceView, SentenceState, RegionName, SectionName, ReportStatus, VersionView,
        VersionName, SigningNeed, MeansName, EditCommand, SignRequest, SignedResult, FigureChoice, TimeStampSettings, SigningKey, TemplateView, ExportAs, AppEvent, DraftStage,
        DraftOptions, DraftMode, SectionToDraft, SectionHow, ProposalView, PriorStudy,
        HeldView, PreliminaryView, MacroView, Spelling, SituationName, TemplateChoice, TextKind, ReportText, TextSection, TextSentence,
        Annotation, AnnotationKind, WorklistFilter, TimelineStudy, ImportUndone, DraftQueue, QueuedDraft,
    ];
    let mut out = String::from("// Generated from src-tauri/src/dto by the test `bindings`. Do not edit.\n");
    for declaration in declarations {
        out.push_str("\nexport ");
        out.push_str(&declaration);
        out.push('\n');
    }
    out
}
