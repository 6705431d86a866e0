-- What a key has spent in the day, the week and the month that goes on, in UTC, whatever its budget: day is the one up to which they have
-- begun, the others are what total was when the latest of each began, so that a charge writes what it did before. NULL: it had begun
-- before this migration. Otherwise lock_account is as it was.

ALTER TABLE accounts ADD COLUMN day date NOT NULL DEFAULT '1970-01-01', ADD COLUMN before_day bigint, ADD COLUMN before_week bigint, ADD COLUMN before_month bigint;
UPDATE accounts SET day = (now() AT TIME ZONE 'UTC')::date WHERE total > 0;

CREATE OR REPLACE FUNCTION lock_account(p_key text, p_now timestamptz) RETURNS accounts LANGUAGE plpgsql AS $$
DECLARE
  a accounts;
  start timestamptz;
  today date;
BEGIN
  SELECT * INTO a FROM accounts WHERE key_id = p_key FOR UPDATE;
  p_now := coalesce(p_now, clock_timestamp());
  start := period_start_of(a.reset, p_now);
  IF start > coalesce(a.period_start, '-infinity') THEN
    UPDATE accounts SET period_start = start, spent = 0 WHERE key_id = p_key RETURNING * INTO a;
  ELSIF period_start_of(a.reset, a.period_start - interval '1 microsecond') > start THEN  -- where the period before it begins
    UPDATE accounts SET period_start = start WHERE key_id = p_key RETURNING * INTO a;
  END IF;
  today := (p_now AT TIME ZONE 'UTC')::date;
  IF today > a.day THEN
    UPDATE accounts SET day = today, before_day = total,
           before_week = CASE WHEN date_trunc('week', today::timestamp) > day THEN total ELSE before_week END,
           before_month = CASE WHEN date_trunc('month', today::timestamp) > day THEN total ELSE before_month END
     WHERE key_id = p_key RETURNING * INTO a;
  ELSIF a.day > today + 1 THEN
    UPDATE accounts SET day = today WHERE key_id = p_key RETURNING * INTO a;
  END IF;
  RETURN a;
END $$;
