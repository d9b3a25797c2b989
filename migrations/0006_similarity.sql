-- What signed versions say of each finding, and the probes that were fitted to it.

CREATE TABLE version_labels (
    version_id  TEXT NOT NULL REFERENCES report_versions (id),
    -- Which reading of the text: another one labels anew.
    labeller    TEXT NOT NULL,
    -- An object from finding to 'present', 'absent' or 'uncertain'.
    labels      TEXT NOT NULL CHECK (json_valid(labels)),
    -- Sentences that nobody reviewed one by one teach nothing.
    in_bulk     INTEGER NOT NULL CHECK (in_bulk IN (0, 1)),
    PRIMARY KEY (version_id, labeller)
) STRICT;

CREATE TABLE probes (
    pack_hash   TEXT NOT NULL,
    finding     TEXT NOT NULL,
    labeller    TEXT NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('calibrated', 'too_few', 'not_separated')),
    -- Patients.
    positives   INTEGER NOT NULL CHECK (positives >= 0),
    negatives   INTEGER NOT NULL CHECK (negatives >= 0),
    auc         REAL,
    auc_low     REAL,
    auc_high    REAL,
    probe       TEXT CHECK (probe IS NULL OR json_valid(probe)),
    fitted_at   TEXT NOT NULL,
    fitted_by   TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (pack_hash, finding),
    CHECK ((outcome = 'calibrated') = (probe IS NOT NULL)),
    CHECK ((auc IS NULL) = (auc_low IS NULL) AND (auc IS NULL) = (auc_high IS NULL))
) STRICT;
