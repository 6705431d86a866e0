-- API keys, what they have spent, what is held for orders under way, and the gateways that have orders out.
--
-- Locks are taken in this order: a row of accounts, then a row of gateways. p_now is the time of tests; NULL means the
-- clock of the database, which is the only clock that budgets and rates go by.

CREATE TABLE gateways (
  id   text PRIMARY KEY,
  beat bigint NOT NULL DEFAULT 0,  -- counts up while the gateway lives; its peers watch it
  seen timestamptz NOT NULL DEFAULT now()  -- for people
);

CREATE TABLE keys (
  sum bytea PRIMARY KEY,  -- SHA-256 of the secret
  id  text  NOT NULL UNIQUE,
  key jsonb NOT NULL
);

CREATE TABLE generation (keys bigint NOT NULL);  -- one row; counts changes of keys
INSERT INTO generation VALUES (0);

CREATE TABLE accounts (
  key_id       text   PRIMARY KEY,
  budget       bigint NOT NULL DEFAULT 0,  -- all amounts in µUSD; 0: no limit
  reset        text   NOT NULL DEFAULT '',
  period_start timestamptz,
  spent        bigint NOT NULL DEFAULT 0,  -- since period_start
  total        bigint NOT NULL DEFAULT 0,
  receipts     bigint NOT NULL DEFAULT 0,
  held         bigint NOT NULL DEFAULT 0 CHECK (held >= 0)
);

CREATE TABLE holds (
  receipt bytea  PRIMARY KEY,
  key_id  text   NOT NULL,
  gateway text   NOT NULL REFERENCES gateways,
  max     bigint NOT NULL
);
CREATE INDEX ON holds (gateway);

-- The orders that are over, each once: telling it again changes nothing, and a hold that arrives late is refused.
CREATE TABLE settled (
  receipt bytea   PRIMARY KEY,
  key_id  text    NOT NULL,
  gateway text    NOT NULL,
  amount  bigint  NOT NULL,
  charged boolean NOT NULL,  -- false: there was no receipt
  at      timestamptz NOT NULL
);
CREATE INDEX ON settled (at);

-- Rates outlive no crash of the database: the next minute begins empty.
CREATE UNLOGGED TABLE buckets (
  key_id   text   NOT NULL,
  resource text   NOT NULL,
  second   bigint NOT NULL,  -- since 1970
  n        bigint NOT NULL,
  PRIMARY KEY (key_id, resource, second)
);
CREATE UNLOGGED TABLE in_flight (
  key_id  text   NOT NULL,
  gateway text   NOT NULL,
  n       bigint NOT NULL,
  PRIMARY KEY (key_id, gateway)
);

CREATE FUNCTION period_start_of(p_reset text, p_now timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_reset IN ('hour', 'day', 'week', 'month') THEN date_trunc(p_reset, p_now AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' END
$$;

-- The account at p_now, locked. A clock that was set back begins no period.
CREATE FUNCTION lock_account(p_key text, p_now timestamptz) RETURNS accounts LANGUAGE plpgsql AS $$
DECLARE
  a accounts;
  start timestamptz;
BEGIN
  SELECT * INTO a FROM accounts WHERE key_id = p_key FOR UPDATE;
  start := period_start_of(a.reset, coalesce(p_now, clock_timestamp()));
  IF start > coalesce(a.period_start, '-infinity') THEN
    UPDATE accounts SET period_start = start, spent = 0 WHERE key_id = p_key RETURNING * INTO a;
  END IF;
  RETURN a;
END $$;

-- Sets p_max aside if the budget has room. ok is NULL where there is no such key.
CREATE FUNCTION hold(p_gateway text, p_receipt bytea, p_key text, p_max bigint, p_now timestamptz,
                     OUT ok boolean, OUT budget bigint, OUT spent bigint, OUT held bigint, OUT at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  a accounts;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);  -- postgres.Flush comes next
  a := lock_account(p_key, p_now);
  at := coalesce(p_now, clock_timestamp());
  IF a.key_id IS NULL THEN RETURN; END IF;
  IF EXISTS (SELECT FROM settled WHERE receipt = p_receipt) THEN
    RAISE 'order % is over', encode(p_receipt, 'hex') USING ERRCODE = 'object_not_in_prerequisite_state';
  END IF;
  budget := a.budget; spent := a.spent; held := a.held;
  ok := a.budget = 0 OR p_max <= a.budget - a.spent - a.held;
  IF ok THEN
    INSERT INTO holds VALUES (p_receipt, p_key, p_gateway, p_max);  -- locks the row of its gateway against release_gateway
    UPDATE accounts SET held = accounts.held + p_max WHERE key_id = p_key;
    held := held + p_max;
  END IF;
END $$;

-- Ends orders: those that are charged by the amount of their receipt, the others for nothing. Telling it again changes
-- nothing. Keys of a configuration get their account here.
CREATE FUNCTION settle(p_gateway text, p_receipts bytea[], p_keys text[], p_amounts bigint[], p_charged boolean[], p_config boolean[], p_now timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r record;
  freed bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);  -- postgres.Flush comes next
  FOR r IN SELECT * FROM unnest(p_receipts, p_keys, p_amounts, p_charged, p_config) AS t(receipt, key_id, amount, charged, config)
           ORDER BY key_id, receipt  -- everyone locks accounts in this order
  LOOP
    IF r.config THEN INSERT INTO accounts (key_id) VALUES (r.key_id) ON CONFLICT DO NOTHING; END IF;
    PERFORM lock_account(r.key_id, p_now);
    INSERT INTO settled VALUES (r.receipt, r.key_id, p_gateway, r.amount, r.charged, coalesce(p_now, clock_timestamp())) ON CONFLICT DO NOTHING;
    CONTINUE WHEN NOT FOUND;
    DELETE FROM holds WHERE receipt = r.receipt RETURNING max INTO freed;
    UPDATE accounts SET held = held - coalesce(freed, 0), spent = spent + r.amount, total = total + r.amount, receipts = receipts + r.charged::int
     WHERE key_id = r.key_id;
  END LOOP;
END $$;

-- Frees the holds of a gateway whose beat is still p_beat, and forgets it. If it lives after all, its next hold fails on
-- the missing row, and it enrols again; what it charges later still counts, once. Returns the µUSD freed, NULL if it lives.
CREATE FUNCTION release_gateway(p_gateway text, p_beat bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  freed bigint;
BEGIN
  PERFORM FROM accounts WHERE key_id IN (SELECT key_id FROM holds WHERE gateway = p_gateway) ORDER BY key_id FOR UPDATE;
  PERFORM FROM gateways WHERE id = p_gateway AND beat = p_beat FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WITH gone AS (DELETE FROM holds WHERE gateway = p_gateway RETURNING key_id, max),
       sums AS (SELECT key_id, sum(max)::bigint AS max FROM gone GROUP BY key_id),
       less AS (UPDATE accounts SET held = held - sums.max FROM sums WHERE accounts.key_id = sums.key_id RETURNING sums.max)
  SELECT coalesce(sum(max), 0)::bigint INTO freed FROM less;
  DELETE FROM in_flight WHERE gateway = p_gateway;
  DELETE FROM gateways WHERE id = p_gateway;
  RETURN freed;
END $$;

-- One window of one key, as it is shown to callers.
CREATE TYPE window_state AS (ok boolean, used bigint, last bigint, fits bigint);

-- What was used of a resource in the last 61 seconds: a second that has begun counts whole, and so does the one that the
-- minute began in. The caller holds the key's lock.
CREATE FUNCTION look(p_key text, p_resource text, p_second bigint) RETURNS window_state LANGUAGE sql AS $$
  SELECT true, coalesce(sum(n), 0)::bigint, coalesce(max(second) FILTER (WHERE n > 0), 0), 0::bigint FROM buckets
   WHERE key_id = p_key AND resource = p_resource AND second > p_second - 61
$$;

-- Counts n if they fit; else fits is the second from which they do, 0 for never.
CREATE FUNCTION take(p_key text, p_resource text, p_n bigint, p_limit bigint, p_second bigint) RETURNS window_state LANGUAGE plpgsql AS $$
DECLARE
  w window_state;
BEGIN
  DELETE FROM buckets WHERE key_id = p_key AND resource = p_resource AND second <= p_second - 61;
  w := look(p_key, p_resource, p_second);
  w.ok := p_n <= p_limit - w.used;
  IF w.ok THEN
    INSERT INTO buckets VALUES (p_key, p_resource, p_second, p_n) ON CONFLICT (key_id, resource, second) DO UPDATE SET n = buckets.n + p_n;
    w.used := w.used + p_n; w.last := greatest(w.last, p_second);
  ELSIF p_n <= p_limit THEN
    SELECT min(t.second) + 61 INTO w.fits FROM (SELECT second, sum(n) OVER (ORDER BY second) AS gone FROM buckets WHERE key_id = p_key AND resource = p_resource) t
     WHERE w.used - t.gone + p_n <= p_limit;
  END IF;
  RETURN w;
END $$;

-- What a gateway has learnt since it last asked: how many requests of the key it has under way, and by how much its
-- estimates of tokens were wrong. Takes the key's lock until the transaction ends; none of it waits for the disk.
CREATE FUNCTION tell(p_gateway text, p_key text, p_here bigint, p_seconds bigint[], p_deltas bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM pg_advisory_xact_lock(hashtextextended(p_key, 0));
  IF p_here IS NOT NULL THEN
    INSERT INTO in_flight VALUES (p_key, p_gateway, p_here) ON CONFLICT (key_id, gateway) DO UPDATE SET n = p_here;
  END IF;
  UPDATE buckets SET n = greatest(0, n + t.delta) FROM unnest(p_seconds, p_deltas) AS t(second, delta)
   WHERE key_id = p_key AND resource = 'tokens' AND buckets.second = t.second;
END $$;

-- Admits a request; limits of 0 set none. refused is the resource that has no room.
CREATE FUNCTION enter(p_gateway text, p_key text, p_here bigint, p_seconds bigint[], p_deltas bigint[], p_concurrent bigint, p_requests bigint, p_now timestamptz,
                      OUT refused text, OUT requests_used bigint, OUT requests_last bigint, OUT requests_fits bigint,
                      OUT tokens_used bigint, OUT tokens_last bigint, OUT at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  w window_state;
  second bigint;
BEGIN
  PERFORM tell(p_gateway, p_key, CASE WHEN p_concurrent > 0 THEN p_here END, p_seconds, p_deltas);
  at := coalesce(p_now, clock_timestamp());
  second := floor(extract(epoch FROM at));
  IF p_concurrent > 0 AND (SELECT sum(n) FROM in_flight WHERE key_id = p_key) > p_concurrent THEN
    UPDATE in_flight SET n = p_here - 1 WHERE key_id = p_key AND gateway = p_gateway;
    refused := 'concurrent';
    RETURN;
  END IF;
  IF p_requests > 0 THEN
    w := take(p_key, 'requests', 1, p_requests, second);
    IF NOT w.ok THEN
      UPDATE in_flight SET n = p_here - 1 WHERE key_id = p_key AND gateway = p_gateway;
      refused := 'requests';
    END IF;
    requests_used := w.used; requests_last := w.last; requests_fits := w.fits;
  END IF;
  w := look(p_key, 'tokens', second);
  tokens_used := w.used; tokens_last := w.last;
END $$;

-- Takes an estimate of a request's tokens.
CREATE FUNCTION ask_tokens(p_gateway text, p_key text, p_seconds bigint[], p_deltas bigint[], p_n bigint, p_limit bigint, p_now timestamptz,
                           OUT ok boolean, OUT used bigint, OUT last bigint, OUT fits bigint, OUT at timestamptz) LANGUAGE plpgsql AS $$
DECLARE
  w window_state;
BEGIN
  PERFORM tell(p_gateway, p_key, NULL, p_seconds, p_deltas);
  at := coalesce(p_now, clock_timestamp());
  w := take(p_key, 'tokens', p_n, p_limit, floor(extract(epoch FROM at))::bigint);
  ok := w.ok; used := w.used; last := w.last; fits := w.fits;
END $$;
