import { ARCHIVES } from "./archives";
import { ENGINES } from "./engines";

/** What the reader of an error sees: what happened and what to do now. */
export interface Wording {
  /** What happened, to what. One short sentence. */
  what: string;
  /** What to do now. */
  next: string;
}

/** The one table from stable codes to words. Codes of the same room stand together. */
export const WORDING: Record<string, Wording> = {
  ...ENGINES,
  ...ARCHIVES,
  "text.slow": { what: "Saving takes longer than it should.", next: "Go back and wait, or lose what is not saved yet." },
  "text.held": { what: "Another person writes in this report now, and words of yours are not saved.", next: "Go back and take the report over, or wait until it is free." },
  "text.closed": { what: "The report was closed to changes meanwhile, and what you changed is not in it.", next: "Back shows it: write into an addendum what is still to be said. Words of yours are listed as not saved when you leave the report." },
  "text.reader_gone": { what: "Nobody, or somebody else, is logged in: text was not saved.", next: "It waits in this window for whoever typed it." },
  "text.waiting": { what: "Text that could not be saved waits in this window.", next: "Whoever typed it logs in, copies it into its report, and discards it here." },
  "study.no_reason": { what: "A study is moved to another patient only with a reason.", next: "Write why it is moved." },
  "study.not_open": { what: "The first window does not show this study.", next: "Open it there, then put the sentence into its report again." },
  "settings.folder": { what: "This folder was not chosen in its dialog.", next: "Choose it in Settings with the button beside it." },
  "settings.folder_name": { what: "The name of this folder has bytes that are no letters in UTF-8.", next: "Rename the folder, or choose another one." },
  "settings.too_long": { what: "This is more than is kept under one name.", next: "Shorten it and save again." },
  "audit.day": { what: "A day is written as year, month and day, 2026-03-01.", next: "Write it so, or leave it empty." },
  "app.internal": {
    what: "Something went wrong inside Hilum.",
    next: "Your text is kept. Try again; if it happens again, restart Hilum.",
  },
  "ipc.sealed": {
    what: "What was typed did not reach Hilum as it was sent.",
    next: "Nothing was done. Type it again.",
  },
  "data.in_use": {
    what: "The data folder is in use by another Hilum.",
    next: "Close the other window or the running command, then try again.",
  },

  "identity.name": {
    what: "A signing certificate cannot carry this name.",
    next: "Use a shorter name without control characters.",
  },
  "identity.certificate": {
    what: "A signing key and certificate could not be made.",
    next: "Try again, or import a key and certificate of your own.",
  },
  "identity.unreadable": {
    what: "The signing key and certificate cannot be read.",
    next: "Import them again, or make new ones; reports that were signed stay valid.",
  },

  "backup.no_folder": {
    what: "No folder for backups is chosen.",
    next: "Choose one in Settings, best on another disk.",
  },
  "backup.running": {
    what: "A backup is under way.",
    next: "Wait until it is done, or cancel it in Settings.",
  },
  "backup.cancelled": {
    what: "The backup was cancelled.",
    next: "Nothing half is left behind. It can be begun again at any time.",
  },
  "backup.inside_data": {
    what: "The folder for backups lies inside the data folder that it is to save.",
    next: "Choose a folder elsewhere, best on another disk.",
  },
  "backup.not_found": {
    what: "There is no backup in this folder.",
    next: "Choose the folder that was chosen for backups, or one backup in it.",
  },
  "backup.damaged": {
    what: "The backup is damaged, so nothing was taken from it.",
    next: "Choose an older one in the same folder. What is here now was not touched.",
  },
  "backup.disk_full": {
    what: "There is no room for the copy.",
    next: "Free some space on its disk, or choose another. Nothing half is left behind, and older backups stay.",
  },
  "backup.read_only": {
    what: "The folder for backups cannot be written.",
    next: "Make it writable, or choose another in Settings.",
  },
  "backup.folder": {
    what: "The folder for backups cannot be reached.",
    next: "Look whether its disk is connected and may be written, or choose another folder in Settings.",
  },
  "backup.not_chosen": {
    what: "The backup was chosen before Hilum was started anew.",
    next: "Choose it again.",
  },
  "backup.unlocked": {
    what: "A backup is restored while nobody is logged in.",
    next: "Lock the window, then choose Restore a backup.",
  },
  "vault.locked": {
    what: "The passphrase does not open the vault for this user.",
    next: "Check the name, the keyboard layout and Caps Lock. The recovery key also opens it.",
  },
  "vault.weak_passphrase": {
    what: "The passphrase is too short.",
    next: "Use at least 8 characters; several unrelated words are easiest to remember.",
  },
  "vault.exists": { what: "There is a user already.", next: "Unlock with that user's passphrase." },
  "vault.user_exists": { what: "There is a user of this name already.", next: "Choose another name." },
  "vault.not_a_recovery_key": {
    what: "This is not a recovery key: a character is missing or mistyped.",
    next: "Type it exactly as written down; upper and lower case and spaces do not matter.",
  },
  "vault.wrong_recovery_key": {
    what: "This is not the recovery key of this data folder.",
    next: "Use the newest one: a renewed key replaces the one before it.",
  },
  "vault.no_user": { what: "There is no user of this name.", next: "Choose a name from the list." },

  "store.stale_revision": {
    what: "The report changed while this was being saved.",
    next: "It was read again and your text was kept. Try once more.",
  },
  "store.write_failed": {
    what: "The report could not be written to the disk.",
    next: "Your text is still in the window. Free some space on the disk; Hilum keeps trying.",
  },

  "report.not_open": {
    what: "This report is signed or cancelled and cannot be changed.",
    next: "Add an addendum to say more.",
  },
  "template.too_large": { what: "The file is larger than a template can be.", next: "Choose an MRRT template: an HTML file of at most 1 MiB." },
  "template.not_text": { what: "The file is not text in UTF-8.", next: "Save the template as UTF-8 and import it again." },
  "template.not_html": { what: "The file is not an HTML document.", next: "Choose an MRRT template: an HTML5 file." },
  "template.unclosed": { what: "Something in the template is opened and not closed.", next: "Repair the HTML and import it again." },
  "template.no_title": { what: "The template has no title.", next: "Give it a dcterms.title or a title element." },
  "template.no_section": { what: "The template has no section with a data-section-name.", next: "Add one: reports are made of sections." },
  "template.empty": { what: "The template's sections have neither text nor fields.", next: "Choose another one." },
  "template.no_options": { what: "A select of the template has no options.", next: "Add options to it and import it again." },
  "template.too_long": { what: "The template has more sentences than anybody would read.", next: "Shorten it and import it again." },
  "macro.name": { what: "That is no name for a macro.", next: "Use up to 40 letters, digits and underscores, a letter first." },
  "macro.empty": { what: "The macro has no text.", next: "Write what it stands for." },
  "macro.too_long": { what: "The macro's text is too long.", next: "Shorten it to 10,000 characters, or make a template of it." },
  "macro.parameter": {
    what: "A parameter of the macro is not written rightly.",
    next: "Write ${1:side} for a text to fill in; numbers begin with 1 and every bracket is closed.",
  },
  "macro.too_many": { what: "There are more macros than are kept.", next: "Remove some that are not used any more." },
  "macro.not_macros": { what: "The file holds no macros.", next: "Choose a file that was exported here." },
  "word.not_a_word": { what: "That is not one word.", next: "Add one word at a time, of letters, hyphens and apostrophes." },
  "report.empty_record": {
    what: "The record does not say what was told and to whom.",
    next: "Fill in the result and who was told, or why nobody was.",
  },
  "sign.untold": {
    what: "The report states a critical result, and nobody is recorded as told.",
    next: "Record who was told, or why nobody was: {critical.record}.",
  },
  "report.outside_addendum": {
    what: "The signed text is not open while an addendum is written.",
    next: "Write in the Addendum section.",
  },
  "report.not_seen": {
    what: "Some proposed sentences of this section have not been looked at.",
    next: "Go through them with {proposal.next}, then accept the section.",
  },
  "report.still_proposed": {
    what: "A proposed sentence is not removed by deleting text.",
    next: "Focus it and drop it with Backspace.",
  },
  "report.not_drafted": {
    what: "This sentence did not begin as a proposal, so it cannot become one again.",
    next: "Edit it or remove it.",
  },
  "report.already_written": {
    what: "The template can be changed only while nobody has written in the report.",
    next: "Go on with this template.",
  },
  "report.empty_sentence": { what: "A sentence cannot be empty.", next: "Type its words or remove it." },

  "pdf.no_glyph": {
    what: "The report has a character that cannot be printed.",
    next: "The details name the section and the character: put that sentence in other words.",
  },

  "report.no_sentence": { what: "This sentence is not in the report any more.", next: "The text shown is the new one. Try once more." },
  "report.no_section": { what: "This section is not in the report any more.", next: "The text shown is the new one. Try once more." },
  "report.not_proposed": { what: "This sentence is decided already.", next: "Edit it or remove it, or undo the decision with {edit.undo}." },
  "report.wrong_status": { what: "The report has moved on, and this cannot be done to it now.", next: "See its state at the top. A signed report takes an addendum." },
  "report.no_template": { what: "This template is not there any more.", next: "Choose another one." },
  "report.not_signed": { what: "Nothing of this report is signed yet.", next: "Sign it first: only signed versions are exported." },
  "report.not_found": { what: "This report is not in the data folder any more.", next: "Go back to the worklist and open the study again." },

  "draft.no_model": {
    what: "No drafting model is installed, so nothing can be drafted.",
    next: "Write the report by hand, or add a model pack: Models says how.",
  },
  "draft.running": {
    what: "A draft of this report is being written already.",
    next: "Wait for it, or cancel it with {draft.cancel}.",
  },
  "draft.not_applicable": {
    what: "The models do not know this kind of image.",
    next: "Write the report by hand.",
  },

  "draft.empty": {
    what: "The model wrote nothing that could be proposed.",
    next: "Your text is safe. Draft again, or draft as free text.",
  },
  "drafting.quantised": {
    what: "This build of Hilum cannot run a quantised model.",
    next: "Use a Hilum built by ./dev, or add the model again without quantising it.",
  },
  "drafting.past_window": {
    what: "The prompt is longer than this build of Hilum reads exactly.",
    next: "Use a Hilum built by ./dev, or shorten the indication and leave the prior out.",
  },
  "drafting.too_long": {
    what: "The prompt is longer than the model reads.",
    next: "Shorten the indication or the notes, then draft again.",
  },
  "draft.nothing_to_rewrite": {
    what: "Nothing is written in this section yet that could be put another way.",
    next: "Write or accept a sentence there, then try again.",
  },
  "draft.not_repeatable": {
    what: "This draft was not kept with all that is needed to repeat it.",
    next: "Drafts of this version of Hilum are. Draft again.",
  },
  "draft.no_prior": {
    what: "There is no older chest image of this patient.",
    next: "Draft without the prior.",
  },
  "draft.no_findings": {
    what: "There are no findings to draw an impression from.",
    next: "Write or accept findings, then try again.",
  },
  "similar.filter": {
    what: "Similar cases cannot be narrowed that way.",
    next: "Choose the age band and the view from the lists.",
  },
  "encoder.unknown_finding": {
    what: "There is no map of this finding.",
    next: "Choose one of the findings beside the image.",
  },
  "similar.no_direction": {
    what: "The encoder gave nothing for this image to be compared by.",
    next: "The image may be empty. Open another image of the study.",
  },
  "similar.dimension": {
    what: "The images were read by different encoders and cannot be compared.",
    next: "They are being read again in the background. Try again in a while.",
  },

  "logo.kind": { what: "This file is neither a PNG nor a JPEG picture.", next: "Choose the logo as PNG or JPEG." },
  "logo.too_large": { what: "This picture is larger than a logo may be.", next: "Choose one of at most 8 MB and 6000 pixels on a side." },
  "logo.unreadable": { what: "This picture is damaged or of an unusual kind.", next: "Save it again as PNG or JPEG, and choose that file." },
  "file.too_large": { what: "This file is larger than 8 MB and was not read.", next: "Choose a smaller file." },
  "pdf.logo": { what: "The stored logo cannot be printed.", next: "Choose the logo again in Settings." },
  "timestamp.address": { what: "This is no address of a time-stamp server.", next: "Write a plain http address with its host and path, 200 characters at most, or nothing for no time stamps." },
  "timestamp.declined": { what: "The new address was not allowed. Nothing was changed.", next: "Allow it in the dialog to have time stamps from there." },
  "timestamp.unreachable": {
    what: "The time-stamp server cannot be reached. Nothing was signed.",
    next: "Try again, sign without a time stamp this time, or change the address in Settings.",
  },
  "timestamp.refused": { what: "The time-stamp server refused. Nothing was signed.", next: "Try again later, or sign without a time stamp this time." },
  "timestamp.invalid": { what: "The server's answer is not a good time stamp. Nothing was signed.", next: "Sign without a time stamp this time, and have the server looked at." },
  "timestamp.untrusted": { what: "The time stamp is not by the server whose certificate was chosen. Nothing was signed.", next: "Check address and certificate in Settings." },
  "timestamp.clock": { what: "This computer's clock and the time-stamp server's are more than ten minutes apart. Nothing was signed.", next: "Set this computer's clock, then sign." },
  "sign.not_confirmed": {
    what: "Patient and accession were not both confirmed.",
    next: "Compare both with the images and tick them.",
  },
  "sign.unreviewed": {
    what: "Some proposed sentences have not been reviewed.",
    next: "Accept, edit or drop each of them: {proposal.next} goes to the next one.",
  },
  "sign.empty_section": { what: "A required section is empty.", next: "Write it, then sign." },
  "sign.not_open": { what: "This report is signed already.", next: "Add an addendum to say more." },

  "export.write_failed": {
    what: "The PDF could not be written there.",
    next: "Choose another folder. The signed report itself is safe in Hilum.",
  },
  "pdf.unreadable": {
    what: "The PDF cannot be shown in this window.",
    next: "It is signed and stored. Save it and open it with another program.",
  },

  "pack.not_chosen": {
    what: "This folder was not chosen in this session.",
    next: "Choose the folder again, then add it.",
  },
  "pack.unreadable": {
    what: "Hilum's helper program gave no answer that makes sense.",
    next: "Try again. If it stays so, install Hilum again.",
  },
  "pack.hash_mismatch": {
    what: "A file of this model pack is not what it was when the pack was added.",
    next: "Do not use it. Remove the pack and add it again from its source.",
  },
  "pack.missing_file": {
    what: "A file that belongs to this model is missing.",
    next: "Get the whole folder from its publisher again, then add it.",
  },
  "pack.extra_file": {
    what: "There is a file in this model pack that was not added with it.",
    next: "Remove the pack and add it again from its source.",
  },
  "pack.read": { what: "The folder could not be read.", next: "Check that it is there and that you may read it, then choose it again." },
  "pack.write": { what: "The pack could not be written to the data folder.", next: "Check that the disk has room and can be written to, then add it again." },
  "pack.malformed": { what: "A file of this folder is not what its name says.", next: "Get it from its publisher again, then add the folder." },
  "pack.pickle_refused": {
    what: "These weights are in a format that can run code, which Hilum never loads.",
    next: "Get the same model as safetensors from its publisher.",
  },
  "pack.link_outside": { what: "A file of this folder is a link to somewhere else.", next: "Copy the files themselves into the folder, then add it." },
  "pack.lfs_pointer": {
    what: "A file of this folder was not downloaded: git-LFS left a pointer in its place.",
    next: "Run `git lfs pull` in the folder, or get the file from its publisher, then add the folder.",
  },
  "pack.truncated": { what: "A weights file is cut short.", next: "Its download did not finish. Get this file again, then add the folder." },
  "pack.tensor_missing": { what: "Some of the model's weights are missing.", next: "Get every part of the model from its publisher, then add the folder." },
  "pack.tensor_duplicate": { what: "Some weights are in this folder twice.", next: "Remove what was put there besides the publisher's files, then add it." },
  "pack.tensor_shape": { what: "The weights do not fit the model that config.json describes.", next: "Files of two models were mixed. Get the whole folder again." },
  "pack.tensor_type": { what: "The weights are stored as numbers of a kind that Hilum does not take.", next: "Get the publisher's own files: BF16, F16 or F32." },
  "pack.tensor_unexpected": { what: "There are weights that config.json does not describe.", next: "Files of two models were mixed. Get the whole folder again." },
  "pack.not_finite": { what: "Some numbers in the weights are not numbers.", next: "The file is damaged. Get it from its publisher again, then add the folder." },
  "pack.wrong_tokenizer": { what: "The tokenizer does not belong to this model.", next: "Get tokenizer.json from the same place as the weights, then add the folder." },
  "pack.unsupported": { what: "Hilum does not know this kind of model.", next: "Taken are MedGemma (4B and 27B) and MedSigLIP, as their publisher gives them." },
  "pack.text_only": { what: "This model reads text alone and cannot see an image.", next: "Choose the multimodal MedGemma to draft reports." },
  "pack.other_kind": { what: "This is another kind of model than the one that was asked for.", next: "Choose the folder of the other model." },
  "pack.wrong_kind": { what: "This is another kind of model than the one that was asked for.", next: "Choose the folder of the other model." },
  "pack.quantize_unsupported": { what: "This model cannot be stored in that form.", next: "Add it without quantisation." },
  "pack.convert": { what: "The weights could not be converted.", next: "Nothing was left behind. Add it again, or without quantisation." },
  "pack.disk_full": {
    what: "There is not enough room on the disk for this pack.",
    next: "Free some space, or choose a smaller form, then add it again. A pack of an earlier Hilum loads without that room once it is added anew from the folder as downloaded.",
  },
  "pack.memory": { what: "This computer has too little memory for this model.", next: "Close other programs, or choose a smaller form or a smaller model." },
  "pack.terms": { what: "The terms of this model were not accepted.", next: "Read and accept them to add it." },
  "pack.busy": { what: "Packs are being changed by another program at this moment.", next: "Wait until it has finished, then try again." },
  "pack.bad_id": { what: "The pack has no name that can be used.", next: "Rename its folder to letters and digits, then add it." },
  "pack.exists": { what: "This pack is installed already.", next: "Remove the one that is there first, if you want to add it anew." },
  "pack.not_found": { what: "This pack is not installed any more.", next: "The list shows what is there now." },
  "pack.read_only": { what: "This pack came with Hilum and cannot be removed.", next: "Add your own: it is then used instead." },
  "pack.cancelled": { what: "Adding the pack was cancelled.", next: "Nothing was left behind." },

  "evidence.no_model": { what: "No encoder is installed, so there is no map.", next: "Add a MedSigLIP pack: Models says how." },
  "encode.no_model": { what: "No encoder is installed.", next: "Add a MedSigLIP pack: Models says how." },

  "pixels.malformed": {
    what: "The decoded image is not complete.",
    next: "Import the file again. The report can still be written.",
  },
  "decode.timeout": {
    what: "The image took too long to decode.",
    next: "The file may be damaged. Import it again from its source.",
  },
  "decode.killed": {
    what: "The image needs more memory than the decoder may use.",
    next: "The file may be damaged or is not a radiograph.",
  },
  "viewer.no_surface": {
    what: "This window can draw no image.",
    next: "Update the graphics driver, then start Hilum again.",
  },
};
