-- Which encoder serves where it is not the one of the settings, which is being prepared, and which did before: in order.
CREATE TABLE encoders (
    number     BIGINT NOT NULL PRIMARY KEY,
    -- As `ken reencode --to` takes it; empty for the one of the settings.
    spec       TEXT   NOT NULL,
    -- `building`, `serving`, `former`, `refused`, `stopped`.
    state      TEXT   NOT NULL,
    -- 1 where it is to serve whatever the judged questions say.
    anyway     BIGINT NOT NULL,
    -- How far it is and how it did (JSON).
    report     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
