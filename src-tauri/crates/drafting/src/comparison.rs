//! Words that only a comparison with an earlier image can support.
//!
//! A model that was trained on reports with priors writes them from one image as well
//! (arXiv 2210.06340 counts such references in nearly half of MIMIC-CXR's reports), so
//! they are absent from the grammar unless a prior is linked.

/// Whole words as regular expressions over small letters; capitals are matched too.
///
/// Terms of a single image stay: "degenerative changes", "increased markings", "acute",
/// "chronic", "old fracture", "greater on the left".
pub(crate) const COMPARISON: [&str; 60] = [
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
    "re-?demonstrat[a-z]*",
    // "Effusion has increased", but not "the heart has a normal size": a participle makes it a course.
    "(ha(s|ve|d)|having) ([a-z]+ly |also |not |since )*([a-z]+ed|been|gone|become|grown|come|risen|fallen)",
    "(increased|decreased|reduced|enlarged) (slightly|mildly|moderately|markedly|minimally|significantly|considerably)",
    "(slightly|mildly|moderately|markedly|minimally|significantly|considerably|further) (increased|decreased) (size|effusion|opacity)[a-z]*",
    // "Decreased left effusion" and "heart size is increased" are a course too; "increased markings" and "increased
    // opacity", which is density, are not.
    "(decreased|reduced) ((left|right|bilateral|small|moderate|large|pleural|pulmonary|basal|basilar|apical|lung|airspace|lobar|retrocardiac|perihilar|alveolar|heart) )*(effusion|pneumothora|edema|oedema|consolidation|atelectas|congestion|opacit|opacification|collapse|infiltrat|size|cardiomegaly|aeration)[a-z]*",
    "increased ((left|right|bilateral|small|moderate|large|pleural|pulmonary|basal|basilar|apical|lobar|perihilar|heart) )*(effusion|pneumothora|edema|oedema|atelectas|congestion|collapse|size|cardiomegaly|aeration)[a-z]*",
    "(effusion(s)?|pneumothorax|pneumothoraces|edema|oedema|consolidation(s)?|atelectasis|congestion|opacity|opacities|opacification|collapse|infiltrate(s)?|size|cardiomegaly|aeration) ((is|are|was|were) )?([a-z]+ly )?(increased|decreased|reduced)",
    "(more|less) (severe|marked|edema|oedema|effusion|congestion|consolidation|pneumothorax|atelectasis|opacity|opacities|haziness|blunting)|no more",
    "(is|are|was|were) (exchanged|replaced|withdrawn|retracted)",
    "(more|less) (prominent|conspicuous|pronounced|extensive|apparent|confluent|evident|visible|dense)",
    "(no|without|any) ((significant|appreciable|substantial|relevant|major|notable|obvious|definite|gross|further) )?changes",
    "(old|older|past|outside|recent|initial|repeat|follow-?up) (film|stud|exam|radiograph|image|imaging|x-?ray|scan)[a-z]*",
    "(better|subsid[a-z]*|reced[a-z]*|abat(ed|ing)|wax(ed|ing)|wan(ed|ing)|static|post-?extubat[a-z]*|extubat[a-z]*)",
    "(advanced|withdrawn|retracted|exchanged|pulled) (slightly|back|further|by)",
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
    "re-?(accumul|expan|inflat)[a-z]*",
    "clear(ing|ance)|cleared",
    "remov(ed|al)",
    "reposition(ed|ing)",
    "today|yesterday|ago",
    "baseline|serial(ly)?",
    "constant(ly)?",
    "diminish(ed|es|ing)?|lessen(ed|ing)?|enlarged from",
    "residual(s)?|reduction(s)?|reabsor[a-z]*|resor(bed|bs|bing)|deteriorat[a-z]*|normali[sz](ed|es|ing|ation)|relaps[a-z]*",
    "fewer|stationary|ongoing|linger(s|ed|ing)",
    // What is known was seen or told before.
    "known|already|preceding|subsequent(ly)?|latest|historical(ly)?|anymore",
    "explant[a-z]*",
    "trend[a-z]*|temporal[a-z]*|disappear[a-z]*|reappear[a-z]*",
];

/// Words of a written measurement: its units, and numbers in letters, since no digit is written either.
///
/// "One" stays, which is a word for things too ("the lower one"), and so do "single" and "both", the ordinals of ribs, and
/// "half" and "third", which are parts.
pub(crate) const MEASURES: [&str; 8] = [
    "(milli|centi)?met(er|re)(s)?",
    "mm|cm|ml|cc|m",
    "inch(es)?",
    "percent(age)?",
    "(milli)?lit(er|re)(s)?",
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen(s)?",
    "(thir|four|fif|six|seven|eigh|nine)teen|(twen|thir|for|fif|six|seven|eigh|nine)ty",
    "hundred(s)?|thousand(s)?",
];
