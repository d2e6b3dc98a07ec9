-- Take a ticket off the floor, claimed or not. Whom its claim had reserved are not free until somebody says so.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 ticket
-- Says  done, then a tab before each agent of its claim | ticket_gone | floor_lost
if redis.call('HDEL', TICKETS, ARGV[3]) == 0 then return 'ticket_gone' end
redis.call('ZREM', DUE, ARGV[3])
step_out(ARGV[3])
local claim = redis.call('HGET', CLAIMS, ARGV[3])
if not claim then return 'done' end
claim = cjson.decode(claim)
drop_claim(ARGV[3], claim)
return 'done\t' .. agents_of(claim)
