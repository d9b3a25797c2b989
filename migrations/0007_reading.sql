-- What readers measure and mark on images; how studies are found, ordered and handed out;
-- which are compared; what one import brought; what waits to be drafted.

CREATE TABLE annotations (
    id            TEXT PRIMARY KEY NOT NULL,
    instance_uid  TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    kind          TEXT NOT NULL
                  CHECK (kind IN ('length', 'angle', 'cobb', 'ctr', 'rectangle', 'ellipse', 'arrow', 'text')),
    -- [column, row] pairs in image pixels, the middle of the first pixel at 0.5.
    points        TEXT NOT NULL CHECK (json_valid(points)),
    label         TEXT NOT NULL DEFAULT '',
    -- What was measured as it may stand in a report ("148 mm", "0.56"), as a JSON array.
    measured      TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(measured)),
    -- What millimetres rest on; NULL where none were measured.
    spacing       TEXT CHECK (spacing IN ('imager', 'calibrated')),
    made_by       TEXT NOT NULL REFERENCES users (id),
    made_at       TEXT NOT NULL,
    changed_at    TEXT NOT NULL,
    -- One that was taken away stays, so that a number in a report can be traced.
    removed_at    TEXT
) STRICT;
CREATE INDEX annotations_by_instance ON annotations (instance_uid);

ALTER TABLE studies ADD COLUMN assigned_to TEXT REFERENCES users (id);
-- The finding for which the models put the study in front; empty for none.
ALTER TABLE studies ADD COLUMN front TEXT NOT NULL DEFAULT '';
-- The patient that the files name, where a person moved the study to another.
ALTER TABLE studies ADD COLUMN files_name TEXT;
-- Of the report that is not cancelled; empty while there is none. Kept by triggers.
ALTER TABLE studies ADD COLUMN report_status TEXT NOT NULL DEFAULT '';
UPDATE studies SET report_status =
    coalesce((SELECT status FROM reports WHERE study_uid = studies.uid AND status <> 'cancelled'), '');
CREATE TRIGGER studies_report_begins AFTER INSERT ON reports
BEGIN UPDATE studies SET report_status = NEW.status WHERE uid = NEW.study_uid; END;
CREATE TRIGGER studies_report_steps AFTER UPDATE OF status ON reports
BEGIN
    UPDATE studies SET report_status = CASE NEW.status WHEN 'cancelled' THEN '' ELSE NEW.status END
    WHERE uid = NEW.study_uid;
END;
-- The order of the worklist: what is still to be read by urgency, then all by time.
CREATE INDEX studies_in_order ON studies (
    (CASE WHEN report_status = 'final' THEN 3 WHEN priority = 'stat' THEN 0 WHEN priority = 'urgent' THEN 1
     WHEN front <> '' THEN 2 ELSE 3 END),
    date DESC, time DESC, uid, report_status, assigned_to, front, priority
);

-- A number for every study that no VACUUM changes: the full-text index is by number.
CREATE TABLE study_keys (
    n          INTEGER PRIMARY KEY,
    study_uid  TEXT NOT NULL UNIQUE REFERENCES studies (uid) ON DELETE CASCADE
) STRICT;
-- Everything by which a study is searched; report is the text of its signed versions.
CREATE VIRTUAL TABLE study_text USING fts5 (
    name, patient_id, accession, description, report,
    prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);
INSERT INTO study_keys (study_uid) SELECT uid FROM studies ORDER BY imported_at, uid;
INSERT INTO study_text (rowid, name, patient_id, accession, description, report)
    SELECT k.n, p.name, p.patient_id, s.accession, s.description, coalesce(t.text, '')
    FROM study_keys k JOIN studies s ON s.uid = k.study_uid JOIN patients p ON p.key = s.patient_key
    LEFT JOIN (SELECT study_uid, group_concat(text, ' ') AS text FROM report_text GROUP BY study_uid) t
        ON t.study_uid = s.uid;
CREATE TRIGGER study_text_begins AFTER INSERT ON studies
BEGIN
    INSERT INTO study_keys (study_uid) VALUES (NEW.uid);
    INSERT INTO study_text (rowid, name, patient_id, accession, description, report)
        SELECT k.n, p.name, p.patient_id, NEW.accession, NEW.description, ''
        FROM study_keys k JOIN patients p ON p.key = NEW.patient_key WHERE k.study_uid = NEW.uid;
END;
CREATE TRIGGER study_text_follows AFTER UPDATE OF accession, description, patient_key ON studies
WHEN OLD.accession <> NEW.accession OR OLD.description <> NEW.description OR OLD.patient_key <> NEW.patient_key
BEGIN
    UPDATE study_text SET accession = NEW.accession, description = NEW.description,
        name = (SELECT name FROM patients WHERE key = NEW.patient_key),
        patient_id = (SELECT patient_id FROM patients WHERE key = NEW.patient_key)
    WHERE rowid = (SELECT n FROM study_keys WHERE study_uid = NEW.uid);
END;
CREATE TRIGGER study_text_follows_patient AFTER UPDATE OF name ON patients
WHEN OLD.name <> NEW.name
BEGIN
    UPDATE study_text SET name = NEW.name WHERE rowid IN
        (SELECT k.n FROM study_keys k JOIN studies s ON s.uid = k.study_uid WHERE s.patient_key = NEW.key);
END;
CREATE TRIGGER study_text_ends BEFORE DELETE ON studies
BEGIN DELETE FROM study_text WHERE rowid = (SELECT n FROM study_keys WHERE study_uid = OLD.uid); END;

-- What a person said of a pair of studies, past what the patient's own studies suggest.
CREATE TABLE comparisons (
    study_uid  TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    prior_uid  TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    linked     INTEGER NOT NULL CHECK (linked IN (0, 1)),
    set_by     TEXT NOT NULL REFERENCES users (id),
    set_at     TEXT NOT NULL,
    PRIMARY KEY (study_uid, prior_uid),
    CHECK (study_uid <> prior_uid)
) STRICT;

-- The images that an import brought, so that it can be taken back.
CREATE TABLE import_images (
    job           TEXT NOT NULL,
    instance_uid  TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    PRIMARY KEY (job, instance_uid)
) STRICT;

-- Studies that wait to be drafted while the engine is idle, the smallest place first.
CREATE TABLE draft_queue (
    study_uid  TEXT PRIMARY KEY NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    place      REAL NOT NULL,
    queued_at  TEXT NOT NULL,
    -- The code with which drafting failed; empty while it waits.
    failed     TEXT NOT NULL DEFAULT ''
) STRICT;
