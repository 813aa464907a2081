"""The statements of the rule types: the causes of now, and those of the last week (…_PAST)."""

# Key of queue_depth: the depth so many minutes ago, beside the present one.
BACKLOG_GROWTH_LOOK = """
SELECT queue, waiting FROM queue_depth
WHERE minute > now() - (%(minutes)s + 5) * interval '1 minute'
  AND minute <= now() - %(minutes)s * interval '1 minute'
ORDER BY minute DESC
"""
BACKLOG_GROWTH_PAST = """
SELECT queue, minute FROM (
  SELECT queue, minute, waiting, first_value(waiting) OVER recent AS before,
         first_value(minute) OVER recent AS since
  FROM queue_depth WHERE minute > now() - interval '7 days'
    AND (%(queue)s::text IS NULL OR queue = %(queue)s)
  WINDOW recent AS (PARTITION BY queue ORDER BY minute
    RANGE BETWEEN %(minutes)s * interval '1 minute' PRECEDING AND CURRENT ROW)) AS grown
WHERE waiting >= %(waiting)s AND 100 * waiting >= (100 + %(percent)s) * before
  AND since <= minute - (%(minutes)s - 1) * interval '1 minute'
"""
# Key of job_minute.
DEAD_LETTER_BURST_LOOK = """
SELECT coalesce(sum(failed), 0)::int FROM job_minute
WHERE minute > now() - %(minutes)s * interval '1 minute'
  AND (%(task)s::text IS NULL OR task = %(task)s) AND (%(queue)s::text IS NULL OR queue = %(queue)s)
"""
# Key of job_period, in steps of ten minutes.
DEAD_LETTER_BURST_PAST = """
SELECT '', starts_at FROM (
  SELECT starts_at, sum(failed) OVER (ORDER BY starts_at RANGE BETWEEN
    greatest(%(minutes)s - 10, 0) * interval '1 minute' PRECEDING AND CURRENT ROW) AS failed
  FROM job_period
  WHERE length_s = 600 AND starts_at > now() - interval '7 days'
    AND task = coalesce(%(task)s, '') AND queue = coalesce(%(queue)s, '')) AS sums
WHERE failed >= %(count)s
"""
# Index: incident_happened.
FAILED_OVER_LOOK = """
WITH failed AS (
  SELECT max(happened_at) AS at FROM incident
  WHERE kind = 'failed_over' AND happened_at > now() - %(minutes)s * interval '1 minute'
)
SELECT failed.at, count(missing.id), max(missing.happened_at)
FROM failed LEFT JOIN incident AS missing ON missing.kind = 'job_missing' AND missing.happened_at >= failed.at
WHERE failed.at IS NOT NULL GROUP BY failed.at
"""
FAILED_OVER_PAST = """
SELECT '', happened_at FROM incident
WHERE kind = 'failed_over' AND happened_at > now() - interval '7 days'
"""
# Key of job_minute; a few rows per task, queue and minute.
FAILURE_RATE_LOOK = """
SELECT {of}, round(100.0 * sum(failed) / sum(failed + completed))::int, sum(failed)::int
FROM job_minute WHERE minute > now() - %(minutes)s * interval '1 minute'
  AND (%(name)s::text IS NULL OR {of} = %(name)s)
GROUP BY 1
HAVING sum(failed + completed) >= %(at_least)s
   AND 100.0 * sum(failed) >= %(percent)s * sum(failed + completed) AND sum(failed) > 0
ORDER BY 3 DESC LIMIT %(limit)s
"""
# Key of job_period, in steps of ten minutes.
FAILURE_RATE_PAST = """
SELECT name, starts_at FROM (
  SELECT {of} AS name, starts_at, sum(failed) OVER recent AS failed,
         sum(failed + completed) OVER recent AS ended
  FROM job_period
  WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND {of} <> '' AND {other} = ''
    AND (%(name)s::text IS NULL OR {of} = %(name)s)
  WINDOW recent AS (PARTITION BY {of} ORDER BY starts_at
    RANGE BETWEEN greatest(%(minutes)s - 10, 0) * interval '1 minute' PRECEDING AND CURRENT ROW)) AS sums
WHERE ended >= %(at_least)s AND 100.0 * failed >= %(percent)s * ended AND failed > 0
"""
# Causes that occurred within a day, and those whose alert is open; of each one probe for an open
# dead letter. Index: error_group_seen, error_group_pkey, dead_letter_open_cause.
JOB_FAILED_LOOK = """
SELECT id, error_class, coalesce(tasks[1], ''), last_seen_at FROM error_group AS cause
WHERE (last_seen_at > now() - interval '1 day' OR id = ANY(%(live)s))
  AND ignored_at IS NULL AND resolved_at IS NULL
  AND EXISTS (SELECT FROM dead_letter
              WHERE fingerprint = cause.fingerprint AND resolved_at IS NULL AND reprocessed_at IS NULL
                AND (%(task)s::text IS NULL OR task = %(task)s)
                AND (%(queue)s::text IS NULL OR queue = %(queue)s))
ORDER BY last_seen_at DESC LIMIT %(limit)s
"""
JOB_FAILED_PAST = """
SELECT 'group:' || cause.id, hour FROM error_hour JOIN error_group AS cause ON cause.id = group_id
WHERE hour > now() - interval '7 days' AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
  AND (%(queue)s::text IS NULL OR %(queue)s = ANY(queues))
"""
# Index: job_running; a few rows per consumer.
JOB_STUCK_RUNNING = """
SELECT id::text, task, extract(epoch FROM now() - started_at)::float8 FROM job
WHERE state = 'running' AND started_at < now() - %(young_s)s * interval '1 second'
  AND (%(task)s::text IS NULL OR task = %(task)s)
ORDER BY started_at LIMIT %(limit)s
"""
# Key of job_period: the last day in hours.
JOB_STUCK_RUNS = """
SELECT task, bucket, sum(count)::int FROM job_period
CROSS JOIN LATERAL unnest(runs, run_counts) AS run(bucket, count)
WHERE length_s = 3600 AND starts_at > now() - interval '1 day' AND queue = '' AND task = ANY(%s)
GROUP BY 1, 2 ORDER BY 1, 2
"""
JOB_STUCK_PAST = """
SELECT task, starts_at FROM job_period
WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND queue = '' AND task <> ''
  AND (%(task)s::text IS NULL OR task = %(task)s) AND runs[cardinality(runs)] >= %(bucket)s
"""
NEW_ERROR_LOOK = """
SELECT id, error_class, coalesce(tasks[1], ''), returned_at IS NOT NULL FROM error_group
WHERE last_seen_at > now() - %(minutes)s * interval '1 minute'
  AND greatest(first_seen_at, returned_at) > now() - %(minutes)s * interval '1 minute'
  AND ignored_at IS NULL AND resolved_at IS NULL AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
ORDER BY id DESC LIMIT %(limit)s
"""
NEW_ERROR_PAST = """
SELECT 'group:' || id, greatest(first_seen_at, returned_at) FROM error_group
WHERE greatest(first_seen_at, returned_at) > now() - interval '7 days'
  AND (%(task)s::text IS NULL OR %(task)s = ANY(tasks))
"""
# Index: job_waiting. The oldest of the next jobs, as far as a thousand of them. A paused queue
# waits because somebody wants it to.
QUEUE_LATENCY_LOOK = """
SELECT name, extract(epoch FROM now() - oldest_at)::float8 FROM queue
CROSS JOIN LATERAL (
  SELECT min(queued_at) AS oldest_at FROM (
    SELECT queued_at FROM job WHERE state = 'queued' AND job.queue = queue.name
    ORDER BY priority DESC, queued_at, id LIMIT 1000) AS head) AS waiting
WHERE oldest_at < now() - %(seconds)s * interval '1 second'
  AND (paused_at IS NULL OR resume_at <= now())
  AND (%(queue)s::text IS NULL OR name = %(queue)s)
"""
QUEUE_LATENCY_PAST = """
SELECT queue, starts_at FROM job_period
WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND task = '' AND queue <> ''
  AND oldest_s >= %(seconds)s AND (%(queue)s::text IS NULL OR queue = %(queue)s)
"""
# Index: incident_happened.
REDIS_MEMORY_LOST_LOOK = """
SELECT max(happened_at) FROM incident
WHERE kind = 'redis_memory_lost' AND happened_at > now() - %(minutes)s * interval '1 minute'
"""
REDIS_MEMORY_LOST_PAST = """
SELECT '', happened_at FROM incident
WHERE kind = 'redis_memory_lost' AND happened_at > now() - interval '7 days'
"""
# Index: schedule_broken, schedule_due.
SCHEDULE_OVERDUE_LOOK = """
SELECT id, name, broken IS NOT NULL FROM schedule
WHERE disabled_at IS NULL AND broken_at IS NOT NULL
UNION
SELECT id, name, broken IS NOT NULL FROM schedule
WHERE disabled_at IS NULL AND next_run_at < now() - %(overdue_s)s * interval '1 second'
ORDER BY 1 LIMIT %(limit)s
"""
SCHEDULE_OVERDUE_PAST = """
SELECT 'schedule:' || schedule_id, fire_at FROM schedule_fire
WHERE made_at > now() - interval '7 days' AND made_by IS NULL AND state = 'fired'
  AND made_at - fire_at > %(overdue_s)s * interval '1 second'
"""
# Key of job_minute for what is new, of job_period for what is older.
SUCCESS_MISSING_LAST = """
SELECT greatest(
         (SELECT max(minute) FROM job_minute
          WHERE task = %(task)s AND completed > 0 AND minute > now() - interval '2 hours'),
         (SELECT max(starts_at) + interval '10 minutes' FROM job_period
          WHERE length_s = 600 AND queue = '' AND task = %(task)s AND completed > 0
            AND starts_at > now() - interval '8 days')), now()
"""
SUCCESS_MISSING_PAST = """
SELECT starts_at FROM job_period
WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND queue = '' AND task = %(task)s
  AND completed > 0 ORDER BY starts_at
"""
WORKER_LOST_LOOK = """
SELECT id::text, host, pid FROM worker
WHERE state = 'lost' AND stopped_at > now() - %(minutes)s * interval '1 minute'
ORDER BY stopped_at DESC LIMIT %(limit)s
"""
# Workers are forgotten after a day; that jobs of theirs were rescued is counted for longer.
WORKER_LOST_PAST = """
SELECT '', starts_at FROM job_period
WHERE length_s = 600 AND starts_at > now() - interval '7 days' AND queue = '' AND task = ''
  AND crashed > 0
"""
