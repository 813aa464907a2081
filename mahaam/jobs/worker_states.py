"""The states of a consumer, for SQL.

running → quiet and back, on an operator's request; then stopping → stopped, or lost when its lease
is over.
"""

# The state in which a worker will be when it has fulfilled its request.
HEADING = "CASE wanted_state WHEN 'stopped' THEN 'stopping' ELSE coalesce(wanted_state, state) END"
