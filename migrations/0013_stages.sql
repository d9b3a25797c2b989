-- How far the reading of a study has come, as the worklist shows and filters it. It rests on the study's
-- report and its drafts, and is kept with the study, so that the worklist's index answers for it
-- and no list asks every report.

-- The report that counts is the one that is not cancelled; of cancelled ones the newest.
CREATE VIEW study_stages AS
    SELECT s.uid AS study_uid,
        CASE
            WHEN r.id IS NULL THEN 'new'
            WHEN r.status = 'cancelled' THEN 'cancelled'
            WHEN r.status = 'final' THEN 'signed'
            WHEN r.status IN ('preliminary', 'reopened') THEN 'begun'
            -- A model's draft is a line of the journal for the findings and one for the impression; whatever
            -- comes after them is the reader's. A draft for a report that was given up is none of the next one's.
            WHEN r.revision <= 2 AND EXISTS (SELECT 1 FROM proposals
                WHERE study_uid = s.uid AND status = 'complete' AND coalesce(report_id, r.id) = r.id) THEN 'drafted'
            -- Opened, and nothing written.
            WHEN r.revision = 0 THEN 'new'
            ELSE 'begun'
        END AS stage
    FROM studies s LEFT JOIN reports r ON r.id =
        (SELECT id FROM reports WHERE study_uid = s.uid ORDER BY status = 'cancelled', created_at DESC, id DESC LIMIT 1);

-- Kept by triggers.
ALTER TABLE studies ADD COLUMN stage TEXT NOT NULL DEFAULT 'new'
    CHECK (stage IN ('new', 'drafted', 'begun', 'signed', 'cancelled'));
UPDATE studies SET stage = (SELECT stage FROM study_stages WHERE study_uid = uid)
    WHERE uid IN (SELECT study_uid FROM reports);
CREATE TRIGGER studies_stage_begins AFTER INSERT ON reports
BEGIN
    UPDATE studies SET stage = (SELECT stage FROM study_stages WHERE study_uid = NEW.study_uid)
    WHERE uid = NEW.study_uid;
END;
-- From the fourth line of a journal on, only the status changes the stage.
CREATE TRIGGER studies_stage_steps AFTER UPDATE OF status, revision ON reports
WHEN NEW.status <> OLD.status OR (NEW.revision <> OLD.revision AND NEW.revision <= 3)
BEGIN
    UPDATE studies SET stage = (SELECT stage FROM study_stages WHERE study_uid = NEW.study_uid)
    WHERE uid = NEW.study_uid;
END;
CREATE TRIGGER studies_stage_drafted AFTER UPDATE OF status ON proposals
WHEN NEW.status = 'complete'
BEGIN
    UPDATE studies SET stage = (SELECT stage FROM study_stages WHERE study_uid = NEW.study_uid)
    WHERE uid = NEW.study_uid;
END;

-- The order of the worklist as before, and all that its filters ask.
DROP INDEX studies_in_order;
CREATE INDEX studies_in_order ON studies (
    (CASE WHEN report_status = 'final' THEN 3 WHEN priority = 'stat' THEN 0 WHEN priority = 'urgent' THEN 1
     WHEN front <> '' THEN 2 ELSE 3 END),
    date DESC, time DESC, uid, stage, report_status, assigned_to, front, priority
);
