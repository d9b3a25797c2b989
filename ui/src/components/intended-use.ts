// What Hilum is for, in the one sentence that every place begins with: the one of every printed page, against which
// tests/bindings.rs holds it.
export const INTENDED_USE = "Hilum is a drafting aid for qualified radiologists, not cleared for clinical use. Every report is reviewed and signed by a person.";
