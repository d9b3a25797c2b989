//! Words that only a comparison with an earlier image can support.
//!
//! A model that was trained on reports with priors writes them from one image as well
//! (arXiv 2210.06340 counts such references in nearly half of MIMIC-CXR's reports), so
//! they are absent from the grammar unless a prior is linked.

/// Whole words as regular expressions over small letters; capitals are matched too.
///
/// Terms of a single image stay: "degenerative changes", "increased markings", "acute",
/// "chronic", "old fracture", "greater on the left".
pub(crate) const COMPARISON: [&str; 43] = [
    "un(changed|altered|resolved)",
    "(in)?stab(le|ly|ility|ili[sz](ed|ing|ation))",
    "new(ly|er)?",
    "interval(ly)?",
    "interim",
    "prior(s)?",
    "previous(ly)?",
    "compar[a-z]*",
    "again",
    "since",
    "improv[a-z]*",
    "wors(e|en[a-z]*|t)",
    "progress(ion|ed|es|ing|ive|ively)?",
    "regress[a-z]*",
    "resol(ved|ves|ving|ve|ution)",
    "persist[a-z]*",
    "remain(s|ed|ing)?",
    "similar(ly)?",
    "redemonstrat[a-z]*",
    "change(d)?",
    "changing",
    "increas(e|es|ing|ingly)",
    "decreas(e|es|ing|ingly)",
    "(increased|decreased) (in|since|from|compared)",
    "enlarging",
    "larger|smaller|bigger",
    "before|earlier|formerly|former|last",
    "now|currently|still|yet|longer",
    "continu(e|es|ed|ing|al|ally)",
    "recur[a-z]*",
    "evol[uv][a-z]*",
    "develop(ed|ing|s|ment)?",
    "gr(own|owing|owth|ew)",
    "shr(ank|unk|ink|inking)",
    "re(accumul|expan|inflat)[a-z]*",
    "clear(ing|ance)|cleared",
    "remov(ed|al)",
    "reposition(ed|ing)",
    "today|yesterday|ago",
    "baseline|serial(ly)?",
    "constant(ly)?",
    "diminish(ed|ing)?|lessen(ed|ing)?|enlarged from",
    "trend[a-z]*|temporal[a-z]*|disappear[a-z]*|reappear[a-z]*",
];

/// Words of a written measurement.
pub(crate) const UNITS: [&str; 5] =
    ["(milli|centi)?met(er|re)(s)?", "mm|cm|ml|cc|m", "inch(es)?", "percent(age)?", "(milli)?lit(er|re)(s)?"];
