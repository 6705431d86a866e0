-- A second that is more than a minute ahead was before the clock was set back: it begins an empty minute, or the key would be
-- locked out until the clock is there again. Otherwise look and take are as they were.

CREATE OR REPLACE FUNCTION look(p_key text, p_resource text, p_second bigint) RETURNS window_state LANGUAGE sql AS $$
  SELECT true, coalesce(sum(n), 0)::bigint, coalesce(max(second) FILTER (WHERE n > 0), 0), 0::bigint FROM buckets
   WHERE key_id = p_key AND resource = p_resource AND second > p_second - 61 AND second < p_second + 61
$$;

CREATE OR REPLACE FUNCTION take(p_key text, p_resource text, p_n bigint, p_limit bigint, p_second bigint) RETURNS window_state LANGUAGE plpgsql AS $$
DECLARE
  w window_state;
BEGIN
  DELETE FROM buckets WHERE key_id = p_key AND resource = p_resource AND (second <= p_second - 61 OR second >= p_second + 61);
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
