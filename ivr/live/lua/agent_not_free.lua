-- An agent is not free any more. A claim on them stands: it is accepted, released or lapses.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 agent
-- Says  done | claimed | floor_lost
set_busy(ARGV[3])
if redis.call('HEXISTS', CLAIMED, ARGV[3]) == 1 then return 'claimed' end
return 'done'
