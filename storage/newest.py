"""Which table is the newest, as SQL: of each origin the newest run that published a whole one."""

from __future__ import annotations

# of one moment the greater id
NEWEST_OF_ORIGINS = """
    select origin, arg_max(run_id, (started_at, run_id)) as run_id
    from (select distinct run_id, origin from forecasts) join runs using (run_id)
    where status = 'done' group by origin"""

# the newest whole table's run, as an expression
NEWEST_RUN = "(select run_id from (" + NEWEST_OF_ORIGINS + ") order by origin desc limit 1)"  # noqa: S608 -- ours
