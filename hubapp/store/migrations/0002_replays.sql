-- What the rules find of the stored facts when they are asked again, beside what was found live: a namespace for each replay.
-- since, until: the time in which the findings began. watermark: up to when the replay knows. facts: how many it read.
-- thresholds: those it went by, or null: those that were in force. changed: how they differ from those in force.
CREATE TABLE replays (
    hub text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    watermark timestamptz NOT NULL,
    facts bigint NOT NULL,
    thresholds jsonb,
    changed jsonb NOT NULL,
    made timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hub, namespace)
);

-- As in findings. A namespace is replaced as a whole.
CREATE TABLE replayed (
    hub text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    start timestamptz NOT NULL,
    "end" timestamptz,
    rule text COLLATE "C" NOT NULL,
    rule_version text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    revision bigint NOT NULL,
    quality text[] NOT NULL,
    units text[] NOT NULL,
    bed text COLLATE "C",
    monitor text COLLATE "C",
    device text COLLATE "C",
    patient text COLLATE "C",
    account text COLLATE "C",
    patient_key text COLLATE "C",
    account_key text COLLATE "C",
    replaced_by uuid,
    body jsonb NOT NULL,
    evidence jsonb NOT NULL,
    PRIMARY KEY (hub, namespace, id)
);
