/*
 * Whoever changes a hold has locked the rows of its accounts before, in the order of their names: so nobody waits for
 * anybody in a circle, and what a hold's row says stays true until the end of the transaction.
 */

const lockAccounts = `
  INSERT INTO modelmount_accounts (account, period)
    SELECT DISTINCT given.account, given.period
    FROM unnest(for_accounts, for_periods) AS given (account, period)
    ORDER BY 1, 2
    ON CONFLICT DO NOTHING;
  PERFORM FROM modelmount_accounts AS one
    WHERE (one.account, one.period) IN (SELECT * FROM unnest(for_accounts, for_periods))
    ORDER BY one.account, one.period
    FOR UPDATE;`

const now = `
CREATE FUNCTION modelmount_now() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$`

/**
 * Gives the place of the first credit that does not suffice, or 0. `lease_ms` is 0 where the lease need not be renewed.
 * A hold that a crash of the server undoes has cost nothing: nobody waits for the disk.
 */
const reserve = `
CREATE FUNCTION modelmount_reserve(
  hold_id text, hold_nanos bigint, holder text, lease_ms bigint,
  for_accounts text[], for_periods text[], limits bigint[]
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  refused integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF lease_ms > 0 THEN
    INSERT INTO modelmount_processes AS process (id, expires_ms) VALUES (holder, modelmount_now() + lease_ms)
      ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms;
  END IF;
  ${lockAccounts}
  IF EXISTS (SELECT FROM modelmount_holds WHERE id = hold_id AND status <> 'swept') THEN
    RETURN 0;
  END IF;
  SELECT min(given.place) INTO refused
    FROM unnest(for_accounts, for_periods, limits) WITH ORDINALITY AS given (account, period, credit, place)
    JOIN modelmount_accounts AS one ON one.account = given.account AND one.period = given.period
    WHERE one.spent + one.held + hold_nanos > given.credit;
  IF refused IS NOT NULL THEN
    RETURN refused;
  END IF;
  INSERT INTO modelmount_holds (id, account, period, nanos, process, status, time_ms)
    SELECT hold_id, given.account, given.period, hold_nanos, holder, 'held', modelmount_now()
    FROM unnest(for_accounts, for_periods) AS given (account, period)
    ON CONFLICT (id, account, period) DO UPDATE
      SET nanos = excluded.nanos, process = excluded.process, status = 'held', time_ms = excluded.time_ms;
  UPDATE modelmount_accounts AS one SET held = one.held + hold_nanos
    FROM unnest(for_accounts, for_periods) AS given (account, period)
    WHERE one.account = given.account AND one.period = given.period;
  RETURN 0;
END $$`

/** One item for each credit of each hold. An amount of null gives up a hold that may never have been taken. */
const settle = `
CREATE FUNCTION modelmount_settle(
  holder text, hold_ids text[], for_accounts text[], for_periods text[], amounts bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  ${lockAccounts}
  WITH given AS (
    SELECT DISTINCT ON (item.id, item.account, item.period) item.*
    FROM unnest(hold_ids, for_accounts, for_periods, amounts) WITH ORDINALITY
      AS item (id, account, period, amount, place)
    ORDER BY item.id, item.account, item.period, item.amount IS NULL, item.place
  ), ended AS (
    SELECT given.*, CASE WHEN hold.status = 'held' THEN hold.nanos ELSE 0 END AS freed
    FROM given LEFT JOIN modelmount_holds AS hold
      ON hold.id = given.id AND hold.account = given.account AND hold.period = given.period
    WHERE hold.status IS DISTINCT FROM 'settled' AND (given.amount IS NOT NULL OR hold.status = 'held')
  ), marked AS (
    INSERT INTO modelmount_holds (id, account, period, nanos, process, status, time_ms)
    SELECT id, account, period, 0, holder, CASE WHEN amount IS NULL THEN 'swept' ELSE 'settled' END, modelmount_now()
    FROM ended
    ON CONFLICT (id, account, period) DO UPDATE SET status = excluded.status, time_ms = excluded.time_ms
  ), summed AS (
    SELECT account, period, sum(coalesce(amount, 0))::bigint AS amount, sum(freed)::bigint AS freed
    FROM ended GROUP BY account, period
  )
  UPDATE modelmount_accounts AS one SET spent = one.spent + summed.amount, held = one.held - summed.freed
    FROM summed WHERE one.account = summed.account AND one.period = summed.period;
END $$`

/** Releases the holds of processes whose lease has lapsed. */
const sweep = `
CREATE FUNCTION modelmount_sweep() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  hold_ids text[];
  for_accounts text[];
  for_periods text[];
BEGIN
  SELECT array_agg(hold.id), array_agg(hold.account), array_agg(hold.period)
    INTO hold_ids, for_accounts, for_periods
    FROM modelmount_holds AS hold
    WHERE hold.status = 'held' AND NOT EXISTS (
      SELECT FROM modelmount_processes AS process
      WHERE process.id = hold.process AND process.expires_ms > modelmount_now()
    );
  IF hold_ids IS NULL THEN
    RETURN;
  END IF;
  ${lockAccounts}
  WITH swept AS (
    UPDATE modelmount_holds AS hold SET status = 'swept', time_ms = modelmount_now()
    FROM unnest(hold_ids, for_accounts, for_periods) AS given (id, account, period)
    WHERE hold.id = given.id AND hold.account = given.account AND hold.period = given.period
      AND hold.status = 'held'
    RETURNING hold.account, hold.period, hold.nanos
  ), summed AS (
    SELECT account, period, sum(nanos)::bigint AS freed FROM swept GROUP BY account, period
  )
  UPDATE modelmount_accounts AS one SET held = one.held - summed.freed
    FROM summed WHERE one.account = summed.account AND one.period = summed.period;
END $$`

/** What the ledger does in one step on the server. A later change of these is a migration of its own. */
export const functions: readonly string[] = [now, reserve, settle, sweep]
