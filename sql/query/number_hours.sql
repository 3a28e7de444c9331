-- The hours of a window in which a number may have called or been called, the newest first.
SELECT DISTINCT hour * 3600 AS began
FROM number_hours
WHERE key IN {keys:Array(UInt32)} AND hour >= {from_hour:UInt32} AND hour <= {to_hour:UInt32}
ORDER BY began DESC
