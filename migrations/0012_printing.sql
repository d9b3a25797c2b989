-- What a report is printed with besides its text: the letterhead's logo, and for each report
-- the images and measurements that a person chose.

CREATE TABLE letterhead_logo (
    -- There is one letterhead.
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    width   INTEGER NOT NULL CHECK (width > 0),
    height  INTEGER NOT NULL CHECK (height > 0),
    -- Decoded, three bytes a pixel, row by row from the top.
    rgb     BLOB NOT NULL,
    CHECK (length(rgb) = width * height * 3)
) STRICT;

CREATE TABLE report_figures (
    report_id     TEXT PRIMARY KEY NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
    -- Instances in the order in which they are printed, as a JSON array.
    images        TEXT NOT NULL CHECK (json_valid(images)),
    -- Annotations whose values are printed as a table, as a JSON array of their ids.
    measurements  TEXT NOT NULL CHECK (json_valid(measurements)),
    chosen_by     TEXT NOT NULL REFERENCES users (id),
    chosen_at     TEXT NOT NULL
) STRICT;
