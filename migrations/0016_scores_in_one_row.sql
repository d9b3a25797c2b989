-- The scores of an image in one row a pack: a row each was thirteen to read for a line of the worklist, and their key of a
-- hundred characters stood in each twice.
CREATE TABLE scores_in_one_row (
    instance_uid  TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    pack_hash     TEXT NOT NULL,
    -- [[finding, difference, softmax], …] in the order in which they were given: the cosine similarity of the finding's
    -- prompt minus that of its opposite, in [-2, 2], and the softmax over the two, in [0, 1].
    findings      TEXT NOT NULL CHECK (json_valid(findings)),
    PRIMARY KEY (instance_uid, pack_hash)
) STRICT, WITHOUT ROWID;
-- SQLite writes numbers into JSON with 15 digits; 17 give each back as it was.
INSERT INTO scores_in_one_row (instance_uid, pack_hash, findings)
    SELECT instance_uid, pack_hash, json_group_array(
        json_array(finding, json(format('%!.17g', difference)), json(format('%!.17g', softmax))) ORDER BY rowid)
    FROM scores GROUP BY instance_uid, pack_hash;
-- What is dropped is ciphertext on the disk already. Overwritten, all of it would go through the log as well, and a nearly
-- full disk would have to hold it once more.
PRAGMA secure_delete = OFF;
DROP TABLE scores;
PRAGMA secure_delete = ON;
ALTER TABLE scores_in_one_row RENAME TO scores;

-- What a line of the worklist asks of a study's series, images and signed versions, without their rows.
CREATE INDEX series_in_brief ON series (study_uid, uid, modality, number);
DROP INDEX series_by_study;
CREATE INDEX instances_in_brief ON instances (series_uid, uid, number);
DROP INDEX instances_by_series;
CREATE INDEX report_versions_in_brief ON report_versions (report_id, number, kind);
