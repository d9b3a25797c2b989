-- Whoever signs what was accepted in bulk does not say that it was reviewed. The table is made anew, because the words
-- that it allows are part of it; the trigger that reads it steps aside meanwhile.
DROP TRIGGER reports_final_is_signed;
CREATE TABLE signatures_with_bulk (
    version_id  TEXT PRIMARY KEY NOT NULL REFERENCES report_versions (id),
    signer      TEXT NOT NULL REFERENCES users (id),
    signed_at   TEXT NOT NULL,
    meaning     TEXT NOT NULL CHECK (meaning IN
                ('reviewed_and_approved', 'co_signed', 'addendum_author', 'amendment_author', 'accepted_in_bulk'))
) STRICT;
-- What was signed stays as it was signed.
INSERT INTO signatures_with_bulk (version_id, signer, signed_at, meaning)
    SELECT version_id, signer, signed_at, meaning FROM signatures;
DROP TABLE signatures;
ALTER TABLE signatures_with_bulk RENAME TO signatures;
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
