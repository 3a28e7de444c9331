-- The last word on every question that was ever saved and is not deleted, by name.
SELECT
    name,
    argMax(saved.label, saved.time) AS label,
    argMax(saved.help, saved.time) AS help,
    argMax(saved.audience, saved.time) AS audience,
    argMax(saved.question, saved.time) AS question,
    argMax(saved.who, saved.time) AS who,
    formatDateTime(max(saved.time), '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS said_at
FROM saved
GROUP BY name
HAVING argMax(saved.state, saved.time) = 'saved'
ORDER BY name
