-- The request log.
CREATE TABLE requests (
  at_ns    bigint NOT NULL,  -- since 1970; a timestamptz has no nanoseconds
  id       text   NOT NULL,
  receipt  text   NOT NULL,
  key      text   NOT NULL,
  model    text   NOT NULL,
  operator text   NOT NULL,
  status   int    NOT NULL,
  record   jsonb  NOT NULL,
  PRIMARY KEY (at_ns, id)
);
CREATE INDEX ON requests (id);
CREATE INDEX ON requests (receipt) WHERE receipt <> '';
CREATE INDEX ON requests (key, at_ns);
