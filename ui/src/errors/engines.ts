import type { Wording } from "./table";

const safe = "Your text is safe.";
const again = `${safe} Try again.`;
const verifyPack = `${safe} Verify the model's files on the Models screen; if they are whole, use another model.`;
const reinstall = "Install Hilum again: its programs belong beside each other.";

/** What the model engines, the disk and the programs beside the window say. */
export const ENGINES: Record<string, Wording> = {
  "worker.not_found": { what: "A program of Hilum is missing beside the app.", next: reinstall },
  "worker.start": { what: "A program of Hilum cannot be started.", next: reinstall },
  "worker.died": {
    what: "A model engine stopped unexpectedly.",
    next: `${safe} It starts again by itself: try once more. If it stops again, memory may be short.`,
  },
  "worker.hung": { what: "A model engine did not answer any more and was ended.", next: `${safe} It starts again by itself: try once more.` },
  "worker.timeout": {
    what: "A model engine took too long and was ended.",
    next: `${safe} Try again, or use a smaller or quantised model.`,
  },
  "worker.garbled": { what: "A model engine gave an answer that cannot be read.", next: reinstall },
  "worker.crash_loop": {
    what: "A model engine stopped several times in a row and is not started again by itself.",
    next: `${safe} Close other programs, or use a smaller model; then draft again. The encoder starts again with Hilum.`,
  },
  "worker.not_loaded": { what: "The model is not loaded.", next: again },
  "worker.shut_down": { what: "The model engine was shut down.", next: again },
  "worker.cancelled": { what: "It was cancelled.", next: "Nothing was changed." },

  "drafting.load": {
    what: "The drafting engine cannot load this model.",
    next: `${safe} Another model may be in use now: see the Models screen. Verify its files there.`,
  },
  "drafting.kernels": {
    what: "Hilum was told to use instructions that this processor does not have.",
    next: `${safe} Ask whoever set up this computer to take that choice back: Hilum then uses the fastest that are there.`,
  },
  "drafting.engine": { what: "The drafting engine failed.", next: `${safe} Draft again; if it fails again, verify the model's files on the Models screen.` },
  "drafting.engine_died": { what: "The drafting engine stopped unexpectedly.", next: `${safe} It starts again by itself: draft again.` },
  "drafting.panicked": { what: "The drafting engine gave up.", next: `${safe} It starts again by itself: draft again.` },
  "drafting.must_be_killed": { what: "The drafting engine could not be stopped and was ended.", next: `${safe} It starts again by itself.` },
  "drafting.not_finite": { what: "The drafting model computes numbers that are none.", next: verifyPack },
  "drafting.grammar": { what: "The answer could not be kept in the template's sections.", next: `${safe} Draft again, or draft as free text.` },
  "drafting.no_room": { what: "There is no room left for an answer after this prompt.", next: "Shorten the indication, or leave the prior out." },
  "drafting.empty_prompt": { what: "There is nothing to ask the model.", next: "Write something first." },
  "drafting.image_size": { what: "The image does not have the size that the model reads.", next: again },
  "drafting.begin_tokens": { what: "The model's tokenizer does not begin a prompt as it should.", next: verifyPack },

  "data.disk_full": {
    what: "The disk of the data folder is full.",
    next: "What is on the screen is not saved yet. Free some space; saving is tried again by itself.",
  },
  "data.read_only": {
    what: "The data folder cannot be written.",
    next: "What is on the screen is not saved yet. Make the folder writable; saving is tried again by itself.",
  },
  "user.empty_name": { what: "A user needs a name.", next: "Type the name to log in and sign with." },
  "study.no_image": { what: "This study has no image.", next: "Import its images, or write the report by hand." },

  "encoder.kernels": {
    what: "Hilum was told to use instructions that this processor does not have.",
    next: `${safe} Ask whoever set up this computer to take that choice back: Hilum then uses the fastest that are there.`,
  },
  "encoder.forward": { what: "The encoder failed on this image.", next: again },
  "encoder.panicked": { what: "The encoder gave up.", next: `${safe} It starts again by itself: try once more.` },
  "encoder.not_finite": { what: "The encoder computes numbers that are none.", next: verifyPack },
  "encoder.image_size": { what: "The image does not have the size that the encoder reads.", next: again },
  "encoder.unsupported": { what: "This encoder is of a kind that Hilum cannot run.", next: "Remove it on the Models screen and add MedSigLIP-448." },
};

/**
 * What to do about codes that no table names, by their beginning. The shell's own sentence says what happened.
 * These are damaged files, disks and programs, of which there are many kinds and few ways out.
 */
export const FAMILIES: Record<string, string> = {
  "worker.": reinstall,
  "drafting.": verifyPack,
  "encoder.": verifyPack,
  "encode.": verifyPack,
  "pack.": "See the Models screen: verify the model's files, or add the model again from its source.",
  "dicom.": "Get the file once more from where it came from, and import it again.",
  "picture.": "Get the file once more from where it came from, and import it again.",
  "imaging.": "Get the file once more from where it came from, and import it again.",
  "decode.": "Get the file once more from where it came from, and import it again.",
  "blob.": "An image or document in the data folder is damaged. Restore the folder from a backup, or import the image again.",
  "store.": `${again} If it happens again, check the disk, and restore the data folder from a backup.`,
  "data.": "Look after the disk of the data folder: free space, write permission, its files. Then try again.",
  "file.": "Check that the file is there and may be read, then try again.",
  "vault.": "Check name, passphrase and data folder, then try again.",
  "pdf.": "The signed version in the data folder is unharmed. Try again.",
  "sign.": "Nothing was signed. Try again.",
  "key.": "Choose another signing certificate in Settings.",
  "cert.": "Choose another signing certificate in Settings.",
  "pkcs12.": "Choose the file and its password once more.",
  "export.": "The report is unharmed. Choose another place and try again.",
  "report.": "The text shown is the newest. Try once more.",
  "user.": "Correct it and try again.",
};
