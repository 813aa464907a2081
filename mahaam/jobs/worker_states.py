"""The states of a consumer, as SQL asks for them.

running → quiet and back, as an operator wishes; then stopping → stopped, or lost when its lease is over.
"""

# The state in which a worker will be when it has done what is wanted of it.
HEADING = "CASE wanted_state WHEN 'stopped' THEN 'stopping' ELSE coalesce(wanted_state, state) END"
