-- What the models said: one row a generation, scores and embeddings one row an image and pack.

CREATE TABLE proposals (
    id            TEXT PRIMARY KEY NOT NULL,
    study_uid     TEXT NOT NULL REFERENCES studies (uid),
    report_id     TEXT REFERENCES reports (id),
    pack_id       TEXT NOT NULL,
    pack_hash     TEXT NOT NULL,
    demo          INTEGER NOT NULL CHECK (demo IN (0, 1)),
    prompt        TEXT NOT NULL,
    -- SHA-256 of each model input, in prompt order, as a JSON array.
    image_hashes  TEXT NOT NULL CHECK (json_valid(image_hashes)),
    settings      TEXT NOT NULL CHECK (json_valid(settings)),
    started_at    TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'complete', 'cancelled', 'failed')),
    finished_at   TEXT,
    raw_text      TEXT,
    -- Little-endian u32 and f32, one a generated token.
    token_ids     BLOB,
    logprobs      BLOB,
    timings       TEXT CHECK (timings IS NULL OR json_valid(timings)),
    error_code    TEXT
) STRICT;
CREATE INDEX proposals_by_study ON proposals (study_uid, started_at);

CREATE TRIGGER proposals_start BEFORE INSERT ON proposals
WHEN NEW.status <> 'running'
BEGIN SELECT RAISE (ABORT, 'a proposal starts running'); END;
CREATE TRIGGER proposals_finish_once BEFORE UPDATE ON proposals
WHEN OLD.status <> 'running' OR NEW.status = 'running'
  OR NEW.id <> OLD.id OR NEW.study_uid <> OLD.study_uid OR NEW.report_id IS NOT OLD.report_id
  OR NEW.pack_id <> OLD.pack_id OR NEW.pack_hash <> OLD.pack_hash OR NEW.demo <> OLD.demo
  OR NEW.prompt <> OLD.prompt OR NEW.image_hashes <> OLD.image_hashes
  OR NEW.settings <> OLD.settings OR NEW.started_at <> OLD.started_at
BEGIN SELECT RAISE (ABORT, 'a proposal is finished once and never changes'); END;
-- Where a sentence comes from must be answerable for as long as there is a journal.
CREATE TRIGGER proposals_stay BEFORE DELETE ON proposals
WHEN EXISTS (SELECT 1 FROM reports r JOIN journal j ON j.report_id = r.id WHERE r.study_uid = OLD.study_uid)
BEGIN SELECT RAISE (ABORT, 'a proposal of a reported study stays'); END;

CREATE TABLE scores (
    instance_uid  TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    pack_hash     TEXT NOT NULL,
    finding       TEXT NOT NULL,
    -- Cosine similarity of the finding's prompt minus that of its opposite, in [-2, 2].
    difference    REAL NOT NULL,
    -- Softmax over the two, in [0, 1]; support, not a probability of disease.
    softmax       REAL NOT NULL,
    PRIMARY KEY (instance_uid, pack_hash, finding)
) STRICT;

CREATE TABLE embeddings (
    instance_uid  TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    pack_hash     TEXT NOT NULL,
    -- Little-endian f32.
    vector        BLOB NOT NULL CHECK (length(vector) > 0 AND length(vector) % 4 = 0),
    PRIMARY KEY (instance_uid, pack_hash)
) STRICT;
