-- A key with too many requests under way is told its rates too, as are all others. Otherwise enter is as it was.

CREATE OR REPLACE FUNCTION enter(p_gateway text, p_key text, p_here bigint, p_seconds bigint[], p_deltas bigint[], p_concurrent bigint, p_requests bigint, p_now timestamptz,
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
    refused := 'concurrent';
    w := look(p_key, 'requests', second);
  ELSIF p_requests > 0 THEN
    w := take(p_key, 'requests', 1, p_requests, second);
    IF NOT w.ok THEN refused := 'requests'; END IF;
  END IF;
  IF refused IS NOT NULL THEN
    UPDATE in_flight SET n = p_here - 1 WHERE key_id = p_key AND gateway = p_gateway;
  END IF;
  requests_used := w.used; requests_last := w.last; requests_fits := w.fits;
  w := look(p_key, 'tokens', second);
  tokens_used := w.used; tokens_last := w.last;
END $$;
