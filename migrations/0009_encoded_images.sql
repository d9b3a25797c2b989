-- Images as a drafting model's tower encoded them. Derived from pixels and pack: losing a row costs time only.
CREATE TABLE encoded_images (
    -- Grows with each row that is written, so that the oldest are known.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_uid TEXT NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    pack_hash    TEXT NOT NULL,
    -- SHA-256 of the grey bytes that the model was given, hex.
    image_hash   TEXT NOT NULL,
    -- Soft tokens in float32, little endian.
    encoded      BLOB NOT NULL CHECK (length(encoded) > 0),
    UNIQUE (instance_uid, pack_hash)
) STRICT;
