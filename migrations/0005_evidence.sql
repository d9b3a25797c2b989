-- What the sentences of a report claim, and what was held against each claim. Rows are only added:
-- a sentence that is changed later claims anew.

CREATE TABLE claims (
    id           INTEGER PRIMARY KEY NOT NULL,
    report_id    TEXT NOT NULL REFERENCES reports (id),
    sentence_id  TEXT NOT NULL,
    -- The sentence as it was when its claims were read.
    text         TEXT NOT NULL,
    finding      TEXT NOT NULL,
    presence     TEXT NOT NULL CHECK (presence IN ('present', 'absent', 'uncertain')),
    side         TEXT CHECK (side IN ('left', 'right', 'bilateral')),
    zone         TEXT,
    severity     TEXT,
    -- Words of time, as a JSON array.
    temporal     TEXT NOT NULL CHECK (json_valid(temporal)),
    device       TEXT,
    claimed_at   TEXT NOT NULL
) STRICT;
-- The same claim of the same words is one row, however often it is read.
CREATE UNIQUE INDEX claims_once ON claims
    (report_id, sentence_id, text, finding, presence, coalesce(side, ''), coalesce(device, ''));

CREATE TABLE evidence (
    id            INTEGER PRIMARY KEY NOT NULL,
    claim_id      INTEGER NOT NULL REFERENCES claims (id),
    source        TEXT NOT NULL CHECK (source IN ('encoder', 'requery')),
    instance_uid  TEXT NOT NULL REFERENCES instances (uid),
    pack_id       TEXT NOT NULL,
    pack_hash     TEXT NOT NULL,
    -- Of the encoder: cosine difference in [-2, 2], and softmax in [0, 1]; no probability of disease.
    difference    REAL,
    softmax       REAL,
    -- Of a question: its words, the answer, and the natural logarithms of what the model gave each word.
    question      TEXT,
    answer        TEXT CHECK (answer IN ('yes', 'no')),
    yes_logprob   REAL,
    no_logprob    REAL,
    -- What is needed to repeat it: prompt as rendered, tokens, image hashes, circumstances.
    detail        TEXT NOT NULL CHECK (json_valid(detail)),
    taken_at      TEXT NOT NULL,
    CHECK ((source = 'encoder') = (difference IS NOT NULL AND softmax IS NOT NULL)),
    CHECK ((source = 'requery') = (question IS NOT NULL AND yes_logprob IS NOT NULL AND no_logprob IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX evidence_once ON evidence (claim_id, source, instance_uid, pack_hash, coalesce(question, ''));
CREATE INDEX evidence_by_image ON evidence (instance_uid, pack_hash, source);

CREATE TRIGGER claims_keep BEFORE UPDATE ON claims
BEGIN SELECT RAISE (ABORT, 'claims are only added'); END;
CREATE TRIGGER claims_stay BEFORE DELETE ON claims
BEGIN SELECT RAISE (ABORT, 'claims are only added'); END;
CREATE TRIGGER evidence_keeps BEFORE UPDATE ON evidence
BEGIN SELECT RAISE (ABORT, 'evidence is only added'); END;
CREATE TRIGGER evidence_stays BEFORE DELETE ON evidence
BEGIN SELECT RAISE (ABORT, 'evidence is only added'); END;
