-- Some of all numbers of one side, each as likely as every other, the same in every run.
SELECT DISTINCT $side AS picked
FROM cdr
WHERE sign = 1 AND picked != ''
ORDER BY cityHash64(picked)
LIMIT {asked:UInt32}
