/*
 * Every function locks the rows of the accounts first, in the order of their names, and changes holds only then. So
 * there are no deadlocks, and the row of a hold does not change until the end of the transaction.
 */

/** PostgreSQL makes a plan once, when tables may still be empty. These settings make it use the indexes anyway. */
const byIndex = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off'

const now = `
CREATE FUNCTION modelmount_now() RETURNS bigint LANGUAGE sql VOLATILE AS
$$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$`

const lock = `
CREATE FUNCTION modelmount_lock(for_accounts text[], for_periods text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  item record;
BEGIN
  FOR item IN
    SELECT DISTINCT given.account, given.period
    FROM unnest(for_accounts, for_periods) AS given (account, period) ORDER BY 1, 2
  LOOP
    LOOP
      PERFORM FROM modelmount_accounts AS one
        WHERE one.account = item.account AND one.period = item.period FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO modelmount_accounts (account, period) VALUES (item.account, item.period) ON CONFLICT DO NOTHING;
    END LOOP;
  END LOOP;
END $$`

/**
 * Returns the number of the first cap that does not cover the amount, or 0. `lease_ms` is 0 if the lease need not be
 * renewed. It does not wait for the disk: if the server crashes and forgets a hold, no money is lost. It locks accounts
 * in the same order as `modelmount_lock`, and reads them at the same time.
 */
const reserve = `
CREATE FUNCTION modelmount_reserve(
  hold_id text, hold_nanos bigint, holder text, lease_ms bigint,
  for_accounts text[], for_periods text[], limits bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  item record;
  used bigint;
  refused bigint := 0;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF lease_ms > 0 THEN
    INSERT INTO modelmount_processes (id, expires_ms) VALUES (holder, modelmount_now() + lease_ms)
      ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms;
  END IF;
  FOR item IN
    SELECT * FROM unnest(for_accounts, for_periods, limits) WITH ORDINALITY
      AS given (account, period, credit, place) ORDER BY given.account, given.period
  LOOP
    LOOP
      SELECT one.spent + one.held INTO used FROM modelmount_accounts AS one
        WHERE one.account = item.account AND one.period = item.period FOR UPDATE;
      EXIT WHEN FOUND;
      INSERT INTO modelmount_accounts (account, period) VALUES (item.account, item.period) ON CONFLICT DO NOTHING;
    END LOOP;
    IF used + hold_nanos > item.credit AND (refused = 0 OR item.place < refused) THEN
      refused := item.place;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM modelmount_holds WHERE id = hold_id AND status <> 'swept') THEN
    RETURN 0;
  END IF;
  IF refused > 0 THEN
    RETURN refused;
  END IF;
  FOR place IN 1 .. cardinality(for_accounts) LOOP
    INSERT INTO modelmount_holds (id, account, period, nanos, process, status, time_ms)
      VALUES (hold_id, for_accounts[place], for_periods[place], hold_nanos, holder, 'held', modelmount_now())
      ON CONFLICT (id, account, period) DO UPDATE
        SET nanos = excluded.nanos, process = excluded.process, status = 'held', time_ms = excluded.time_ms;
    UPDATE modelmount_accounts AS one SET held = one.held + hold_nanos
      WHERE one.account = for_accounts[place] AND one.period = for_periods[place];
  END LOOP;
  RETURN 0;
END $$`

/** One item for each cap of each reservation. An amount of null cancels a hold that may never have been made. */
const settle = `
CREATE FUNCTION modelmount_settle(
  holder text, hold_ids text[], for_accounts text[], for_periods text[], amounts bigint[]
) RETURNS void LANGUAGE plpgsql ${byIndex} AS $$
BEGIN
  PERFORM modelmount_lock(for_accounts, for_periods);
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

/** Releases the holds of processes whose lease has expired. */
const sweep = `
CREATE FUNCTION modelmount_sweep() RETURNS void LANGUAGE plpgsql ${byIndex} AS $$
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
  PERFORM modelmount_lock(for_accounts, for_periods);
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

/** The functions of the first migration. They never change: see migrations.ts. */
export const functions: readonly string[] = [now, lock, reserve, settle, sweep]
