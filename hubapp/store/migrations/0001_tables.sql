-- Every fact, once. Two parents below, so that dropping partitions is all that retention needs: alarms by day, all other
-- kinds by month (three years of days would be 1,100 partitions, more than one query may lock).
-- patient, monitor, device, account: folded, to be searched by; as they were written they stand in body, which holds all of
-- the fact that is no column.
CREATE TABLE facts (
    hub text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    index integer NOT NULL,
    "timestamp" timestamptz NOT NULL,
    alarm boolean NOT NULL,
    type text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    sent timestamptz NOT NULL,
    patient text COLLATE "C",
    monitor text COLLATE "C",
    device text COLLATE "C",
    account text COLLATE "C",
    quality text[],
    message_id text COLLATE "C",
    sha256 bytea NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (hub, cluster, topic, partition, "offset", index, "timestamp", alarm)
) PARTITION BY LIST (alarm);
CREATE INDEX facts_patient ON facts (hub, patient, at) WHERE patient IS NOT NULL;
CREATE INDEX facts_monitor ON facts (hub, monitor, at) WHERE monitor IS NOT NULL;

CREATE TABLE facts_alarms PARTITION OF facts FOR VALUES IN (true) PARTITION BY RANGE ("timestamp");
CREATE TABLE facts_alarms_default PARTITION OF facts_alarms DEFAULT;
CREATE TABLE facts_others PARTITION OF facts FOR VALUES IN (false) PARTITION BY RANGE ("timestamp");
CREATE TABLE facts_others_default PARTITION OF facts_others DEFAULT;

-- The newest revision of every finding; patient_key and account_key are patient and account folded, to be searched by.
CREATE TABLE findings (
    hub text COLLATE "C" NOT NULL,
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
    PRIMARY KEY (hub, id, start)
) PARTITION BY RANGE (start);
CREATE INDEX findings_patient ON findings (hub, patient_key, start) WHERE patient_key IS NOT NULL;
CREATE INDEX findings_account ON findings (hub, account_key, start) WHERE account_key IS NOT NULL;
CREATE INDEX findings_rule ON findings (hub, rule, start);
CREATE INDEX findings_provisional ON findings (hub, start) WHERE status = 'provisional';
CREATE INDEX findings_units ON findings USING gin (units) WHERE units <> '{}';
CREATE TABLE findings_default PARTITION OF findings DEFAULT;

-- Every revision; finding is the whole envelope, byte for byte, written the Kafka timestamp of its record.
CREATE TABLE revisions (
    hub text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    start timestamptz NOT NULL,
    epoch bigint NOT NULL,
    revision bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    written timestamptz NOT NULL,
    finding json NOT NULL,
    PRIMARY KEY (hub, id, start, epoch, revision)
) PARTITION BY RANGE (start);
CREATE TABLE revisions_default PARTITION OF revisions DEFAULT;

-- Up to where each partition of a log is stored. A batch begins by moving `next` on from where it was read.
CREATE TABLE offsets (
    hub text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (hub, cluster, topic, partition)
);

-- What Kafka's retention deleted before it was stored: offsets from first up to, not including, next.
CREATE TABLE gaps (
    hub text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    epoch bigint NOT NULL,
    first bigint NOT NULL,
    next bigint NOT NULL,
    noticed timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hub, cluster, topic, partition, epoch, first)
);

-- Which hub logs fill the store: the newest adopted of a hub.
CREATE TABLE logs (
    hub text COLLATE "C" NOT NULL,
    cluster text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    adopted timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (hub, cluster, epoch)
);
