-- What other gateways write can be followed: rows have numbers in the order in which they became visible, since who writes holds a lock
-- until then. Rows of before have none, and an earlier version that is still running writes without the lock: one of its rows may be
-- missed by who follows, and is in the log all the same.
CREATE SEQUENCE requests_seq;
ALTER TABLE requests ADD COLUMN seq bigint, ADD COLUMN gateway text NOT NULL DEFAULT '';
ALTER TABLE requests ALTER COLUMN seq SET DEFAULT nextval('requests_seq');
ALTER SEQUENCE requests_seq OWNED BY requests.seq;
CREATE INDEX ON requests (seq);
