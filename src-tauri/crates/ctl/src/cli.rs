//! The command line: names, options and where their help lies.

use crate::help;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Parser)]
#[command(
    name = "hilumctl",
    version,
    about = "Hilum without a window: chest radiographs in, drafted and signed reports out",
    long_about = help::PROGRAM,
    after_long_help = help::PROGRAM_END,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    /// The data folder (else HILUM_DATA, else this person's application folder)
    #[arg(long, global = true, value_name = "DIR", long_help = help::DATA)]
    pub data: Option<PathBuf>,
    /// Print the result as JSON, and errors as one JSON line
    #[arg(long, global = true, long_help = help::JSON)]
    pub json: bool,
    /// Read the passphrase from descriptor N instead of HILUM_PASSPHRASE
    #[arg(long, global = true, value_name = "N", long_help = help::PASSPHRASE)]
    pub passphrase_fd: Option<u32>,
    /// Read a new passphrase from descriptor N instead of HILUM_NEW_PASSPHRASE
    #[arg(long, global = true, value_name = "N")]
    pub new_passphrase_fd: Option<u32>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Add a user, change a passphrase, list users
    #[command(long_about = help::USER, after_long_help = help::USER_END, subcommand)]
    User(UserCommand),
    /// Say what a file is: its header, its pixels, what a model would see
    #[command(long_about = help::INSPECT, after_long_help = help::INSPECT_END)]
    Inspect(Inspect),
    /// Add, list, check or remove model packs
    #[command(long_about = help::PACK, after_long_help = help::PACK_END, subcommand)]
    Pack(PackCommand),
    /// Score chest findings in images with a MedSigLIP pack
    #[command(long_about = help::CLASSIFY, after_long_help = help::CLASSIFY_END)]
    Classify(Classify),
    /// Say what the sentences of a report claim: findings, presence, side
    #[command(long_about = help::CLAIMS, after_long_help = help::CLAIMS_END)]
    Claims(Claims),
    /// Write the image embeddings of a MedSigLIP pack
    #[command(long_about = help::EMBED, after_long_help = help::EMBED_END)]
    Embed(Embed),
    /// Draft report text for an image with a MedGemma pack
    #[command(long_about = help::DRAFT, after_long_help = help::DRAFT_END)]
    Draft(Draft),
    /// Import files and folders into the data folder
    #[command(long_about = help::IMPORT, after_long_help = help::IMPORT_END)]
    Import(Import),
    /// List the studies of the data folder
    #[command(long_about = help::STUDIES, after_long_help = help::STUDIES_END)]
    Studies(Studies),
    /// Do the whole job: import, score, draft, accept, sign, write the PDF
    #[command(long_about = help::REPORT, after_long_help = help::REPORT_END)]
    Report(Report),
    /// List report templates, take them in and write them out as IHE MRRT
    #[command(long_about = help::TEMPLATE, after_long_help = help::TEMPLATE_END, subcommand)]
    Template(TemplateCommand),
    /// Write a signed report as a PDF, DICOM, FHIR or HL7 file
    #[command(long_about = help::EXPORT, after_long_help = help::EXPORT_END)]
    Export(Export),
    /// Say what models wrote in this data folder, and whether it would come out again
    #[command(long_about = help::PROPOSAL, after_long_help = help::PROPOSAL_END, subcommand)]
    Proposal(ProposalCommand),
    /// Find images of other patients that look alike
    #[command(long_about = help::SIMILAR, after_long_help = help::SIMILAR_END)]
    Similar(Similar),
    /// Fit probabilities to this data folder's own signed reports
    #[command(long_about = help::CALIBRATE, after_long_help = help::CALIBRATE_END)]
    Calibrate(Calibrate),
    /// Check a signed PDF: integrity, coverage, trust
    #[command(long_about = help::VERIFY, after_long_help = help::VERIFY_END)]
    Verify(Verify),
    /// Check the audit trail
    #[command(long_about = help::AUDIT, after_long_help = help::AUDIT_END, subcommand)]
    Audit(AuditCommand),
    /// Make a backup of the data folder, list those there are
    #[command(long_about = help::BACKUP, after_long_help = help::BACKUP_END)]
    Backup(Backup),
    /// Put a backup in the place of what the data folder holds, which is kept
    #[command(long_about = help::RESTORE, after_long_help = help::RESTORE_END)]
    Restore(Restore),
    /// Measure this machine
    #[command(long_about = help::BENCH, after_long_help = help::BENCH_END)]
    Bench(Bench),
    /// Serve a model over standard input and output (started by Hilum itself)
    #[command(long_about = help::WORKER, after_long_help = help::WORKER_END)]
    Worker {
        /// Which model
        role: WorkerRole,
        /// The folder that keeps what is measured of packs
        #[arg(long)]
        figures: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkerRole {
    /// MedSigLIP: scores and embeddings
    Encode,
    /// MedGemma: drafts
    Draft,
    /// Two MedGemma packs set against each other
    Drift,
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user; the first one makes the vault and is shown the recovery key
    #[command(long_about = help::USER_ADD, after_long_help = help::USER_END)]
    Add {
        /// The name to log in with and to sign with
        name: String,
        /// The existing user whose passphrase unlocks the vault for this
        #[arg(long = "as", value_name = "USER")]
        by: Option<String>,
        /// Signs as preliminary only, for another person to co-sign
        #[arg(long, requires = "by")]
        trainee: bool,
    },
    /// Change a passphrase
    #[command(long_about = help::USER_PASSWD, after_long_help = help::USER_END)]
    Passwd {
        /// Whose passphrase
        name: String,
    },
    /// Sign with a key and certificate of your own, from a PKCS#12 file
    #[command(long_about = help::USER_IDENTITY, after_long_help = help::USER_END)]
    Identity {
        /// Whose signing key is replaced
        name: String,
        /// The PKCS#12 file (.p12, .pfx): RSA from 2048 bits, P-256 or P-384
        file: PathBuf,
    },
    /// Make a new recovery key; the old one opens nothing any more
    #[command(long_about = help::USER_RECOVERY, after_long_help = help::USER_END)]
    Recovery {
        /// Whose passphrase unlocks the vault for this
        name: String,
    },
    /// List the users; needs no passphrase
    #[command(long_about = help::USER_LIST, after_long_help = help::USER_END)]
    List,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// DICOM, PNG or JPEG
    pub file: PathBuf,
    /// Write the stored values, before any lookup table, as a NumPy array
    #[arg(long, value_name = "OUT.npy")]
    pub stored: Option<PathBuf>,
    /// Write the image as displayed by default, as a PNG
    #[arg(long, value_name = "OUT.png")]
    pub display: Option<PathBuf>,
    /// Write the square input of a model (448 or 896, or a demonstration's side) as a NumPy array
    #[arg(long, num_args = 2, value_names = ["SIDE", "OUT.npy"])]
    pub model_input: Option<Vec<String>>,
}

#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Check a downloaded model folder and copy it into the data folder
    #[command(long_about = help::PACK_ADD, after_long_help = help::PACK_END)]
    Add {
        /// The folder as the publisher ships it
        dir: PathBuf,
        /// How the language model is stored
        #[arg(long, value_enum, default_value_t = Quantize::None)]
        quantize: Quantize,
        /// Identifier of the pack; made from the folder's name where absent
        #[arg(long)]
        id: Option<String>,
        /// Name to show
        #[arg(long)]
        name: Option<String>,
        /// Where the weights come from, for the record
        #[arg(long)]
        source: Option<String>,
        /// The kind that the folder must be; any where absent
        #[arg(long, value_enum)]
        kind: Option<PackKindName>,
        /// You have read the terms that `pack check` shows, and accept them for this pack
        #[arg(long)]
        accept_terms: bool,
    },
    /// Say what a downloaded model folder would become, and its terms; nothing is copied
    #[command(long_about = help::PACK_CHECK, after_long_help = help::PACK_END)]
    Check {
        /// The folder as the publisher ships it
        dir: PathBuf,
    },
    /// List the packs
    #[command(long_about = help::PACK_LIST, after_long_help = help::PACK_END)]
    List,
    /// Hash every file of a pack, or of all packs, against its manifest
    #[command(long_about = help::PACK_VERIFY, after_long_help = help::PACK_END)]
    Verify {
        /// One pack; all of them where absent
        id: Option<String>,
    },
    /// Remove one of your packs
    #[command(long_about = help::PACK_REMOVE, after_long_help = help::PACK_END)]
    Remove {
        /// The pack
        id: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PackKindName {
    /// Sees images and drafts
    Medgemma,
    /// A language model without images
    MedgemmaText,
    /// Scores findings and embeds images
    Medsiglip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Quantize {
    /// As published
    None,
    Q4k,
    #[value(name = "q8_0")]
    Q8,
}

#[derive(Debug, Args)]
pub struct Classify {
    /// DICOM, PNG or JPEG
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The MedSigLIP pack to use
    #[arg(long, value_name = "ID")]
    pub pack: Option<String>,
    /// Also write where the image supports a finding, as .npy or .png
    #[arg(long, num_args = 2, value_names = ["FINDING", "OUT"])]
    pub map: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub struct Claims {
    /// A text file in UTF-8, or - for standard input; a line may be a sentence or a whole report
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Similar {
    /// DICOM, PNG or JPEG; it need not be in the data folder
    pub file: PathBuf,
    /// Only cases whose signed report states this finding, for example pleural_effusion
    #[arg(long, value_name = "KEY")]
    pub finding: Option<String>,
    /// Only this sex: M, F or O
    #[arg(long, value_name = "SEX")]
    pub sex: Option<String>,
    /// Only this age band: 0-17, 18-39, 40-59, 60-79 or 80+
    #[arg(long, value_name = "BAND")]
    pub age: Option<String>,
    /// Only this view: PA, AP or lateral
    #[arg(long, value_name = "VIEW")]
    pub view: Option<String>,
    /// Only cases with a signed report
    #[arg(long)]
    pub signed: bool,
    /// Embed what has no embedding yet first
    #[arg(long)]
    pub index: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub limit: u32,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Calibrate {
    /// Only show how each finding stands; fit nothing
    #[arg(long)]
    pub show: bool,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Embed {
    /// DICOM, PNG or JPEG
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The NumPy array to write: one row an image, 32-bit floats
    #[arg(long, value_name = "OUT.npy")]
    pub out: PathBuf,
    /// The MedSigLIP pack to use
    #[arg(long, value_name = "ID")]
    pub pack: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PromptKind {
    /// Exactly the words of --text
    Raw,
    /// The published report prompt
    Report,
    /// The report prompt, answered under the grammar of the template's sections
    Sections,
}

#[derive(Debug, Args)]
pub struct Draft {
    /// The current image: DICOM, PNG or JPEG; may be left out with --prompt raw
    #[arg(required_unless_present_any = ["text", "question"])]
    pub file: Option<PathBuf>,
    /// An earlier image of the same patient, shown to the model first
    #[arg(long, value_name = "FILE", requires = "file")]
    pub prior: Option<PathBuf>,
    /// The indication, as a person confirmed it
    #[arg(long, value_name = "TEXT", conflicts_with = "text")]
    pub indication: Option<String>,
    /// The MedGemma pack to use
    #[arg(long, value_name = "ID")]
    pub pack: Option<String>,
    /// Longest answer in tokens
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub max_tokens: u32,
    /// Which words go with the image
    #[arg(long, value_enum, default_value_t = PromptKind::Sections)]
    pub prompt: PromptKind,
    /// The words of --prompt raw
    #[arg(long, value_name = "TEXT", required_if_eq("prompt", "raw"))]
    pub text: Option<String>,
    /// Ask this instead, to be answered with yes or no in the published wording
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["text", "indication", "prompt"])]
    pub question: Option<String>,
    /// Also write the images as the model's tower encoded them, to this NumPy array: images x soft tokens x 32-bit floats
    #[arg(long, value_name = "OUT.npy", requires = "file")]
    pub soft_tokens: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Import {
    /// Files and folders; every file gets a verdict
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Studies {
    /// Only studies whose name, id, accession or description holds these words
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub search: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: u32,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Report {
    /// The radiograph, a DICOM file
    pub file: PathBuf,
    /// The folder that the signed PDF goes to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Who signs; made in an empty data folder
    #[arg(long, value_name = "NAME")]
    pub signer: String,
    /// Accept every drafted sentence unread: demonstration packs only, and every page says so
    #[arg(long)]
    pub accept_all: bool,
}

#[derive(Debug, Subcommand)]
pub enum TemplateCommand {
    /// List the templates
    #[command(long_about = help::TEMPLATE, after_long_help = help::TEMPLATE_END)]
    List {
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Take in an MRRT document; one of the same identifier gives way
    #[command(long_about = help::TEMPLATE, after_long_help = help::TEMPLATE_END)]
    Import {
        /// The HTML file
        file: PathBuf,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Write a template as an MRRT document
    #[command(long_about = help::TEMPLATE, after_long_help = help::TEMPLATE_END)]
    Export {
        /// Id of the template, as list shows it
        id: String,
        /// The file to write
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportAs {
    /// The signed document
    Pdf,
    /// DICOM Basic Text SR
    Sr,
    /// DICOM Encapsulated PDF
    Encapsulated,
    /// FHIR R4 bundle
    Fhir,
    /// HL7 v2.5.1 ORU^R01
    Hl7,
}

#[derive(Debug, Args)]
pub struct Export {
    /// Id of a report, whose newest signed version is meant, or of a signed version
    #[arg(value_name = "REPORT")]
    pub report: String,
    /// What to write
    #[arg(long = "as", value_enum, value_name = "FORM")]
    pub form: ExportAs,
    /// The file to write
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The signed report
    pub file: PathBuf,
    /// A certificate to trust (PEM or DER), beside those of the data folder's users
    #[arg(long, value_name = "CERT")]
    pub trust: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum ProposalCommand {
    /// List what was generated, for one study or for all
    #[command(long_about = help::PROPOSAL, after_long_help = help::PROPOSAL_END)]
    List {
        /// Only of the study with this UID
        #[arg(long, value_name = "UID")]
        study: Option<String>,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Print one generation as it was kept: prompt, images, pack, settings, tokens, text
    #[command(long_about = help::PROPOSAL, after_long_help = help::PROPOSAL_END)]
    Show {
        /// Id of the proposal
        #[arg(value_name = "PROPOSAL")]
        id: String,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Generate it once more and compare token for token
    #[command(long_about = help::PROPOSAL, after_long_help = help::PROPOSAL_END)]
    Repeat {
        /// Id of the proposal
        #[arg(value_name = "PROPOSAL")]
        id: String,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Recompute the chain and hold it against every signed version
    #[command(long_about = help::AUDIT, after_long_help = help::AUDIT_END)]
    Verify {
        /// A signed report kept elsewhere, whose head must be in the chain; may be given again
        #[arg(long, value_name = "PDF")]
        against: Vec<PathBuf>,
        /// A head as a report prints it, 64 digits; may be given again
        #[arg(long, value_name = "HASH")]
        head: Vec<String>,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Write its lines as CSV, the oldest first
    #[command(long_about = help::AUDIT_EXPORT, after_long_help = help::AUDIT_EXPORT_END)]
    Export {
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Only lines with these words in action, object or detail
        #[arg(long, value_name = "WORDS", default_value = "")]
        words: String,
        /// Who unlocks the vault, where several people use it
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Backup {
    /// The folder for backups, outside of the data folder
    #[arg(value_name = "DIR")]
    pub to: PathBuf,
    /// Delete the oldest backups of this data folder past so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub keep: Option<u32>,
    /// Make none; list the backups in DIR
    #[arg(long, conflicts_with = "keep")]
    pub list: bool,
    /// Who unlocks the vault, where several people use it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// One backup, or a folder of backups, of which the newest is taken
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Whose passphrase opens the backup, where several people could open it
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Open it with the recovery key in HILUM_RECOVERY_KEY
    #[arg(long, conflicts_with = "user")]
    pub recovery_key: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchKind {
    /// One image through the MedSigLIP pack
    Encode,
    /// Reading image and prompt in the MedGemma pack, up to the first token
    Prompt,
    /// Writing tokens in the MedGemma pack
    Decode,
    /// Each step of a draft apart: load, encode, prompt of 300 tokens, 128 tokens written, a whole draft and a second one
    Engine,
    /// Four yes/no questions about one image, one after the other and together
    Questions,
    /// One file through the decode child, with thumbnail
    Import,
    /// One search over 100,000 made-up embeddings of 1152 numbers, on one thread and on all
    Retrieve,
    /// How far a quantised MedGemma pack's next-token distributions are from those of what it was made of
    Drift,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// What to measure
    pub what: BenchKind,
    /// The image to use; a made-up one where absent (import needs a DICOM file)
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// How often, after one run that is not counted
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: u32,
    /// The pack to use
    #[arg(long, value_name = "ID")]
    pub pack: Option<String>,
    /// For drift: the pack it was made of, or that pack's folder as downloaded
    #[arg(long, value_name = "ID|DIR")]
    pub against: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command, at every depth, has a page with examples and exit statuses.
    #[test]
    fn every_command_has_a_page() {
        fn visit(command: &mut clap::Command, path: &str) {
            let page = command.render_long_help().to_string();
            for part in ["EXAMPLES", "EXIT STATUS", "--json"] {
                assert!(page.contains(part), "{path} has no {part}");
            }
            assert!(command.get_long_about().is_some_and(|a| a.to_string().len() > 100), "{path} says too little");
            for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                visit(sub, &path);
            }
        }
        let mut command = Cli::command();
        command.build();
        visit(&mut command, "hilumctl");
    }
}
