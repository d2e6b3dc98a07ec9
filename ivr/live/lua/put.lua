-- Put a ticket in line at its place, or move it to its new one. A claimed ticket stays claimed.
-- KEYS  1 the epoch   2 the prefix
-- ARGV  1 epoch   2 now   3 ticket   4 order, sixteen digits   5 phases as JSON   6… the needs in them
-- Says  done | claimed | unknown (a need) | floor_lost
for i = 6, #ARGV do
  if redis.call('HEXISTS', NEEDS, ARGV[i]) == 0 then return 'unknown' end
end
if redis.call('HEXISTS', CLAIMS, ARGV[3]) == 1 then return 'claimed' end
step_out(ARGV[3])
redis.call('HSET', TICKETS, ARGV[3], ARGV[4] .. '\n' .. ARGV[5])
stand(ARGV[3], ARGV[4], cjson.decode(ARGV[5]))
return 'done'
