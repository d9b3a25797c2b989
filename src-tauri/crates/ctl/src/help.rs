//! The long texts of `hilumctl help`: what a manual page would say.

/// Ends every page: examples, then the exit statuses that all commands share.
macro_rules! page_end {
    ($examples:literal) => {
        concat!(
            "EXAMPLES\n",
            $examples,
            "\n\nEXIT STATUS\n",
            "  0  done\n",
            "  1  the input was refused: not an image, a wrong passphrase, a broken pack, an untrusted signature\n",
            "  2  wrong use of the command line\n",
            "  3  Hilum or the machine failed: a worker died, a disk is full\n",
            "\nErrors go to standard error as `hilumctl: FILE: sentence [code]`, with --json as\n",
            "{\"error\":{\"code\":...,\"message\":...,\"file\":...}}. Codes are stable; sentences are not."
        )
    };
}

pub const PROGRAM: &str = "\
Hilum without a window. A radiologist's desktop workstation drafts chest X-ray reports with MedGemma and scores \
findings with MedSigLIP; this program does the same from a shell: it inspects images, adds model packs, scores, drafts, \
imports, and carries one study from file to signed PDF. It is also the program that the desktop app starts to run its \
models.

Hilum is a drafting aid for qualified radiologists, not cleared for clinical use. Every report is reviewed and signed \
by a person. The model drafts; the person decides. Scores are support, never probabilities. Nothing connects to any \
network.

inspect, pack, classify, claims, embed, draft, verify and bench need no vault. user, import, studies, similar, calibrate, report, template, export, proposal, audit, backup and restore work on \
the data folder, which is encrypted and unlocked by a user's passphrase.";

pub const PROGRAM_END: &str = page_end!(
    "  hilumctl inspect chest.dcm
  hilumctl classify chest.dcm
  hilumctl draft chest.dcm --indication \"Cough for two weeks\"
  HILUM_PASSPHRASE=... hilumctl --data ./data report chest.dcm --out ./out --signer \"A. Reader\" --accept-all
  hilumctl verify ./out/report.pdf --trust signer.pem
  hilumctl help draft

ENVIRONMENT
  HILUM_DATA            the data folder, where --data is not given
  HILUM_PASSPHRASE      the passphrase, where --passphrase-fd is not given
  HILUM_NEW_PASSPHRASE  the new one, for `user add` and `user passwd`
  HILUM_RECOVERY_KEY    the recovery key, for `restore --recovery-key`
  HILUM_MODELS          the folder of the demonstration packs
  HILUM_BIN_DIR         the folder of hilum-decode, where it is not beside this program"
);

pub const DATA: &str = "\
The data folder: database, sealed originals, model packs (in DIR/packs). Without it HILUM_DATA counts, and without \
that the application folder of this person, which is the one that the desktop app uses. One program at a time holds a \
data folder; a second one is refused with data.in_use.";

pub const JSON: &str = "\
Print the result as one JSON document on standard output, and an error as one line of JSON on standard error. Keys are \
stable; new ones may be added.";

pub const PASSPHRASE: &str = "\
Read the passphrase from descriptor N, up to the first line end, so that it appears in no environment and no process \
list: hilumctl --passphrase-fd 3 studies 3<secret. Without it HILUM_PASSPHRASE counts.";

pub const USER: &str = "\
Users of the data folder. Every user has a passphrase, which unlocks the same vault, and a signing key of their own \
(P-256, made with the account), whose certificate `hilumctl verify` trusts. Changing a passphrase re-wraps keys and \
encrypts nothing anew.";

pub const USER_ADD: &str = "\
Add a user. In an empty data folder this makes the vault and prints the recovery key, once and nowhere else: with it \
the vault opens when every passphrase is lost. Later users need an existing one to unlock the vault: --as USER with \
that user's passphrase, and the new user's passphrase in HILUM_NEW_PASSPHRASE or --new-passphrase-fd. A --trainee signs \
reports as preliminary, and somebody else co-signs them. A passphrase has \
at least 8 characters.";

pub const USER_PASSWD: &str = "\
Change a passphrase: the old one in HILUM_PASSPHRASE or --passphrase-fd, the new one in HILUM_NEW_PASSPHRASE or \
--new-passphrase-fd. The signing key stays the same, and so do all signatures made with it.";

pub const USER_IDENTITY: &str = "\
Sign with a key and certificate of your own, from a PKCS#12 file, in place of the key that Hilum made. The file's \
password is in HILUM_PKCS12_PASSWORD (unset: empty). Reports signed before keep verifying with the earlier certificate.";

pub const USER_RECOVERY: &str = "\
Make a new recovery key and print it once; the old one opens nothing any more. For a key that was lost, or that somebody \
may have seen.";

pub const USER_LIST: &str = "\
List the users of the data folder, by name. Names are not secret to somebody who holds the folder, so this needs no \
passphrase; it shows nothing of any patient.";

pub const USER_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data user add \"A. Reader\"
  HILUM_PASSPHRASE=... HILUM_NEW_PASSPHRASE=... hilumctl --data ./data user add \"B. Reader\" --as \"A. Reader\"
  hilumctl --data ./data --passphrase-fd 3 --new-passphrase-fd 4 user passwd \"A. Reader\" 3<old 4<new
  hilumctl --data ./data user list --json"
);

pub const INSPECT: &str = "\
Say what a file is. A DICOM file is read in a child process with limits on memory and time and without rights; its \
header, its pixel format, its windows and everything odd about it are printed. The pixels can be written in three \
forms: as stored (before any lookup table), as displayed (modality and VOI transformation, default window, 8 bit), and \
as a model sees them (the published chest pipeline: square, padded with black, 8 bit).

PNG and JPEG have no header to speak of; size and the three forms work for them too.";

pub const INSPECT_END: &str = page_end!(
    "  hilumctl inspect chest.dcm
  hilumctl inspect chest.dcm --json | jq .header.photometric
  hilumctl inspect chest.dcm --display chest.png --stored chest.npy
  hilumctl inspect chest.dcm --model-input 448 input.npy"
);

pub const PACK: &str = "\
Model packs: folders of weights with a manifest that vouches for every byte. Two small demonstration packs ship with \
Hilum; they are marked everywhere as being without medical meaning. Real MedGemma and MedSigLIP weights are licensed \
under Google's Health AI Developer Foundations terms: you download them yourself and add them here. Your packs come \
before the demonstrations wherever none is named.";

pub const PACK_ADD: &str = "\
Check a folder as downloaded from the publisher, make a pack of it in the data folder and write its manifest with the \
SHA-256 of every file. Taken are MedGemma (4B, 27B multimodal, 27B text) and MedSigLIP in safetensors, in one file or in \
shards, as transformers 4 or 5 writes them. Every tensor's name, shape and type is held against the configuration, the \
tokenizer against both, every number in the weights is looked at, and disk and memory against an estimate. Weights in \
pickle formats (.bin, .pt, .pth, .ckpt), missing or truncated shards, links out of the folder and anything that does not \
fit are refused with a code that says which file and tensor, and nothing is left behind. Ctrl-C stops it cleanly, and \
what a kill leaves is swept at the next start.

--quantize q4k or q8_0 quantises the language model of a MedGemma once, now; none keeps the numbers as published (tensors \
that transformers 5 named get the names that the engine looks for, and the manifest keeps the published files' hashes). \
--accept-terms says that you have read the terms (`pack check` shows them, with the folder's own LICENSE and NOTICE) and \
accept them for this pack; they are printed on standard error, and a terminal asks where it is not given. With --json, \
standard error has lines {\"terms\"} and {\"progress\": {\"phase\", \"fraction\", \"detail\"}}; phases are checking, \
hashing, converting and copying.";

pub const PACK_CHECK: &str = "\
Say what a downloaded folder would become: kind, architecture, size, what each way of storing it takes of disk and \
memory, and the terms: Hilum's words for the publisher's, and the folder's own LICENSE and NOTICE. Headers and small \
files are read, nothing is copied. A folder that would be refused \
is refused here with the same code; only numbers in the weights that are none are found later, while they are copied.";

pub const PACK_LIST: &str = "\
List all packs: identifier, kind (medgemma drafts, medsiglip scores, medgemma-text is kept only), size, and whether it is a demonstration. Folders \
that look like packs and cannot be read are listed as broken. With --json: {\"packs\": [...], \"broken\": [...]}; each \
pack has id, kind, name, demo, hash, bytes, source, terms, notice, terms_accepted_at, quantization, arithmetic (of an \
encoder, where HILUM_ENCODER names another than it takes by itself; else empty), dir and card.";

pub const PACK_VERIFY: &str = "\
Hash every file of one pack, or of all, against its manifest. One flipped bit in weights, tokenizer, configuration or \
chat template, a missing file or an extra one is a refusal that names the file. The workers do the same before they \
load a pack. Ctrl-C stops it; with --json, progress is written as by `pack add`.";

pub const PACK_REMOVE: &str = "\
Remove one of your packs from the data folder, readable or not. Reports drafted with it keep its hash. The \
demonstration packs are part of the program and cannot be removed.";

pub const PACK_END: &str = page_end!(
    "  hilumctl pack list
  hilumctl pack check ~/Downloads/medgemma-1.5-4b-it
  hilumctl pack add ~/Downloads/medgemma-1.5-4b-it --quantize q4k --accept-terms
  hilumctl pack verify
  hilumctl pack verify medgemma-1-5-4b-it --json
  hilumctl pack remove medgemma-1-5-4b-it"
);

pub const CLASSIFY: &str = "\
Score the 13 published chest findings in one or more images, zero-shot, with the published prompts and rule: for each \
finding the cosine similarity to the prompts that say it is there minus that to the prompts that say it is not \
(difference, -2 to 2), and the softmax over the two (0 to 1). Both are support for a reader and neither is a \
probability: they are not calibrated for any population.

--map FINDING OUT also writes where one image supports a finding: one value a patch of the model input (the difference of \
cosines of that patch), as a NumPy array or as a grey picture. A map shows where the encoder matches words and outlines \
no lesion.

With several files a refused one does not stop the others; the exit status is then 1. A single file is printed as one \
JSON object in a list, as several are.";

pub const CLASSIFY_END: &str = page_end!(
    "  hilumctl classify chest.dcm
  hilumctl classify *.dcm --json | jq '.[] | {file, scores}'
  hilumctl classify chest.png --pack medsiglip-448
  hilumctl classify chest.dcm --map pleural_effusion effusion.png"
);

pub const CLAIMS: &str = "\
Say what the sentences of a report claim: each of the 14 CheXpert findings and kinds of device that a sentence names, \
whether it is present, absent or uncertain, and where the words say so its side, zone, severity and age. The labeller \
is a set of rules: it reads text alone, needs no model and no vault, and gives the same answer every time. Its measured \
precision and recall are in docs/models.md.

Each line of the text is taken by itself. With --json a line has its sentences with their claims, and `conclusions`: \
one presence for each finding over the whole line, where present outweighs uncertain, and uncertain absent.";

pub const CLAIMS_END: &str = page_end!(
    "  echo \"Small left effusion, no pneumothorax.\" | hilumctl claims -
  hilumctl claims report.txt
  hilumctl --json claims reports.txt | jq '.[].conclusions'"
);

pub const SIMILAR: &str = "\
Find images of other patients that look like this one to the MedSigLIP pack in use: an exact search over the embeddings \
of the data folder, most similar first (cosine, -1 to 1). The patient's own images are left out where the file is in \
the folder. What is printed names nobody: it has no name, no patient identifier and no date.

--finding, --sex, --age, --view and --signed narrow the search; a case that does not say is then left out. Findings are \
those that the case's signed report states. Images are embedded as they are imported into the window; --index embeds \
what is missing before the search.";

pub const SIMILAR_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data similar chest.dcm
  HILUM_PASSPHRASE=... hilumctl --data ./data similar chest.dcm --signed --finding pleural_effusion --json"
);

pub const CALIBRATE: &str = "\
Fit, for each finding, a probability to this data folder's own signed reports: a logistic probe on the embeddings of the \
MedSigLIP pack in use, cross-validated by patient. A finding is calibrated only where at least 30 patients with it and 30 \
without were signed and the probe surely tells them apart (the lower end of the interval of its area under the ROC curve \
exceeds 0.6). Otherwise it stays not calibrated, and its scores stay support. Reports accepted in bulk teach nothing.

Nothing is fitted on its own: this command, or the button in the window, does it, and it is written to the audit trail. \
Another pack makes the fit stale. --show prints how each finding stands.";

pub const CALIBRATE_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data calibrate
  HILUM_PASSPHRASE=... hilumctl --data ./data calibrate --show --json"
);

pub const EMBED: &str = "\
Write the image embeddings of a MedSigLIP pack as a NumPy array: one row for each file in the order given, 32-bit \
floats, each row of length one, so that a dot product is a cosine. Any refused file refuses the whole, and nothing is \
written then.";

pub const EMBED_END: &str = page_end!(
    "  hilumctl embed a.dcm b.dcm --out embeddings.npy
  python3 -c 'import numpy; e = numpy.load(\"embeddings.npy\"); print(e @ e.T)'"
);

pub const DRAFT: &str = "\
Draft report text for an image with a MedGemma pack, greedily, and stream it to standard output. The text is a \
proposal of a model and not a report; put it before a person. With --prior the earlier image comes first in the same \
turn. The indication is data: control tokens in it are made harmless.

--prompt sections (the default) uses the published report prompt and decodes the answer under a grammar, so that it \
has one line a region and an impression: no digits, and words of comparison only with --prior; report uses the same \
words and keeps the model's free text; raw sends exactly the words of --text, with or without an image. --question \
asks for yes or no in the published wording.

With --json the whole generation is printed when it is finished: prompt, prompt_token_ids, token_ids, logprobs (natural \
logarithm of the model's own probability before any grammar, one for each generated token), text, sections, finish \
(stop, length, cancelled, or closed where the frame was completed without the model), yes_no (answer, yes_logprob, \
no_logprob), circumstances (build, engine, images_sha256, grammar_sha256, decoding, max_tokens, threads, cpu_features: \
where they are the same the tokens are the same), timings (load_seconds, prompt_seconds, decode_seconds), and pack \
(id, hash, demo).

--soft-tokens also writes what the language model is given in the place of each image; HILUM_TOWER=f32, bf16 or int8 \
chooses what they are computed in.

Ctrl-C stops it within two seconds; what was written so far is printed and the exit status is 1.";

pub const DRAFT_END: &str = page_end!(
    "  hilumctl draft chest.dcm
  hilumctl draft chest.dcm --prior last-year.dcm --indication \"Follow-up of effusion\"
  hilumctl draft chest.png --json | jq -r '.sections[] | .section, .sentences[].text'
  hilumctl draft chest.dcm --prompt raw --text \"Is there a pneumothorax?\" --max-tokens 64"
);

pub const IMPORT: &str = "\
Import files, and all files in folders, into the data folder. Every file gets a verdict and none stops the others: \
imported, known already (byte for byte), or refused with a code. Originals are kept sealed, their preamble zeroed and \
their hash recorded. The exit status is 1 when no file was taken and at least one was refused.";

pub const IMPORT_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data import /media/cdrom
  hilumctl --data ./data --passphrase-fd 3 import a.dcm b.dcm --json 3<secret"
);

pub const STUDIES: &str = "\
List the studies of the data folder as the worklist shows them: urgent ones first, then the newest. With --json each \
study has study_uid, patient, accession, date, description, modality, images, status (of its report, null while there \
is none) and drafted. This prints what identifies patients.";

pub const STUDIES_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data studies
  HILUM_PASSPHRASE=... hilumctl --data ./data studies --search \"effusion\" --json"
);

pub const REPORT: &str = "\
Do the whole job on one radiograph without a window: import it, score it, draft its report, sign, and write the signed \
PDF; its path is printed. In an empty data folder the signer's account is made first, with the passphrase given, and \
the recovery key is printed on standard error.

Signing is impossible while a drafted sentence is unreviewed. --accept-all is the one bulk acceptance there is: it \
works with demonstration packs only, is recorded as accepted in bulk, and every page of the PDF says so. Without it \
the draft is left in the data folder for review in the window, and the command ends with sign.unreviewed.";

pub const REPORT_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data report chest.dcm --out ./out --signer \"A. Reader\" --accept-all
  pdf=$(hilumctl --data ./data --passphrase-fd 3 report chest.dcm --out ./out --signer \"A. Reader\" --accept-all 3<secret)"
);

pub const TEMPLATE: &str = "\
Report templates: those that come with Hilum and those of this data folder. import takes an HTML5 document of IHE's \
Management of Radiology Report Templates (MRRT): its sections, text, select, number, date and merge fields and coded terms; \
a malformed one is refused with the reason. export writes one as such a document. Fields become words in brackets, \
[number 0..20 cm] or [none|small|large], which a reader fills in by Tab and which are flagged while they are open.";

pub const TEMPLATE_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data template list
  HILUM_PASSPHRASE=... hilumctl --data ./data template import chest.html
  HILUM_PASSPHRASE=... hilumctl --data ./data template export cxr-icu --out icu.html"
);

pub const EXPORT: &str = "\
Write a signed report for another system: the signed PDF as it is, a DICOM Basic Text SR (TID 2000) or Encapsulated PDF \
in the study of the images, a FHIR R4 DiagnosticReport in a bundle, or an HL7 v2.5.1 ORU^R01 message; the last three carry \
the PDF. The report is named by its id, as `report --json` prints it, and its newest signed version is written; the id of a \
version names that one. The same version gives the same objects with the same identifiers each time. That it was exported \
is written to the audit trail.";

pub const EXPORT_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data export REPORT --as sr --out report.dcm
  HILUM_PASSPHRASE=... hilumctl --data ./data export REPORT --as fhir --out report.json"
);

pub const PROPOSAL: &str = "\
Every generation of a model is kept as a proposal, with all that explains and repeats it: pack and hash, request and \
rendered prompt, SHA-256 of each image as the model was given it, settings, tokens with their log-probabilities, text, and \
the circumstances (program, engine, device, grammar, threads, instruction sets).

repeat generates it once more from the images in the data folder and compares. The exit status is 0 where the same \
tokens come out, and 1 (proposal.differs) where others do; what is not as it was then is named either way. The report is \
not touched, and the repetition is written to the audit trail. What a person stopped cannot be repeated. list names no \
patient; show prints the model's text.";

pub const PROPOSAL_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data proposal list
  HILUM_PASSPHRASE=... hilumctl --data ./data proposal show PROPOSAL --json
  HILUM_PASSPHRASE=... hilumctl --data ./data proposal repeat PROPOSAL"
);

pub const VERIFY: &str = "\
Check a signed report. Three things must hold: integrity (the signed bytes are those that were signed), coverage (the \
signature covers the whole file and nothing was added since), trust (the signer's certificate was good at the time and \
is one that you trust: given with --trust, or of a user of the data folder). The status is 0 only if all three hold. A \
file that is intact but signed by somebody unknown is refused with signer.untrusted.";

pub const VERIFY_END: &str = page_end!(
    "  hilumctl verify report.pdf --trust signer.pem
  hilumctl --data ./data verify report.pdf --json"
);

pub const AUDIT: &str = "\
The audit trail is a chain of hashes: every line vouches for all lines before it, and its head is printed in every \
signed PDF. Verifying recomputes the chain and holds it against the head of every signed version, so that a changed, \
missing, moved or cut line shows, and so does a journal, a signed version or an image that is not as its line says. \
Somebody with the key can make a whole chain anew, heads in this folder included: --against takes signed reports that \
were kept elsewhere, --head what one prints.";

pub const AUDIT_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data audit verify
  HILUM_PASSPHRASE=... hilumctl --data ./data audit verify --against archive/report-1.pdf --against archive/report-2.pdf
  HILUM_PASSPHRASE=... hilumctl --data ./data audit verify --json"
);

pub const AUDIT_EXPORT: &str = "\
Writes the audit trail as CSV (RFC 4180): number, time, user id, action, object, detail and hash of each line, the \
oldest first. It names no patient; objects are UIDs and ids. That it was written is a line of the trail.";

pub const AUDIT_EXPORT_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data audit export --out trail.csv
  HILUM_PASSPHRASE=... hilumctl --data ./data audit export --out signed.csv --words report.sign"
);

pub const BACKUP: &str = "\
Make a backup in DIR, which must be there: the database, the sealed files and the vault, encrypted as they are in the data \
folder. Sealed files are shared by all backups in DIR and copied once; a part of them is read again each time, and one that \
the disk has damaged is copied anew; decoded pixels, which can be made again, and model packs are \
left out. The copy is read back and checked: every page of the database, the audit trail, every signed document against \
its recorded hash. A backup opens with a passphrase or the recovery key of the time when it was made. The desktop app \
holds its data folder while it runs; it makes backups itself (Settings).";

pub const BACKUP_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data backup /media/backups
  HILUM_PASSPHRASE=... hilumctl --data ./data backup /media/backups --keep 14 --json
  hilumctl backup /media/backups --list"
);

pub const RESTORE: &str = "\
Put a backup in the place of what the data folder holds. Nothing is overwritten: what was there is moved to \
replaced-TIME inside the data folder, where it is a data folder of its own (--data DIR/replaced-TIME) until somebody \
deletes it. Everything is copied and checked before anything is exchanged, and an exchange that a crash cut short is \
finished by the next who opens the folder. Model packs stay as they are.";

pub const RESTORE_END: &str = page_end!(
    "  HILUM_PASSPHRASE=... hilumctl --data ./data restore /media/backups
  HILUM_RECOVERY_KEY=... hilumctl --data ./new restore /media/backups --recovery-key
  HILUM_PASSPHRASE=... hilumctl --data ./data restore /media/backups/hilum-0a1b2c3d4e/snapshots/000007-20261124T043100Z"
);

pub const BENCH: &str = "\
Measure this machine. encode: one image through the MedSigLIP pack. prompt: reading image and prompt in the MedGemma \
pack, up to the first token. decode: tokens written a second. engine: load, encode one image, a prompt of 300 tokens, 128 tokens written, a whole draft of \
150 tokens and a second one of the same image, each apart; the least of --runs, all counted. questions: four yes/no questions about one image, one after the \
other and together, and whether the answers are the same. import: the file of --file through the decode \
child, with a thumbnail. retrieve: one search over 100,000 made-up embeddings of 1152 numbers. One run is not counted; median, smallest and largest of the others are printed, in seconds, with the load \
time and the memory of the worker (proportional set size) where there is one.

drift: the Kullback-Leibler divergence of a pack's next-token distributions from those of --against, over a fixed set of \
questions; both are loaded, one after the other, so memory has to hold the larger one.";

pub const BENCH_END: &str = page_end!(
    "  hilumctl bench encode
  hilumctl bench decode --pack medgemma-1-5-4b-it --runs 3 --json
  hilumctl bench engine --pack medgemma-q4k --runs 1
  hilumctl bench questions --pack medgemma-q4k --runs 1
  hilumctl bench import --file chest.dcm
  hilumctl bench drift --pack medgemma-q4k --against ~/Downloads/medgemma-1.5-4b-it"
);

pub const WORKER: &str = "\
Serve one model over standard input and output, in frames (a JSON head and a binary body, see the crate \
hilum-workers). The desktop app and the other commands start this themselves; it is of no use by hand. It ends when its \
standard input closes. Nothing but frames is ever written to standard output.";

pub const WORKER_END: &str = page_end!(
    "  hilumctl worker encode
  hilumctl worker draft"
);
