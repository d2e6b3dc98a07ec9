-- An agent is free, with these figures; again with others replaces them. A claimed agent stays claimed.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 agent   4 digest of the offer   5 entry: since, agent, calls, last offer, rank, digest
-- Says  done | claimed | unknown (the offer) | floor_lost
if redis.call('HEXISTS', OFFERS, ARGV[4]) == 0 then return 'unknown' end
if redis.call('HEXISTS', CLAIMED, ARGV[3]) == 1 then return 'claimed' end
set_free(ARGV[3], ARGV[5])
return 'done'
