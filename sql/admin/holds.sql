throwIf((SELECT token FROM writers GROUP BY token ORDER BY min(time) DESC, token DESC LIMIT 1) != {writer:String}, 'lease_lost') = 0
