-- What was imported: patient, study, series and instance, joined by UID (PS3.3 A.1).

CREATE TABLE patients (
    -- Issuer and patient id together; the study UID stands in when a file has no patient id.
    key         TEXT PRIMARY KEY NOT NULL,
    patient_id  TEXT NOT NULL,
    issuer      TEXT NOT NULL,
    name        TEXT NOT NULL,
    birth_date  TEXT,
    sex         TEXT
) STRICT;

CREATE TABLE studies (
    uid                  TEXT PRIMARY KEY NOT NULL,
    patient_key          TEXT NOT NULL REFERENCES patients (key),
    accession            TEXT NOT NULL DEFAULT '',
    study_id             TEXT NOT NULL DEFAULT '',
    date                 TEXT NOT NULL DEFAULT '',
    time                 TEXT NOT NULL DEFAULT '',
    description          TEXT NOT NULL DEFAULT '',
    referring_physician  TEXT NOT NULL DEFAULT '',
    priority             TEXT NOT NULL DEFAULT 'routine' CHECK (priority IN ('routine', 'urgent', 'stat')),
    imported_at          TEXT NOT NULL
) STRICT;
CREATE INDEX studies_by_patient ON studies (patient_key, date);
CREATE INDEX studies_by_date ON studies (date, time);

CREATE TABLE series (
    uid          TEXT PRIMARY KEY NOT NULL,
    study_uid    TEXT NOT NULL REFERENCES studies (uid) ON DELETE CASCADE,
    modality     TEXT NOT NULL,
    number       INTEGER,
    description  TEXT NOT NULL DEFAULT '',
    body_part    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX series_by_study ON series (study_uid);

CREATE TABLE instances (
    uid              TEXT PRIMARY KEY NOT NULL,
    series_uid       TEXT NOT NULL REFERENCES series (uid) ON DELETE CASCADE,
    sop_class_uid    TEXT NOT NULL,
    transfer_syntax  TEXT NOT NULL,
    number           INTEGER,
    rows             INTEGER NOT NULL,
    columns          INTEGER NOT NULL,
    photometric      TEXT NOT NULL DEFAULT '',
    view_position    TEXT NOT NULL DEFAULT '',
    laterality       TEXT NOT NULL DEFAULT '',
    -- All that the decode child read, as JSON.
    header           TEXT NOT NULL CHECK (json_valid(header)),
    original_blob    TEXT NOT NULL,
    -- SHA-256 of the file as it came, before its preamble was zeroed.
    original_sha256  TEXT NOT NULL CHECK (length(original_sha256) = 64),
    original_bytes   INTEGER NOT NULL,
    thumbnail_blob   TEXT,
    pixels_blob      TEXT,
    imported_at      TEXT NOT NULL
) STRICT;
CREATE INDEX instances_by_series ON instances (series_uid);

CREATE TABLE users (
    id       TEXT PRIMARY KEY NOT NULL,
    name     TEXT NOT NULL,
    role     TEXT NOT NULL,
    created  TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key    TEXT PRIMARY KEY NOT NULL,
    value  TEXT NOT NULL CHECK (json_valid(value))
) STRICT;

CREATE TABLE templates (
    id        TEXT PRIMARY KEY NOT NULL,
    template  TEXT NOT NULL CHECK (json_valid(template))
) STRICT;
