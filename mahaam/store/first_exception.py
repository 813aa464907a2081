"""The first exception of a failed job, for its dead letter."""

# Joins `first` (error_class, error_message, traceback) to rows `moved`: the earliest failed attempt
# since the job's previous dead letter, nothing when the last attempt is the first to fail. An
# attempt written by the same statement is not seen. Index: attempt_pkey.
FIRST_EXCEPTION = """LEFT JOIN LATERAL (
    SELECT error_class, error_message, traceback FROM attempt
    WHERE job_id = moved.id AND error_class IS NOT NULL
      AND number > coalesce((SELECT max(attempt) FROM dead_letter WHERE job_id = moved.id), 0)
    ORDER BY number LIMIT 1
  ) AS first ON true"""
