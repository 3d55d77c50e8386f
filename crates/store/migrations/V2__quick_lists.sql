-- What lists, logs and pictures are read by where there are many rows.

-- Where the lines of a log are is read from the index alone, and not from its pieces. Written with each piece, in place of the index that it holds.
DROP INDEX job_log_in_order;
CREATE INDEX job_log_lines ON job_log_chunks (job_id, position, sequence, size, line_breaks);

-- Agents that are gone, by when they went. Written once for each agent, when it goes.
CREATE INDEX agents_gone ON agents (organization_id, (COALESCE(disconnected_at, lost_at)))
    WHERE disconnected_at IS NOT NULL OR lost_at IS NOT NULL;
