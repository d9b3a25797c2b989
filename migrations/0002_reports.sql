-- Reports: an append-only journal of commands, and immutable signed versions.
-- The triggers hold the lifecycle even against SQL that does not come from Hilum.

CREATE TABLE reports (
    id          TEXT PRIMARY KEY NOT NULL,
    study_uid   TEXT NOT NULL REFERENCES studies (uid),
    -- The report at revision 0; the journal is replayed on it. Kept whole because
    -- the template that filled it may change later.
    initial     TEXT NOT NULL CHECK (json_valid(initial)),
    -- Number of journal lines.
    revision    INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0),
    status      TEXT NOT NULL DEFAULT 'draft'
                CHECK (status IN ('draft', 'preliminary', 'final', 'reopened', 'cancelled')),
    created_at  TEXT NOT NULL,
    created_by  TEXT NOT NULL REFERENCES users (id),
    changed_at  TEXT NOT NULL,
    -- What stands between the report and its signature, as of its revision: sentences of a
    -- model that nobody has reviewed, and required sections without text.
    unreviewed      INTEGER NOT NULL CHECK (unreviewed >= 0),
    empty_required  INTEGER NOT NULL CHECK (empty_required >= 0)
) STRICT;
CREATE INDEX reports_by_study ON reports (study_uid);
-- Two readers of one study write into one report.
CREATE UNIQUE INDEX reports_one_of_study ON reports (study_uid) WHERE status <> 'cancelled';

CREATE TABLE journal (
    report_id  TEXT NOT NULL REFERENCES reports (id),
    seq        INTEGER NOT NULL CHECK (seq >= 1),
    by         TEXT NOT NULL,
    at         TEXT NOT NULL,
    entry      TEXT NOT NULL CHECK (json_valid(entry)),
    -- What the command does, taken out of the entry for the triggers.
    does       TEXT NOT NULL GENERATED ALWAYS AS (json_extract(entry, '$.command.do')) STORED,
    -- The template that a use_template command named, as it was then.
    template   TEXT CHECK (template IS NULL OR json_valid(template)),
    PRIMARY KEY (report_id, seq)
) STRICT;

CREATE TABLE report_versions (
    id          TEXT PRIMARY KEY NOT NULL,
    report_id   TEXT NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    kind        TEXT NOT NULL CHECK (kind IN ('original', 'addendum', 'amendment')),
    parent_id   TEXT REFERENCES report_versions (id),
    -- The journal line that signed it.
    seq         INTEGER NOT NULL,
    text        TEXT NOT NULL CHECK (json_valid(text)),
    pdf_blob    TEXT NOT NULL,
    pdf_sha256  TEXT NOT NULL CHECK (length(pdf_sha256) = 64),
    -- The head of the audit chain that is printed in the document.
    audit_seq   INTEGER NOT NULL,
    audit_hash  TEXT NOT NULL CHECK (length(audit_hash) = 64),
    UNIQUE (report_id, number),
    UNIQUE (report_id, seq),
    FOREIGN KEY (report_id, seq) REFERENCES journal (report_id, seq)
) STRICT;

CREATE TABLE signatures (
    version_id  TEXT PRIMARY KEY NOT NULL REFERENCES report_versions (id),
    signer      TEXT NOT NULL REFERENCES users (id),
    signed_at   TEXT NOT NULL,
    meaning     TEXT NOT NULL CHECK (meaning IN ('reviewed_and_approved', 'addendum_author', 'amendment_author'))
) STRICT;

CREATE VIRTUAL TABLE report_text USING fts5 (
    text,
    version_id UNINDEXED,
    report_id UNINDEXED,
    study_uid UNINDEXED,
    tokenize = 'unicode61 remove_diacritics 2'
);

-- The journal only grows, one line at a time, and only where the report is open.
CREATE TRIGGER journal_keeps BEFORE UPDATE ON journal
BEGIN SELECT RAISE (ABORT, 'journal is append-only'); END;
CREATE TRIGGER journal_stays BEFORE DELETE ON journal
BEGIN SELECT RAISE (ABORT, 'journal is append-only'); END;
CREATE TRIGGER journal_in_order BEFORE INSERT ON journal
WHEN NEW.seq <> (SELECT revision + 1 FROM reports WHERE id = NEW.report_id)
BEGIN SELECT RAISE (ABORT, 'journal line out of order'); END;
CREATE TRIGGER journal_of_open_report BEFORE INSERT ON journal
WHEN (SELECT status FROM reports WHERE id = NEW.report_id) = 'cancelled'
  OR ((SELECT status FROM reports WHERE id = NEW.report_id) = 'final'
      AND json_extract(NEW.entry, '$.command.do') <> 'reopen')
BEGIN SELECT RAISE (ABORT, 'report is closed'); END;

-- A report row moves with its journal and along its lifecycle.
CREATE TRIGGER reports_start BEFORE INSERT ON reports
WHEN NEW.revision <> 0 OR NEW.status <> 'draft'
BEGIN SELECT RAISE (ABORT, 'a report starts as a draft'); END;
CREATE TRIGGER reports_identity BEFORE UPDATE ON reports
WHEN NEW.id <> OLD.id OR NEW.study_uid <> OLD.study_uid OR NEW.initial <> OLD.initial
  OR NEW.created_at <> OLD.created_at OR NEW.created_by <> OLD.created_by
BEGIN SELECT RAISE (ABORT, 'a report keeps its identity'); END;
CREATE TRIGGER reports_revision BEFORE UPDATE ON reports
WHEN NEW.revision <> OLD.revision
 AND (NEW.revision <> OLD.revision + 1
      OR NOT EXISTS (SELECT 1 FROM journal WHERE report_id = NEW.id AND seq = NEW.revision))
BEGIN SELECT RAISE (ABORT, 'a revision is a line of the journal'); END;
CREATE TRIGGER reports_lifecycle BEFORE UPDATE ON reports
WHEN NEW.status <> OLD.status
 AND (NEW.revision = OLD.revision
      OR NOT EXISTS (
        SELECT 1 FROM journal WHERE report_id = NEW.id AND seq = NEW.revision AND (
             (OLD.status = 'draft' AND NEW.status = 'preliminary' AND does = 'mark_preliminary')
          OR (OLD.status IN ('draft', 'preliminary') AND NEW.status = 'cancelled' AND does = 'cancel')
          OR (OLD.status IN ('draft', 'preliminary', 'reopened') AND NEW.status = 'final' AND does = 'sign')
          OR (OLD.status = 'final' AND NEW.status = 'reopened' AND does = 'reopen')
          OR (OLD.status = 'reopened' AND NEW.status = 'final' AND does = 'cancel'))))
BEGIN SELECT RAISE (ABORT, 'no such step in the life of a report'); END;
CREATE TRIGGER reports_final_is_signed BEFORE UPDATE ON reports
WHEN NEW.status = 'final'
 AND NOT EXISTS (
    SELECT 1 FROM report_versions v JOIN signatures s ON s.version_id = v.id
    WHERE v.report_id = NEW.id
      AND (v.seq = NEW.revision
           OR (SELECT does FROM journal WHERE report_id = NEW.id AND seq = NEW.revision) = 'cancel'))
BEGIN SELECT RAISE (ABORT, 'a final report has a signature'); END;
-- The row before the line that signs: what was unreviewed then is not text now.
CREATE TRIGGER reports_signed_whole BEFORE UPDATE ON reports
WHEN NEW.status = 'final' AND NEW.revision <> OLD.revision
 AND (SELECT does FROM journal WHERE report_id = NEW.id AND seq = NEW.revision) = 'sign'
 AND (OLD.unreviewed > 0 OR OLD.empty_required > 0 OR NEW.unreviewed > 0 OR NEW.empty_required > 0)
BEGIN SELECT RAISE (ABORT, 'unreviewed or missing text is not signed'); END;
CREATE TRIGGER reports_counted BEFORE UPDATE ON reports
WHEN NEW.revision = OLD.revision
 AND (NEW.unreviewed <> OLD.unreviewed OR NEW.empty_required <> OLD.empty_required)
BEGIN SELECT RAISE (ABORT, 'what a report lacks changes with its journal'); END;
CREATE TRIGGER reports_cancelled_unsigned BEFORE UPDATE ON reports
WHEN NEW.status = 'cancelled' AND EXISTS (SELECT 1 FROM report_versions WHERE report_id = NEW.id)
BEGIN SELECT RAISE (ABORT, 'a signed report cannot be cancelled'); END;

-- Versions and signatures never change.
CREATE TRIGGER report_versions_keep BEFORE UPDATE ON report_versions
BEGIN SELECT RAISE (ABORT, 'a signed version never changes'); END;
CREATE TRIGGER report_versions_stay BEFORE DELETE ON report_versions
BEGIN SELECT RAISE (ABORT, 'a signed version never changes'); END;
CREATE TRIGGER report_versions_signed BEFORE INSERT ON report_versions
WHEN NOT EXISTS (SELECT 1 FROM journal WHERE report_id = NEW.report_id AND seq = NEW.seq AND does = 'sign')
  OR NOT EXISTS (SELECT 1 FROM reports WHERE id = NEW.report_id
                 AND status IN ('draft', 'preliminary', 'reopened') AND revision + 1 = NEW.seq)
BEGIN SELECT RAISE (ABORT, 'a version is made by signing an open report'); END;
CREATE TRIGGER report_versions_lineage BEFORE INSERT ON report_versions
WHEN NEW.number <> (SELECT count(*) + 1 FROM report_versions WHERE report_id = NEW.report_id)
  OR NEW.parent_id IS NOT (SELECT id FROM report_versions WHERE report_id = NEW.report_id
                           ORDER BY number DESC LIMIT 1)
  OR (NEW.kind = 'original') <> (NEW.number = 1)
  OR EXISTS (SELECT 1 FROM report_versions WHERE id = NEW.id)
BEGIN SELECT RAISE (ABORT, 'a later version links the one before it'); END;
CREATE TRIGGER signatures_once BEFORE INSERT ON signatures
WHEN EXISTS (SELECT 1 FROM signatures WHERE version_id = NEW.version_id)
BEGIN SELECT RAISE (ABORT, 'a version is signed once'); END;
CREATE TRIGGER signatures_keep BEFORE UPDATE ON signatures
BEGIN SELECT RAISE (ABORT, 'a signature never changes'); END;
CREATE TRIGGER signatures_stay BEFORE DELETE ON signatures
BEGIN SELECT RAISE (ABORT, 'a signature never changes'); END;
