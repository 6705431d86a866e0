-- A period that begins later than the next one was begun by a clock far ahead. The key keeps what it had spent then, until the next
-- period by the right time; it was locked out until the time that the clock had shown. Otherwise lock_account is as it was.

CREATE OR REPLACE FUNCTION lock_account(p_key text, p_now timestamptz) RETURNS accounts LANGUAGE plpgsql AS $$
DECLARE
  a accounts;
  start timestamptz;
BEGIN
  SELECT * INTO a FROM accounts WHERE key_id = p_key FOR UPDATE;
  start := period_start_of(a.reset, coalesce(p_now, clock_timestamp()));
  IF start > coalesce(a.period_start, '-infinity') THEN
    UPDATE accounts SET period_start = start, spent = 0 WHERE key_id = p_key RETURNING * INTO a;
  ELSIF period_start_of(a.reset, a.period_start - interval '1 microsecond') > start THEN  -- where the period before it begins
    UPDATE accounts SET period_start = start WHERE key_id = p_key RETURNING * INTO a;
  END IF;
  RETURN a;
END $$;
