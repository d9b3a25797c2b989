-- What readers write with: their own macros, words and templates; who holds a report while
-- it is written; who has uncovered a draft; signatures that wait for a second one.

-- A person's own macros; a name may stand once for each set of sections.
CREATE TABLE macros (
    user_id     TEXT NOT NULL REFERENCES users (id),
    -- Without the point: ".ett" is 'ett'.
    name        TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 40),
    -- Where it can be used, a JSON array; everywhere when empty.
    sections    TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sections)),
    -- A line a sentence.
    text        TEXT NOT NULL CHECK (length(text) > 0),
    changed_at  TEXT NOT NULL,
    PRIMARY KEY (user_id, name, sections)
) STRICT;

-- Words that a person added to the dictionary.
CREATE TABLE own_words (
    user_id   TEXT NOT NULL REFERENCES users (id),
    word      TEXT NOT NULL CHECK (length(word) BETWEEN 1 AND 60),
    added_at  TEXT NOT NULL,
    PRIMARY KEY (user_id, word)
) STRICT;

-- Which template a person wants for a kind of study.
CREATE TABLE template_choices (
    user_id    TEXT NOT NULL REFERENCES users (id),
    situation  TEXT NOT NULL CHECK (situation IN ('child', 'two_views', 'frontal', 'portable')),
    template   TEXT NOT NULL,
    PRIMARY KEY (user_id, situation)
) STRICT;

-- Who is writing in a report; it lapses by itself.
CREATE TABLE edit_locks (
    report_id  TEXT PRIMARY KEY NOT NULL REFERENCES reports (id),
    holder     TEXT NOT NULL REFERENCES users (id),
    since      TEXT NOT NULL,
    until      TEXT NOT NULL
) STRICT;

-- Readers who have uncovered a model's draft, and what came first. Never taken back: what
-- was seen cannot be unseen.
CREATE TABLE reveals (
    report_id  TEXT NOT NULL REFERENCES reports (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    at         TEXT NOT NULL,
    first      TEXT NOT NULL CHECK (first IN ('own_findings', 'images')),
    PRIMARY KEY (report_id, user_id)
) STRICT;
CREATE TRIGGER reveals_keep BEFORE UPDATE ON reveals
BEGIN SELECT RAISE (ABORT, 'what was seen stays seen'); END;
CREATE TRIGGER reveals_stay BEFORE DELETE ON reveals
BEGIN SELECT RAISE (ABORT, 'what was seen stays seen'); END;

-- A preliminary report may carry the signature of who prepared it.
DROP TRIGGER reports_lifecycle;
CREATE TRIGGER reports_lifecycle BEFORE UPDATE ON reports
WHEN NEW.status <> OLD.status
 AND (NEW.revision = OLD.revision
      OR NOT EXISTS (
        SELECT 1 FROM journal WHERE report_id = NEW.id AND seq = NEW.revision AND (
             (OLD.status = 'draft' AND NEW.status = 'preliminary' AND does IN ('mark_preliminary', 'sign_preliminary'))
          OR (OLD.status IN ('draft', 'preliminary') AND NEW.status = 'cancelled' AND does = 'cancel')
          OR (OLD.status IN ('draft', 'preliminary', 'reopened') AND NEW.status = 'final' AND does = 'sign')
          OR (OLD.status = 'final' AND NEW.status = 'reopened' AND does = 'reopen')
          OR (OLD.status = 'reopened' AND NEW.status = 'final' AND does = 'cancel'))))
BEGIN SELECT RAISE (ABORT, 'no such step in the life of a report'); END;

-- A signature may say that it is the second one. The table is made anew, because the words
-- that it allows are part of it; the trigger that reads it steps aside meanwhile.
DROP TRIGGER reports_final_is_signed;
CREATE TABLE signatures_with_second (
    version_id  TEXT PRIMARY KEY NOT NULL REFERENCES report_versions (id),
    signer      TEXT NOT NULL REFERENCES users (id),
    signed_at   TEXT NOT NULL,
    meaning     TEXT NOT NULL
                CHECK (meaning IN ('reviewed_and_approved', 'co_signed', 'addendum_author', 'amendment_author'))
) STRICT;
INSERT INTO signatures_with_second (version_id, signer, signed_at, meaning)
    SELECT version_id, signer, signed_at, meaning FROM signatures;
DROP TABLE signatures;
ALTER TABLE signatures_with_second RENAME TO signatures;
CREATE TRIGGER signatures_once BEFORE INSERT ON signatures
WHEN EXISTS (SELECT 1 FROM signatures WHERE version_id = NEW.version_id)
BEGIN SELECT RAISE (ABORT, 'a version is signed once'); END;
CREATE TRIGGER signatures_keep BEFORE UPDATE ON signatures
BEGIN SELECT RAISE (ABORT, 'a signature never changes'); END;
CREATE TRIGGER signatures_stay BEFORE DELETE ON signatures
BEGIN SELECT RAISE (ABORT, 'a signature never changes'); END;
CREATE TRIGGER reports_final_is_signed BEFORE UPDATE ON reports
WHEN NEW.status = 'final'
 AND NOT EXISTS (
    SELECT 1 FROM report_versions v JOIN signatures s ON s.version_id = v.id
    WHERE v.report_id = NEW.id
      AND (v.seq = NEW.revision
           OR (SELECT does FROM journal WHERE report_id = NEW.id AND seq = NEW.revision) = 'cancel'))
BEGIN SELECT RAISE (ABORT, 'a final report has a signature'); END;
