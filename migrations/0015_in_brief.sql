-- What a line of the worklist asks of a study's reports and drafts, and nothing else: in their rows it stands behind long
-- texts (the report as it began, the prompt), which would be read and decrypted page by page to get at it.
CREATE INDEX reports_in_brief ON reports (study_uid, created_at DESC, id DESC, status, revision);
-- The one above begins with the same column.
DROP INDEX reports_by_study;
CREATE INDEX proposals_complete ON proposals (study_uid, status) WHERE status = 'complete';
